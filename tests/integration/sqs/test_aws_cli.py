"""The aws command line: its everyday commands, as the program and, to save its start each time, by its own driver."""
import json
import os
import subprocess
import uuid

import pytest

from .conftest import JSON, REGION, arn

pytestmark = pytest.mark.skipif(JSON or not os.path.exists("/usr/bin/aws"), reason="Debian's aws cli, once")


@pytest.fixture
def environment(tmp_path, monkeypatch):
    given = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": REGION,
             "AWS_PAGER": "", "LC_ALL": "C.UTF-8"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


def test_the_program(up, environment):
    def aws(*arguments, status=0):
        run = subprocess.run(["/usr/bin/aws", "--endpoint-url", up.url, "sqs", *arguments], env=environment, capture_output=True, text=True,
                             timeout=60)
        assert run.returncode == status, run.stderr
        return run.stderr if status else json.loads(run.stdout) if run.stdout.strip() else None
    url = aws("create-queue", "--queue-name", "cli-" + uuid.uuid4().hex)["QueueUrl"]
    assert aws("send-message", "--queue-url", url, "--message-body", "hello")["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
    message, = aws("receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"]
    assert message["Body"] == "hello"
    aws("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    aws("delete-queue", "--queue-url", url)
    assert "(AWS.SimpleQueueService.NonExistentQueue) when calling the PurgeQueue operation: The specified queue does not exist" in aws(
        "purge-queue", "--queue-url", url, status=254)


DRIVER = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver
driver = create_clidriver()
for line in sys.stdin:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = driver.main(json.loads(line))
    print(json.dumps([status, out.getvalue()]), flush=True)
"""


@pytest.fixture
def aws(up, environment):
    with subprocess.Popen(["/usr/bin/python3", "-c", DRIVER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        def run(*arguments):
            driver.stdin.write(json.dumps(["--endpoint-url", up.url, "sqs", *arguments]) + "\n")
            driver.stdin.flush()
            status, out = json.loads(driver.stdout.readline())
            assert not status, (arguments, out)
            return json.loads(out) if out.strip() else None
        yield run
        driver.stdin.close()


def test_more_commands(aws):
    name, dead = "cli-" + uuid.uuid4().hex, "cli-dead-" + uuid.uuid4().hex
    url = aws("create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=60", "--tags", "team=red,cost=1")["QueueUrl"]
    assert aws("get-queue-url", "--queue-name", name) == {"QueueUrl": url}
    assert aws("list-queues", "--queue-name-prefix", name) == {"QueueUrls": [url]}
    assert aws("list-queue-tags", "--queue-url", url) == {"Tags": {"team": "red", "cost": "1"}}
    aws("untag-queue", "--queue-url", url, "--tag-keys", "cost")
    aws("create-queue", "--queue-name", dead)
    policy = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": "3"})
    aws("set-queue-attributes", "--queue-url", url, "--attributes", json.dumps({"RedrivePolicy": policy, "DelaySeconds": "0"}))
    shown = aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert shown["RedrivePolicy"] == policy and shown["VisibilityTimeout"] == "60"
    assert aws("list-dead-letter-source-queues", "--queue-url", dead) == {"queueUrls": [url]}
    aws("send-message", "--queue-url", url, "--message-body", "hello", "--message-attributes",
        '{"n":{"DataType":"Number","StringValue":"7"},"b":{"DataType":"Binary","BinaryValue":"aGk="}}')
    message, = aws("receive-message", "--queue-url", url, "--wait-time-seconds", "5", "--message-attribute-names", "All",
                   "--attribute-names", "All")["Messages"]
    assert message["Body"] == "hello" and message["MessageAttributes"]["n"]["StringValue"] == "7"
    aws("change-message-visibility", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"], "--visibility-timeout", "600")
    batch = aws("send-message-batch", "--queue-url", url, "--entries", "Id=a,MessageBody=1", "Id=b,MessageBody=2,DelaySeconds=901")
    assert batch["Successful"][0]["Id"] == "a" and batch["Failed"][0]["Id"] == "b"
    deleted = aws("delete-message-batch", "--queue-url", url, "--entries", f"Id=a,ReceiptHandle={message['ReceiptHandle']}")
    assert deleted["Successful"] == [{"Id": "a"}]
    aws("add-permission", "--queue-url", url, "--label", "l", "--aws-account-ids", "111111111111", "--actions", "SendMessage")
    aws("remove-permission", "--queue-url", url, "--label", "l")
    aws("purge-queue", "--queue-url", url)
    assert aws("receive-message", "--queue-url", url) is None
    aws("delete-queue", "--queue-url", url)
