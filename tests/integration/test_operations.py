"""The operation API's own examples, as a user would paste them, in every form and under every path."""
import subprocess

import pytest

from up import Up

PATHS = ["/DynamoDBManager", "/dynamodbmanager", "/prod/DynamoDBManager", "/Staging/dynamodbmanager"]


@pytest.fixture(scope="module")
def up():
    with Up() as stack:
        yield stack


@pytest.mark.parametrize("path", PATHS)
def test_examples_asynchronously(up, path):
    table = "lambda-apigateway"
    examples = [
        ({"operation": "create", "tableName": table, "payload": {"Item": {"id": "1", "name": "Bob"}}}, None),
        ({"operation": "create", "tableName": table, "payload": {"Item": {"id": "1234ABCD", "number": 5}}}, None),
        ({"operation": "read", "tableName": table, "payload": {"Key": {"id": "1"}}}, {"id": "1", "name": "Bob"}),
        ({"operation": "update", "tableName": table,
          "payload": {"Key": {"id": "1234ABCD"}, "AttributeUpdates": {"number": {"Value": 10}}}}, None),
        ({"operation": "read", "tableName": table, "payload": {"Key": {"id": "1234ABCD"}}}, {"id": "1234ABCD", "number": 10}),
        ({"operation": "delete", "tableName": table, "payload": {"Key": {"id": "1234ABCD"}}}, None),
    ]
    for body, item in examples:
        answer = up.request(body, path=path)
        assert answer.status_code == 202
        assert answer.json()["status"] == "queued"
        assert answer.headers["Location"] == "/jobs/" + answer.json()["jobId"]
        job = up.wait_job(answer.json()["jobId"])
        assert job["status"] == "succeeded", job
        assert job["result"]["ResponseMetadata"]["HTTPStatusCode"] == 200
        if item:
            assert job["result"]["Item"] == item
    job = up.wait_job(up.post({"operation": "list", "tableName": table, "payload": {}}, path=path))
    assert {"id": "1", "name": "Bob"} in job["result"]["Items"]
    echo = {"somekey1": "somevalue1", "somekey2": "somevalue2"}
    assert up.wait_job(up.post({"operation": "echo", "payload": echo}, path=path))["result"] == echo
    assert up.wait_job(up.post({"operation": "ping"}, path=path))["result"] == "pong"


@pytest.mark.parametrize("form", ["prefer", "query"])
@pytest.mark.parametrize("path", PATHS)
def test_examples_waiting(up, path, form):
    def run(operation, payload=None, table="lambda-apigateway"):
        body = {"operation": operation, "tableName": table}
        if payload is not None:
            body["payload"] = payload
        if form == "prefer":
            answer = up.request(body, path=path, wait=10)
            assert answer.headers["Preference-Applied"].startswith("wait")
        else:
            answer = up.request(body, path=path + "?wait=10")
        assert answer.status_code == 200, answer.text
        return answer.json()

    run("create", {"Item": {"id": "w1", "name": "Bob"}})
    assert run("read", {"Key": {"id": "w1"}})["Item"] == {"id": "w1", "name": "Bob"}
    changed = run("update", {"Key": {"id": "w1"}, "UpdateExpression": "SET #n = :v, visits = if_not_exists(visits, :zero) + :one",
                             "ExpressionAttributeNames": {"#n": "name"},
                             "ExpressionAttributeValues": {":v": "Alice", ":zero": 0, ":one": 1}, "ReturnValues": "ALL_NEW"})
    assert changed["Attributes"] == {"id": "w1", "name": "Alice", "visits": 1}
    assert any(item["id"] == "w1" for item in run("list")["Items"])
    assert "Item" in run("read", {"Key": {"id": "w1"}})
    run("delete", {"Key": {"id": "w1"}})
    assert "Item" not in run("read", {"Key": {"id": "w1"}})
    assert run("echo", {"a": [1, {"b": None}, True]}) == {"a": [1, {"b": None}, True]}
    assert run("ping") == "pong"


def test_with_curl_as_in_the_readme(up):
    out = subprocess.run(["curl", "-s", up.url + "/DynamoDBManager?wait=5", "-d",
                          '{"operation":"create","tableName":"lambda-apigateway","payload":{"Item":{"id":"curl","name":"Bob"}}}'],
                         capture_output=True, text=True, check=True).stdout
    assert '"HTTPStatusCode":200' in out


@pytest.mark.parametrize("text", ["5", "3.14", "0", "-7", "0.001", "12345678901234567890123456789012345678",
                                  "-0.00000000000000000000000000000000000012345678901234567890123456789012345678"])
def test_numbers_come_back_digit_for_digit(up, text):
    body = '{"operation":"create","tableName":"name","payload":{"Item":{"id":"n","value":%s}}}' % text
    assert up.request(body, wait=10).status_code == 200
    answer = up.request('{"operation":"read","tableName":"name","payload":{"Key":{"id":"n"}}}', wait=10)
    assert '"value":%s' % text in answer.text.replace(" ", "")


@pytest.mark.parametrize("text, what", [("1" * 39, "38 significant digits"), ("1e126", "overflow"), ("1e-131", "underflow")])
def test_numbers_beyond_the_limits_are_refused_by_name(up, text, what):
    answer = up.request('{"operation":"create","tableName":"name","payload":{"Item":{"id":"n","value":%s}}}' % text, wait=10)
    assert answer.status_code == 400
    assert answer.json()["type"] == "ValidationException"
    assert what in answer.json()["detail"]


def test_batches_as_array_and_as_lines(up):
    jobs = [{"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"b{i}", "n": i}}} for i in range(300)]
    answer = up.request(jobs)
    assert answer.status_code == 202 and len(answer.json()["jobs"]) == 300
    assert all(up.wait_job(j["jobId"])["status"] == "succeeded" for j in answer.json()["jobs"][:5])
    import json
    lines = "\n".join(json.dumps(j) for j in jobs)
    answer = up.request(lines, headers={"Content-Type": "application/x-ndjson"}, wait=20)
    assert answer.status_code == 200
    assert [j["status"] for j in answer.json()["jobs"]] == ["succeeded"] * 300
    mixed = [{"operation": "ping"}, {"operation": "fly"}, {"operation": "echo", "payload": 1}]
    entries = up.request(mixed).json()["jobs"]
    assert "jobId" in entries[0] and "jobId" in entries[2]
    assert entries[1]["error"]["detail"] == 'Unrecognized operation "fly"'


def test_an_unknown_table_fails_the_job(up):
    job = up.wait_job(up.post({"operation": "create", "tableName": "nowhere", "payload": {"Item": {"id": "1"}}}))
    assert job["status"] == "failed"
    assert job["error"]["type"] == "ResourceNotFoundException"


def test_conditions_decide(up):
    create = {"operation": "create", "tableName": "name",
              "payload": {"Item": {"id": "once"}, "ConditionExpression": "attribute_not_exists(id)"}}
    assert up.request(create, wait=10).status_code == 200
    answer = up.request(create, wait=10)
    assert answer.status_code == 400
    assert answer.json()["type"] == "ConditionalCheckFailedException"


def test_list_pages(up):
    for i in range(0, 60, 20):
        up.request([{"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"page{i + k}"}}} for k in range(20)], wait=10)
    seen, start = [], None
    while True:
        payload = {"Limit": 7}
        if start:
            payload["ExclusiveStartKey"] = start
        page = up.run("list", "name", payload)
        assert page["ScannedCount"] <= 7
        seen += [item["id"] for item in page["Items"]]
        start = page.get("LastEvaluatedKey")
        if not start:
            break
    assert len(seen) == len(set(seen))
    assert {f"page{i}" for i in range(60)} <= set(seen)
    parts = [up.run("list", "name", {"Segment": s, "TotalSegments": 4})["Items"] for s in range(4)]
    assert sorted(i["id"] for part in parts for i in part) == sorted(seen)


def test_idempotency_key(up):
    body = {"operation": "update", "tableName": "name",
            "payload": {"Key": {"id": "counter"}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": 1}}}
    first = up.request(body, headers={"Idempotency-Key": "abc"})
    again = up.request(body, headers={"Idempotency-Key": "abc"})
    assert first.status_code == again.status_code == 202
    assert first.json()["jobId"] == again.json()["jobId"]
    other = up.request({"operation": "ping"}, headers={"Idempotency-Key": "abc"})
    assert other.status_code == 422
    up.wait_job(first.json()["jobId"])
    assert up.item("name", id="counter")["n"] == 1


@pytest.mark.parametrize("payload, what", [
    ({"Item": {"name": "no key"}}, "Missing the key id"),
    ({"Item": {"id": ""}}, "empty string value"),
    ({"Item": {"id": 5}}, "Type mismatch for key id expected: S actual: N"),
    ({"Item": {"id": "big", "pad": "x" * 409600}}, "Item size has exceeded the maximum allowed size"),
    ({"Item": "no map"}, "Item"),
    ({"Item": {"id": "x"}, "Itme": {}}, "Itme"),
    ({"Item": {"id": "x"}, "ConditionExpression": "attribute_not_exists(id"}, "Syntax error"),
    ({"Item": {"id": "x"}, "ConditionExpression": "id = :v"}, ":v"),
    ({}, "Item"),
])
def test_bad_jobs_fail_by_name_and_harm_nothing(up, payload, what):
    answer = up.request({"operation": "create", "tableName": "name", "payload": payload}, wait=10)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert what in answer.json()["detail"], answer.text
    assert up.run("ping") == "pong"


@pytest.mark.parametrize("body, what", [
    (b"", "body"), (b"{", "JSON"), (b"[" * 100 + b"]" * 100, "deep"), (b'"text"', "object"), (b'{"operation":1}', "operation"),
    (b'{"operation":"echo","payload":"\xff"}', "UTF-8"), (b'{"operation":"create","payload":{"Item":{"id":"1"}}}', "tableName"),
    (b'{"operation":"ping","operation":"ping"}', "twice"), (b'{"operation":"ping"} x', "JSON"),
])
def test_bad_bodies_are_refused_by_name(up, body, what):
    answer = up.request(body)
    assert answer.status_code == 400
    assert what.lower() in answer.text.lower(), answer.text
