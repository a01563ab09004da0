"""Fixtures of the DynamoDB tests: one stack for all of them, boto3's client and resource against it, tables, and raw requests.

    client, resource   boto3, without retries and without its own checks of parameters: what is refused, leat refused
    things, notes      tables of the stack: key id (S); key owner (S), at (N)
    raw                raw(action, body) -> requests.Response, for what boto3 would not send
    fails              with fails("ValidationException", "text"): ...
"""
import json
import re
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from up import Up  # noqa: E402

TABLES = ["things:id", "notes:owner:S,at:N", "blobs:id:B"]
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=a/20261121/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b"


def config(**more):
    return Config(**{"retries": {"max_attempts": 0}, "parameter_validation": False, "read_timeout": 60, "max_pool_connections": 64, **more})


def boto(kind, service, url, **more):
    return getattr(boto3, kind)(service, endpoint_url=url, region_name="eu-west-1", aws_access_key_id="test",
                                aws_secret_access_key="secret", config=config(**more))


@pytest.fixture(scope="session")
def up():
    with Up(workers=2, tables=TABLES) as stack:
        yield stack


@pytest.fixture(scope="session")
def client(up):
    return boto("client", "dynamodb", up.url)


@pytest.fixture(scope="session")
def streams(up):
    return boto("client", "dynamodbstreams", up.url)


@pytest.fixture(scope="session")
def resource(up):
    return boto("resource", "dynamodb", up.url)


@pytest.fixture(scope="session")
def things(resource):
    return resource.Table("things")


@pytest.fixture(scope="session")
def notes(resource):
    return resource.Table("notes")


@pytest.fixture
def key():
    """A fresh id, so that tests share tables without meeting."""
    return uuid.uuid4().hex


@pytest.fixture(scope="session")
def raw(up):
    def send(action, body, service="DynamoDB_20120810", **headers):
        given = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{service}.{action}", "Authorization": AUTHORIZATION,
                 "X-Amz-Date": "20261121T090000Z", **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return up.session.post(up.url + "/", data=data, timeout=60, headers={n: v for n, v in given.items() if v is not None})
    return send


@contextmanager
def fails(name, text=None, status=400):
    """The block must end with this error; text is its whole sentence, or a compiled pattern that it matches."""
    with pytest.raises(ClientError) as raised:
        yield raised
    response = raised.value.response
    assert response["Error"]["Code"] == name, response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    message = response["Error"].get("Message", "")
    if isinstance(text, re.Pattern):
        assert text.search(message), message
    elif text is not None:
        assert message == text


def definition(name, key, sort=None, **more):
    """CreateTable's arguments for keys written "id" or "at:N"; more attributes come as attributes=["x:S"]."""
    parts = [text.partition(":") for text in filter(None, [key, sort, *more.pop("attributes", [])])]
    return {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": kind or "S"} for attribute, _, kind in parts],
            "KeySchema": [{"AttributeName": parts[i][0], "KeyType": kind} for i, kind in enumerate(["HASH", "RANGE"][:2 if sort else 1])],
            **more}


def index(name, *keys, projection="ALL", **more):
    """One GSI or LSI."""
    kinds = ["HASH", "RANGE"]
    return {"IndexName": name, "KeySchema": [{"AttributeName": k, "KeyType": kinds[i]} for i, k in enumerate(keys)],
            "Projection": projection if isinstance(projection, dict) else {"ProjectionType": projection}, **more}


@pytest.fixture
def new_table(client):
    """new_table("id", "at:N", ...) creates a table of its own for one test and returns its name."""
    made = []

    def create(key="id", sort=None, **more):
        name = "t-" + uuid.uuid4().hex
        client.create_table(**definition(name, key, sort, **more))
        made.append(name)
        return name
    yield create
    for name in made:
        try:
            client.delete_table(TableName=name)
        except ClientError:
            pass
