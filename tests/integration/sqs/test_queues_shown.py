"""Many queues: what /metrics and `leat status` say of them stays small, and adds up."""
import re
import urllib.request

import pytest

from .conftest import REGION, boto, until
from up import Up

QUEUES, NAMED = 130, 100  # LIMIT_QUEUES_SHOWN


@pytest.fixture(scope="module")
def stack():
    with Up(workers=1) as up:
        yield up


def messages(up):
    """(queue, state) -> messages."""
    with urllib.request.urlopen(up.url + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {match[:2]: int(match[2]) for match in re.findall(r'^leat_queue_messages{queue="([^"]*)",state="(\w+)"} (\d+)$', text, re.M)}


def named(found):
    return {queue for queue, _ in found} - {"leat-jobs", "leat-jobs-dead", "(others)"}


def test_metrics_name_the_fullest_queues_and_sum_up_the_rest(stack):
    sqs = boto(stack.url)
    urls = [sqs.create_queue(QueueName=f"many-{n:03}")["QueueUrl"] for n in range(NAMED)]
    until(lambda: len(named(messages(stack))) == NAMED)
    assert not any(queue == "(others)" for queue, _ in messages(stack))
    urls += [sqs.create_queue(QueueName=f"many-{n:03}")["QueueUrl"] for n in range(NAMED, QUEUES)]
    for url in urls:
        sqs.send_message(QueueUrl=url, MessageBody="one")
    for url in urls[-3:]:
        sqs.send_message(QueueUrl=url, MessageBody="and one more")
    until(lambda: sum(n for (_, state), n in messages(stack).items() if state == "ready") == QUEUES + 3)
    until(lambda: {f"{REGION}/many-{n:03}" for n in range(QUEUES - 3, QUEUES)} <= named(messages(stack)))
    found = messages(stack)
    assert len(named(found)) == NAMED and found["(others)", "ready"] == QUEUES - NAMED
    assert stack.metric("leat_queues") == QUEUES + 2
    shown = stack.status()["queue"]
    assert len(shown["queues"]) == NAMED + 2 and shown["otherQueues"]["count"] == QUEUES - NAMED
    for url in urls[:QUEUES - NAMED]:
        sqs.delete_queue(QueueUrl=url)
    until(lambda: len(named(messages(stack))) == NAMED and not any(queue == "(others)" for queue, _ in messages(stack)))
