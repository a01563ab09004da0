"""TransactGetItems."""
import re

import pytest

from .conftest import fails


def get(key, table="things", **more):
    return {"Get": {"TableName": table, "Key": {"id": {"S": key}}, **more}}


def test_answers_in_order_with_gaps(client, things, key):
    things.put_item(Item={"id": key, "a": 1, "b": 2})
    page = client.transact_get_items(TransactItems=[get(key + "none"), get(key), get(key + "p", ProjectionExpression="b")], ReturnConsumedCapacity="TOTAL")
    assert page["Responses"] == [{}, {"Item": {"id": {"S": key}, "a": {"N": "1"}, "b": {"N": "2"}}}, {}]
    assert page["ConsumedCapacity"][0]["TableName"] == "things"
    page = client.transact_get_items(TransactItems=[get(key, ProjectionExpression="b")])
    assert page["Responses"] == [{"Item": {"b": {"N": "2"}}}]


@pytest.mark.parametrize("items,name,text", [
    (None, "ValidationException", "1 validation error detected: Value null at 'transactItems' failed to satisfy constraint: Member must not be null"),
    ([], "ValidationException", re.compile("Member must have length greater than or equal to 1$")),
    ([{}], "ValidationException", "1 validation error detected: Value null at 'transactItems.1.member.get' failed to satisfy constraint: Member must not be "
                                  "null"),
    ([get("x"), get("x")], "ValidationException", "Transaction request cannot include multiple operations on one item"),
    ([get("x", "nowhere")], "ResourceNotFoundException", "Requested resource not found"),
    ([get(str(i)) for i in range(101)], "ValidationException", re.compile("Member must have length less than or equal to 100$")),
])
def test_errors(client, items, name, text):
    with fails(name, text):
        client.transact_get_items(**({} if items is None else {"TransactItems": items}))
