"""UpdateTable and DeleteTable."""
import re

import pytest
from boto3.dynamodb.conditions import Key

from .conftest import fails, index
from up import until


def test_throughput_and_billing(client, new_table):
    name = new_table()
    client.update_table(TableName=name, BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    table = client.describe_table(TableName=name)["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5 and table["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    client.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
    assert client.describe_table(TableName=name)["Table"]["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_an_index_is_filled_and_removed(client, resource, new_table):
    name = new_table()
    with resource.Table(name).batch_writer() as batch:
        for i in range(500):
            batch.put_item(Item={"id": str(i), **({"kind": f"k{i % 5}"} if i % 2 else {})})
    client.update_table(TableName=name, AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("id", "kind")],
                        GlobalSecondaryIndexUpdates=[{"Create": index("by-kind", "kind")}])

    def active():
        (found,) = client.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
        return found["IndexStatus"] == "ACTIVE" and not found.get("Backfilling")
    until(active, 20, "an active index")
    page = resource.Table(name).query(IndexName="by-kind", KeyConditionExpression=Key("kind").eq("k1"))
    assert sorted(int(item["id"]) for item in page["Items"]) == [i for i in range(500) if i % 2 and i % 5 == 1]
    client.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-kind"}}])
    until(lambda: not client.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes"), 20, "the index's end")
    with fails("ValidationException", "The table does not have the specified index: by-kind"):
        client.scan(TableName=name, IndexName="by-kind")


def test_deletion_protection(raw, client, new_table):
    name = new_table()
    assert raw("UpdateTable", {"TableName": name, "DeletionProtectionEnabled": True}).status_code == 200
    with fails("ValidationException", re.compile("protected against deletion")):
        client.delete_table(TableName=name)
    assert raw("UpdateTable", {"TableName": name, "DeletionProtectionEnabled": False}).status_code == 200
    assert client.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 5})


def test_a_stream_is_switched_on_and_off(client, new_table):
    name = new_table()
    client.update_table(TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    assert client.describe_table(TableName=name)["Table"]["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
    with fails("ValidationException", re.compile("^Table already has an enabled stream")):
        client.update_table(TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    assert not client.describe_table(TableName=name)["Table"].get("StreamSpecification", {}).get("StreamEnabled")


@pytest.mark.parametrize("arguments,name,text", [
    ({}, "ValidationException", "The parameter 'TableName' is required but was not present in the request"),
    ({"TableName": "nowhere", "BillingMode": "PAY_PER_REQUEST"}, "ResourceNotFoundException", "Requested resource not found: Table: nowhere not found"),
    ({"TableName": "things"}, "ValidationException", re.compile("^At least one of ProvisionedThroughput, ")),
    ({"TableName": "things", "BillingMode": "FREE"}, "ValidationException", re.compile("'billingMode' failed to satisfy constraint: Member must satisfy enum")),
    ({"TableName": "things", "GlobalSecondaryIndexUpdates": [{}]}, "ValidationException", re.compile("One of GlobalSecondaryIndexUpdate.Update, ")),
    ({"TableName": "things", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "none"}}]}, "ResourceNotFoundException", None),
])
def test_errors(client, arguments, name, text):
    with fails(name, text):
        client.update_table(**arguments)


def test_deleting_what_is_not_there(client):
    with fails("ResourceNotFoundException", "Requested resource not found: Table: nowhere not found"):
        client.delete_table(TableName="nowhere")
