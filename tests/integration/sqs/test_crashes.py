"""kill -9 of the broker while SDK clients send and receive: what was acknowledged is there, in order, under numbers that never repeat."""
import threading
import uuid

import pytest

from .conftest import boto, until
from up import Up


@pytest.fixture(scope="module")
def own():
    with Up(workers=1, tables=["things:id"]) as up:
        yield up


def steady(action):
    """Says it again until it is answered."""
    def attempt():
        try:
            return action()
        except Exception:  # whatever a client sees while the broker is away
            return None
    return until(attempt, 40, "an answer")


def test_kill_under_load(own):
    sqs = boto(own.url)
    standard = sqs.create_queue(QueueName="load")["QueueUrl"]
    fifo = sqs.create_queue(QueueName="load.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    stopping, acknowledged, sequences = threading.Event(), set(), {}

    def send(n):
        client, i = boto(own.url), 0
        while not stopping.is_set():
            body = f"{n}:{i}"
            sent = steady(lambda: client.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=str(n), MessageDeduplicationId=body))
            sequences[body] = sent["SequenceNumber"]
            try:
                client.send_message(QueueUrl=standard, MessageBody=body)
                acknowledged.add(body)
            except Exception:
                pass
            i += 1
    senders = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for thread in senders:
        thread.start()
    for _ in range(3):
        count = len(acknowledged)
        until(lambda count=count: len(acknowledged) > count + 30, 40, "messages")
        own.kill("queue")
    count = len(acknowledged)
    until(lambda: len(acknowledged) > count + 30, 40, "messages")
    stopping.set()
    for thread in senders:
        thread.join(60)

    got = set()
    until(lambda: got.update(m["Body"] for m in take(sqs, standard)) or got >= acknowledged, 60, "all that was acknowledged")
    order = {}
    until(lambda: [order.setdefault(m["Attributes"]["MessageGroupId"], []).append(m) for m in take(sqs, fifo)] or
          sum(map(len, order.values())) >= len(sequences), 60, "all of the FIFO queue")
    assert len(set(sequences.values())) == len(sequences)
    for group, messages in order.items():
        assert [m["Body"] for m in messages] == [f"{group}:{i}" for i in range(len(messages))]
        assert [m["Attributes"]["SequenceNumber"] for m in messages] == [sequences[m["Body"]] for m in messages]


def take(sqs, url):
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages", [])
    if found:
        deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(found)])
        assert len(deleted["Successful"]) == len(found)
    return found


def test_all_killed_and_started_again(own):
    sqs = boto(own.url)
    name = "kept-" + uuid.uuid4().hex
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "600"}, tags={"a": "b"})["QueueUrl"]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(3)])
    first, second = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    own.kill_all()
    own.start()
    sqs = boto(own.url)
    assert sqs.list_queue_tags(QueueUrl=name)["Tags"] == {"a": "b"}
    left = sqs.receive_message(QueueUrl=name, MaxNumberOfMessages=10)["Messages"]
    assert len(left) == 1 and left[0]["Body"] not in (first["Body"], second["Body"])
    sqs.change_message_visibility(QueueUrl=name, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    again, = sqs.receive_message(QueueUrl=name, AttributeNames=["ApproximateReceiveCount"], WaitTimeSeconds=5)["Messages"]
    assert again["Body"] == second["Body"] and again["Attributes"] == {"ApproximateReceiveCount": "2"}
