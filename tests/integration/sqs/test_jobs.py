"""leat-jobs is a queue: a message sent to it is a job; its dead letters can be received, deleted and moved back."""
import json
import uuid

from .conftest import arn, boto, fails, until
from up import Up


def job(operation, **payload):
    return json.dumps({"operation": operation, "tableName": "things", "payload": payload} if payload else {"operation": operation})


def test_a_message_is_a_job(sqs, up):
    key = uuid.uuid4().hex
    sent = sqs.send_message(QueueUrl=f"{up.url}/123456789012/leat-jobs", MessageBody=job("create", Item={"id": key, "n": 1}))
    assert up.wait_job(sent["MessageId"])["status"] == "succeeded"
    assert up.item("things", id=key) == {"id": key, "n": 1}


def test_batches_keep_the_order_of_an_item(sqs, up):
    key = uuid.uuid4().hex
    entries = [{"Id": str(i), "MessageBody": job("create", Item={"id": key, "n": i})} for i in range(9)]
    entries.append({"Id": "bad", "MessageBody": "{}"})
    sent = sqs.send_message_batch(QueueUrl="leat-jobs", Entries=entries)
    assert [e["Code"] for e in sent["Failed"]] == ["InvalidMessageContents"]
    for entry in sent["Successful"]:
        assert up.wait_job(entry["MessageId"])["status"] == "succeeded"
    assert up.item("things", id=key)["n"] == 8


def test_what_is_no_job(sqs):
    for bad in ("x", "{}", '{"operation":"fly"}', '{"operation":"create"}', "[1]"):
        with fails("InvalidMessageContents"):
            sqs.send_message(QueueUrl="leat-jobs", MessageBody=bad)
    with fails("AWS.SimpleQueueService.UnsupportedOperation"):
        sqs.receive_message(QueueUrl="leat-jobs")


def test_dead_jobs_through_sqs(tmp_path):
    with Up("--echo-delay", "1s", "--max-receive-count", "1", workers=1) as up:
        sqs = boto(up.url)

        def die(text):
            sent = sqs.send_message(QueueUrl="leat-jobs", MessageBody=json.dumps({"operation": "echo", "payload": text}))["MessageId"]
            until(lambda: up.job(sent).get("status") == "running", 20, "a delivery")
            up.kill("worker-child")
            until(lambda: up.job(sent)["status"] == "dead", 20, "death")
            return sent
        poison, spare = die("poison"), die("spare")
        found = sqs.receive_message(QueueUrl="leat-jobs-dead", MaxNumberOfMessages=10, MessageAttributeNames=["All"],
                                    AttributeNames=["DeadLetterQueueSourceArn"], VisibilityTimeout=600)["Messages"]
        assert {m["MessageId"] for m in found} == {poison, spare}
        first = [m for m in found if m["MessageId"] == poison][0]
        assert json.loads(first["Body"]) == {"operation": "echo", "payload": "poison"}
        assert "received 1 time" in first["MessageAttributes"]["DeadLetterReason"]["StringValue"]
        assert first["Attributes"]["DeadLetterQueueSourceArn"] == arn("leat-jobs")
        second = [m for m in found if m["MessageId"] == spare][0]
        sqs.delete_message(QueueUrl="leat-jobs-dead", ReceiptHandle=second["ReceiptHandle"])
        sqs.change_message_visibility(QueueUrl="leat-jobs-dead", ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
        started = up.session.post(up.url + "/", data={"Action": "StartMessageMoveTask", "SourceArn": arn("leat-jobs-dead")})
        assert started.status_code == 200, started.text
        assert up.wait_job(poison)["result"] == "poison"
