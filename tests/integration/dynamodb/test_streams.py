"""The Streams service: ListStreams, DescribeStream, GetShardIterator, GetRecords."""
import re
import threading

import pytest

from .conftest import boto, fails

BOTH = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture
def streamed(client, new_table):
    name = new_table(StreamSpecification=BOTH)
    return name, client.describe_table(TableName=name)["Table"]["LatestStreamArn"]


def shards(streams, arn):
    found, start = [], {}
    while True:
        page = streams.describe_stream(StreamArn=arn, **start)["StreamDescription"]
        found += page["Shards"]
        if "LastEvaluatedShardId" not in page:
            return found
        start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}


def records(streams, arn, limit=1000):
    found = []
    for shard in shards(streams, arn):
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator, Limit=limit)
            if not page["Records"]:
                break
            found += page["Records"]
            iterator = page.get("NextShardIterator")
    return sorted(found, key=lambda r: int(r["dynamodb"]["SequenceNumber"]))


def test_every_change_is_told(client, streams, streamed):
    name, arn = streamed
    key = {"id": {"S": "1"}}
    client.put_item(TableName=name, Item={**key, "n": {"N": "1"}})
    client.put_item(TableName=name, Item={**key, "n": {"N": "1"}})  # no change, no record
    client.update_item(TableName=name, Key=key, UpdateExpression="ADD n :x", ExpressionAttributeValues={":x": {"N": "1"}})
    client.delete_item(TableName=name, Key=key)
    client.delete_item(TableName=name, Key=key)
    found = records(streams, arn)
    assert [r["eventName"] for r in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert all(r["dynamodb"]["Keys"] == key and r["eventSource"] == "aws:dynamodb" and r["eventVersion"] for r in found)
    assert found[1]["dynamodb"]["OldImage"]["n"] == {"N": "1"} and found[1]["dynamodb"]["NewImage"]["n"] == {"N": "2"}
    assert "NewImage" not in found[2]["dynamodb"] and found[2]["dynamodb"]["OldImage"]["n"] == {"N": "2"}
    assert len({r["eventID"] for r in found}) == 3
    assert all(len(shard["ShardId"]) >= 28 for shard in shards(streams, arn))


@pytest.mark.parametrize("view,images", [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})])
def test_views(client, streams, new_table, view, images):
    name = new_table(StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    arn = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    for n in "12":
        client.put_item(TableName=name, Item={"id": {"S": "x"}, "n": {"N": n}})
    last = records(streams, arn)[-1]["dynamodb"]
    assert {i for i in ("NewImage", "OldImage") if i in last} == images and last["StreamViewType"] == view


def test_iterators(client, streams, streamed):
    name, arn = streamed
    for i in range(5):
        client.put_item(TableName=name, Item={"id": {"S": "same"}, "n": {"N": str(i)}})
    found = records(streams, arn, limit=2)
    assert [r["dynamodb"]["NewImage"]["n"]["N"] for r in found] == list("01234")
    (shard,) = [s for s in shards(streams, arn) if streams.get_records(ShardIterator=streams.get_shard_iterator(
        StreamArn=arn, ShardId=s["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"])["Records"]]

    def read(kind, **more):
        it = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=kind, **more)["ShardIterator"]
        return [r["dynamodb"]["NewImage"]["n"]["N"] for r in streams.get_records(ShardIterator=it)["Records"]]
    sequence = found[2]["dynamodb"]["SequenceNumber"]
    assert read("AT_SEQUENCE_NUMBER", SequenceNumber=sequence) == list("234")
    assert read("AFTER_SEQUENCE_NUMBER", SequenceNumber=sequence) == list("34")
    assert read("LATEST") == []


def test_listing(streams, streamed):
    name, arn = streamed
    assert [s["StreamArn"] for s in streams.list_streams(TableName=name)["Streams"]] == [arn]
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert (description["StreamStatus"], description["TableName"], description["StreamViewType"]) == ("ENABLED", name, "NEW_AND_OLD_IMAGES")
    assert description["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]


def test_no_record_is_skipped_by_a_reader_beside_writers(up, client, streams, streamed):
    name, arn = streamed
    total, done = 300, threading.Event()

    clients = [boto("client", "dynamodb", up.url) for _ in range(6)]

    def write(writer):
        for i in range(total // 6):
            clients[writer].put_item(TableName=name, Item={"id": {"S": f"{writer}-{i}"}})
    writers = [threading.Thread(target=write, args=[i]) for i in range(6)]
    for t in writers:
        t.start()
    threading.Thread(target=lambda: ([t.join() for t in writers], done.set()), daemon=True).start()
    positions = {s["ShardId"]: streams.get_shard_iterator(StreamArn=arn, ShardId=s["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
                 for s in shards(streams, arn)}
    seen, quiet = [], 0
    while quiet < 2:
        was_done, got = done.is_set(), 0
        for shard, iterator in positions.items():
            page = streams.get_records(ShardIterator=iterator)
            positions[shard] = page["NextShardIterator"]
            got += len(page["Records"])
            seen += [r["dynamodb"]["Keys"]["id"]["S"] for r in page["Records"]]
        quiet = quiet + 1 if was_done and not got else 0
    assert len(seen) == len(set(seen)) == total


def test_errors(streams, streamed):
    name, arn = streamed
    with fails("ValidationException", re.compile("^1 validation error detected: Value null at 'streamArn' failed")):
        streams.describe_stream()
    with fails("ResourceNotFoundException"):
        streams.describe_stream(StreamArn=arn[:-1] + ("0" if arn[-1] != "0" else "1"))
    with fails("ValidationException", re.compile("'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set")):
        streams.get_shard_iterator(StreamArn=arn, ShardId="shardId-00000000000000000000-00000000", ShardIteratorType="x")
    with fails("ValidationException"):
        streams.get_records(ShardIterator="rubbish")
