"""What can only be seen on the wire: framing, time-outs, limits, connections, and the shapes of the gateway's answers."""

import http.client
import json
import re
import signal
import socket
import time
import uuid

import pytest

from conftest import read_all, wait_until

JOB = b'{"operation":"ping"}'
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def request_bytes(body=JOB, method=b"POST", path=b"/DynamoDBManager", headers=()):
    """One request with Host and Content-Length."""
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def statuses(data):
    """The status codes of all answers in a byte stream."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def problem(answer, status, name):
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and body["type"] == name and body["title"] and body["detail"], body
    return body


# -- Routes -------------------------------------------------------------------------------------------------------------
def test_health_and_readiness(stack):
    assert stack.get("/healthz").json() == {"status": "ok"}
    assert stack.get("/readyz").json() == {"status": "ready"}
    head = stack.request("HEAD", "/healthz")
    assert head.status == 200 and head.body == b"" and head.headers["content-length"] == "15"


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("GET", "/DynamoDBManager", "POST"),
        ("PUT", "/prod/dynamodbmanager", "POST"),
        ("POST", "/jobs", "GET, HEAD"),
        ("PATCH", f"/jobs/{uuid.uuid4()}", "GET, HEAD, DELETE"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
    ],
)
def test_wrong_methods_name_the_right_ones(stack, method, path, allow):
    answer = stack.request(method, path)
    assert problem(answer, 405, "MethodNotAllowed")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/nothing", "/DynamoDBManager/", "//DynamoDBManager", "/jobs/a/b", "/jobs%2Fa"])
def test_unknown_paths(stack, path):
    problem(stack.get(path), 404, "NotFound")


@pytest.mark.parametrize("path", ["/DynamoDBManager", "/dynamodbmanager", "/prod/DynamoDBManager", "/Staging/dynamodbmanager"])
def test_the_manager_answers_under_every_spelling(stack, path):
    assert stack.post({"operation": "ping"}, path=path).status == 202


# -- Shapes of answers --------------------------------------------------------------------------------------------------
def test_accepted(stack):
    answer = stack.post({"operation": "echo", "payload": {"a": 1}})
    body = answer.json()
    assert answer.status == 202 and answer.headers["content-type"] == "application/json"
    assert set(body) == {"jobId", "status"} and body["status"] == "queued" and ID.fullmatch(body["jobId"])
    assert answer.headers["location"] == f"/jobs/{body['jobId']}"
    assert stack.wait_job(body["jobId"])["result"] == {"a": 1}


@pytest.mark.parametrize("how", ["query", "header", "quoted", "second header"])
def test_waiting(stack, how):
    prefer = {"header": "respond-async, wait=10", "quoted": 'wait="10"', "second header": "return=minimal, wait=10; x=y"}.get(how)
    answer = stack.post(
        {"operation": "echo", "payload": [1, "two"]}, wait=10 if how == "query" else None, headers={"Prefer": prefer} if prefer else {}
    )
    assert answer.status == 200 and answer.json() == [1, "two"]
    assert answer.headers["location"] == "/jobs/" + answer.headers["x-leat-job-id"]
    assert answer.headers.get("preference-applied") == ("wait=10" if prefer else None)


def test_a_failed_job_is_a_problem(stack):
    answer = stack.post({"operation": "read", "tableName": "no-such-table", "payload": {"Key": {"id": "1"}}}, wait=10)
    body = problem(answer, 400, "ResourceNotFoundException")
    assert body["instance"] == answer.headers["location"]
    job = stack.get(body["instance"]).json()
    assert job["status"] == "failed" and job["error"]["type"] == "ResourceNotFoundException"


@pytest.mark.parametrize("wait", ["x", "-1", "1.5", ""])
def test_a_bad_wait(stack, wait):
    problem(stack.post({"operation": "ping"}, path=f"/DynamoDBManager?wait={wait}"), 400, "ValidationException")
    problem(stack.get(f"/jobs/{uuid.uuid4()}?wait={wait}"), 400, "ValidationException")


@pytest.mark.parametrize(
    "body, name, detail",
    [
        (b"", "ValidationException", "empty"),
        (b"   ", "SerializationException", ""),
        (b"{", "SerializationException", ""),
        (b"nonsense", "SerializationException", ""),
        (b'{"operation":"ping"} x', "SerializationException", ""),
        (b'{"operation":"\xff"}', "SerializationException", ""),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "SerializationException", "deep"),
        (b'{"operation":"ping","operation":"ping"}', "SerializationException", ""),
        (b"5", "ValidationException", "object"),
        (b'"ping"', "ValidationException", "object"),
        (b"[]", "ValidationException", "empty"),
        (b"{}", "ValidationException", "operation is missing"),
        (b'{"operation":5}', "ValidationException", "operation must be a string"),
        (b'{"operation":"x"}', "UnknownOperationException", 'Unrecognized operation "x"'),
        (b'{"operation":"ping","more":1}', "ValidationException", '"more"'),
        (b'{"operation":"read","payload":{}}', "ValidationException", "tableName is missing"),
        (b'{"operation":"read","tableName":5,"payload":{}}', "ValidationException", "tableName must be a string"),
        (b'{"operation":"read","tableName":"a b c","payload":{}}', "ValidationException", "[a-zA-Z0-9_.-]+"),
        (b'{"operation":"read","tableName":"ab","payload":{}}', "ValidationException", "at least 3"),
        (b'{"operation":"read","tableName":"name"}', "ValidationException", "payload is missing"),
        (b'{"operation":"read","tableName":"name","payload":[]}', "ValidationException", "payload must be an object"),
        (b'{"operation":"echo"}', "ValidationException", "payload is missing"),
        (b'{"operation":"echo","payload":' + b"1" * 39 + b"}", "ValidationException", ""),
    ],
)
def test_bad_bodies(stack, body, name, detail):
    assert detail in problem(stack.post(body), 400, name)["detail"]


def test_the_detail_of_an_unknown_operation_is_exact(stack):
    assert stack.post({"operation": "frobnicate"}).json()["detail"] == 'Unrecognized operation "frobnicate"'


@pytest.mark.parametrize("media", ["text/html", "application/xml", "multipart/form-data; boundary=x"])
def test_media_types_that_are_not_understood(stack, media):
    problem(stack.post({"operation": "ping"}, headers={"Content-Type": media}), 415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    "media", ["application/json; charset=utf-8", "TEXT/JSON", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_media_types_that_are(stack, media):
    assert stack.post({"operation": "ping"}, headers={"Content-Type": media}).status == 202


# -- Batches ------------------------------------------------------------------------------------------------------------
def test_a_batch_answers_for_each_job(stack):
    jobs = [{"operation": "echo", "payload": 1}, {"operation": "nonsense"}, 5, {"operation": "ping"}]
    answer = stack.post(jobs)
    entries = answer.json()["jobs"]
    assert answer.status == 202 and len(entries) == 4
    assert entries[0]["status"] == entries[3]["status"] == "queued"
    assert entries[0]["jobId"] != entries[3]["jobId"]
    assert entries[1]["error"]["detail"] == 'Unrecognized operation "nonsense"' and "jobId" not in entries[1]
    assert entries[2]["error"]["type"] == "ValidationException"


def test_a_batch_that_waits(stack):
    jobs = [{"operation": "echo", "payload": {"n": 5}}, {"operation": "read", "tableName": "nowhere", "payload": {"Key": {"id": "1"}}}]
    answer = stack.post([*jobs, {"operation": "nonsense"}], wait=10)
    one, two, three = answer.json()["jobs"]
    assert answer.status == 200
    assert one["status"] == "succeeded" and one["result"] == {"n": 5} and ID.fullmatch(one["jobId"])
    assert two["status"] == "failed" and two["error"]["type"] == "ResourceNotFoundException"
    assert three["error"]["type"] == "UnknownOperationException"


def test_lines(stack):
    body = b'{"operation":"echo","payload":1}\r\n\n  \n{"operation":\n{"operation":"echo","payload":2}'
    answer = stack.post(body, headers={"Content-Type": "application/x-ndjson"}, wait=10)
    one, two, three = answer.json()["jobs"]
    assert (one["result"], three["result"]) == (1, 2)
    assert two["error"]["type"] == "SerializationException"


def test_batches_have_limits(stack):
    entries = stack.post([{"operation": "ping"}] * 1000).json()["jobs"]
    assert len({e["jobId"] for e in entries}) == 1000
    problem(stack.post([{"operation": "ping"}] * 1001), 400, "LimitExceededException")
    lines = {"Content-Type": "application/x-ndjson"}
    problem(stack.post(b'{"operation":"ping"}\n' * 1001, headers=lines), 400, "LimitExceededException")
    problem(stack.post(b"\n\n", headers=lines), 400, "ValidationException")
    refused = stack.post([{"operation": "a"}, {"operation": "b"}])
    assert refused.status == 400 and [e["error"]["status"] for e in refused.json()["jobs"]] == [400, 400]


# -- Idempotency --------------------------------------------------------------------------------------------------------
def test_the_same_key_is_the_same_job(stack):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = stack.post({"operation": "echo", "payload": 1}, headers=key)
    again = stack.post({"operation": "echo", "payload": 1}, headers=key)
    assert first.status == again.status == 202
    assert first.json()["jobId"] == again.json()["jobId"]
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"
    problem(stack.post({"operation": "echo", "payload": 2}, headers=key), 422, "IdempotentParameterMismatchException")
    waiting = stack.post({"operation": "echo", "payload": 1}, headers=key, wait=10)
    assert waiting.status == 200 and waiting.json() == 1 and waiting.headers["idempotency-replayed"] == "true"


def test_a_key_of_a_batch_counts_for_each_entry(stack):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    jobs = [{"operation": "echo", "payload": 1}, {"operation": "echo", "payload": 1}]
    first = [e["jobId"] for e in stack.post(jobs, headers=key).json()["jobs"]]
    assert first[0] != first[1]
    assert [e["jobId"] for e in stack.post(jobs, headers=key).json()["jobs"]] == first


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_bad_keys(stack, key):
    problem(stack.post({"operation": "ping"}, headers={"Idempotency-Key": key}), 400, "ValidationException")


# -- Jobs ---------------------------------------------------------------------------------------------------------------
def test_unknown_jobs(stack):
    problem(stack.get(f"/jobs/{uuid.uuid4()}"), 404, "NotFound")
    problem(stack.get("/jobs/nonsense"), 404, "NotFound")
    problem(stack.request("DELETE", f"/jobs/{uuid.uuid4()}"), 404, "NotFound")


def test_an_ended_job_cannot_be_cancelled(stack):
    job = stack.post({"operation": "ping"}).json()["jobId"]
    assert stack.wait_job(job)["result"] == "pong"
    problem(stack.request("DELETE", f"/jobs/{job}"), 409, "Conflict")


def test_a_queued_job_can_be_cancelled(new_stack):
    s = new_stack(workers=0, start=False)
    s.start(wait=False)
    job = wait_until(lambda: s.post({"operation": "ping"}).json().get("jobId"))
    assert s.get(f"/jobs/{job}").json()["status"] == "queued"
    problem(s.get("/readyz"), 503, "ServiceUnavailable")
    cancelled = s.request("DELETE", f"/jobs/{job}")
    assert cancelled.status == 200 and cancelled.json() == {"jobId": job, "status": "cancelled"}


def test_waiting_for_a_job(new_stack):
    s = new_stack(worker=["--echo-delay", "1s"])
    job = s.post({"operation": "echo", "payload": "late"}).json()["jobId"]
    begun = time.monotonic()
    body = s.get(f"/jobs/{job}?wait=10").json()
    assert body["status"] == "succeeded" and body["result"] == "late" and time.monotonic() - begun < 5
    short = s.post({"operation": "echo", "payload": 1}, headers={"Prefer": "wait=0"})
    assert short.status == 202
    begun = time.monotonic()
    s.post([{"operation": "echo", "payload": n} for n in range(20)])
    cut = s.post({"operation": "echo", "payload": 1}, wait=1)
    assert cut.status == 202 and 0.9 < time.monotonic() - begun < 3


def test_listing_the_dead(stack):
    assert stack.get("/jobs?status=dead").json() == {"jobs": []}
    assert stack.get("/jobs?status=dead&limit=5").status == 200
    for query in ("", "?status=queued", "?status=dead&limit=0", "?status=dead&limit=x", "?status=dead&limit=1001"):
        problem(stack.get("/jobs" + query), 400, "ValidationException")


# -- Metrics ------------------------------------------------------------------------------------------------------------
def test_metrics(stack):
    stack.call("ping")
    samples = wait_until(lambda: (m := stack.metrics()).get('leat_jobs_finished_total{outcome="succeeded"}') and m)
    assert samples["leat_workers"] == 1
    assert samples["leat_jobs_accepted_total"] >= 1
    for name in (
        'leat_queue_messages{queue="leat-jobs",state="ready"}',
        'leat_queue_messages{queue="leat-jobs-dead",state="inflight"}',
        'leat_queue_oldest_message_seconds{queue="leat-jobs"}',
        'leat_jobs_finished_total{outcome="failed"}',
        'leat_jobs_finished_total{outcome="dead"}',
        "leat_jobs_redelivered_total",
        "leat_store_commits_total",
        "leat_store_recoveries_total",
        "leat_http_request_seconds_count",
        "leat_queue_fsync_seconds_count",
        "process_resident_memory_bytes",
        'leat_http_requests_total{route="manager",code="200"}',
    ):
        assert name in samples, name
    assert stack.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


def test_each_metric_is_described_once(stack):
    text = stack.get("/metrics").body.decode()
    names = re.findall(r"^# TYPE (\S+)", text, re.M)
    assert len(names) == len(set(names))
    samples = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(samples) == len(set(samples))


# -- Framing ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Length: 20", b"Content-Length: 21"],
        [b"Content-Length: 20", b"Content-Length: 20"],
        [b"Content-Length: 20", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 20"],
        [b"Transfer-Encoding: gzip"],
        [b"Transfer-Encoding: gzip, chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
        [b"Content-Length : 20"],
        [b"Host: y", b"Content-Length: 20"],
        [b"X-Bare: a\rTransfer-Encoding: chunked", b"Content-Length: 20"],
    ],
)
def test_requests_without_a_sure_end_are_refused_and_closed(stack, headers):
    request = b"POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + JOB
    data = stack.raw(request + request_bytes(method=b"GET", path=b"/healthz", body=b""))
    assert statuses(data) == [400], data
    assert b"connection: close" in data.lower()


@pytest.mark.parametrize("length", [b"+20", b"20x", b"-1", b"", b"0x14", b"20, 20", b"99999999999999999999999"])
def test_malformed_lengths_are_refused_and_closed(stack, length):
    """The HTTP library answers these by itself (and some versions write the head of that answer twice)."""
    request = b"POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n" + JOB
    data = stack.raw(request + request_bytes(method=b"GET", path=b"/healthz", body=b""))
    assert set(statuses(data)) <= {400, 413} and data, data


def test_host_is_needed(stack):
    assert statuses(stack.raw(b"GET /healthz HTTP/1.1\r\n\r\n")) == [400]
    assert statuses(stack.raw(b"GET /healthz HTTP/1.0\r\n\r\n")) == [200]


@pytest.mark.parametrize("noise", [b"\x00\x01\x02\r\n\r\n", b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n" * 10])
def test_noise_is_closed_and_harms_nothing(stack, noise):
    data = stack.raw(noise, half_close=True)
    assert 200 not in statuses(data)
    assert stack.get("/healthz").status == 200


def test_too_large_a_header(stack):
    data = stack.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 30000 + b"\r\n\r\n")
    assert statuses(data) in ([431], [413]), data[:200]
    data = stack.raw(b"GET /" + b"x" * 30000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(data) == [414]
    many = b"".join(b"X-%d: y\r\n" % i for i in range(200))
    assert statuses(stack.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n")) == [431]


def test_a_header_of_the_promised_size_passes(stack):
    assert stack.request("GET", "/healthz", headers={"X-Large": "x" * 8000}).status == 200


def test_keep_alive_and_pipelining(stack):
    with stack.socket() as s:
        for _ in range(3):
            s.sendall(request_bytes())
            data = b""
            while not data.endswith(b'"queued"}'):
                data += s.recv(65536)
            assert statuses(data) == [202]
        jobs = [json.dumps({"operation": "echo", "payload": n}).encode() for n in range(50)]
        s.sendall(b"".join(request_bytes(body, path=b"/DynamoDBManager?wait=10") for body in jobs[:-1]))
        s.sendall(request_bytes(jobs[-1], path=b"/DynamoDBManager?wait=10", headers=[b"Connection: close"]))
        data = read_all(s)
    assert statuses(data) == [200] * 50
    assert [int(n) for n in re.findall(rb"\r\n\r\n(\d+)", data)] == list(range(50))


def test_a_body_in_small_pieces(stack):
    body = json.dumps({"operation": "echo", "payload": "x" * 50}).encode()
    with stack.socket() as s:
        for at in range(0, len(whole := request_bytes(body, headers=[b"Connection: close"]))):
            s.sendall(whole[at : at + 1])
        assert statuses(read_all(s)) == [202]


def test_chunked_bodies(stack):
    body = json.dumps({"operation": "echo", "payload": "y" * 5000}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i : i + 700]), body[i : i + 700]) for i in range(0, len(body), 700))
    head = b"POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert statuses(stack.raw(head + chunks + b"0\r\n\r\n")) == [202]
    assert statuses(stack.raw(head + b"zz\r\n" + body)) == [400]


def test_expect_continue(stack):
    with stack.socket() as s:
        s.sendall(request_bytes(headers=[b"Expect: 100-continue", b"Connection: close"])[: -len(JOB)])
        assert s.recv(1000).startswith(b"HTTP/1.1 100 ")
        s.sendall(JOB)
        assert statuses(read_all(s)) == [202]
    with stack.socket() as s:
        s.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\nExpect: 100-continue\r\n\r\n")
        assert statuses(read_all(s)) == [404]


def test_a_half_closed_client_gets_its_answer(stack):
    assert statuses(stack.raw(request_bytes(path=b"/DynamoDBManager?wait=10"), half_close=True)) == [200]


def test_a_client_that_leaves_harms_nothing(stack):
    for _ in range(50):
        with stack.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            s.sendall(request_bytes(path=b"/DynamoDBManager?wait=10"))
    assert stack.call("ping") == "pong"


# -- Size ---------------------------------------------------------------------------------------------------------------
def padded_job(size):
    frame = len(json.dumps({"operation": "echo", "payload": ""}))
    return json.dumps({"operation": "echo", "payload": "x" * (size - frame)}).encode()


def test_the_largest_body_passes(stack):
    body = padded_job(1024 * 1024)
    assert len(body) == 1024 * 1024
    answer = stack.post(body, wait=10)
    assert answer.status in (200, 400), answer  # the worker may refuse so large an answer; the gateway took the body
    assert stack.post(padded_job(300 * 1024), wait=10).status == 200


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 30 * 1024 * 1024])
def test_too_large_a_body(stack, size):
    """The client sends it all before it reads, and still gets the answer, not a reset."""
    with stack.socket() as s:
        s.sendall(b"POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        try:
            s.sendall(b"x" * size)
        except (BrokenPipeError, ConnectionResetError):
            assert size > 2 * 1024 * 1024  # so much is not waited for
        data = read_all(s)
    if size < 2 * 1024 * 1024:
        assert statuses(data) == [413] and b"connection: close" in data.lower()


def test_too_large_a_chunked_body(stack):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with stack.socket() as s:
        s.sendall(b"POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 17)
        assert statuses(read_all(s)) == [413]


def test_too_large_with_expect_is_refused_before_the_body(stack):
    with stack.socket() as s:
        s.sendall(b"POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
        assert statuses(read_all(s)) == [413]


# -- Time ---------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def hasty():
    """A stack whose gateway has little patience, and few connections."""
    from conftest import Stack

    s = Stack(gateway=["--request-timeout", "400ms", "--idle-timeout", "900ms", "--max-connections", "8"])
    try:
        s.start()
        yield s
        s.stop()
    finally:
        s.remove()


@pytest.mark.parametrize(
    "begun", [b"", b"POST /Dyn", request_bytes()[:60], request_bytes()[:-1], request_bytes(b"x" * 5000)[:-1]],
    ids=["nothing", "half a line", "half the headers", "all but a byte", "large"],
)
def test_slow_clients_get_408(hasty, begun):
    with hasty.socket() as s:
        before = time.monotonic()
        s.sendall(begun)
        data = read_all(s)
        assert statuses(data) == [408], data
        assert 0.3 < time.monotonic() - before < 3
    assert b"RequestTimeout" in data


def test_a_dripping_client_gets_408(hasty):
    with hasty.socket() as s:
        whole = request_bytes(b"x" * 500)
        before = time.monotonic()
        try:
            for at in range(len(whole)):
                s.sendall(whole[at : at + 1])
                time.sleep(0.01)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - before < 5
        assert statuses(read_all(s)) == [408]


def test_idle_connections_are_closed_in_silence(hasty):
    with hasty.socket() as s:
        s.sendall(request_bytes())
        data = b""
        while not data.endswith(b'"queued"}'):
            data += s.recv(65536)
        before = time.monotonic()
        assert read_all(s) == b""
        assert 0.5 < time.monotonic() - before < 4


def test_a_waiting_client_is_not_slow(new_stack):
    s = new_stack(worker=["--echo-delay", "1500ms"], gateway=["--request-timeout", "300ms", "--idle-timeout", "300ms"])
    assert s.call("echo", payload="patience", wait=10) == "patience"


def test_too_many_connections(hasty):
    held = [hasty.socket() for _ in range(20)]
    for s in held:
        s.sendall(b"GET ")  # they begin, and do not go on
    answers = [read_all(s) for s in held]
    codes = [code for data in answers for code in statuses(data)]
    assert len(codes) == 20 and set(codes) == {408, 503}, codes
    assert codes.count(408) <= 8
    assert all(b"Retry-After" in data for data in answers if 503 in statuses(data))
    for s in held:
        s.close()

    def works():
        try:
            return hasty.get("/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_until(works)


# -- Processes ----------------------------------------------------------------------------------------------------------
def test_sigterm_answers_what_is_in_flight(new_stack):
    s = new_stack(worker=["--echo-delay", "1s"])
    with s.socket() as waiting, s.socket() as idle:
        idle.sendall(request_bytes(method=b"GET", path=b"/healthz", body=b""))
        assert statuses(idle.recv(4096)) == [200]
        waiting.sendall(request_bytes(json.dumps({"operation": "echo", "payload": "last"}).encode(), path=b"/DynamoDBManager?wait=10"))
        time.sleep(0.2)
        gateway = s.kill("gateway", signal.SIGTERM)
        assert read_all(idle) == b""
        data = read_all(waiting)
        assert statuses(data) == [200] and data.endswith(b'"last"') and b"connection: close" in data.lower()
    assert gateway.wait() == 0
    with pytest.raises(ConnectionRefusedError):
        s.socket()


def test_two_gateways_share_a_port(new_stack):
    s = new_stack(gateways=2)
    jobs = [s.post({"operation": "ping"}).json()["jobId"] for _ in range(40)]
    s.kill("gateway0")
    assert s.wait_job(jobs[-1])["result"] == "pong"
    for _ in range(10):
        assert s.call("ping") == "pong"


def test_without_a_broker(new_stack):
    s = new_stack()
    assert s.call("ping") == "pong"
    s.kill("queue")
    wait_until(lambda: s.get("/readyz").status == 503)
    begun = time.monotonic()
    answer = s.post({"operation": "ping"})
    assert problem(answer, 503, "ServiceUnavailable") and answer.headers["retry-after"]
    assert "not known" in answer.json()["detail"] and time.monotonic() - begun < 8
    assert s.get("/healthz").status == 200 and s.get("/metrics").status == 200
    problem(s.get(f"/jobs/{uuid.uuid4()}"), 503, "ServiceUnavailable")
    s.launch("queue")
    s.wait_ready()
    assert s.call("ping") == "pong"


def test_a_request_survives_a_restart_of_the_broker(new_stack):
    s = new_stack()
    s.kill("queue")
    with s.socket() as waiting:
        waiting.sendall(request_bytes(path=b"/DynamoDBManager?wait=20", headers=[b"Connection: close"]))
        time.sleep(0.3)
        s.launch("queue")
        data = read_all(waiting)
    assert statuses(data) == [200] and data.endswith(b'"pong"'), data
