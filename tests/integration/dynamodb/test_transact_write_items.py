"""TransactWriteItems."""
import re
import threading
import uuid

import pytest
from botocore.exceptions import ClientError

from .conftest import boto, fails

T = "things"


def put(key, **more):
    return {"Put": {"TableName": T, "Item": {"id": {"S": key}, **{n: {"N": str(v)} for n, v in more.items()}}}}


def add(key, number, least=None):
    update = {"TableName": T, "Key": {"id": {"S": key}}, "UpdateExpression": "ADD n :x", "ExpressionAttributeValues": {":x": {"N": str(number)}}}
    if least is not None:
        update.update(ConditionExpression="n >= :least")
        update["ExpressionAttributeValues"][":least"] = {"N": str(least)}
    return {"Update": update}


def check(key, condition):
    return {"ConditionCheck": {"TableName": T, "Key": {"id": {"S": key}}, "ConditionExpression": condition}}


def delete(key, **more):
    return {"Delete": {"TableName": T, "Key": {"id": {"S": key}}, **more}}


def test_all_four_actions(client, things, key):
    things.put_item(Item={"id": key + "gone", "n": 1})
    things.put_item(Item={"id": key + "there", "n": 1})
    answer = client.transact_write_items(TransactItems=[put(key, n=1), add(key + "there", 5), delete(key + "gone"), check(key + "no", "attribute_not_exists(id)")],
                                         ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"][0]["TableName"] == T and answer["ConsumedCapacity"][0]["CapacityUnits"] == 8
    assert things.get_item(Key={"id": key})["Item"]["n"] == 1
    assert things.get_item(Key={"id": key + "there"})["Item"]["n"] == 6
    assert "Item" not in things.get_item(Key={"id": key + "gone"})


def test_one_failure_cancels_all(client, things, key):
    things.put_item(Item={"id": key + "b", "n": 1})
    with fails("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons "
                                               "[None, ConditionalCheckFailed]") as raised:
        client.transact_write_items(TransactItems=[put(key + "a"), add(key + "b", 1, least=5)])
    reasons = raised.value.response["CancellationReasons"]
    assert reasons == [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}]
    assert "Item" not in things.get_item(Key={"id": key + "a"})


def test_a_reason_can_bring_the_item(raw, things, key):
    things.put_item(Item={"id": key, "n": 1})
    action = check(key, "n > :x")
    action["ConditionCheck"].update(ExpressionAttributeValues={":x": {"N": "5"}}, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    answer = raw("TransactWriteItems", {"TransactItems": [action]})
    assert answer.status_code == 400
    assert answer.json()["CancellationReasons"] == [{"Code": "ConditionalCheckFailed", "Message": "The conditional request failed",
                                                     "Item": {"id": {"S": key}, "n": {"N": "1"}}}]


def test_tokens_make_a_repetition_harmless(client, things, key):
    token = str(uuid.uuid4())
    for _ in range(3):
        client.transact_write_items(TransactItems=[add(key, 1)], ClientRequestToken=token)
    assert things.get_item(Key={"id": key})["Item"]["n"] == 1
    with fails("IdempotentParameterMismatchException"):
        client.transact_write_items(TransactItems=[add(key, 2)], ClientRequestToken=token)
    assert things.get_item(Key={"id": key})["Item"]["n"] == 1


def test_a_hundred_actions(client, things, key):
    client.transact_write_items(TransactItems=[put(f"{key}{i}", n=i) for i in range(100)])
    assert things.get_item(Key={"id": key + "99"})["Item"]["n"] == 99
    with fails("ValidationException", re.compile("at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100$")):
        client.transact_write_items(TransactItems=[put(f"{key}{i}") for i in range(101)])


@pytest.mark.parametrize("items,name,text", [
    (None, "ValidationException", "1 validation error detected: Value null at 'transactItems' failed to satisfy constraint: Member must not be null"),
    ([], "ValidationException", "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater "
                                "than or equal to 1"),
    ([put("x"), delete("x")], "ValidationException", "Transaction request cannot include multiple operations on one item"),
    ([{}], "ValidationException", re.compile("^TransactItems can only contain one of ")),
    ([{**put("x"), **delete("y")}], "ValidationException", re.compile("^TransactItems can only contain one of ")),
    ([{"Put": {"TableName": "nowhere", "Item": {"id": {"S": "x"}}}}], "ResourceNotFoundException", "Requested resource not found"),
    ([{"Update": {"TableName": T, "Key": {"id": {"S": "x"}}}}], "ValidationException",
     "1 validation error detected: Value null at 'transactItems.1.member.update.updateExpression' failed to satisfy constraint: Member must not be null"),
    ([{"Put": {"TableName": T, "Item": {"id": {"S": "x"}, "a": {"N": "b"}}}}], "ValidationException",
     "The parameter cannot be converted to a numeric value: b"),
])
def test_errors(client, items, name, text):
    with fails(name, text):
        client.transact_write_items(**({} if items is None else {"TransactItems": items}))


def test_transfers_keep_the_sum(up, client, things, key):
    """Writers move money between accounts while readers look at all of them at once: no reader sees a half transfer."""
    accounts, stop, seen, moved = [f"{key}{i}" for i in range(4)], threading.Event(), [], []
    for account in accounts:
        things.put_item(Item={"id": account, "n": 100})

    clients = [boto("client", "dynamodb", up.url) for _ in range(6)]

    def read(number):
        own = clients[number]
        while not stop.is_set():
            page = own.transact_get_items(TransactItems=[{"Get": {"TableName": T, "Key": {"id": {"S": a}}}} for a in accounts])
            seen.append(sum(int(r["Item"]["n"]["N"]) for r in page["Responses"]))

    def write(number):
        own = clients[number]
        for i in range(50):
            a, b = accounts[(i + number) % 4], accounts[(i * 3 + number + 1) % 4]
            if a == b:
                continue
            try:
                own.transact_write_items(TransactItems=[add(a, -7, least=7), add(b, 7)])
                moved.append(1)
            except ClientError as e:
                assert e.response["Error"]["Code"] == "TransactionCanceledException", e.response
    readers = [threading.Thread(target=read, args=[i]) for i in (4, 5)]
    writers = [threading.Thread(target=write, args=[i]) for i in range(4)]
    for t in readers + writers:
        t.start()
    for t in writers:
        t.join()
    stop.set()
    for t in readers:
        t.join()
    assert moved and seen and set(seen) == {400}
    assert sum(int(things.get_item(Key={"id": a})["Item"]["n"]) for a in accounts) == 400
