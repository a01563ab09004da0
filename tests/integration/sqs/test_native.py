"""The endpoints beside SQS: queues listed, messages looked at without receiving them, queues paused and resumed."""
import uuid

import pytest

from .conftest import REGION, redrive, until


@pytest.fixture
def get(up):
    def look(path, **query):
        return up.session.get(up.url + "/queues" + path, params={"region": REGION, **query}, timeout=20)
    return look


def name_of(url):
    return url.rsplit("/", 1)[-1]


def test_list(sqs, get, make):
    name = name_of(make(tags={"a": "b"}))
    for _ in range(5):
        make()
    sqs.send_message(QueueUrl=name, MessageBody="x")
    listed = get("").json()["queues"]
    found, = [q for q in listed if q["name"] == name]
    assert (found["region"], found["kind"], found["ready"], found["inflight"], found["paused"]) == (REGION, "standard", 1, 0, False)
    assert {"leat-jobs", "leat-jobs-dead"} <= {q["name"] for q in listed}
    names, after = [], {}
    while True:
        page = get("", max=3, **after).json()
        assert page["queues"]
        names += [q["name"] for q in page["queues"]]
        if "after" not in page:
            break
        assert page["after"] != after.get("after")
        after = {"after": page["after"]}
    assert sorted(names) == sorted(q["name"] for q in get("").json()["queues"])


def test_peek_takes_nothing(sqs, get, make):
    name = name_of(make(VisibilityTimeout=600))
    attribute = {"a": {"DataType": "String", "StringValue": "v"}, "b": {"DataType": "Binary", "BinaryValue": b"\0"}}
    sent = sqs.send_message(QueueUrl=name, MessageBody="now", MessageAttributes=attribute, MessageGroupId="g")["MessageId"]
    sqs.send_message(QueueUrl=name, MessageBody="later", DelaySeconds=600)
    for _ in range(2):
        seen, = get(f"/{name}/messages").json()["messages"]
        assert (seen["body"], seen["state"], seen["receiveCount"], seen["messageId"], seen["groupId"]) == ("now", "ready", 0, sent, "g")
        assert seen["attributes"] == {"a": "v", "b": "AA=="}
    delayed, = get(f"/{name}/messages", state="delayed").json()["messages"]
    assert delayed["body"] == "later" and delayed["visibleMs"] > delayed["sentMs"] + 500000
    sqs.receive_message(QueueUrl=name)
    flying, = get(f"/{name}/messages", state="inflight", max=1).json()["messages"]
    assert flying["messageId"] == sent and flying["receiveCount"] == 1 and get(f"/{name}/messages").json() == {"messages": []}
    one = get(f"/{name}/messages/{sent}").json()
    assert one["state"] == "inflight" and one["queue"] == name and one["region"] == REGION


def test_the_dead_of_a_queue(sqs, get, make):
    dead = make("dead")
    first, second = (make(RedrivePolicy=redrive(dead, 1)) for _ in range(2))
    for url in (first, second):
        sqs.send_message(QueueUrl=url, MessageBody=name_of(url))
        m = sqs.receive_message(QueueUrl=url)["Messages"][0]
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
        sqs.receive_message(QueueUrl=url)
    seen, = until(lambda: get(f"/{name_of(first)}/messages", state="dead").json()["messages"])
    assert seen["body"] == name_of(first) and seen["deadLetterOf"] == f"{REGION}/{name_of(first)}" and seen["queue"] == name_of(dead)


def test_pause_and_resume(sqs, up, make):
    name = name_of(make(tags={"a": "b"}, DelaySeconds=0))
    sqs.send_message(QueueUrl=name, MessageBody="x")

    def say(verb):
        answer = up.session.post(f"{up.url}/queues/{name}/{verb}", params={"region": REGION}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()
    assert say("pause")["paused"] is True
    assert "Messages" not in sqs.receive_message(QueueUrl=name)
    assert sqs.get_queue_attributes(QueueUrl=name, AttributeNames=["LeatPaused"])["Attributes"] == {"LeatPaused": "true"}
    assert say("resume")["paused"] is False
    assert len(sqs.receive_message(QueueUrl=name)["Messages"]) == 1
    assert sqs.list_queue_tags(QueueUrl=name)["Tags"] == {"a": "b"}


def test_paused_jobs_wait(up):
    def say(verb):
        assert up.session.post(f"{up.url}/queues/leat-jobs/{verb}", timeout=20).status_code == 200
    say("pause")
    job = up.post({"operation": "echo", "payload": "x"})
    seen = until(lambda: up.session.get(f"{up.url}/queues/leat-jobs/messages", timeout=20).json()["messages"])
    assert [m["messageId"] for m in seen] == [job]
    say("resume")
    assert up.wait_job(job)["result"] == "x"


@pytest.mark.parametrize("path, status", [
    ("/nobody/messages", 404), ("/no%20body/messages", 404), ("/nobody/messages?state=dead", 404), ("/leat-jobs/messages?state=lost", 400),
    ("/leat-jobs/messages?max=0", 400), ("/leat-jobs/messages?max=1001", 400), ("/leat-jobs/messages?max=99999999999999999999", 400),
    ("/leat-jobs/messages/x", 404), (f"/leat-jobs/messages/{uuid.uuid4()}", 404), ("?max=x", 400), ("/nobody/pause", 405),
    ("/leat-jobs/messages?region=" + "x" * 100, 404), ("?after=" + "x" * 3000, 400)])
def test_bad_requests(up, path, status):
    answer = up.session.get(up.url + "/queues" + path, timeout=20)
    assert answer.status_code == status and answer.headers["Content-Type"] == "application/problem+json", answer.text
