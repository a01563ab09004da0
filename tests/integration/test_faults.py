"""Whatever is killed, nothing accepted is lost, nothing is applied twice, and the stack heals itself."""
import json
import os
import signal
import threading
import time

import pytest
import requests

from up import Up, alive, until

KEYS = 20


class Load:
    """Clients that post counter increments until told to stop; each under its own Idempotency-Key, repeated until accepted."""

    def __init__(self, up, clients=4):
        self.up, self.accepted, self.stopping = up, [0] * KEYS, threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.client, args=(n,)) for n in range(clients)]
        self.last_accept = time.monotonic()
        self.longest_gap = 0.0

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def client(self, n):
        session, i = requests.Session(), 0
        while not self.stopping.is_set():
            key = (n * 7 + i) % KEYS
            body = json.dumps({"operation": "update", "tableName": "name",
                               "payload": {"Key": {"id": f"k{key}"}, "UpdateExpression": "ADD n :one",
                                           "ExpressionAttributeValues": {":one": 1}}})
            self.one(session, body, f"{id(self)}-{n}-{i}", key)
            i += 1

    def one(self, session, body, idempotency_key, key):
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            try:
                answer = session.post(self.up.url + "/DynamoDBManager", data=body, timeout=10,
                                      headers={"Idempotency-Key": idempotency_key, "Content-Type": "application/json"})
                if answer.status_code == 202:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.02)
        else:
            raise AssertionError("a job was not accepted within 40 s")
        with self.lock:
            self.accepted[key] += 1
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - self.last_accept)
            self.last_accept = now


def drained(up):
    queue = up.status().get("queue") or {}
    jobs = [q for q in queue.get("queues", []) if q["name"] == "leat-jobs"]
    return jobs and jobs[0]["ready"] + jobs[0]["inflight"] + jobs[0]["delayed"] == 0


def check_counters(up, load):
    until(lambda: drained(up), 60, "drained queue")
    found = [(up.item("name", id=f"k{k}") or {"n": 0})["n"] for k in range(KEYS)]
    assert found == load.accepted, "lost or applied twice"
    dead = [q for q in up.status()["queue"]["queues"] if q["name"] == "leat-jobs-dead"][0]
    assert dead["ready"] == 0


def finished(up):
    return up.metric('leat_jobs_finished_total{outcome="succeeded"}')


@pytest.mark.parametrize("role", ["worker-child", "worker", "queue", "gateway"])
def test_kill_one_under_load(role):
    with Up(workers=2) as up:
        with Load(up) as load:
            for _ in range(3):
                until(lambda: sum(load.accepted) > 50, 20, "load")
                before = sum(load.accepted)
                up.kill(role)
                killed = time.monotonic()
                until(lambda: sum(load.accepted) > before + 100, 3, "throughput after the kill")
                print(role, "accepting again after", round(time.monotonic() - killed, 2))
        check_counters(up, load)


def test_kill_everything_under_load():
    with Up(workers=2) as up:
        with Load(up) as load:
            for _ in range(2):
                before = sum(load.accepted)
                until(lambda: sum(load.accepted) > before + 200, 20, "load")
                port = up.url.rsplit(":", 1)[1]
                up.kill_all()
                up.start(listen="127.0.0.1:" + port)
        check_counters(up, load)


def test_sigterm_loses_nothing():
    with Up(workers=2) as up:
        ids = [up.post({"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"s{i}"}}}) for i in range(200)]
        up.restart()
        assert all(up.wait_job(job)["status"] == "succeeded" for job in ids)
        assert up.item("name", id="s199") == {"id": "s199"}


def test_kill_nine_of_everything_right_after_the_answers():
    with Up(workers=2) as up:
        ids = [up.post({"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"s{i}", "n": i}}}) for i in range(300)]
        up.kill_all()
        up.start()
        assert all(up.wait_job(job)["status"] == "succeeded" for job in ids)
        assert all(up.item("name", id=f"s{i}")["n"] == i for i in (0, 150, 299))


def test_outcomes_survive_a_restart():
    with Up(workers=1) as up:
        job = up.post({"operation": "echo", "payload": {"a": 1}})
        assert up.wait_job(job)["result"] == {"a": 1}
        up.kill_all()
        up.start()
        assert up.wait_job(job)["result"] == {"a": 1}


def test_a_stopped_child_is_replaced():
    with Up("--stall-timeout", "1s", workers=2) as up:
        pid = up.pid("worker-child")
        os.kill(pid, signal.SIGSTOP)
        ids = [up.post({"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"st{i}"}}}) for i in range(50)]
        assert all(up.wait_job(job, 30)["status"] == "succeeded" for job in ids)


def test_a_job_that_kills_its_worker_is_dead_lettered_and_redriven():
    with Up("--echo-delay", "3s", "--max-receive-count", "3", workers=1) as up:
        job = up.post({"operation": "echo", "payload": "poison"})
        for received in (1, 2, 3):
            until(lambda: up.job(job).get("receiveCount") == received, 20, f"delivery {received}")
            up.kill("worker-child")
        assert until(lambda: up.job(job)["status"] == "dead", 20, "dead letter")
        listing = up.session.get(up.url + "/jobs?status=dead&limit=10").json()
        assert job in json.dumps(listing)
        assert "received 3 times" in json.dumps(listing)
        peek = up.leat("queue", "peek", "leat-jobs-dead", "--data", up.data)
        assert job in peek.stdout and "received 3 times" in peek.stdout
        assert "moved 1 " in up.leat("queue", "redrive", "--data", up.data).stdout
        assert up.wait_job(job)["result"] == "poison"


def test_ten_thousand_jobs_on_one_item_keep_their_order():
    with Up(workers=4) as up:
        for start in range(0, 10000, 500):
            batch = [{"operation": "update", "tableName": "name",
                      "payload": {"Key": {"id": "hot"}, "UpdateExpression": "SET v = :v, seen = list_append(if_not_exists(seen, :none), :l)"
                                  if i % 500 == 0 else "SET v = :v",
                                  "ExpressionAttributeValues": {":v": i, **({":l": [i], ":none": []} if i % 500 == 0 else {})}}}
                     for i in range(start, start + 500)]
            assert up.request(batch).status_code == 202
            if start == 1000:
                assert up.run("create", "name", {"Item": {"id": "other"}})  # others go on meanwhile
        until(lambda: drained(up), 60, "drained queue")
        item = up.item("name", id="hot")
        assert item["v"] == 9999
        assert item["seen"] == list(range(0, 10000, 500))


def test_when_the_supervisor_is_killed_its_parts_stop_and_the_next_start_finds_everything():
    with Up(workers=2) as up:
        ids = [up.post({"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"u{i}"}}}) for i in range(100)]
        pids = up.pids()
        os.kill(up.process.pid, signal.SIGKILL)
        for pid in pids:
            until(lambda: not alive(pid), 20, f"end of {pid}")
        up.process.wait(5)
        up.lines.clear()
        up.start()
        assert all(up.wait_job(job)["status"] == "succeeded" for job in ids)
