"""Fair queues: a tenant (MessageGroupId on a standard queue) that floods a queue does not keep the others waiting."""
import pytest


def send(sqs, url, group, count):
    entries = [{"Id": str(i), "MessageBody": f"{group}{i}", "MessageGroupId": group} for i in range(count)]
    for i in range(0, count, 10):
        sqs.send_message_batch(QueueUrl=url, Entries=entries[i:i + 10])


def receive(sqs, url, count=10):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=["MessageGroupId"]).get("Messages", [])


@pytest.fixture
def url(make):
    return make(VisibilityTimeout=600)


def groups(messages):
    return [m["Attributes"]["MessageGroupId"] for m in messages]


def test_quiet_tenants_come_before_a_noisy_one(sqs, url):
    send(sqs, url, "noisy", 80)
    taken = [m for _ in range(4) for m in receive(sqs, url)]
    assert groups(taken) == ["noisy"] * 40  # alone it has all it wants
    for group in ("a", "b", "c"):
        send(sqs, url, group, 3)
    assert sorted(groups(receive(sqs, url, 9))) == sorted("abc" * 3)  # though 40 older ones wait
    assert groups(receive(sqs, url)) == ["noisy"] * 10  # never dropped


def test_below_thirty_in_flight_nobody_is_noisy(sqs, url):
    send(sqs, url, "busy", 40)
    taken = [m for _ in range(2) for m in receive(sqs, url)]
    assert len(taken) == 20
    send(sqs, url, "a", 1)
    assert groups(receive(sqs, url)) == ["busy"] * 10  # the oldest first, as ever


def test_messages_without_a_group_are_quiet(sqs, url):
    send(sqs, url, "noisy", 60)
    for _ in range(4):
        receive(sqs, url)
    sqs.send_message(QueueUrl=url, MessageBody="alone")
    assert receive(sqs, url, 1)[0]["Body"] == "alone"


def test_the_noisiest_comes_last(sqs, url):
    send(sqs, url, "more", 60)
    for _ in range(5):
        receive(sqs, url)
    send(sqs, url, "less", 60)
    got = groups([m for _ in range(4) for m in receive(sqs, url)])
    assert got.count("less") >= 30  # it is quiet at first, then noisy with fewer in flight
