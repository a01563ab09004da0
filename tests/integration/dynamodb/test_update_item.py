"""UpdateItem."""
import re
from decimal import Decimal

import pytest

from .conftest import fails


@pytest.fixture
def update(things, key):
    def run(expression=None, values=None, names=None, **more):
        if expression:
            more["UpdateExpression"] = expression
        if values:
            more["ExpressionAttributeValues"] = values
        if names:
            more["ExpressionAttributeNames"] = names
        return things.update_item(Key={"id": key}, **more)
    return run


@pytest.fixture
def item(things, key):
    def get():
        found = things.get_item(Key={"id": key}).get("Item")
        return {name: value for name, value in found.items() if name != "id"} if found else None
    return get


def test_every_clause(update, item):
    update("SET a = :one, l = :list, s = :set", {":one": 1, ":list": ["x"], ":set": {"p", "q"}})
    update("SET a = a + :one, l = list_append(l, :more), b = if_not_exists(b, :one) REMOVE nothing ADD n :one, s :p DELETE t :p",
           {":one": 1, ":more": ["y"], ":p": {"r"}})
    assert item() == {"a": 2, "l": ["x", "y"], "b": 1, "n": 1, "s": {"p", "q", "r"}}
    update("REMOVE l[0], b DELETE s :all", {":all": {"p", "q", "r"}})
    assert item() == {"a": 2, "l": ["y"], "n": 1}


def test_right_sides_see_the_old_item(update, item):
    update("SET a = :one, b = :two", {":one": 1, ":two": 2})
    update("SET a = b, b = a")
    assert item() == {"a": 2, "b": 1}


def test_an_item_is_made(update, item):
    update()
    assert item() == {}


def test_removing_makes_no_item(update, item):
    update("REMOVE a")
    assert item() is None


def test_return_values(update):
    update("SET a = :v, m = :m", {":v": 1, ":m": {"x": 1, "y": 2}})
    def values(how):
        return update("SET a = a + :v, m.x = :v, c = :v", {":v": 1}, ReturnValues=how).get("Attributes")
    assert values("NONE") is None
    old = values("ALL_OLD")
    assert (old["a"], old["c"]) == (2, 1)
    assert values("UPDATED_OLD") == {"a": 3, "m": {"x": 1}, "c": 1}
    assert values("UPDATED_NEW") == {"a": 5, "m": {"x": 1}, "c": 1}
    assert values("ALL_NEW")["a"] == 6


def test_exact_arithmetic(update):
    update("SET a = :v", {":v": Decimal("0.1")})
    assert update("ADD a :v", {":v": Decimal("0.2")}, ReturnValues="ALL_NEW")["Attributes"]["a"] == Decimal("0.3")
    big = Decimal("9" * 38)
    update("SET a = :v", {":v": big})
    assert update("SET a = a - :v", {":v": Decimal("1")}, ReturnValues="ALL_NEW")["Attributes"]["a"] == Decimal("9" * 37 + "8")


def test_conditions(update, item):
    with fails("ConditionalCheckFailedException", "The conditional request failed"):
        update("SET a = :v", {":v": 1}, ConditionExpression="attribute_exists(id)")
    update("SET a = :v", {":v": 1}, ConditionExpression="attribute_not_exists(id)")
    with fails("ConditionalCheckFailedException"):
        update("SET a = :v", {":v": 2, ":x": 5}, ConditionExpression="a > :x")
    assert item() == {"a": 1}


def test_the_parameters_before_expressions(update, item):
    update(AttributeUpdates={"a": {"Value": 1}, "n": {"Value": 5, "Action": "ADD"}})
    update(AttributeUpdates={"a": {"Action": "DELETE"}, "n": {"Value": 2, "Action": "ADD"}}, Expected={"a": {"Value": 1, "Exists": True}})
    assert item() == {"n": 7}
    with fails("ConditionalCheckFailedException"):
        update(AttributeUpdates={"a": {"Value": 1}}, Expected={"n": {"ComparisonOperator": "LT", "AttributeValueList": [7]}})


@pytest.mark.parametrize("expression,values,text", [
    ("", None, "Invalid UpdateExpression: The expression can not be empty;"),
    ("SET a = :a", None, re.compile("^Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :a")),
    ("SET id = :a", {":a": 1}, "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key"),
    ("SET a = :a, a.b = :a", {":a": 1}, re.compile("^Invalid UpdateExpression: Two document paths overlap with each other;")),
    ("SET a = :a SET b = :a", {":a": 1}, re.compile('^Invalid UpdateExpression: The "SET" section can only be used once in an update expression;')),
    ("ADD a :a", {":a": "text"}, re.compile("^Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD")),
    ("SET a.b = :a", {":a": 1}, "The document path provided in the update expression is invalid for update"),
    ("SET a = b", None, "The provided expression refers to an attribute that does not exist in the item"),
    ("SET a = :a", {":a": 1, ":b": 2}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"),
    ("SET a = :a", {":a": "x" * 409600}, re.compile("^Item size to update has exceeded the maximum allowed size")),
])
def test_errors(client, key, things, expression, values, text):
    things.put_item(Item={"id": key})
    arguments = {"UpdateExpression": expression}
    if values:
        arguments["ExpressionAttributeValues"] = values
    with fails("ValidationException", text):
        things.update_item(Key={"id": key}, **arguments)
    assert things.get_item(Key={"id": key})["Item"] == {"id": key}


def test_return_values_are_words(update):
    with fails("ValidationException", re.compile("^1 validation error detected: Value 'x' at 'returnValues' failed to satisfy constraint: Member must "
                                                 r"satisfy enum value set: \[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW\]")):
        update(ReturnValues="x")


def test_no_such_table(client):
    with fails("ResourceNotFoundException", "Requested resource not found"):
        client.update_item(TableName="nowhere", Key={"id": {"S": "x"}})
