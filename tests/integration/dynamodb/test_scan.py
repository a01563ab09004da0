"""Scan."""
import re
import threading

import pytest

from .conftest import fails, index

ROWS = [{"id": f"row{i:03}", "n": i, "even": i % 2 == 0, "filler": "p" * 100} for i in range(200)]


@pytest.fixture(scope="module")
def table(client, resource):
    name = "scanned"
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
                        GlobalSecondaryIndexes=[index("by-n", "n", projection="KEYS_ONLY")])
    with resource.Table(name).batch_writer() as batch:
        for row in ROWS:
            batch.put_item(Item=row)
    yield resource.Table(name)
    client.delete_table(TableName=name)


def ids(items):
    return sorted(item["id"] for item in items)


def pages(table, **arguments):
    while True:
        page = table.scan(**arguments)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def test_everything(table):
    page = table.scan()
    assert ids(page["Items"]) == ids(ROWS)
    assert (page["Count"], page["ScannedCount"]) == (200, 200) and "LastEvaluatedKey" not in page


@pytest.mark.parametrize("limit", [1, 7, 199, 200, 201])
def test_pages_are_stable_and_complete(table, limit):
    found = [page for page in pages(table, Limit=limit)]
    items = [item for page in found for item in page["Items"]]
    assert ids(items) == ids(ROWS)
    assert all(page["Count"] <= limit for page in found)


def test_limit_counts_before_the_filter(table):
    found = list(pages(table, Limit=50, FilterExpression="n < :x", ExpressionAttributeValues={":x": 10}))
    assert sum(page["ScannedCount"] for page in found) == 200
    assert sum(page["Count"] for page in found) == 10


def test_filters(table):
    def count(**arguments):
        return table.scan(**arguments)["Count"]
    assert count(FilterExpression="#e = :t AND n BETWEEN :a AND :b", ExpressionAttributeNames={"#e": "even"},
                 ExpressionAttributeValues={":t": True, ":a": 10, ":b": 19}) == 5
    assert count(FilterExpression="begins_with(id, :p) OR contains(filler, :no)", ExpressionAttributeValues={":p": "row00", ":no": "q"}) == 10
    assert count(ScanFilter={"n": {"ComparisonOperator": "GE", "AttributeValueList": [190]}}) == 10
    assert count(ScanFilter={"n": {"ComparisonOperator": "IN", "AttributeValueList": [1, 2]}, "even": {"ComparisonOperator": "EQ", "AttributeValueList": [True]}},
                 ConditionalOperator="OR") == 101


def test_projection_and_count(table):
    page = table.scan(ProjectionExpression="n", Limit=3)
    assert all(set(item) == {"n"} for item in page["Items"])
    page = table.scan(Select="COUNT")
    assert page["Count"] == 200 and "Items" not in page


def test_segments_are_a_partition_of_the_table(table):
    found = [[] for _ in range(8)]

    def walk(segment):
        for page in pages(table, Segment=segment, TotalSegments=8, Limit=11):
            found[segment] += page["Items"]
    threads = [threading.Thread(target=walk, args=[i]) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(i for part in found for i in ids(part)) == ids(ROWS)


def test_a_page_has_a_megabyte(resource, new_table):
    table = resource.Table(new_table("id"))
    for i in range(5):
        table.put_item(Item={"id": str(i), "v": "v" * 300_000})
    found = list(pages(table))
    assert [page["Count"] for page in found[:1]] == [4]
    assert sum(page["Count"] for page in found) == 5


def test_indexes(table):
    page = table.scan(IndexName="by-n")
    assert ids(page["Items"]) == ids(ROWS) and set(page["Items"][0]) == {"id", "n"}
    page = table.scan(IndexName="by-n", Limit=3)
    assert set(page["LastEvaluatedKey"]) == {"id", "n"}


def test_consumed_capacity(table):
    assert table.scan(ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]["CapacityUnits"] >= 3


@pytest.mark.parametrize("arguments,name,text", [
    ({}, "ValidationException", "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"),
    ({"TableName": "nowhere"}, "ResourceNotFoundException", "Requested resource not found"),
    ({"TableName": "things", "Limit": 0}, "ValidationException",
     "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    ({"TableName": "things", "Segment": 0}, "ValidationException",
     "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"),
    ({"TableName": "things", "TotalSegments": 2}, "ValidationException",
     "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"),
    ({"TableName": "things", "Segment": 2, "TotalSegments": 2}, "ValidationException",
     re.compile("^The Segment parameter is zero-based and must be less than parameter TotalSegments")),
    ({"TableName": "things", "TotalSegments": 1000001, "Segment": 0}, "ValidationException",
     "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000"),
    ({"TableName": "things", "Select": "hi"}, "ValidationException",
     "1 validation error detected: Value 'hi' at 'select' failed to satisfy constraint: Member must satisfy enum value set: "
     "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"),
    ({"TableName": "things", "ExclusiveStartKey": {"x": {"S": "y"}}}, "ValidationException", re.compile("^The provided starting key is invalid")),
    ({"TableName": "things", "ExclusiveStartKey": {"id": {}}}, "ValidationException", re.compile("^The provided starting key is invalid: ")),
    ({"TableName": "things", "IndexName": "none"}, "ValidationException", "The table does not have the specified index: none"),
    ({"TableName": "things", "FilterExpression": "a ="}, "ValidationException", re.compile("^Invalid FilterExpression: Syntax error; ")),
    ({"TableName": "things", "Limit": "5"}, "SerializationException", "STRING_VALUE cannot be converted to Integer"),
])
def test_errors(client, arguments, name, text):
    with fails(name, text):
        client.scan(**arguments)
