"""Dead letters: after maxReceiveCount receives, in their queue, and back by move tasks (which Debian's boto3 does not know)."""
import json
import re

import pytest

from .conftest import JSON, SIGNED, arn, attributes, fails, redrive, until

needs_moves = pytest.mark.skipif(not JSON, reason="this boto3 does not know the actions of move tasks")


@pytest.fixture
def pair(make):
    dead = make("dead")
    return make("source", RedrivePolicy=redrive(dead, 1), VisibilityTimeout=0), dead


def kill(sqs, source, dead, count):
    """Sends messages and receives each twice: the second receive of each makes it a dead letter."""
    for i in range(count):
        sqs.send_message(QueueUrl=source, MessageBody=f"m{i}")

    def all_dead():
        sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10)
        return attributes(sqs, dead, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"] == str(count)
    until(all_dead, 10, "death")


def test_received_too_often(sqs, make):
    dead = make("dead")
    source = make("source", RedrivePolicy=redrive(dead, 1))
    sent = sqs.send_message(QueueUrl=source, MessageBody="m")
    first = sqs.receive_message(QueueUrl=source, AttributeNames=["SentTimestamp"])["Messages"][0]
    sqs.change_message_visibility(QueueUrl=source, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert "Messages" not in sqs.receive_message(QueueUrl=source)
    found = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"])["Messages"][0]
    assert found["MessageId"] == sent["MessageId"] and found["Body"] == "m"
    assert found["Attributes"]["DeadLetterQueueSourceArn"] == arn(source)
    assert found["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"]


def test_fifo_dead_letters(sqs, make):
    dead = make("dead", fifo=True)
    source = make("source", fifo=True, RedrivePolicy=redrive(dead, 1), VisibilityTimeout=0)
    for i in range(2):
        sqs.send_message(QueueUrl=source, MessageBody=f"m{i}", MessageGroupId="g", MessageDeduplicationId=str(i))

    def both():
        sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10)
        return attributes(sqs, dead, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"] == "2"
    until(both, 10, "death")
    assert [m["Body"] for m in sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]] == ["m0", "m1"]


@needs_moves
def test_back_to_the_source(sqs, pair):
    source, dead = pair
    kill(sqs, source, dead, 3)
    task = sqs.start_message_move_task(SourceArn=arn(dead))
    assert task["TaskHandle"]
    done = until(lambda: [t for t in sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"] if t["Status"] == "COMPLETED"])[0]
    assert done["ApproximateNumberOfMessagesMoved"] == 3 and done["SourceArn"] == arn(dead) and "TaskHandle" not in done
    assert attributes(sqs, source, "ApproximateNumberOfMessages") == {"ApproximateNumberOfMessages": "3"}


@needs_moves
def test_elsewhere_slowly_and_cancelled(sqs, pair, make):
    source, dead = pair
    other = make("other")
    kill(sqs, source, dead, 5)
    handle = sqs.start_message_move_task(SourceArn=arn(dead), DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    with fails("AWS.SimpleQueueService.UnsupportedOperation"):
        sqs.start_message_move_task(SourceArn=arn(dead))
    running = sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"][0]
    assert running["Status"] == "RUNNING" and running["TaskHandle"] == handle and running["MaxNumberOfMessagesPerSecond"] == 1
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    assert moved < 5
    assert sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"][0]["Status"] == "CANCELLED"
    with fails("ResourceNotFoundException", status=404):
        sqs.cancel_message_move_task(TaskHandle=handle)


@needs_moves
def test_moves_that_cannot_be(sqs, make, pair):
    _, dead = pair
    with fails("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."):
        sqs.start_message_move_task(SourceArn=arn(make()))
    for source in ("arn:aws:sqs:eu-west-1:123456789012:nobody", "nothing"):
        with fails("ResourceNotFoundException", status=404):
            sqs.start_message_move_task(SourceArn=source)
    with fails("ResourceNotFoundException", status=404):
        sqs.start_message_move_task(SourceArn=arn(dead), DestinationArn=arn("nobody"))
    for bad in (0, 501):
        with fails("InvalidParameterValue"):
            sqs.start_message_move_task(SourceArn=arn(dead), MaxNumberOfMessagesPerSecond=bad)
    with fails("InvalidParameterValue"):
        sqs.cancel_message_move_task(TaskHandle="x")
    for bad in (0, 11):
        with fails("InvalidParameterValue"):
            sqs.list_message_move_tasks(SourceArn=arn(dead), MaxResults=bad)


def test_move_tasks_in_the_query_protocol(sqs, raw, pair):
    source, dead = pair
    kill(sqs, source, dead, 1)
    started = raw({"Action": "StartMessageMoveTask", "SourceArn": arn(dead)}, **SIGNED)
    assert started.status_code == 200 and "<TaskHandle>" in started.text
    until(lambda: "<Status>COMPLETED</Status>" in raw({"Action": "ListMessageMoveTasks", "SourceArn": arn(dead)}, **SIGNED).text)


def move(raw, source):
    """Starts a task, and gives what it says when it has ended."""
    assert "<TaskHandle>" in raw({"Action": "StartMessageMoveTask", "SourceArn": arn(source)}, **SIGNED).text
    text = until(lambda: (answer := raw({"Action": "ListMessageMoveTasks", "SourceArn": arn(source)}, **SIGNED).text)
                 and "<Status>RUNNING</Status>" not in answer and answer)
    return dict(re.findall("<(Status|FailureReason|ApproximateNumberOfMessagesMoved)>([^<]*)<", text))


def test_moves_that_fail(sqs, raw, make, pair):
    source, dead = pair
    make("another", RedrivePolicy=redrive(dead, 1))  # so that it stays a dead-letter queue
    kill(sqs, source, dead, 2)
    sqs.delete_queue(QueueUrl=source)
    assert move(raw, dead) == {"Status": "FAILED", "FailureReason": "AWS.SimpleQueueService.NonExistentQueue", "ApproximateNumberOfMessagesMoved": "0"}
    assert attributes(sqs, dead, "ApproximateNumberOfMessages") == {"ApproximateNumberOfMessages": "2"}
    other = make("dead")
    make("source", RedrivePolicy=redrive(other, 1))
    sqs.send_message(QueueUrl=other, MessageBody="from nowhere")
    assert move(raw, other)["FailureReason"] == "CouldNotDetermineMessageSource"


def test_what_is_moved_starts_anew(sqs, raw, pair):
    source, dead = pair
    kill(sqs, source, dead, 1)
    assert move(raw, dead)["Status"] == "COMPLETED"
    found = sqs.receive_message(QueueUrl=source, AttributeNames=["All"])["Messages"][0]
    assert found["Body"] == "m0" and found["Attributes"]["ApproximateReceiveCount"] == "1"


def test_policy_is_read_as_written(sqs, pair):
    source, dead = pair
    assert json.loads(attributes(sqs, source, "RedrivePolicy")["RedrivePolicy"]) == {"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1}
