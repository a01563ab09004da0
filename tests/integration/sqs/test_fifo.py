"""FIFO queues: order within groups, deduplication, sequence numbers, attempts, handles that expire."""
import pytest

from .conftest import attributes, fails


def send(sqs, url, body, group="g", key=None, **more):
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **({"MessageDeduplicationId": key} if key else {}), **more)


def receive(sqs, url, count=10, **more):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=["All"], **more).get("Messages", [])


@pytest.fixture
def fifo(make):
    return make(fifo=True, ContentBasedDeduplication="true")


def test_order_within_a_group(sqs, fifo):
    numbers = [send(sqs, fifo, f"m{i}")["SequenceNumber"] for i in range(5)]
    assert all(len(n) == 20 for n in numbers) and numbers == sorted(set(numbers))
    found = receive(sqs, fifo, 3)
    assert [m["Body"] for m in found] == ["m0", "m1", "m2"]
    assert [m["Attributes"]["SequenceNumber"] for m in found] == numbers[:3]
    assert {m["Attributes"]["MessageGroupId"] for m in found} == {"g"}
    assert receive(sqs, fifo) == []  # the group is blocked
    send(sqs, fifo, "other", group="h")
    assert [m["Body"] for m in receive(sqs, fifo)] == ["other"]
    for m in found:
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=m["ReceiptHandle"])
    assert [m["Body"] for m in receive(sqs, fifo)] == ["m3", "m4"]


def test_made_visible_again_it_comes_first(sqs, fifo):
    for i in range(3):
        send(sqs, fifo, f"m{i}")
    found = receive(sqs, fifo, 2)
    for m in found:
        sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    assert [m["Body"] for m in receive(sqs, fifo)] == ["m0", "m1", "m2"]


def test_deduplication(sqs, make):
    url = make(fifo=True)
    first = send(sqs, url, "x", key="k")
    again = send(sqs, url, "y", key="k")
    assert (first["MessageId"], first["SequenceNumber"]) == (again["MessageId"], again["SequenceNumber"])
    found, = receive(sqs, url)
    assert found["Body"] == "x" and found["Attributes"]["MessageDeduplicationId"] == "k"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
    send(sqs, url, "z", key="k")  # deleted, and known all the same
    send(sqs, url, "z", group="h", key="k")  # the queue's scope
    assert receive(sqs, url) == []
    sqs.purge_queue(QueueUrl=url)
    send(sqs, url, "after", key="k")
    assert [m["Body"] for m in receive(sqs, url)] == ["after"]


def test_deduplication_by_content(sqs, fifo):
    attribute = {"a": {"DataType": "String", "StringValue": "v"}}
    first = send(sqs, fifo, "x")
    assert send(sqs, fifo, "x", MessageAttributes=attribute)["MessageId"] == first["MessageId"]
    assert send(sqs, fifo, "x", key="other")["MessageId"] != first["MessageId"]
    assert len(receive(sqs, fifo)) == 2


def test_deduplication_by_group(sqs, make):
    url = make(fifo=True, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    send(sqs, url, "x", group="a", key="k")
    send(sqs, url, "x", group="a", key="k")
    send(sqs, url, "x", group="b", key="k")
    assert sorted(m["Attributes"]["MessageGroupId"] for m in receive(sqs, url)) == ["a", "b"]


def test_what_a_fifo_queue_wants(sqs, make):
    url, standard = make(fifo=True), make()
    with fails("MissingParameter", "The request must contain the parameter MessageGroupId."):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageDeduplicationId="k")
    with fails("InvalidParameterValue",
               "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"):
        send(sqs, url, "x")
    with fails("InvalidParameterValue", "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not "
               "valid for this queue type."):
        send(sqs, url, "x", key="k", DelaySeconds=2)
    send(sqs, url, "x", key="k", DelaySeconds=0)
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=standard, MessageBody="x", MessageDeduplicationId="k")
    for bad in ("", "group 123", "x" * 129, "é"):
        with fails("InvalidParameterValue", f"Value {bad} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
                   "alphanumeric and punctuation characters. 1 to 128 in length."):
            send(sqs, url, "x", group=bad, key="k")
    for bad in ("group 123", "x" * 129):
        with fails("InvalidParameterValue", f"Value {bad} for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId "
                   "can only include alphanumeric and punctuation characters. 1 to 128 in length."):
            send(sqs, url, "x", key=bad)


def test_attempts_are_answered_again(sqs, fifo):
    send(sqs, fifo, "x")
    first = receive(sqs, fifo, ReceiveRequestAttemptId="a1")
    again = receive(sqs, fifo, ReceiveRequestAttemptId="a1")
    assert [m["MessageId"] for m in first] == [m["MessageId"] for m in again] and len(first) == 1
    assert receive(sqs, fifo, ReceiveRequestAttemptId="a2") == []
    with fails("InvalidParameterValue"):
        receive(sqs, fifo, ReceiveRequestAttemptId="x" * 129)


def test_expired_handles(sqs, fifo):
    send(sqs, fifo, "x")
    old, = receive(sqs, fifo)
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=old["ReceiptHandle"], VisibilityTimeout=0)
    new, = receive(sqs, fifo)
    handle = old["ReceiptHandle"]
    with fails("InvalidParameterValue", f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."):
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=handle)
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=new["ReceiptHandle"])


def test_delayed_queue(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true", DelaySeconds=1)
    send(sqs, url, "x")
    assert receive(sqs, url) == []
    assert [m["Body"] for m in receive(sqs, url, WaitTimeSeconds=5)] == ["x"]


def test_many_groups_at_once(sqs, fifo, drain):
    for i in range(3):
        sqs.send_message_batch(QueueUrl=fifo, Entries=[
            {"Id": str(g), "MessageBody": f"{g}:{i}", "MessageGroupId": str(g)} for g in range(10)])
    got = {}
    for _ in range(3):
        for m in drain(fifo, 10):
            group, i = m["Body"].split(":")
            got.setdefault(group, []).append(int(i))
            sqs.delete_message(QueueUrl=fifo, ReceiptHandle=m["ReceiptHandle"])
    assert all(order == sorted(order) for order in got.values())
    assert attributes(sqs, fifo, "ApproximateNumberOfMessagesNotVisible") == {"ApproximateNumberOfMessagesNotVisible": "0"}


def test_part_of_a_group_that_is_kept_longer(sqs, fifo):
    """Of messages received together, those before the one that is kept may come again; those behind it wait."""
    for i in range(4):
        send(sqs, fifo, f"m{i}")
    found = receive(sqs, fifo, 3)
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=found[1]["ReceiptHandle"], VisibilityTimeout=600)
    for m in (found[0], found[2]):
        sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    again = receive(sqs, fifo)
    assert [m["Body"] for m in again] == ["m0"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=again[0]["ReceiptHandle"])
    assert receive(sqs, fifo) == []
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=found[1]["ReceiptHandle"], VisibilityTimeout=0)
    assert [m["Body"] for m in receive(sqs, fifo)] == ["m1", "m2", "m3"]


def test_a_send_does_not_open_a_blocked_group(sqs, fifo):
    send(sqs, fifo, "m0")
    first, = receive(sqs, fifo)
    send(sqs, fifo, "m1")
    assert receive(sqs, fifo) == []
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    assert [m["Body"] for m in receive(sqs, fifo)] == ["m1"]


def test_a_new_delay_holds_for_what_is_there(sqs, fifo, make):
    standard = make()
    send(sqs, fifo, "x")
    sqs.send_message(QueueUrl=standard, MessageBody="x")
    for url in (fifo, standard):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "900"})
    assert receive(sqs, fifo) == [] and len(receive(sqs, standard)) == 1


def test_a_delayed_message_does_not_block_visible_ones(sqs, fifo):
    send(sqs, fifo, "seen")
    first, = receive(sqs, fifo)
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"DelaySeconds": "900"})
    send(sqs, fifo, "late")
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert [m["Body"] for m in receive(sqs, fifo)] == ["seen"]


def test_an_attempt_ends_with_what_it_got(sqs, fifo):
    for i in range(2):
        send(sqs, fifo, f"m{i}")
    first = receive(sqs, fifo, 1, ReceiveRequestAttemptId="a")
    again = receive(sqs, fifo, 1, ReceiveRequestAttemptId="a")
    assert [(m["MessageId"], m["ReceiptHandle"]) for m in first] == [(m["MessageId"], m["ReceiptHandle"]) for m in again]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    assert [m["Body"] for m in receive(sqs, fifo, 1, ReceiveRequestAttemptId="a")] == ["m1"]


def test_attempts_are_for_fifo_queues(sqs, make):
    with fails("InvalidParameterValue"):
        receive(sqs, make(), ReceiveRequestAttemptId="a")


def test_batches_of_a_fifo_queue(sqs, make):
    url = make(fifo=True)
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": "a", "MessageBody": "0", "MessageGroupId": "g", "MessageDeduplicationId": "0"},
        {"Id": "b", "MessageBody": "1", "MessageGroupId": "g", "MessageDeduplicationId": "1"},
        {"Id": "c", "MessageBody": "0", "MessageGroupId": "g", "MessageDeduplicationId": "0"},
        {"Id": "d", "MessageBody": "2", "MessageGroupId": "g"}, {"Id": "e", "MessageBody": "3", "MessageDeduplicationId": "3"}])
    ok = {e["Id"]: e for e in sent["Successful"]}
    assert sorted(ok) == ["a", "b", "c"] and ok["a"]["SequenceNumber"] == ok["c"]["SequenceNumber"] < ok["b"]["SequenceNumber"]
    assert {e["Id"]: e["Code"] for e in sent["Failed"]} == {"d": "InvalidParameterValue", "e": "MissingParameter"}
    assert [m["Body"] for m in receive(sqs, url)] == ["0", "1"]
