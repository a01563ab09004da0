"""UpdateTimeToLive, DescribeTimeToLive, and that it does what it says."""
import re
import time

from .conftest import fails
from up import until


def test_expired_items_go(client, new_table, resource):
    name = new_table()
    table = resource.Table(name)
    now = int(time.time())
    rows = {"past": now - 100, "future": now + 10_000, "old": now - 6 * 365 * 86400, "text": str(now - 100)}
    for row, expires in rows.items():
        table.put_item(Item={"id": row, "expires": expires})
    table.put_item(Item={"id": "never"})
    answer = client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    assert answer["TimeToLiveSpecification"] == {"Enabled": True, "AttributeName": "expires"}
    status = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert status["AttributeName"] == "expires" and status["TimeToLiveStatus"] in ("ENABLING", "ENABLED")
    until(lambda: "Item" not in table.get_item(Key={"id": "past"}), 30, "the end of an expired item")
    assert sorted(item["id"] for item in table.scan()["Items"]) == ["future", "never", "old", "text"]
    table.put_item(Item={"id": "later", "expires": now - 1})
    until(lambda: "Item" not in table.get_item(Key={"id": "later"}), 30, "the end of another one")


def test_off_again(client, new_table):
    name = new_table()
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"})
    until(lambda: client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED", 20, "ENABLED")
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": False, "AttributeName": "x"})
    until(lambda: client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED", 20, "DISABLED")


def test_errors(client, new_table):
    with fails("ValidationException", "The parameter 'TableName' is required but was not present in the request"):
        client.update_time_to_live()
    with fails("ValidationException", re.compile("^1 validation error detected: Value null at 'timeToLiveSpecification' failed")):
        client.update_time_to_live(TableName="things")
    with fails("ResourceNotFoundException", "Requested resource not found: Table: nowhere not found"):
        client.update_time_to_live(TableName="nowhere", TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"})
    with fails("ResourceNotFoundException", "Requested resource not found: Table: nowhere not found"):
        client.describe_time_to_live(TableName="nowhere")
    with fails("ValidationException", "TimeToLive is already disabled"):
        client.update_time_to_live(TableName=new_table(), TimeToLiveSpecification={"Enabled": False, "AttributeName": "x"})
