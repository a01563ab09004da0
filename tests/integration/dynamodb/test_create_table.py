"""CreateTable and DescribeTable."""
import datetime
import re
import uuid

import pytest

from .conftest import definition, fails, index

INVALID = "One or more parameter values were invalid: "


def test_a_table_is_usable_when_it_is_active(client, new_table, key):
    name = new_table("id", "at:N")
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    table = client.describe_table(TableName=name)["Table"]
    assert table["TableStatus"] == "ACTIVE" and table["TableName"] == name
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]
    assert {"AttributeName": "at", "AttributeType": "N"} in table["AttributeDefinitions"]
    assert table["TableArn"] == f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}" and uuid.UUID(table["TableId"])
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert abs(table["CreationDateTime"] - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=5)
    client.put_item(TableName=name, Item={"id": {"S": key}, "at": {"N": "1"}})
    assert client.get_item(TableName=name, Key={"id": {"S": key}, "at": {"N": "1"}})["Item"]


def test_throughput_indexes_streams_and_tags(client, new_table):
    name = new_table("id", "at:N", attributes=["a", "b:B"], BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
                     GlobalSecondaryIndexes=[index("global", "a", "b", projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y"]},
                                                   ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 2})],
                     LocalSecondaryIndexes=[index("local", "id", "b", projection="KEYS_ONLY")],
                     StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}, Tags=[{"Key": "k", "Value": "v"}])
    table = client.describe_table(TableName=name)["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 3 and table["ProvisionedThroughput"]["WriteCapacityUnits"] == 4
    (found,) = table["GlobalSecondaryIndexes"]
    assert (found["IndexName"], found["IndexStatus"], sorted(found["Projection"]["NonKeyAttributes"])) == ("global", "ACTIVE", ["x", "y"])
    assert found["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
    (found,) = table["LocalSecondaryIndexes"]
    assert (found["IndexName"], found["Projection"]) == ("local", {"ProjectionType": "KEYS_ONLY"})
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["LatestStreamArn"].startswith(table["TableArn"] + "/stream/")
    assert client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == [{"Key": "k", "Value": "v"}]


def test_a_table_made_again_inherits_nothing(client, new_table, key):
    name = new_table()
    client.put_item(TableName=name, Item={"id": {"S": key}})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"})
    client.tag_resource(ResourceArn=client.describe_table(TableName=name)["Table"]["TableArn"], Tags=[{"Key": "a", "Value": "b"}])
    client.delete_table(TableName=name)
    client.create_table(**definition(name, "id"))
    assert client.scan(TableName=name)["Count"] == 0
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    assert not client.list_tags_of_resource(ResourceArn=client.describe_table(TableName=name)["Table"]["TableArn"])["Tags"]


def test_a_name_is_taken_once(client, new_table):
    name = new_table()
    with fails("ResourceInUseException", f"Table already exists: {name}"):
        client.create_table(**definition(name, "id"))


def made(**more):
    return {**definition("a-table-that-never-is", "id"), **more}


@pytest.mark.parametrize("arguments,name,text", [
    ({}, "ValidationException", "The parameter 'TableName' is required but was not present in the request"),
    ({"TableName": "a;"}, "ValidationException", "TableName must be at least 3 characters long and at most 255 characters long"),
    ({"TableName": "abc;", "AttributeDefinitions": [], "KeySchema": []}, "ValidationException", re.compile("^2 validation errors detected: ")),
    ({"TableName": "abc"}, "ValidationException", "2 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must "
                                                  "not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not be null"),
    (made(KeySchema=[{"AttributeName": "id"}]), "ValidationException",
     "1 validation error detected: Value null at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must not be null"),
    (made(KeySchema=[{"AttributeName": "id", "KeyType": "WOOP"}]), "ValidationException",
     "1 validation error detected: Value 'WOOP' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]"),
    (made(AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "SS"}]), "ValidationException",
     "1 validation error detected: Value 'SS' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: "
     "[B, N, S]"),
    (made(KeySchema=[{"AttributeName": "id", "KeyType": "RANGE"}]), "ValidationException", "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    (made(AttributeDefinitions=[{"AttributeName": "x", "AttributeType": "S"}]), "ValidationException",
     INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [id], AttributeDefinitions: [x]"),
    (made(AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("id", "x")]), "ValidationException",
     INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"),
    (made(BillingMode="PROVISIONED"), "ValidationException", re.compile("ReadCapacityUnits and WriteCapacityUnits must both be specified|ProvisionedThroughput")),
    (made(ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}), "ValidationException",
     "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or "
     "equal to 1"),
    (made(GlobalSecondaryIndexes=[]), "ValidationException", INVALID + "List of GlobalSecondaryIndexes is empty"),
    (made(GlobalSecondaryIndexes=[index("i", "id")]), "ValidationException", re.compile("'globalSecondaryIndexes.1.member.indexName' failed to satisfy constraint")),
    (made(LocalSecondaryIndexes=[index("local", "id")]), "ValidationException", re.compile("^" + INVALID + "Table KeySchema does not have a range key")),
    (made(StreamSpecification={"StreamViewType": "NEW_IMAGE"}), "ValidationException", re.compile("streamSpecification.streamEnabled' failed to satisfy")),
])
def test_errors_make_no_table(client, arguments, name, text):
    with fails(name, text):
        client.create_table(**arguments)
    assert "a-table-that-never-is" not in client.list_tables()["TableNames"]


def test_describing_what_is_not_there(client):
    with fails("ResourceNotFoundException", "Requested resource not found: Table: nowhere not found"):
        client.describe_table(TableName="nowhere")
    with fails("ValidationException", "The parameter 'TableName' is required but was not present in the request"):
        client.describe_table()
