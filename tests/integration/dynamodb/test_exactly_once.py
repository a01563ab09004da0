"""Writes while processes are killed: the gateway tries again by itself, and what it tries twice takes effect once.

boto3's retries are off, so a call that ends well was answered by leat alone. A call that fails leaves its effect unknown: once or not at all.
"""
import os
import signal
import threading
import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from .conftest import boto
from up import Up, until

CLIENTS = 6


class Counting:
    """Threads that increment counters under conditions, and remember what they were told."""

    def __init__(self, up):
        self.up = up
        self.stop = threading.Event()
        self.told = [[0, 0] for _ in range(CLIENTS)]  # succeeded, unknown
        self.errors = []
        self.clients = [boto("client", "dynamodb", up.url) for _ in range(CLIENTS)]  # boto3 makes them in one thread only
        self.threads = [threading.Thread(target=self.run, args=[i]) for i in range(CLIENTS)]

    def run(self, number):
        client, mine = self.clients[number], self.told[number]
        while not self.stop.is_set():
            try:
                # succeeds only from the value that the last success left: applied twice, it could not go on
                client.update_item(TableName="counters", Key={"id": {"S": str(number)}}, UpdateExpression="ADD n :one",
                                   ConditionExpression="attribute_not_exists(n) OR n >= :least",
                                   ExpressionAttributeValues={":one": {"N": "1"}, ":least": {"N": str(mine[0])}})
                mine[0] += 1
                client.transact_write_items(ClientRequestToken=uuid.uuid4().hex, TransactItems=[
                    {"Update": {"TableName": "counters", "Key": {"id": {"S": "shared"}}, "UpdateExpression": "ADD n :one",
                                "ExpressionAttributeValues": {":one": {"N": "1"}}}}])
            except (ClientError, BotoCoreError) as e:
                self.errors.append(repr(e))
                mine[1] += 1
                time.sleep(0.02)  # nobody listens while a gateway starts

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive()

    def total(self):
        return sum(succeeded for succeeded, _ in self.told)

    def goes_on(self, more=60):
        goal = self.total() + more
        until(lambda: self.total() >= goal, 30, f"{more} more increments; {self.errors[-3:]}")

    def check(self):
        client = boto("client", "dynamodb", self.up.url)
        for number, (succeeded, unknown) in enumerate(self.told):
            item = client.get_item(TableName="counters", Key={"id": {"S": str(number)}}, ConsistentRead=True)["Item"]
            assert succeeded <= int(item["n"]["N"]) <= succeeded + unknown, (number, item, self.told[number], self.errors)


def test_killed_workers_cost_no_call():
    with Up(workers=3, tables=["counters:id"]) as up, Counting(up) as counting:
        counting.goes_on()
        for _ in range(4):
            up.kill("worker")  # the child: all heal
            counting.goes_on()
        counting.stop.set()
        for t in counting.threads:
            t.join(60)
        assert counting.errors == []
        counting.check()
        assert up.metric("leat_store_recoveries_total") >= 1


def test_a_killed_broker_costs_no_call():
    with Up(workers=2, tables=["counters:id"]) as up, Counting(up) as counting:
        counting.goes_on()
        for _ in range(2):
            up.kill("queue")
            counting.goes_on()
        counting.stop.set()
        for t in counting.threads:
            t.join(60)
        assert counting.errors == []
        counting.check()


def test_a_killed_gateway_loses_calls_but_doubles_none():
    with Up(workers=2, tables=["counters:id"]) as up, Counting(up) as counting:
        counting.goes_on()
        for _ in range(2):
            up.kill("gateway")
            counting.goes_on()
        counting.stop.set()
        for t in counting.threads:
            t.join(60)
        counting.check()


def test_a_write_that_was_tried_again_takes_effect_once():
    """The workers stand still with a write in their hands. The broker takes them for dead, the gateway tries again; then they go on, with the
    write of the old session before them."""
    with Up(workers=2, tables=["counters:id"]) as up:
        client, answers = boto("client", "dynamodb", up.url), []

        def add(number):
            client.update_item(TableName="counters", Key={"id": {"S": str(number)}}, UpdateExpression="ADD n :one",
                               ExpressionAttributeValues={":one": {"N": "1"}})
            answers.append(number)
        add("first")
        serving = (up.pid("queue"), up.pid("gateway"))
        stopped = [pid for pid in up.pids() if pid not in serving]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        threads = [threading.Thread(target=add, args=[i]) for i in range(8)]
        for t in threads:
            t.start()
        until(lambda: up.metric("leat_calls_retried_total") >= 8, 15, "tries of the gateway")
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        for t in threads:
            t.join(30)
        assert sorted(map(str, answers)) == sorted([*map(str, range(8)), "first"])
        for number in answers:
            item = client.get_item(TableName="counters", Key={"id": {"S": str(number)}}, ConsistentRead=True)["Item"]
            assert item["n"] == {"N": "1"}, item


def test_without_workers_it_is_said_in_time():
    with Up("--call-timeout", "2s", workers=1, tables=["counters:id"]) as up:
        client = boto("client", "dynamodb", up.url)
        client.put_item(TableName="counters", Item={"id": {"S": "x"}})
        serving = (up.pid("queue"), up.pid("gateway"))
        stopped = [pid for pid in up.pids() if pid not in serving]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            client.get_item(TableName="counters", Key={"id": {"S": "x"}})
            raise AssertionError("nobody was there to answer")
        except ClientError as e:
            assert e.response["ResponseMetadata"]["HTTPStatusCode"] in (500, 503), e.response
            assert e.response["Error"]["Code"] in ("InternalServerError", "ServiceUnavailable")
        assert time.monotonic() - begun < 10
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

        def answered():
            try:
                return "Item" in client.get_item(TableName="counters", Key={"id": {"S": "x"}})
            except ClientError:
                return False
        until(answered, 30, "an answer again")
