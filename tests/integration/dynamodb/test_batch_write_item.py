"""BatchWriteItem."""
import re
import threading

import pytest

from .conftest import boto, fails


def put(key, **more):
    return {"PutRequest": {"Item": {"id": {"S": key}, **more}}}


def delete(key):
    return {"DeleteRequest": {"Key": {"id": {"S": key}}}}


def test_puts_and_deletes_in_two_tables(client, things, notes, key):
    things.put_item(Item={"id": key + "old"})
    answer = client.batch_write_item(RequestItems={
        "things": [put(f"{key}{i}", n={"N": str(i)}) for i in range(20)] + [delete(key + "old"), delete(key + "never")],
        "notes": [{"PutRequest": {"Item": {"owner": {"S": key}, "at": {"N": "1"}}}}]}, ReturnConsumedCapacity="TOTAL")
    assert answer["UnprocessedItems"] == {}
    assert {entry["TableName"] for entry in answer["ConsumedCapacity"]} == {"things", "notes"}
    assert [int(things.get_item(Key={"id": f"{key}{i}"})["Item"]["n"]) for i in range(20)] == list(range(20))
    assert "Item" not in things.get_item(Key={"id": key + "old"}) and "Item" in notes.get_item(Key={"owner": key, "at": 1})


def test_a_request_as_large_as_allowed(client, things, key):
    requests = [put(f"{key}{i}", v={"S": "v" * 400_000}) for i in range(25)]
    assert client.batch_write_item(RequestItems={"things": requests})["UnprocessedItems"] == {}
    assert len(things.get_item(Key={"id": key + "24"})["Item"]["v"]) == 400_000


def test_many_of_them_at_once_are_only_slow(up, key):
    clients, answers = [boto("client", "dynamodb", up.url) for _ in range(8)], []

    def write(number):
        requests = [put(f"{key}{number}-{i}", v={"S": "v" * 390_000}) for i in range(25)]
        answers.append(clients[number].batch_write_item(RequestItems={"things": requests})["UnprocessedItems"])
    before = up.log().count("worker.gone")
    threads = [threading.Thread(target=write, args=[i]) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [{}] * 8
    assert up.log().count("worker.gone") == before  # no worker was silent for so long that it was taken for dead


def test_the_batch_writer_of_boto3(things, key):
    with things.batch_writer(overwrite_by_pkeys=["id"]) as batch:
        for i in range(60):
            batch.put_item(Item={"id": f"{key}{i % 55}", "n": i})
        batch.delete_item(Key={"id": key + "7"})
    assert things.get_item(Key={"id": key + "3"})["Item"]["n"] == 58
    assert "Item" not in things.get_item(Key={"id": key + "7"})


@pytest.mark.parametrize("request_items,name,text", [
    (None, "ValidationException", "1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null"),
    ({}, "ValidationException", "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater "
                                "than or equal to 1"),
    ({"things": []}, "ValidationException", re.compile("^1 validation error detected: Value '.+' at 'requestItems' failed to satisfy constraint: Map value "
                                                       r"must satisfy constraint: \[Member must have length less than or equal to 25, Member must have "
                                                       r"length greater than or equal to 1\]$")),
    ({"things": [put(str(i)) for i in range(26)]}, "ValidationException", re.compile("Map value must satisfy constraint: ")),
    ({"things": [put(str(i)) for i in range(20)], "notes": [{"PutRequest": {"Item": {"owner": {"S": "x"}, "at": {"N": str(i)}}}} for i in range(6)]},
     "ValidationException", re.compile("Too many items requested for the BatchWriteItem call|Member must have length less than or equal to 25")),
    ({"things": [{}]}, "ValidationException", "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
    ({"things": [{**put("x"), **delete("x")}]}, "ValidationException",
     "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
    ({"things": [put("x"), delete("x")]}, "ValidationException", "Provided list of item keys contains duplicates"),
    ({"nowhere": [put("x")]}, "ResourceNotFoundException", "Requested resource not found"),
    ({"things": [{"PutRequest": {}}]}, "ValidationException", "1 validation error detected: Value null at "
                                                              "'requestItems.things.member.1.member.putRequest.item' failed to satisfy constraint: Member "
                                                              "must not be null"),
    ({"things": [put("x", v={"S": "v" * 409_600})]}, "ValidationException", "Item size has exceeded the maximum allowed size"),
    ({"things": [put("x", v={"SS": []})]}, "ValidationException", "One or more parameter values were invalid: An string set  may not be empty"),
    ({"things": [delete("x"), {"DeleteRequest": {"Key": {"y": {"S": "z"}}}}]}, "ValidationException", "The provided key element does not match the schema"),
])
def test_errors_change_nothing(client, things, request_items, name, text):
    things.delete_item(Key={"id": "x"})
    with fails(name, text):
        client.batch_write_item(**({} if request_items is None else {"RequestItems": request_items}))
    assert "Item" not in things.get_item(Key={"id": "x"})
