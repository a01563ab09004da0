"""GetItem."""
import re

import pytest

from .conftest import fails


@pytest.fixture
def item(things, key):
    item = {"id": key, "a": 1, "b": {"c": ["x", "y", {"d": "e"}]}, "size": 5}
    things.put_item(Item=item)
    return item


def test_whole_items_and_missing_ones(things, item):
    for consistent in (True, False):
        assert things.get_item(Key={"id": item["id"]}, ConsistentRead=consistent)["Item"] == item
    assert "Item" not in things.get_item(Key={"id": "no such item"})


def test_projections(things, item):
    def get(**more):
        return things.get_item(Key={"id": item["id"]}, **more)["Item"]
    assert get(ProjectionExpression="a, b.c[2].d, nosuch") == {"a": 1, "b": {"c": [{"d": "e"}]}}
    assert get(ProjectionExpression="#s", ExpressionAttributeNames={"#s": "size"}) == {"size": 5}
    assert get(AttributesToGet=["a", "size"]) == {"a": 1, "size": 5}
    assert get(ProjectionExpression="nosuch") == {}


def test_consumed_capacity(things, key):
    things.put_item(Item={"id": key, "x": "x" * 5000})
    def units(**more):
        return things.get_item(Key={"id": key}, ReturnConsumedCapacity="TOTAL", **more)["ConsumedCapacity"]["CapacityUnits"]
    assert units() == 1 and units(ConsistentRead=True) == 2
    answer = things.get_item(Key={"id": "no such item"}, ReturnConsumedCapacity="TOTAL")
    assert float(answer["ConsumedCapacity"]["CapacityUnits"]) == 0.5


@pytest.mark.parametrize("arguments,name,text", [
    ({}, "ValidationException", "2 validation errors detected: Value null at 'key' failed to satisfy constraint: Member must not be null; Value null "
                                "at 'tableName' failed to satisfy constraint: Member must not be null"),
    ({"TableName": "abc;", "Key": {}, "AttributesToGet": []}, "ValidationException", re.compile("^2 validation errors detected: ")),
    ({"TableName": "nowhere", "Key": {}}, "ResourceNotFoundException", "Requested resource not found"),
    ({"TableName": "things", "Key": {}}, "ValidationException", "The provided key element does not match the schema"),
    ({"TableName": "things", "Key": {"id": {"N": "1"}}}, "ValidationException", "The provided key element does not match the schema"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}, "b": {"S": "a"}}}, "ValidationException", "The provided key element does not match the schema"),
    ({"TableName": "notes", "Key": {"owner": {"S": "a"}}}, "ValidationException", "The provided key element does not match the schema"),
    ({"TableName": "things", "Key": {"id": {}}}, "ValidationException",
     "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}}, "ProjectionExpression": ""}, "ValidationException",
     "Invalid ProjectionExpression: The expression can not be empty;"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}}, "ProjectionExpression": "a", "AttributesToGet": ["a"]}, "ValidationException",
     "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression "
     "parameters: {ProjectionExpression}"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}}, "AttributesToGet": ["a", "a"]}, "ValidationException",
     "One or more parameter values were invalid: Duplicate value in attribute name: a"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}}, "ProjectionExpression": "abort"}, "ValidationException",
     "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: abort"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}}, "ProjectionExpression": "#a"}, "ValidationException",
     "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; attribute name: #a"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}}, "ExpressionAttributeNames": {"#a": "a"}}, "ValidationException",
     "ExpressionAttributeNames can only be specified when using expressions"),
    ({"TableName": "things", "Key": {"id": {"S": "a"}}, "ConsistentRead": 5}, "SerializationException", "NUMBER_VALUE cannot be converted to Boolean"),
])
def test_errors(client, arguments, name, text):
    with fails(name, text):
        client.get_item(**arguments)
