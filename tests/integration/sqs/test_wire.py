"""What no SDK would send: forms, query strings and JSON by hand; the everyday commands of the aws cli."""
import json
import os
import re
import subprocess
import uuid

import pytest

from .conftest import JSON

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20261121/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=b",
          "X-Amz-Date": "20261121T090000Z"}


def test_a_form_and_its_answer(raw, make):
    name = make().rsplit("/", 1)[-1]
    answer = raw("Action=SendMessage&MessageBody=a%20b%2Bc+d", path="/123456789012/" + name, **SIGNED)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/xml"
    assert re.fullmatch(r'<\?xml version="1.0"\?><SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">'
                        r"<SendMessageResult><MD5OfMessageBody>[0-9a-f]{32}</MD5OfMessageBody><MessageId>[0-9a-f-]{36}</MessageId>"
                        r"</SendMessageResult><ResponseMetadata><RequestId>\w+</RequestId></ResponseMetadata></SendMessageResponse>",
                        answer.text)
    received = raw(None, path=f"/123456789012/{name}?Action=ReceiveMessage&AttributeName.1=All", method="GET", **SIGNED)
    assert "<Body>a b+c d</Body>" in received.text and "<Attribute><Name>SenderId</Name>" in received.text


@pytest.mark.parametrize("body", ["Action=SendMessage&MessageBody=%", "Action=SendMessage&MessageBody=%4", "Action=SendMessage&MessageBody=%zz",
                                  "Action=SendMessage&MessageBody=%ff", "Action=Fly", "", "Action=&x=1", "Action=SendMessage&a..b=1",
                                  "Action=SendMessage&" + ".".join("a" * 40) + "=1",
                                  "Action=SendMessage&" + "&".join(f"x{i}=1" for i in range(20000)),
                                  "Action=TagQueue&Tag.1.Key=a&Tag.1.Value", "Action=TagQueue&Tag=a"])
def test_malformed_forms(raw, make, body):
    answer = raw(body, path="/123456789012/" + make().rsplit("/", 1)[-1], **SIGNED)
    if body.startswith("Action=TagQueue&Tag.1"):
        assert answer.status_code == 200
    else:
        assert answer.status_code == 400 and "<Type>Sender</Type>" in answer.text, answer.text


def test_errors_in_both_protocols(up, raw):
    answer = raw({"Action": "GetQueueUrl", "QueueName": "nobody"}, **SIGNED)
    assert answer.status_code == 400
    assert ("<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist "
            "for this wsdl version.</Message><Detail/></Error>") in answer.text
    answer = raw(json.dumps({"QueueName": "nobody"}), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.GetQueueUrl", **SIGNED)
    assert answer.status_code == 400 and answer.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert answer.json() == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}


@pytest.mark.parametrize("body", ["", "{", "[]", "1", '{"QueueUrl":1}', '{"QueueUrl":"q","MaxNumberOfMessages":"x"}', "{}", '{"QueueUrl":null}',
                                  '{"QueueUrl":"q","MaxNumberOfMessages":1e99}', '{"QueueUrl":"' + "x" * 100000 + '"}'])
def test_malformed_json(raw, body):
    answer = raw(body, Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.ReceiveMessage", **SIGNED)
    assert answer.status_code == 400 and "__type" in answer.json()


@pytest.mark.parametrize("action, body", [
    ("SendMessageBatch", {"Entries": {}}), ("SendMessageBatch", {"Entries": [1]}), ("SendMessageBatch", {"Entries": [{"Id": 1}]}),
    ("SendMessage", {"MessageBody": "x", "MessageAttributes": []}), ("SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": 1}}),
    ("SendMessage", {"MessageBody": {"a": 1}}), ("TagQueue", {"Tags": ["a"]}), ("TagQueue", {"Tags": {"a": 1}}),
    ("SetQueueAttributes", {"Attributes": {"DelaySeconds": 1}}), ("SetQueueAttributes", {"Attributes": "x"}),
    ("GetQueueAttributes", {"AttributeNames": [1]}), ("UntagQueue", {"TagKeys": {}}), ("AddPermission", {"Label": 1}),
    ("AddPermission", {"Label": "a", "AWSAccountIds": [1], "Actions": [1]}), ("DeleteMessage", {"ReceiptHandle": []}),
    ("DeleteMessageBatch", {"Entries": [{"Id": "a", "ReceiptHandle": 1}]}),
    ("SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "?"}}}),
    ("CancelMessageMoveTask", {"TaskHandle": "AAAA"}), ("StartMessageMoveTask", {"SourceArn": 1}), ("Fly", {})])
def test_wrong_types(raw, make, action, body):
    answer = raw(json.dumps({"QueueUrl": make(), **body}), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS." + action, **SIGNED)
    failed = answer.json().get("Failed") if answer.status_code == 200 else None
    assert failed or answer.status_code == 400, answer.text


@pytest.mark.skipif(JSON, reason="once is enough")
def test_the_aws_cli(up, tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                   "AWS_DEFAULT_REGION": "eu-west-1", "LC_ALL": "C.UTF-8"}
    if not os.path.exists("/usr/bin/aws"):
        pytest.skip("no aws cli")

    def aws(*arguments):
        run = subprocess.run(["/usr/bin/aws", "--endpoint-url", up.url, "sqs", *arguments], env=environment, capture_output=True, text=True,
                             timeout=60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout) if run.stdout.strip() else None
    name = "cli-" + uuid.uuid4().hex
    url = aws("create-queue", "--queue-name", name)["QueueUrl"]
    assert aws("send-message", "--queue-url", url, "--message-body", "hello")["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
    message, = aws("receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"]
    assert message["Body"] == "hello"
    aws("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    assert aws("receive-message", "--queue-url", url) is None
    aws("delete-queue", "--queue-url", url)
