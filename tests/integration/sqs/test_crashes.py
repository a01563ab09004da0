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


def test_consumers_over_crashes(own):
    """Groups are worked off in order while the broker dies again and again; whoever says delete until it is answered sees nothing twice."""
    sqs = boto(own.url)
    url = sqs.create_queue(QueueName="worked-off.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "3"})["QueueUrl"]
    groups, count, lock = 4, 60, threading.Lock()
    seen, deleted, stopping = {}, set(), threading.Event()

    def send(group):
        client = boto(own.url)
        for i in range(count):
            steady(lambda i=i: client.send_message(QueueUrl=url, MessageBody=str(i), MessageGroupId=str(group), MessageDeduplicationId=f"{group}:{i}"))

    def work():
        client = boto(own.url)
        while not stopping.is_set():
            try:
                found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                                               AttributeNames=["MessageGroupId"]).get("Messages", [])
            except Exception:  # the broker is away
                continue
            for m in found:
                key = (m["Attributes"]["MessageGroupId"], int(m["Body"]))
                with lock:
                    assert key not in deleted, f"{key} came again after its deletion"
                    order = seen.setdefault(key[0], [])
                    if key[1] not in order:
                        order.append(key[1])
                try:
                    client.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
                except Exception:
                    continue  # whether it took effect is not known: it may come again
                with lock:
                    deleted.add(key)
    failures = []

    def guarded(target, *arguments):
        try:
            target(*arguments)
        except BaseException as e:
            failures.append(e)
    threads = [threading.Thread(target=guarded, args=(send, g)) for g in range(groups)]
    threads += [threading.Thread(target=guarded, args=(work,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for part in range(1, 4):
        until(lambda part=part: failures or len(deleted) >= groups * count * part // 5, 60, "work")
        own.kill("queue")
    until(lambda: failures or sum(map(len, seen.values())) == groups * count, 60, "all messages")
    stopping.set()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    assert seen == {str(g): list(range(count)) for g in range(groups)}


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
