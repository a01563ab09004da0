"""As many tables as an account of DynamoDB has by default: 2,500."""
import pytest
from up import Up

from .conftest import boto, fails

COUNT = 2500


@pytest.fixture(scope="module")
def full():
    with Up(workers=2, tables=[f"many-{i:04}:id" for i in range(COUNT - 1)]) as up:
        yield up


def test_the_last_table_and_one_more(full):
    client = boto("client", "dynamodb", full.url)
    definition = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                  "BillingMode": "PAY_PER_REQUEST"}
    assert client.create_table(TableName="last", **definition)["TableDescription"]["TableStatus"] == "ACTIVE"
    with fails("LimitExceededException"):
        client.create_table(TableName="one-more", **definition)
    pages = [page["TableNames"] for page in client.get_paginator("list_tables").paginate()]
    assert [len(page) for page in pages] == [100] * 25
    assert sum(pages, []) == ["last", *(f"many-{i:04}" for i in range(COUNT - 1))]
    for name in ["last", "many-0000", "many-1234", f"many-{COUNT - 2}"]:
        client.put_item(TableName=name, Item={"id": {"S": name}})
        assert client.get_item(TableName=name, Key={"id": {"S": name}})["Item"] == {"id": {"S": name}}
        assert full.run("read", name, {"Key": {"id": name}})["Item"] == {"id": name}
    client.delete_table(TableName="many-0000")
    assert client.create_table(TableName="one-more", **definition)["TableDescription"]["TableStatus"] == "ACTIVE"
