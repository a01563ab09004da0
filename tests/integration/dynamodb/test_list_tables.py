"""ListTables."""
import re

import pytest

from .conftest import fails


def test_pages_in_the_order_of_names(client, new_table):
    mine = {new_table() for _ in range(5)}
    found, start = [], {}
    while True:
        page = client.list_tables(Limit=3, **start)
        assert len(page["TableNames"]) <= 3
        found += page["TableNames"]
        if "LastEvaluatedTableName" not in page:
            break
        start = {"ExclusiveStartTableName": page["LastEvaluatedTableName"]}
    assert found == sorted(found) and mine < set(found) and {"things", "notes"} < set(found)
    assert client.list_tables()["TableNames"] == found


@pytest.mark.parametrize("arguments,text", [
    ({"Limit": 0}, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    ({"Limit": 101}, "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"),
    ({"ExclusiveStartTableName": "a;"}, re.compile("^2 validation errors detected: Value 'a;' at 'exclusiveStartTableName' failed to satisfy")),
])
def test_errors(client, arguments, text):
    with fails("ValidationException", text):
        client.list_tables(**arguments)
