"""Fixtures of the SQS tests: one stack for all of them, boto3's client against it, and queues with fresh names.

    sqs          boto3's client, without retries and without its own checks of parameters: what is refused, leat refused
    make         make("name", fifo=False, **attributes) -> URL of a new queue
    drain        drain(url, count) -> the messages of receives until so many have come
    raw          raw(body, path="/", **headers) -> requests.Response of a form
    fails        with fails("InvalidParameterValue", "text"): ...

Debian's boto3 speaks the query protocol. test_current_clients.py runs all of this again with a current boto3, which speaks JSON.
"""
import json
import re
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from up import Up, until  # noqa: E402, F401

REGION = "eu-west-1"
ACCOUNT = "123456789012"
JSON = tuple(map(int, botocore.__version__.split(".")[:3])) >= (1, 34, 90)
SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 Credential=a/20261121/{REGION}/sqs/aws4_request, SignedHeaders=host, Signature=b",
          "X-Amz-Date": "20261121T090000Z"}  # any signature will do
NO_QUEUE = "The specified queue does not exist" + ("." if JSON else " for this wsdl version.")


def boto(url, region=REGION, **more):
    config = Config(retries={"max_attempts": 0}, parameter_validation=False, read_timeout=60, max_pool_connections=32, **more)
    return boto3.client("sqs", endpoint_url=url, region_name=region, aws_access_key_id="test", aws_secret_access_key="secret",
                        config=config)


def arn(name, region=REGION):
    return f"arn:aws:sqs:{region}:{ACCOUNT}:{name.rsplit('/', 1)[-1]}"


def redrive(target, count):
    return json.dumps({"deadLetterTargetArn": arn(target), "maxReceiveCount": count})


@pytest.fixture(scope="session")
def up():
    with Up(workers=2, tables=["things:id"]) as stack:
        yield stack


@pytest.fixture(scope="session")
def sqs(up):
    return boto(up.url)


@pytest.fixture(scope="session")
def make(sqs):
    def create(name="queue", fifo=False, tags=None, **attributes):
        full = f"{name}-{uuid.uuid4().hex[:12]}" + (".fifo" if fifo else "")
        given = {key: str(value) for key, value in attributes.items()}
        if fifo:
            given["FifoQueue"] = "true"
        return sqs.create_queue(QueueName=full, Attributes=given, **({"tags": tags} if tags else {}))["QueueUrl"]
    return create


@pytest.fixture(scope="session")
def drain(sqs):
    def receive(url, count, seconds=10, **more):
        found, deadline = [], time.monotonic() + seconds
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages came"
            found += sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, **more).get("Messages", [])
        return found
    return receive


@pytest.fixture(scope="session")
def raw(up):
    def send(body, path="/", method="POST", **headers):
        given = {"Content-Type": "application/x-www-form-urlencoded", **{n.replace("_", "-"): v for n, v in headers.items()}}
        return up.session.request(method, up.url + path, data=body, headers=given, timeout=30)
    return send


@contextmanager
def fails(code, text=None, status=400):
    """The block must end with this error; text is its whole sentence, or a compiled pattern that it matches."""
    with pytest.raises(ClientError) as raised:
        yield raised
    response = raised.value.response
    assert response["Error"]["Code"] == code, response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    message = response["Error"].get("Message", "")
    if isinstance(text, re.Pattern):
        assert text.search(message), message
    elif text is not None:
        assert message == text


def attributes(sqs, url, *names):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names) or ["All"]).get("Attributes", {})
