"""Sixteen clients at once on the same few items: what needs no condition never fails, what is all or nothing is, and nothing is lost.

Conflicts are settled inside: writers wait for each other or are run again, no client sees an error for it.
"""
import random
import threading
import uuid

import pytest
from botocore.exceptions import ClientError

from .conftest import boto, index

CLIENTS = 16


@pytest.fixture(scope="module")
def clients(up):
    return [boto("client", "dynamodb", up.url) for _ in range(CLIENTS)]  # boto3 makes them in one thread only


def together(clients, work):
    """work(client, number) in a thread each; returns what they returned. An error of one is the test's."""
    results, errors = [None] * len(clients), []
    start = threading.Barrier(len(clients))

    def run(number):
        try:
            start.wait(30)
            results[number] = work(clients[number], number)
        except BaseException as e:  # noqa: B902
            errors.append(e)
    threads = [threading.Thread(target=run, args=[i]) for i in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
    return results


def number(client, name, item):
    return int(client.get_item(TableName=name, Key={"id": {"S": item}}, ConsistentRead=True)["Item"]["n"]["N"])


def test_unconditional_increments_never_fail(clients, new_table):
    name, each = new_table(), 60

    def work(client, _):
        return [int(client.update_item(TableName=name, Key={"id": {"S": "hot"}}, UpdateExpression="ADD n :one", ReturnValues="UPDATED_NEW",
                                       ExpressionAttributeValues={":one": {"N": "1"}})["Attributes"]["n"]["N"]) for _ in range(each)]
    seen = sum(together(clients, work), [])
    assert sorted(seen) == list(range(1, CLIENTS * each + 1))  # no value was given out twice


def test_conditional_increments_fail_only_for_their_condition(clients, new_table):
    name, each = new_table(), 30
    clients[0].put_item(TableName=name, Item={"id": {"S": "hot"}, "n": {"N": "0"}})

    def work(client, _):
        done, missed = 0, 0
        while done < each:
            was = number(client, name, "hot")
            try:
                client.update_item(TableName=name, Key={"id": {"S": "hot"}}, UpdateExpression="SET n = :next", ConditionExpression="n = :was",
                                   ExpressionAttributeValues={":was": {"N": str(was)}, ":next": {"N": str(was + 1)}})
                done += 1
            except ClientError as e:
                assert e.response["Error"]["Code"] == "ConditionalCheckFailedException"
                missed += 1
        return missed
    assert sum(together(clients, work)) > 0  # they did meet
    assert number(clients[0], name, "hot") == CLIENTS * each


def test_transfers_keep_the_sum_at_every_moment(clients, new_table):
    name, accounts = new_table(), [f"account-{i}" for i in range(5)]
    for account in accounts:
        clients[0].put_item(TableName=name, Item={"id": {"S": account}, "n": {"N": "100"}})

    def transfer(client, source, target, amount):
        client.transact_write_items(ClientRequestToken=uuid.uuid4().hex, TransactItems=[
            {"Update": {"TableName": name, "Key": {"id": {"S": source}}, "UpdateExpression": "SET n = n - :a", "ConditionExpression": "n >= :a",
                        "ExpressionAttributeValues": {":a": {"N": str(amount)}}}},
            {"Update": {"TableName": name, "Key": {"id": {"S": target}}, "UpdateExpression": "SET n = n + :a",
                        "ExpressionAttributeValues": {":a": {"N": str(amount)}}}}])

    def balances(client):
        items = client.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": {"id": {"S": each}}}} for each in accounts])
        return [int(each["Item"]["n"]["N"]) for each in items["Responses"]]

    def work(client, at):
        draw, poor = random.Random(at), 0
        for _ in range(40):
            if at % 4 == 3:
                now = balances(client)
                assert sum(now) == 500 and min(now) >= 0, now
                continue
            try:
                transfer(client, *draw.sample(accounts, 2), draw.randrange(1, 80))
            except ClientError as e:
                assert e.response["Error"]["Code"] == "TransactionCanceledException", e
                assert [reason["Code"] for reason in e.response["CancellationReasons"]] == ["ConditionalCheckFailed", "None"]
                poor += 1
        return poor
    together(clients, work)
    assert sum(balances(clients[0])) == 500


def test_an_index_is_its_table_after_a_race(clients, new_table):
    name = new_table(attributes=["g:S"], GlobalSecondaryIndexes=[index("by-g", "g", projection="ALL")])

    def work(client, at):
        draw = random.Random(at)
        for i in range(50):
            key = {"id": {"S": str(draw.randrange(6))}}
            if draw.random() < 0.3:
                client.delete_item(TableName=name, Key=key)
            elif draw.random() < 0.5:
                client.update_item(TableName=name, Key=key, UpdateExpression="SET g = :g, w = :w",
                                   ExpressionAttributeValues={":g": {"S": str(draw.randrange(3))}, ":w": {"N": str(i)}})
            else:
                client.put_item(TableName=name, Item={**key, "g": {"S": str(draw.randrange(3))}, "w": {"S": f"{at}-{i}"}})
    together(clients, work)

    def by_id(items):
        return sorted(items, key=lambda item: item["id"]["S"])
    table = by_id(clients[0].scan(TableName=name, ConsistentRead=True)["Items"])
    assert table == by_id(clients[0].scan(TableName=name, IndexName="by-g")["Items"])
    for g in "012":
        found = clients[0].query(TableName=name, IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": g}})
        assert by_id(found["Items"]) == [item for item in table if item["g"]["S"] == g]


def test_one_of_many_inserts_wins(clients, new_table):
    name = new_table()

    def work(client, at):
        won = []
        for i in range(20):
            try:
                client.execute_statement(Statement=f"INSERT INTO \"{name}\" VALUE {{'id': ?, 'by': ?}}",
                                         Parameters=[{"S": str(i)}, {"N": str(at)}])
                won.append(i)
            except ClientError as e:
                assert e.response["Error"]["Code"] == "DuplicateItemException"
        return won
    assert sorted(sum(together(clients, work), [])) == list(range(20))
