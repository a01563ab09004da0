"""Two doors, one engine: what boto3's Table methods accept, the operation API accepts in plain JSON, and it answers the same.

Two tables are made alike. Each step is done to one of them through DynamoDB's API and to the other as an operation; then the answers or
errors are compared, and in the end all items. Every parameter that botocore knows of the five methods must be in some step."""
import json
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

ACTIONS = {"create": "PutItem", "read": "GetItem", "update": "UpdateItem", "delete": "DeleteItem", "list": "Scan"}
MAPS = {"Item", "Key", "ExpressionAttributeValues", "ExclusiveStartKey"}     # of attribute values
PARTS = {"Expected", "AttributeUpdates", "ScanFilter"}                       # of maps with a Value, or an AttributeValueList
HIM, HER = {"id": "him", "at": 1}, {"id": "her", "at": 2}

STEPS = [
    ("create", {"Item": {**HIM, "g": "x", "n": 5, "l": [1, "two", None, True, {"m": []}], "name": "Bob"}, "ReturnConsumedCapacity": "INDEXES"}),
    ("create", {"Item": {**HER, "g": "x", "n": 7}, "ReturnItemCollectionMetrics": "SIZE", "ReturnConsumedCapacity": "TOTAL"}),
    ("create", {"Item": {**HIM, "g": "y", "n": 6}, "ReturnValues": "ALL_OLD"}),
    ("create", {"Item": {**HIM, "n": 0}, "ConditionExpression": "attribute_not_exists(#i) OR n = :n", "ExpressionAttributeNames": {"#i": "id"},
                "ExpressionAttributeValues": {":n": 1}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    ("create", {"Item": {**HIM, "g": "y", "n": 6, "old": True}, "Expected": {"n": {"Value": 6}, "none": {"Exists": False}}, "ConditionalOperator": "AND"}),
    ("create", {"Item": HIM, "Expected": {"n": {"ComparisonOperator": "IN", "AttributeValueList": [1, 2]}}}),
    ("create", {"Item": HIM, "Expected": {"n": {"Value": 6}}, "ConditionExpression": "n = n"}),
    ("create", {"Item": {"id": "no sort key"}}),
    ("create", {"Item": {**HIM, "g": 5}}),
    ("create", {"Item": HIM, "ReturnValues": "ALL_NEW"}),
    ("create", {"Item": HIM, "ReturnConsumedCapacity": "ALL"}),
    ("create", {"Items": HIM}),
    ("read", {"Key": HIM}),
    ("read", {"Key": HIM, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}),
    ("read", {"Key": HIM, "ProjectionExpression": "#n, g", "ExpressionAttributeNames": {"#n": "n"}}),
    ("read", {"Key": HIM, "AttributesToGet": ["n", "nothing"]}),
    ("read", {"Key": HIM, "AttributesToGet": ["n"], "ProjectionExpression": "n"}),
    ("read", {"Key": {"id": "him"}}),
    ("read", {"Key": {"id": "nobody", "at": 1}}),
    ("update", {"Key": HIM, "UpdateExpression": "SET #n = n + :one, l = :l REMOVE nothing", "ExpressionAttributeNames": {"#n": "n"},
                "ExpressionAttributeValues": {":one": 1, ":l": [1, 2, 3]}, "ReturnValues": "UPDATED_NEW", "ReturnConsumedCapacity": "INDEXES"}),
    ("update", {"Key": HIM, "UpdateExpression": "SET g = :g", "ExpressionAttributeValues": {":g": "z"}, "ReturnValues": "ALL_OLD",
                "ReturnItemCollectionMetrics": "SIZE"}),
    ("update", {"Key": HIM, "UpdateExpression": "ADD n :d", "ConditionExpression": "n > :c", "ExpressionAttributeValues": {":d": -5, ":c": 100},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    ("update", {"Key": HIM, "UpdateExpression": "ADD n :d", "ConditionExpression": "n > :c", "ExpressionAttributeValues": {":d": -5, ":c": 1},
                "ReturnValues": "ALL_NEW"}),
    ("update", {"Key": HIM, "AttributeUpdates": {"n": {"Action": "ADD", "Value": 10}, "l": {"Action": "DELETE"}, "p": {"Value": "put"}},
                "ReturnValues": "UPDATED_OLD"}),
    ("update", {"Key": HIM, "AttributeUpdates": {"q": {"Action": "PUT", "Value": 1}}, "ConditionalOperator": "OR",
                "Expected": {"n": {"ComparisonOperator": "LT", "AttributeValueList": [0]}, "p": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": ["p"]}}}),
    ("update", {"Key": HIM, "AttributeUpdates": {"n": {"Action": "ADD", "Value": "text"}}}),
    ("update", {"Key": HIM, "UpdateExpression": "SET id = :v", "ExpressionAttributeValues": {":v": "x"}}),
    ("update", {"Key": HIM, "UpdateExpression": "SET n = :unused", "ExpressionAttributeValues": {":v": 1}}),
    ("update", {"Key": {"id": "new", "at": 3}}),
    ("list", {}),
    ("list", {"IndexName": "byg"}),
    ("list", {"IndexName": "local", "Select": "ALL_PROJECTED_ATTRIBUTES", "ReturnConsumedCapacity": "INDEXES"}),
    ("list", {"IndexName": "local", "ConsistentRead": True, "Select": "COUNT"}),
    ("list", {"IndexName": "byg", "ConsistentRead": True}),
    ("list", {"IndexName": "nothere"}),
    ("list", {"Limit": 1, "ReturnConsumedCapacity": "TOTAL"}),
    ("list", {"ExclusiveStartKey": HIM}),
    ("list", {"ExclusiveStartKey": {"id": "him"}}),
    ("list", {"Segment": 0, "TotalSegments": 3}),
    ("list", {"Segment": 1, "TotalSegments": 3}),
    ("list", {"Segment": 2, "TotalSegments": 3}),
    ("list", {"Segment": 3, "TotalSegments": 3}),
    ("list", {"FilterExpression": "#n BETWEEN :a AND :b", "ProjectionExpression": "id, #n", "ExpressionAttributeNames": {"#n": "n"},
              "ExpressionAttributeValues": {":a": 7, ":b": 100}}),
    ("list", {"ScanFilter": {"n": {"ComparisonOperator": "GE", "AttributeValueList": [7]}, "g": {"ComparisonOperator": "NULL"}},
              "ConditionalOperator": "OR", "AttributesToGet": ["id", "n"]}),
    ("list", {"ScanFilter": {"n": {"ComparisonOperator": "GE", "AttributeValueList": [7]}}, "FilterExpression": "n = n"}),
    ("list", {"Select": "SPECIFIC_ATTRIBUTES"}),
    ("list", {"Limit": 0}),
    ("delete", {"Key": HIM, "ConditionExpression": "#n = :n", "ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": {":n": 0},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    ("delete", {"Key": HIM, "Expected": {"n": {"Exists": False}}, "ConditionalOperator": "OR"}),
    ("delete", {"Key": HIM, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL", "ReturnItemCollectionMetrics": "SIZE"}),
    ("delete", {"Key": HIM, "ReturnValues": "ALL_OLD"}),
    ("delete", {"Key": HIM, "ReturnValues": "UPDATED_OLD"}),
]


def typed(name, value):
    """A parameter as DynamoDB's API has it."""
    def write(each):
        return TypeSerializer().serialize(each)

    if name in MAPS:
        return {key: write(each) for key, each in value.items()}
    if name in PARTS:
        return {key: {member: write(each) if member == "Value" else [write(one) for one in each] if member == "AttributeValueList" else each
                      for member, each in part.items()} for key, part in value.items()}
    return value


def plain(value, table):
    """An answer of either door without its kind of values and without the table's name."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("S", "N", "M", "L", "BOOL", "NULL"):
            return plain(TypeDeserializer().deserialize(value), table)
        return {key: plain(each, table) for key, each in value.items() if key not in ("ResponseMetadata", "__type")}
    if isinstance(value, list):
        return [plain(each, table) for each in value]
    if isinstance(value, (Decimal, int, float)) and not isinstance(value, bool):
        return Decimal(str(value)).normalize()
    return value.replace(table, "TABLE") if isinstance(value, str) else value


@pytest.fixture(scope="module")
def pair(client):
    definition = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}], "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in [("id", "S"), ("at", "N"), ("g", "S"), ("n", "N")]],
        "GlobalSecondaryIndexes": [{"IndexName": "byg", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["name"]}}],
        "LocalSecondaryIndexes": [{"IndexName": "local", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                                   "Projection": {"ProjectionType": "KEYS_ONLY"}}]}
    names = ["door-left", "door-right"]
    for name in names:
        client.create_table(TableName=name, **definition)
    yield names
    for name in names:
        client.delete_table(TableName=name)


def through_dynamodb(raw, table, operation, payload):
    answer = raw(ACTIONS[operation], {"TableName": table, **{name: typed(name, value) for name, value in payload.items()}})
    body = plain(json.loads(answer.text, parse_float=Decimal), table)
    return body if answer.status_code == 200 else (answer.json()["__type"].split("#")[1], body.pop("message", body.pop("Message", None)), body)


def as_operation(up, table, operation, payload):
    answer = up.request({"operation": operation, "tableName": table, "payload": payload}, wait=20)
    body = json.loads(answer.text, parse_float=Decimal)
    if answer.status_code == 200:
        return plain(body, table)
    more = {name: value for name, value in body.items() if name not in ("type", "title", "status", "detail", "instance", "jobId")}
    return body["type"], plain(body["detail"], table), plain(more, table)


def test_both_doors_say_the_same(up, raw, pair):
    left, right = pair
    known = ["ResourceNotFoundException", "ValidationException", "ConditionalCheckFailedException", "SerializationException"]
    refused = 0
    for operation, payload in STEPS:
        here, there = through_dynamodb(raw, left, operation, payload), as_operation(up, right, operation, payload)
        assert isinstance(here, tuple) == isinstance(there, tuple), (operation, payload, here, there)
        if "Items" in payload: # an unknown parameter: DynamoDB does not look at it, an operation is told
            assert there[0] == "ValidationException"
        else:
            assert here == there, (operation, payload)
        refused += isinstance(here, tuple)
        assert not isinstance(here, tuple) or here[0] in known
    assert 15 < refused < 25
    assert through_dynamodb(raw, left, "list", {}) == as_operation(up, right, "list", {})


def test_every_parameter_is_in_some_step():
    model = boto3.client("dynamodb", region_name="us-east-1").meta.service_model
    for operation, action in ACTIONS.items():
        used = {name for each, payload in STEPS if each == operation for name in payload}
        missing = set(model.operation_model(action).input_shape.members) - used - {"TableName"}
        assert not missing, (operation, missing)
