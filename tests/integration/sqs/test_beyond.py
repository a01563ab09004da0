"""Beyond SQS: schedules, priorities, pauses, bounds of groups, leases past twelve hours; what no SDK trips over."""
import time

import pytest

from .conftest import REGION, attributes, fails, until

DAY = 86400


def extra(**values):
    return {name: {"DataType": "Number", "StringValue": str(value)} for name, value in values.items()}


@pytest.fixture
def look(up):
    def messages(url, **query):
        answer = up.session.get(f"{up.url}/queues/{url.rsplit('/', 1)[-1]}/messages", params={"region": REGION, **query}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()["messages"]
    return messages


def test_a_message_for_next_year(sqs, make, look):
    url = make(MessageRetentionPeriod=60)
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes=extra(LeatDelaySeconds=366 * DAY))
    seen, = look(url, state="delayed")
    assert seen["visibleMs"] - seen["sentMs"] == 366 * DAY * 1000
    for bad in (366 * DAY + 1, -1, "soon"):
        with fails("MalformedInput" if bad == "soon" else "InvalidParameterValue"):
            sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes=extra(LeatDelaySeconds=bad))
    sqs.send_message(QueueUrl=url, MessageBody="now", MessageSystemAttributes=extra(LeatDelaySeconds=1))
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]["Body"] == "now"


def test_priorities(sqs, make, look):
    url = make()
    for i in range(4):
        for priority in range(4):
            sqs.send_message(QueueUrl=url, MessageBody=f"{priority}", MessageSystemAttributes=extra(LeatPriority=priority))
    assert [m["priority"] for m in look(url, max=4)] and look(url, max=100)[0]["messageId"]
    got = [m["Body"] for _ in range(2) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]
    assert got == sorted(got, reverse=True) and len(got) == 16
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes=extra(LeatPriority=4))
    fifo = make(fifo=True)
    for name in ("LeatPriority", "LeatDelaySeconds"):
        with fails("InvalidParameterValue"):
            sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="k", MessageSystemAttributes=extra(**{name: 1}))


def test_leases_past_twelve_hours(sqs, make, look):
    url, plain = make(LeatMaxLeaseSeconds=14 * DAY), make()
    for queue in (url, plain):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle, other = (sqs.receive_message(QueueUrl=q)["Messages"][0]["ReceiptHandle"] for q in (url, plain))
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=13 * DAY)
    until_ms = look(url, state="inflight")[0]["visibleMs"]
    assert abs(until_ms / 1000 - time.time() - 13 * DAY) < 60
    with fails("InvalidParameterValue"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=14 * DAY + 1)
    with fails("InvalidParameterValue"):
        sqs.change_message_visibility(QueueUrl=plain, ReceiptHandle=other, VisibilityTimeout=43201)


def test_pause_by_attribute(sqs, make):
    url = make(LeatPaused="true")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"LeatPaused": "false"})
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_one_at_a_time_of_a_group(sqs, make):
    """A concurrency limit for each tenant: what is done makes room for the next."""
    url = make(LeatMaxPerGroup=2)
    for i in range(3):
        for group in "ab":
            sqs.send_message(QueueUrl=url, MessageBody=f"{group}{i}", MessageGroupId=group)
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(m["Body"] for m in found) == ["a0", "a1", "b0", "b1"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    done = [m for m in found if m["Body"] == "a0"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=done["ReceiptHandle"])
    assert [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]] == ["a2"]


def test_bounds_of_a_queue(sqs, make):
    url = make(LeatMaxMessages=2)
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    with fails("ServiceUnavailable", status=503):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    m, = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody="x")


def test_in_flight_limit_of_a_fifo_queue_is_silent(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true", LeatMaxInFlight=2)
    for i in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=f"{i}", MessageGroupId=f"{i}")
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_leats_own_queues_take_tags_and_policies(sqs):
    shown = attributes(sqs, "leat-jobs")
    assert shown["RedrivePolicy"].count("leat-jobs-dead") == 1 and {"VisibilityTimeout", "MaximumMessageSize", "QueueArn"} <= set(shown)
    sqs.tag_queue(QueueUrl="leat-jobs", Tags={"team": "red"})
    assert sqs.list_queue_tags(QueueUrl="leat-jobs")["Tags"] == {"team": "red"}
    sqs.add_permission(QueueUrl="leat-jobs", Label="l", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    assert "Policy" in attributes(sqs, "leat-jobs", "Policy")
    sqs.remove_permission(QueueUrl="leat-jobs", Label="l")
    sqs.untag_queue(QueueUrl="leat-jobs", TagKeys=["team"])
    assert attributes(sqs, "leat-jobs") == {**shown, "LastModifiedTimestamp": attributes(sqs, "leat-jobs")["LastModifiedTimestamp"],
                                            "ApproximateNumberOfMessages": attributes(sqs, "leat-jobs")["ApproximateNumberOfMessages"]}


def test_a_paused_queue_stays_paused_when_it_is_tagged(sqs, up):
    def say(verb):
        assert up.session.post(f"{up.url}/queues/leat-jobs-dead/{verb}", timeout=20).json()["paused"] is (verb == "pause")
    say("pause")
    try:
        sqs.tag_queue(QueueUrl="leat-jobs-dead", Tags={"a": "b"})
        assert attributes(sqs, "leat-jobs-dead", "LeatPaused") == {"LeatPaused": "true"}
        listed = up.session.get(up.url + "/queues", timeout=20).json()["queues"]
        assert [q["paused"] for q in listed if q["name"] == "leat-jobs-dead"] == [True]
    finally:
        say("resume")
        sqs.untag_queue(QueueUrl="leat-jobs-dead", TagKeys=["a"])


def test_state_of_a_message_by_its_id(sqs, make, up):
    url = make(VisibilityTimeout=600)
    ids = {state: sqs.send_message(QueueUrl=url, MessageBody=state, **more)["MessageId"]
           for state, more in (("inflight", {}), ("ready", {}), ("delayed", {"DelaySeconds": 600}))}
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["MessageId"] == ids["inflight"]

    def state(message):
        answer = up.session.get(f"{up.url}/queues/{url.rsplit('/', 1)[-1]}/messages/{message}", params={"region": REGION}, timeout=20)
        return answer.json()["state"] if answer.status_code == 200 else answer.status_code
    for expected, message in ids.items():
        assert state(message) == expected
    sqs.purge_queue(QueueUrl=url)
    until(lambda: [state(m) for m in ids.values()] == [404] * 3)
