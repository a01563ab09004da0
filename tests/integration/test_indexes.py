"""Indexes, streams, expiry and backups through the DynamoDB API, while workers are killed: the index is what the table says, and no
change record is missing, twice or out of order."""
import random
import threading
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from up import Up, until

IDS = 200
WRITERS = 6


def client(up, service="dynamodb"):
    return boto3.client(service, endpoint_url=up.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y",
                        config=Config(retries={"max_attempts": 0}, read_timeout=20))


def insisting(call, seconds=40, **arguments):
    """Calls again while the stack heals: what is asked here may be done twice."""
    def attempt():
        try:
            return call(**arguments)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise
        except BotoCoreError:
            pass
        return None
    return until(attempt, seconds, f"an answer to {arguments}")


def all_items(db, **arguments):
    items, start = [], {}
    while True:
        page = insisting(db.scan, **arguments, **start)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def create(db, name="events", **more):
    db.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "owner", "AttributeType": "S"}],
                    GlobalSecondaryIndexes=[{"IndexName": "byowner", "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"},
                                                                                  {"AttributeName": "id", "KeyType": "RANGE"}],
                                             "Projection": {"ProjectionType": "ALL"}}], **more)


class Writers:
    """Put, update and delete items at random until told to stop. Every put has a mark of its own."""

    def __init__(self, up):
        self.up, self.stopping, self.failures = up, threading.Event(), []
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(WRITERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def run(self, n):
        db, rng, count = client(self.up), random.Random(n), 0
        try:
            while not self.stopping.is_set():
                count += 1
                self.one(db, rng, f"{n}-{count}")
        except Exception as error:  # told to the test, which fails with it
            self.failures.append(error)

    def one(self, db, rng, mark):
        key = {"id": {"S": f"i{rng.randrange(IDS)}"}}
        kind = rng.random()
        if kind < 0.2:
            insisting(db.delete_item, TableName="events", Key=key)
        elif kind < 0.6:
            insisting(db.put_item, TableName="events", Item={
                **key, "mark": {"S": mark}, **({"owner": {"S": f"o{rng.randrange(5)}"}} if rng.random() < 0.8 else {}),
                **({"age": {"N": str(rng.randrange(30))}} if rng.random() < 0.8 else {})})
        else:
            insisting(db.update_item, TableName="events", Key=key, UpdateExpression="SET mark = :m, age = :a",
                      ExpressionAttributeValues={":m": {"S": mark}, ":a": {"N": str(rng.randrange(30))}})


class Reader:
    """Follows a stream page by page, from its beginning, as a consumer would."""

    def __init__(self, up, arn):
        self.streams, self.arn, self.records = client(up, "dynamodbstreams"), arn, []
        shard = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        self.iterator = self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def page(self):
        answer = insisting(self.streams.get_records, ShardIterator=self.iterator, Limit=50)
        self.iterator = answer["NextShardIterator"]
        self.records += answer["Records"]
        return answer["Records"]

    def run(self):
        while not self.stopping.is_set():
            self.page()

    def finish(self):
        self.stopping.set()
        self.thread.join(60)
        while self.page():
            pass


def check_indexes(db, table="events"):
    items = all_items(db, TableName=table, ConsistentRead=True)
    for index, key in (("byowner", "owner"), ("byage", "age")):
        expected = sorted((i for i in items if key in i), key=lambda i: i["id"]["S"])
        found = sorted(all_items(db, TableName=table, IndexName=index), key=lambda i: i["id"]["S"])
        assert found == expected, f"{index} is not what the table says"
    return items


def check_records(records, items):
    """Each record begins where the one before it on the same item ended; after the last ones the items are what they are."""
    now = {}
    for record in records:
        change = record["dynamodb"]
        key = change["Keys"]["id"]["S"]
        assert change.get("OldImage") == now.get(key), f"a record of {key} is missing, doubled or out of order"
        now[key] = change.get("NewImage")
        assert record["eventName"] == ("REMOVE" if now[key] is None else "MODIFY" if "OldImage" in change else "INSERT")
    assert {k: v for k, v in now.items() if v} == {i["id"]["S"]: i for i in items}
    numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in records]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("kills", [2])
def test_indexes_and_streams_under_kills(kills):
    with Up(workers=3) as up:
        db = client(up)
        create(db, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        reader = Reader(up, db.describe_table(TableName="events")["Table"]["LatestStreamArn"])
        reader.thread.start()
        with Writers(up) as writers:
            until(lambda: len(reader.records) > 300, 30, "300 changes")
            db.update_table(TableName="events", AttributeDefinitions=[{"AttributeName": "age", "AttributeType": "N"}],
                            GlobalSecondaryIndexUpdates=[{"Create": {"IndexName": "byage", "Projection": {"ProjectionType": "ALL"},
                                                                     "KeySchema": [{"AttributeName": "age", "KeyType": "HASH"}]}}])
            for _ in range(kills):
                seen = len(reader.records)
                up.kill("worker")
                until(lambda seen=seen: len(reader.records) > seen + 200, 60, "200 more changes")
            until(lambda: all(g["IndexStatus"] == "ACTIVE"
                              for g in insisting(db.describe_table, TableName="events")["Table"]["GlobalSecondaryIndexes"]),
                  30, "a filled index")
        reader.finish()
        assert not writers.failures, writers.failures
        items = check_indexes(db)
        assert len(items) > IDS / 3
        check_records(reader.records, items)


def fill(db, count):
    for first in range(0, count, 25):
        insisting(db.batch_write_item, RequestItems={"events": [
            {"PutRequest": {"Item": {"id": {"S": f"i{n}"}, "owner": {"S": f"o{n % 7}"}, "age": {"N": str(n)}, "pad": {"S": "x" * 500}}}}
            for n in range(first, first + 25)]})


def test_work_in_the_background_survives_the_end_of_everything():
    """A filled index, a backup, a restore and expiry: all of them begun, then kill -9 of every process, and again."""
    with Up(workers=2) as up:
        db = client(up)
        create(db)
        fill(db, 1000)
        db.update_table(TableName="events", AttributeDefinitions=[{"AttributeName": "age", "AttributeType": "N"}],
                        GlobalSecondaryIndexUpdates=[{"Create": {"IndexName": "byage", "Projection": {"ProjectionType": "ALL"},
                                                                 "KeySchema": [{"AttributeName": "age", "KeyType": "HASH"}]}}])
        arn = db.create_backup(TableName="events", BackupName="first")["BackupDetails"]["BackupArn"]
        db.delete_item(TableName="events", Key={"id": {"S": "i0"}})
        db.update_time_to_live(TableName="events", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
        db.put_item(TableName="events", Item={"id": {"S": "i1"}, "expires": {"N": str(int(time.time()) - 5)}})
        up.kill_all()
        up.start()
        db = client(up)
        until(lambda: insisting(db.describe_backup, BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE",
              30, "a finished backup")
        insisting(db.restore_table_from_backup, TargetTableName="again", BackupArn=arn)
        up.kill_all()
        up.start()
        db = client(up)
        until(lambda: insisting(db.describe_table, TableName="again")["Table"]["TableStatus"] == "ACTIVE", 30, "a restored table")
        until(lambda: "Item" not in insisting(db.get_item, TableName="events", Key={"id": {"S": "i1"}}), 30, "an expired item")
        until(lambda: all(g["IndexStatus"] == "ACTIVE"
                          for g in insisting(db.describe_table, TableName="events")["Table"]["GlobalSecondaryIndexes"]),
              30, "a filled index")
        assert len(check_indexes(db)) == 998
        assert len(check_indexes(db, "again")) == 1000
