"""DeleteItem."""
from .conftest import fails


def test_deletes_and_is_content_when_nothing_is_there(things, key):
    things.put_item(Item={"id": key, "a": 1})
    assert things.delete_item(Key={"id": key}, ReturnValues="ALL_OLD")["Attributes"] == {"id": key, "a": 1}
    assert "Item" not in things.get_item(Key={"id": key})
    assert "Attributes" not in things.delete_item(Key={"id": key}, ReturnValues="ALL_OLD")


def test_conditions(things, key):
    things.put_item(Item={"id": key, "a": 1})
    with fails("ConditionalCheckFailedException", "The conditional request failed"):
        things.delete_item(Key={"id": key}, ConditionExpression="a = :a", ExpressionAttributeValues={":a": 2})
    with fails("ConditionalCheckFailedException"):
        things.delete_item(Key={"id": key}, Expected={"a": {"Exists": False}})
    things.delete_item(Key={"id": key}, ConditionExpression="a = :a", ExpressionAttributeValues={":a": 1})
    with fails("ConditionalCheckFailedException"):
        things.delete_item(Key={"id": key}, ConditionExpression="attribute_exists(id)")


def test_errors(client):
    with fails("ValidationException", "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be "
                                      "null; Value null at 'key' failed to satisfy constraint: Member must not be null"):
        client.delete_item()
    with fails("ResourceNotFoundException", "Requested resource not found"):
        client.delete_item(TableName="nowhere", Key={"id": {"S": "x"}})
    with fails("ValidationException", "The provided key element does not match the schema"):
        client.delete_item(TableName="things", Key={"x": {"S": "x"}})
    with fails("ValidationException", "ReturnValues can only be ALL_OLD or NONE"):
        client.delete_item(TableName="things", Key={"id": {"S": "x"}}, ReturnValues="ALL_NEW")
