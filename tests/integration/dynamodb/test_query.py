"""Query."""
import re

import pytest
from boto3.dynamodb.conditions import Attr, Key

from .conftest import fails, index

NOTES = [{"owner": owner, "at": at, "topic": f"t{at % 3}", "text": "x" * at} for owner in ("ann", "bob") for at in range(20)]


@pytest.fixture(scope="module")
def table(client, resource):
    name = "queried"
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                        KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
                        AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"},
                                              {"AttributeName": "topic", "AttributeType": "S"}],
                        GlobalSecondaryIndexes=[index("by-topic", "topic", "at"),
                                                index("some", "topic", projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["text"]})],
                        LocalSecondaryIndexes=[index("local", "owner", "topic", projection="KEYS_ONLY")])
    with resource.Table(name).batch_writer() as batch:
        for note in NOTES:
            batch.put_item(Item=note)
    yield resource.Table(name)
    client.delete_table(TableName=name)


def times(page):
    return [int(item["at"]) for item in page["Items"]]


@pytest.mark.parametrize("condition,expected", [
    (Key("owner").eq("ann"), range(20)),
    (Key("owner").eq("ann") & Key("at").eq(5), [5]),
    (Key("owner").eq("ann") & Key("at").lt(3), [0, 1, 2]),
    (Key("owner").eq("ann") & Key("at").lte(3), [0, 1, 2, 3]),
    (Key("owner").eq("ann") & Key("at").gt(17), [18, 19]),
    (Key("owner").eq("ann") & Key("at").gte(17), [17, 18, 19]),
    (Key("owner").eq("ann") & Key("at").between(4, 6), [4, 5, 6]),
    (Key("owner").eq("nobody"), []),
])
def test_key_conditions(table, condition, expected):
    page = table.query(KeyConditionExpression=condition)
    assert times(page) == list(expected) and page["Count"] == page["ScannedCount"] == len(list(expected))
    page = table.query(KeyConditionExpression=condition, ScanIndexForward=False)
    assert times(page) == list(expected)[::-1]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 20])
def test_pages_in_both_directions(table, forward, limit):
    found, start = [], {}
    while True:
        page = table.query(KeyConditionExpression=Key("owner").eq("bob"), Limit=limit, ScanIndexForward=forward, **start)
        found += times(page)
        if "LastEvaluatedKey" not in page:
            break
        assert set(page["LastEvaluatedKey"]) == {"owner", "at"}
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == sorted(range(20), reverse=not forward)


def test_filters_and_projections(table):
    page = table.query(KeyConditionExpression=Key("owner").eq("ann"), FilterExpression=Attr("topic").eq("t0"), ProjectionExpression="#at",
                       ExpressionAttributeNames={"#at": "at"})
    assert times(page) == [0, 3, 6, 9, 12, 15, 18] and page["ScannedCount"] == 20
    assert table.query(KeyConditionExpression=Key("owner").eq("ann"), Select="COUNT")["Count"] == 20


def test_the_parameters_before_expressions(table):
    page = table.query(KeyConditions={"owner": {"ComparisonOperator": "EQ", "AttributeValueList": ["ann"]},
                                      "at": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [3, 9]}},
                       QueryFilter={"topic": {"ComparisonOperator": "NE", "AttributeValueList": ["t0"]}}, AttributesToGet=["at"])
    assert times(page) == [4, 5, 7, 8] and set(page["Items"][0]) == {"at"}


def test_indexes(table):
    page = table.query(IndexName="by-topic", KeyConditionExpression=Key("topic").eq("t1") & Key("at").lt(8))
    assert sorted(times(page)) == [1, 1, 4, 4, 7, 7]
    page = table.query(IndexName="by-topic", KeyConditionExpression=Key("topic").eq("t1"), Limit=1)
    assert set(page["LastEvaluatedKey"]) == {"owner", "at", "topic"}
    page = table.query(IndexName="some", KeyConditionExpression=Key("topic").eq("t2"))
    assert set(page["Items"][0]) == {"owner", "at", "topic", "text"}
    page = table.query(IndexName="local", KeyConditionExpression=Key("owner").eq("ann") & Key("topic").eq("t2"), ConsistentRead=True)
    assert sorted(times(page)) == [2, 5, 8, 11, 14, 17] and set(page["Items"][0]) == {"owner", "at", "topic"}
    page = table.query(IndexName="local", KeyConditionExpression=Key("owner").eq("ann") & Key("topic").begins_with("t"), Select="ALL_ATTRIBUTES")
    assert "text" in page["Items"][0]


V = {":o": {"S": "ann"}}


@pytest.mark.parametrize("arguments,text", [
    ({}, re.compile("^Either the KeyConditions or KeyConditionExpression parameter must be specified in the request")),
    ({"KeyConditionExpression": "topic = :o", "ExpressionAttributeValues": V}, "Query condition missed key schema element: owner"),
    ({"KeyConditionExpression": "#o > :o", "ExpressionAttributeValues": V, "ExpressionAttributeNames": {"#o": "owner"}}, "Query key condition not supported"),
    ({"KeyConditionExpression": "#o = :o OR topic = :o", "ExpressionAttributeValues": V, "ExpressionAttributeNames": {"#o": "owner"}},
     "Invalid operator used in KeyConditionExpression: OR"),
    ({"IndexName": "none", "KeyConditionExpression": "topic = :o", "ExpressionAttributeValues": V}, "The table does not have the specified index: none"),
    ({"IndexName": "by-topic", "ConsistentRead": True, "KeyConditionExpression": "topic = :o", "ExpressionAttributeValues": V},
     "Consistent reads are not supported on global secondary indexes"),
    ({"KeyConditionExpression": "#o = :o", "ExpressionAttributeValues": {":o": {"N": "1"}}, "ExpressionAttributeNames": {"#o": "owner"}},
     "One or more parameter values were invalid: Condition parameter type does not match schema type"),
    ({"KeyConditionExpression": "#o = :o", "ExpressionAttributeValues": V, "ExpressionAttributeNames": {"#o": "owner"}, "Limit": -1},
     "1 validation error detected: Value '-1' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    ({"KeyConditions": {"owner": {}}}, "1 validation error detected: Value null at 'keyConditions.owner.member.comparisonOperator' failed to satisfy "
                                       "constraint: Member must not be null"),
    ({"KeyConditionExpression": "#o = :o", "ExpressionAttributeValues": V, "ExpressionAttributeNames": {"#o": "owner"},
      "ExclusiveStartKey": {"owner": {"S": "bob"}, "at": {"N": "1"}}}, re.compile("^The provided starting key is ")),
])
def test_errors(client, table, arguments, text):
    with fails("ValidationException", text):
        client.query(TableName=table.name, **arguments)


def test_no_such_table(client):
    with fails("ResourceNotFoundException", "Requested resource not found"):
        client.query(TableName="nowhere", KeyConditionExpression="a = :o", ExpressionAttributeValues=V)
