"""The command line, as a user types it."""
import json
import pathlib
import pty
import os
import select
import subprocess

import pytest

from up import BUILD, Up, until


@pytest.fixture(scope="module")
def up():
    with Up() as stack:
        yield stack


def test_help_and_version():
    for arguments in (["--help"], ["up", "--help"], ["status", "--help"], ["table", "--help"], ["queue", "--help"], ["post", "--help"], ["bench", "--help"]):
        shown = subprocess.run([BUILD / "leat", *arguments], capture_output=True, text=True)
        assert shown.returncode == 0 and "Usage" in shown.stdout
    for program in ("leat", "leat-queue", "leat-worker", "leat-gateway"):
        assert "0." in subprocess.run([BUILD / program, "--version"], capture_output=True, text=True).stdout
    wrong = subprocess.run([BUILD / "leat", "fly"], capture_output=True, text=True)
    assert wrong.returncode == 64 and "fly" in wrong.stderr
    wrong = subprocess.run([BUILD / "leat", "up", "--wokers", "3"], capture_output=True, text=True)
    assert wrong.returncode == 64 and "--workers" in wrong.stderr


def test_status(up):
    status = up.status()
    roles = [p["role"] for p in status["processes"]]
    for role, count in (("supervisor", 1), ("queue", 1), ("gateway", 1), ("worker", 2), ("worker-child", 2)):
        assert roles.count(role) == count
    assert all(p["state"] == "running" and p["pid"] > 0 for p in status["processes"])
    assert status["url"] == up.url
    assert len(status["workers"]) == 2
    text = up.leat("status", "--data", up.data).stdout
    assert "leat-jobs-dead" in text and "worker-1" in text and "accepted" in text


def test_status_of_many_queues_is_a_glance(up):
    for i in range(14):
        assert up.leat("queue", "create", f"many-{i}", "--data", up.data).returncode == 0
    up.leat("queue", "send", "many-7", "x", "--data", up.data)
    text = up.leat("status", "--data", up.data).stdout
    queues = text.split("Queues\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in queues[1:4]] == ["leat-jobs", "leat-jobs-dead", "us-east-1/many-7"]
    assert len(queues) == 1 + 2 + 10 + 1 and queues[-1].split() == ["and", "4", "more", "0", "0", "0"]
    assert len(up.status()["queue"]["queues"]) == 16, "programs get them all"


def test_commands_leave_no_lines_in_the_log(up):
    up.leat("queue", "ls", "--data", up.data)
    assert any("client.hello" in line and "role=gateway" in line for line in up.lines), up.log()
    assert not any("role=cli" in line for line in up.lines), up.log()


def test_status_of_a_stopped_stack(tmp_path):
    shown = subprocess.run([BUILD / "leat", "status", "--data", tmp_path, "--timeout", "200ms"], capture_output=True, text=True)
    assert shown.returncode == 69 and "no broker" in shown.stderr


def test_tables(up):
    data = ["--data", up.data]
    made = up.leat("table", "create", "orders", "customer,number:N", *data)
    assert made.returncode == 0, made.stderr
    assert "customer:S,number:N" in made.stdout
    listed = up.leat("table", "ls", *data).stdout
    assert "orders" in listed and "lambda-apigateway" in listed
    again = up.leat("table", "create", "orders", "id", *data)
    assert again.returncode == 1 and "ResourceInUseException" in again.stderr
    until(lambda: up.request({"operation": "create", "tableName": "orders",
                              "payload": {"Item": {"customer": "c", "number": 7, "v": "first"}}}, wait=5).status_code == 200)
    assert up.item("orders", customer="c", number=7)["v"] == "first"
    described = json.loads(up.leat("table", "describe", "orders", "--json", *data).stdout)
    assert "KeySchema" in json.dumps(described)
    assert up.leat("table", "drop", "orders", *data).returncode == 0
    gone = up.leat("table", "describe", "orders", *data)
    assert gone.returncode == 1 and "ResourceNotFoundException" in gone.stderr
    up.leat("table", "create", "orders", "customer,number:N", *data)
    assert up.item("orders", customer="c", number=7) is None, "a re-created table inherits nothing"
    up.leat("table", "drop", "orders", *data)
    assert up.leat("table", "create", "x", "id", *data).returncode != 0, "three characters at least"


def write_jobs(path, count):
    with open(path, "w") as f:
        for i in range(count):
            f.write(json.dumps({"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"p{i}"}}}) + "\n")


def test_post_a_file(up, tmp_path):
    write_jobs(tmp_path / "jobs", 3000)
    posted = up.leat("post", "--url", up.url, "--wait", "20", tmp_path / "jobs")
    assert posted.returncode == 0, posted.stderr
    assert "posted 3000 jobs" in posted.stdout and "0 refused, 0 failed" in posted.stdout
    assert up.item("name", id="p2999") == {"id": "p2999"}


def test_post_names_the_bad_lines(up, tmp_path):
    (tmp_path / "jobs").write_text('{"operation":"ping"}\n\n{"operation":"fly"}\n{"operation":"ping"}\n')
    posted = up.leat("post", "--url", up.url, tmp_path / "jobs")
    assert posted.returncode == 1
    assert 'line 3: Unrecognized operation "fly"' in posted.stderr
    assert "posted 2 jobs" in posted.stdout and "1 refused" in posted.stdout
    assert up.leat("post", "--url", up.url, tmp_path / "missing").returncode == 66
    assert up.leat("post", "--url", "http://127.0.0.1:1", "--timeout", "1s", tmp_path / "missing").returncode == 66


def test_post_shows_progress_on_a_terminal(up, tmp_path):
    write_jobs(tmp_path / "jobs", 2000)
    leader, follower = pty.openpty()
    process = subprocess.Popen([BUILD / "leat", "post", "--url", up.url, tmp_path / "jobs"], stdout=follower, stderr=follower)
    os.close(follower)
    seen = b""
    while True:
        readable, _, _ = select.select([leader], [], [], 20)
        try:
            chunk = os.read(leader, 4096) if readable else b""
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    assert process.wait(20) == 0
    assert b"100%" in seen and b"posted 2000 jobs" in seen


def test_queue_listing_and_purge(up):
    listed = up.leat("queue", "ls", "--data", up.data).stdout
    assert "leat-jobs" in listed and "READY" in listed
    assert "purged 0" in up.leat("queue", "purge", "leat-jobs", "--data", up.data).stdout
    wrong = up.leat("queue", "purge", "nothing", "--data", up.data)
    assert wrong.returncode == 1 and "no such queue" in wrong.stderr
    assert up.leat("queue", "purge", "--data", up.data).returncode == 64


def test_peek_cancel_and_purge_of_waiting_jobs():
    with Up("--echo-delay", "20s", workers=1) as up:
        up.post({"operation": "echo", "payload": 0})
        until(lambda: up.metric('leat_queue_messages{queue="leat-jobs",state="inflight"}') == 1)
        jobs = [up.post({"operation": "update", "tableName": "name", "payload": {
            "Key": {"id": "x"}, "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": i}}}) for i in range(600)]
        peek = json.loads(up.leat("queue", "peek", "leat-jobs", "--max", "1000", "--json", "--data", up.data).stdout)
        assert {"operation", "tableName", "payload"} == set(json.loads(peek[0]["body"]))
        waiting = [m["messageId"] for m in peek if m["state"] == "ready"]
        assert waiting
        cancelled = up.session.delete(f"{up.url}/jobs/{waiting[0]}")
        assert cancelled.status_code == 200 and cancelled.json()["status"] == "cancelled"
        assert up.job(waiting[0])["status"] in (404, "cancelled")
        purged = up.leat("queue", "purge", "leat-jobs", "--data", up.data).stdout
        assert purged.startswith("purged ") and int(purged.split()[1]) >= len(waiting) - 1
        assert set(jobs)
