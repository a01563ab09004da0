"""Mixed load over a while, with parts that are restarted in between; then a clean end.

A short run is part of make test. make asan-stack runs it for LEAT_LONG_SECONDS with programs that are built with AddressSanitizer: each
process then looks for leaks at its end. In a plain build, the memory of the long-lived processes must stand still.
"""
import itertools
import json
import os
import pathlib
import signal
import time

from up import BUILD, Up, until

SECONDS = float(os.environ.get("LEAT_LONG_SECONDS", "3"))
PLAIN = "asan" not in BUILD.name
GROWTH_BYTES_MAX = 32 << 20  # after the first half: tables that grow to the size of the load have done so by then


def batch(first):
    """Jobs of every kind on a few items, some of which fail."""
    item = f"item {first % 7}"
    return [
        {"operation": "create", "tableName": "things", "payload": {"Item": {"id": item, "n": first, "tags": {"$stringSet": ["a", "b"]}}}},
        {"operation": "update", "tableName": "things", "payload": {
            "Key": {"id": item}, "UpdateExpression": "SET n = n + :one, l = if_not_exists(l, :l) ADD tags :t",
            "ExpressionAttributeValues": {":one": 1, ":l": [1, {"a": "b"}], ":t": {"$stringSet": ["c"]}}, "ReturnValues": "ALL_NEW"}},
        {"operation": "update", "tableName": "things", "payload": {
            "Key": {"id": item}, "UpdateExpression": "SET n = :x", "ConditionExpression": "n < :x",
            "ExpressionAttributeValues": {":x": 0}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
        {"operation": "list", "tableName": "things", "payload": {"FilterExpression": "n > :x", "ExpressionAttributeValues": {":x": 1}}},
        {"operation": "delete", "tableName": "things", "payload": {"Key": {"id": f"item {(first + 3) % 7}"}, "ReturnValues": "ALL_OLD"}},
        {"operation": "read", "tableName": "nowhere", "payload": {"Key": {"id": "1"}}},
        {"operation": "echo", "payload": {"x": "y" * 500}},
        {"operation": "sing"},
    ]


def one_round(up, number):
    """A bit of everything that a client can ask; returns how many jobs were accepted."""
    lines = "\n".join(json.dumps(job) for job in batch(number))
    key = {"Idempotency-Key": f"round-{number // 2}"}  # each key twice: the second time the first answer, or a mismatch
    answers = [
        up.request(json.dumps(batch(number)), headers=key),
        up.request(lines, headers={"Content-Type": "application/x-ndjson"}, wait=5),
        up.request('{"operation": "echo", "payload": {"a": 1, "a": 2}}'),
        up.request(json.dumps({"operation": "read", "tableName": "things", "payload": {"Key": {"id": "item 1"}}}), wait=5),
    ]
    jobs = [job for answer in answers[:2] if answer.ok for job in answer.json()["jobs"]]
    for job in jobs[:2]:
        if "jobId" in job:
            up.session.get(f"{up.url}/jobs/{job['jobId']}", timeout=20)
            up.session.delete(f"{up.url}/jobs/{job['jobId']}", timeout=20)
    for path in ("/metrics", "/health/ready", "/jobs?status=dead", "/nowhere"):
        up.session.get(up.url + path, timeout=20)
    return sum("jobId" in job for job in jobs)


def waiting(up):
    states = ("ready", "inflight", "delayed")
    return sum(up.metric(f'leat_queue_messages{{queue="leat-jobs",state="{state}"}}') for state in states)


def memory_bytes(up):
    """Anonymous memory of each process of the stack that lives from beginning to end."""
    sizes = {}
    for role in ("queue", "gateway"):
        pid = up.pid(role)
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
        sizes[role, pid] = int(fields["RssAnon"].split()[0]) * 1024
    return sizes


def test_a_long_run_ends_clean():
    with Up(workers=2, tables=["things:id"]) as up:
        end, accepted, before = time.monotonic() + SECONDS, 0, None
        for number in itertools.count():
            accepted += one_round(up, number)
            if before is None and time.monotonic() > end - SECONDS / 2:
                before = memory_bytes(up)
            if number % 50 == 49:  # a worker's child leaves, and another one comes
                up.kill("worker", signal.SIGTERM)
                until(lambda: len(up.processes("worker")) == 2, 30, "two workers")
            if time.monotonic() > end:
                break
        until(lambda: waiting(up) == 0, 60, "the end of all jobs")
        after = memory_bytes(up)
        assert accepted > 0
        if PLAIN:
            for process, size in after.items():
                assert size - before.get(process, size) < GROWTH_BYTES_MAX, (process, before, after)
        assert up.stop(120) == 0
