"""ExecuteStatement, BatchExecuteStatement, ExecuteTransaction."""
import re

import pytest

from .conftest import fails, index


@pytest.fixture
def table(client, resource, new_table):
    name = new_table("owner", "at:N", attributes=["kind"], GlobalSecondaryIndexes=[index("by-kind", "kind", "at")])
    with resource.Table(name).batch_writer() as batch:
        for i in range(10):
            batch.put_item(Item={"owner": "ann", "at": i, "kind": f"k{i % 2}", "info": {"n": i}})
    return name


@pytest.fixture
def run(client):
    def execute(statement, *parameters, **more):
        if parameters:
            more["Parameters"] = list(parameters)
        return client.execute_statement(Statement=statement, **more)
    return execute


def test_select(run, table):
    def times(statement, *parameters):
        return [int(item["at"]["N"]) for item in run(statement, *parameters)["Items"]]
    assert times(f'SELECT * FROM "{table}" WHERE owner = ? AND "at" < ?', {"S": "ann"}, {"N": "3"}) == [0, 1, 2]
    assert times(f'SELECT * FROM "{table}" WHERE owner = \'ann\' AND "at" BETWEEN 7 AND 8') == [7, 8]
    assert sorted(times(f'SELECT * FROM "{table}" WHERE info.n IN [1, 5, 77]')) == [1, 5]
    assert times(f'SELECT * FROM "{table}"."by-kind" WHERE kind = \'k1\' AND "at" > 6') == [7, 9]
    (item,) = run(f'SELECT info.n, kind FROM "{table}" WHERE owner = \'ann\' AND "at" = 4')["Items"]
    assert item == {"n": {"N": "4"}, "kind": {"S": "k0"}}


def test_pages(run, table):
    found, token = [], {}
    while True:
        page = run(f'SELECT * FROM "{table}" WHERE owner = \'ann\'', Limit=3, **token)
        found += [int(item["at"]["N"]) for item in page["Items"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == list(range(10))


def test_insert_update_delete(run, client, table):
    where = 'WHERE owner = \'bob\' AND "at" = 1'
    assert run(f"INSERT INTO \"{table}\" VALUE {{'owner': 'bob', 'at': 1, 'n': ?}}", {"N": "5"})["Items"] == []
    with fails("DuplicateItemException"):
        run(f"INSERT INTO \"{table}\" VALUE {{'owner': 'bob', 'at': 1}}")
    (item,) = run(f'UPDATE "{table}" SET n = n + 1 SET m = \'x\' {where} RETURNING ALL NEW *')["Items"]
    assert item["n"] == {"N": "6"} and item["m"] == {"S": "x"}
    with fails("ConditionalCheckFailedException"):
        run(f'UPDATE "{table}" SET n = 1 {where} AND n = 77')
    run(f'DELETE FROM "{table}" {where}')
    assert "Item" not in client.get_item(TableName=table, Key={"owner": {"S": "bob"}, "at": {"N": "1"}})


def test_batches(client, table):
    answers = client.batch_execute_statement(Statements=[
        {"Statement": f'SELECT * FROM "{table}" WHERE owner = ? AND "at" = ?', "Parameters": [{"S": "ann"}, {"N": "1"}]},
        {"Statement": f'SELECT * FROM "{table}" WHERE owner = \'nobody\' AND "at" = 1'},
        {"Statement": 'SELECT * FROM "nowhere" WHERE id = \'x\''}])["Responses"]
    assert answers[0]["Item"]["at"] == {"N": "1"} and "Item" not in answers[1]
    assert answers[2]["Error"]["Code"] == "ResourceNotFound"


def test_transactions(client, table):
    insert = [{"Statement": f"INSERT INTO \"{table}\" VALUE {{'owner': 'tom', 'at': {i}}}"} for i in (1, 2)]
    client.execute_transaction(TransactStatements=insert)
    with fails("TransactionCanceledException", re.compile(r"\[None, DuplicateItem\]$")):
        client.execute_transaction(TransactStatements=[{"Statement": f"INSERT INTO \"{table}\" VALUE {{'owner': 'tom', 'at': 3}}"}, insert[0]])
    found = client.execute_transaction(TransactStatements=[
        {"Statement": f'SELECT * FROM "{table}" WHERE owner = \'tom\' AND "at" = {i}'} for i in (1, 2, 3)])["Responses"]
    assert ["Item" in answer for answer in found] == [True, True, False]


@pytest.mark.parametrize("arguments,name,text", [
    ({}, "ValidationException", "1 validation error detected: Value null at 'statement' failed to satisfy constraint: Member must not be null"),
    ({"Statement": ""}, "ValidationException", "1 validation error detected: Value '' at 'statement' failed to satisfy constraint: Member must have length "
                                               "greater than or equal to 1"),
    ({"Statement": "FLY"}, "ValidationException", re.compile("^Statement wasn't well formed, can't be processed: ")),
    ({"Statement": "SELECT * FROM nowhere"}, "ResourceNotFoundException", "Requested resource not found"),
    ({"Statement": "SELECT * FROM things WHERE id = ?"}, "ValidationException", re.compile("^Number of parameters in request and statement don't match")),
    ({"Statement": "SELECT * FROM things", "Parameters": []}, "ValidationException", re.compile("'parameters' failed to satisfy constraint: Member must have length")),
    ({"Statement": "SELECT * FROM things", "Parameters": [{}]}, "ValidationException", re.compile("^Supplied AttributeValue is empty")),
])
def test_errors(client, arguments, name, text):
    with fails(name, text):
        client.execute_statement(**arguments)
