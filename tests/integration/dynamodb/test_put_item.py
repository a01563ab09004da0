"""PutItem."""
import re
from decimal import Decimal

import pytest

from .conftest import fails

INVALID = "One or more parameter values were invalid: "
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"


def test_every_type_comes_back(client, key):
    item = {"id": {"S": key}, "s": {"S": "äöü €😀 \" \\ \n"}, "e": {"S": ""}, "n": {"N": "-12.5"}, "b": {"B": bytes(range(256))}, "y": {"B": b""},
            "t": {"BOOL": True}, "f": {"BOOL": False}, "z": {"NULL": True}, "l": {"L": [{"S": "x"}, {"L": []}, {"M": {}}]},
            "m": {"M": {"deep": {"M": {"er": {"N": "1"}}}}},
            "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["-1", "2.5"]}, "bs": {"BS": [b"\0", b"\xff"]}}
    assert "Attributes" not in client.put_item(TableName="things", Item=item)
    assert client.get_item(TableName="things", Key={"id": {"S": key}})["Item"] == item


@pytest.mark.parametrize("text,stored", [
    ("1", "1"), ("1.0", "1"), ("-0", "0"), ("0.000", "0"), ("1e3", "1000"), ("1E-3", "0.001"), ("00012.3400", "12.34"),
    ("9" * 38, "9" * 38), ("1e125", "1" + "0" * 125), ("-9.9999999999999999999999999999999999999e125", "-" + "9" * 38 + "0" * 88),
    ("1e-130", "0." + "0" * 129 + "1"), ("0.1234567890123456789012345678901234567", "0.1234567890123456789012345678901234567"),
])
def test_numbers_are_exact_and_normal(client, key, text, stored):
    client.put_item(TableName="things", Item={"id": {"S": key}, "n": {"N": text}})
    assert client.get_item(TableName="things", Key={"id": {"S": key}})["Item"]["n"] == {"N": stored}


def test_replaces_the_whole_item_and_returns_the_old_one(things, key):
    things.put_item(Item={"id": key, "a": 1})
    assert things.put_item(Item={"id": key, "b": Decimal("2.5")}, ReturnValues="ALL_OLD")["Attributes"] == {"id": key, "a": 1}
    assert things.get_item(Key={"id": key})["Item"] == {"id": key, "b": Decimal("2.5")}
    assert "Attributes" not in things.put_item(Item={"id": key + "x"}, ReturnValues="ALL_OLD")


def test_conditions(things, key):
    things.put_item(Item={"id": key, "n": 1}, ConditionExpression="attribute_not_exists(id)")
    with fails("ConditionalCheckFailedException", "The conditional request failed"):
        things.put_item(Item={"id": key, "n": 2}, ConditionExpression="attribute_not_exists(id)")
    things.put_item(Item={"id": key, "n": 2}, ConditionExpression="#n < :x", ExpressionAttributeNames={"#n": "n"},
                    ExpressionAttributeValues={":x": 5})
    with fails("ConditionalCheckFailedException"):
        things.put_item(Item={"id": key, "n": 3}, Expected={"n": {"Value": 1}})
    things.put_item(Item={"id": key, "n": 3}, Expected={"n": {"Value": 2}})
    assert things.get_item(Key={"id": key})["Item"]["n"] == 3


def test_a_failed_condition_can_bring_the_item(raw, things, key):
    things.put_item(Item={"id": key, "n": 1})
    answer = raw("PutItem", {"TableName": "things", "Item": {"id": {"S": key}}, "ConditionExpression": "attribute_not_exists(id)",
                             "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}).json()
    assert answer == {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                      "message": "The conditional request failed", "Item": {"id": {"S": key}, "n": {"N": "1"}}}


def test_consumed_capacity(things, key):
    answer = things.put_item(Item={"id": key, "x": "x" * 1500}, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": "things", "CapacityUnits": 2}
    answer = things.put_item(Item={"id": key}, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert (answer["CapacityUnits"], answer["Table"]) == (2, {"CapacityUnits": 2})
    assert "ConsumedCapacity" not in things.put_item(Item={"id": key}, ReturnConsumedCapacity="NONE")


def test_binary_and_number_keys(client):
    client.put_item(TableName="blobs", Item={"id": {"B": b"\0\1"}, "x": {"S": "1"}})
    assert client.get_item(TableName="blobs", Key={"id": {"B": b"\0\1"}})["Item"]["x"] == {"S": "1"}
    client.put_item(TableName="notes", Item={"owner": {"S": "o"}, "at": {"N": "1.50"}, "x": {"S": "1"}})
    assert client.get_item(TableName="notes", Key={"owner": {"S": "o"}, "at": {"N": "15e-1"}})["Item"]["at"] == {"N": "1.5"}


@pytest.mark.parametrize("value,sentence", [
    ({}, EMPTY),
    ({"X": "y"}, EMPTY),
    ({"L": [{}]}, EMPTY),
    ({"M": {"a": {}}}, EMPTY),
    ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
    ({"NULL": "no"}, INVALID + "Null attribute value types must have the value of true"),
    ({"SS": []}, INVALID + "An string set  may not be empty"),
    ({"NS": []}, INVALID + "An number set  may not be empty"),
    ({"BS": []}, INVALID + "Binary sets should not be empty"),
    ({"SS": ["a", "a"]}, INVALID + "Input collection [a, a] contains duplicates."),
    ({"BS": ["Yg==", "Yg=="]}, INVALID + "Input collection [Yg==, Yg==]of type BS contains duplicates."),
    ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
    ({"N": ""}, "The parameter cannot be converted to a numeric value"),
    ({"N": "b"}, "The parameter cannot be converted to a numeric value: b"),
    ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
    ({"N": "1e126"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ({"N": "1e-131"}, "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
])
def test_bad_values(raw, key, value, sentence):
    response = raw("PutItem", {"TableName": "things", "Item": {"id": {"S": key}, "a": value}})
    assert response.status_code == 400
    assert response.json() == {"__type": "com.amazon.coral.validate#ValidationException", "message": sentence}


@pytest.mark.parametrize("value,sentence", [
    ("x", "Unexpected value type in payload"),
    ({"S": 1}, "NUMBER_VALUE cannot be converted to String"),
    ({"N": 1}, "NUMBER_VALUE cannot be converted to String"),
    ({"BOOL": "x"}, "Unexpected token received from parser"),
    ({"B": "x"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
    ({"SS": "x"}, "Unexpected field type"),
    ({"L": {}}, "Start of structure or map found where not expected"),
])
def test_wrong_json_types(raw, key, value, sentence):
    response = raw("PutItem", {"TableName": "things", "Item": {"id": {"S": key}, "a": value}})
    assert (response.status_code, response.json()) == (400, {"__type": "com.amazon.coral.service#SerializationException", "Message": sentence})


def test_nesting(client, key):
    def nested(depth):
        value = {"S": "x"}
        for _ in range(depth):
            value = {"L": [value]}
        return value
    client.put_item(TableName="things", Item={"id": {"S": key}, "v": nested(32)})
    assert client.get_item(TableName="things", Key={"id": {"S": key}})["Item"]["v"] == nested(32)
    with fails("ValidationException", re.compile("^Nesting Levels have exceeded supported limits")):
        client.put_item(TableName="things", Item={"id": {"S": key}, "v": nested(33)})


def test_required_and_constrained(client):
    with fails("ValidationException", "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be "
                                      "null; Value null at 'item' failed to satisfy constraint: Member must not be null"):
        client.put_item()
    with fails("ValidationException", "1 validation error detected: Value 'hi' at 'returnValues' failed to satisfy constraint: Member must satisfy "
                                      "enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"):
        client.put_item(TableName="things", Item={"id": {"S": "x"}}, ReturnValues="hi")
    with fails("ValidationException", "1 validation error detected: Value 'x' at 'tableName' failed to satisfy constraint: Member must have "
                                      "length greater than or equal to 3"):
        client.put_item(TableName="x", Item={"id": {"S": "x"}})
    with fails("ValidationException", re.compile("^Return[vV]alues can only be ALL_OLD or NONE")):
        client.put_item(TableName="things", Item={"id": {"S": "x"}}, ReturnValues="ALL_NEW")


def test_keys_must_fit(client):
    with fails("ResourceNotFoundException", "Requested resource not found"):
        client.put_item(TableName="nowhere", Item={"id": {"S": "x"}})
    with fails("ValidationException", INVALID + "Missing the key id in the item"):
        client.put_item(TableName="things", Item={"x": {"S": "x"}})
    with fails("ValidationException", INVALID + "Type mismatch for key id expected: S actual: N"):
        client.put_item(TableName="things", Item={"id": {"N": "1"}})
    with fails("ValidationException", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                                      "empty string value. Key: id"):
        client.put_item(TableName="things", Item={"id": {"S": ""}})
    with fails("ValidationException", INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"):
        client.put_item(TableName="things", Item={"id": {"S": "x" * 2049}})


def test_expressions_are_checked(client):
    item = {"id": {"S": "x"}}
    with fails("ValidationException", "ExpressionAttributeNames can only be specified when using expressions"):
        client.put_item(TableName="things", Item=item, ExpressionAttributeNames={"#a": "a"})
    with fails("ValidationException", re.compile("^Can not use both expression and non-expression parameters in the same request")):
        client.put_item(TableName="things", Item=item, ConditionExpression="attribute_exists(id)", Expected={"a": {"Exists": False}})
    with fails("ValidationException", re.compile("^Invalid ConditionExpression: Syntax error; ")):
        client.put_item(TableName="things", Item=item, ConditionExpression="a b")
    with fails("ValidationException", "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric "
                                      "value: x for key :a"):
        client.put_item(TableName="things", Item=item, ConditionExpression="a = :a", ExpressionAttributeValues={":a": {"N": "x"}})


def test_a_name_given_twice(raw):
    response = raw("PutItem", '{"TableName":"things","Item":{"id":{"S":"x"},"a":{"S":"1"},"a":{"S":"2"}}}')
    assert response.json()["__type"] == "com.amazon.coral.service#SerializationException"
