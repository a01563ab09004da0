"""BatchGetItem."""
import re

import pytest

from .conftest import fails


def keys(prefix, count):
    return [{"id": {"S": f"{prefix}{i}"}} for i in range(count)]


def test_many_items_of_two_tables(client, things, notes, key):
    for i in range(100):
        if i % 2:
            things.put_item(Item={"id": f"{key}{i}", "n": i})
    notes.put_item(Item={"owner": key, "at": 1, "x": "y"})
    page = client.batch_get_item(RequestItems={
        "things": {"Keys": keys(key, 99), "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "n"}, "ConsistentRead": True},
        "notes": {"Keys": [{"owner": {"S": key}, "at": {"N": "1.0"}}], "ProjectionExpression": "x"}}, ReturnConsumedCapacity="TOTAL")
    assert sorted(int(item["n"]["N"]) for item in page["Responses"]["things"]) == list(range(1, 99, 2))
    assert page["Responses"]["notes"] == [{"x": {"S": "y"}}]
    assert page["UnprocessedKeys"] == {}
    assert {entry["TableName"]: entry["CapacityUnits"] for entry in page["ConsumedCapacity"]}["things"] >= 99


def test_what_is_not_there(client, key):
    assert client.batch_get_item(RequestItems={"things": {"Keys": keys(key, 2)}})["Responses"] == {"things": []}


def test_the_answer_is_bounded_and_says_what_is_left(client, things, key):
    for i in range(50):
        things.put_item(Item={"id": f"{key}{i}", "v": "v" * 380_000})
    wanted, found, rounds = {"things": {"Keys": keys(key, 50), "ProjectionExpression": "id, v"}}, [], 0
    while wanted:
        page = client.batch_get_item(RequestItems=wanted)
        found += [item["id"]["S"] for item in page["Responses"]["things"]]
        wanted, rounds = page["UnprocessedKeys"], rounds + 1
        assert not wanted or wanted["things"]["ProjectionExpression"] == "id, v"
    assert sorted(found) == sorted(k["id"]["S"] for k in keys(key, 50)) and rounds == 2


@pytest.mark.parametrize("request_items,name,text", [
    (None, "ValidationException", "1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null"),
    ({}, "ValidationException", "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater "
                                "than or equal to 1"),
    ({"things": {}}, "ValidationException", "1 validation error detected: Value null at 'requestItems.things.member.keys' failed to satisfy constraint: "
                                            "Member must not be null"),
    ({"things": {"Keys": []}}, "ValidationException", "1 validation error detected: Value '[]' at 'requestItems.things.member.keys' failed to satisfy "
                                                      "constraint: Member must have length greater than or equal to 1"),
    ({"things": {"Keys": keys("x", 101)}}, "ValidationException", re.compile("at 'requestItems.things.member.keys' failed to satisfy constraint: Member must "
                                                                            "have length less than or equal to 100$")),
    ({"things": {"Keys": keys("x", 60)}, "notes": {"Keys": [{"owner": {"S": "x"}, "at": {"N": str(i)}} for i in range(41)]}}, "ValidationException",
     "Too many items requested for the BatchGetItem call"),
    ({"things": {"Keys": keys("x", 1) * 2}}, "ValidationException", "Provided list of item keys contains duplicates"),
    ({"a": {"Keys": keys("x", 1)}}, "ValidationException", re.compile(r"at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: \[Member")),
    ({"nowhere": {"Keys": keys("x", 1)}}, "ResourceNotFoundException", "Requested resource not found"),
    ({"things": {"Keys": [{"x": {"S": "y"}}]}}, "ValidationException", "The provided key element does not match the schema"),
    ({"things": {"Keys": [{"id": {}}]}}, "ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"things": {"Keys": keys("x", 1), "AttributesToGet": ["a"]}, "notes": {"Keys": [], "ProjectionExpression": "b"}}, "ValidationException",
     re.compile("Member must have length greater than or equal to 1$")),
])
def test_errors(client, request_items, name, text):
    with fails(name, text):
        client.batch_get_item(**({} if request_items is None else {"RequestItems": request_items}))
