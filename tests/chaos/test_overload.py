"""More than there is room for: connections, large bodies, clients that do not read, more jobs than the queue holds. Memory stays below its bounds, who is
turned away is told so, accepted work goes on, and afterwards everything is as it was."""
import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import threading
import time

import pytest
import requests

from up import Up, until

MIB = 1 << 20
GATEWAY_BYTES = 512 * MIB  # common/limits.h: bodies and answers that one gateway holds
BASE_BYTES = 160 * MIB     # program, libraries, buffers of connections, what malloc keeps
BROKER_BYTES = 512 * MIB
PATIENCE_SECONDS = 90
CONNECTIONS = min(9700, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1000)  # of 10,000; beside them, those that do not read and the steady ones
WORKER_BYTES = 448 * MIB   # a cache of 64 MiB, a log buffer, a batch


@pytest.fixture(autouse=True, scope="module")
def many_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def most_memory(pid):
    """The most that a process has held so far."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def check_memory(up):
    bounds = {"gateway": GATEWAY_BYTES + BASE_BYTES, "queue": BROKER_BYTES, "worker": 32 * MIB, "worker-child": WORKER_BYTES}
    held = {}
    for role, bound in bounds.items():
        for process in up.processes(role):
            held[role] = most_memory(process["pid"])
            assert held[role] <= bound, (role, held[role] // MIB, "MiB")
    return {role: value // MIB for role, value in held.items()}


def connect(up):
    found = socket.create_connection(("127.0.0.1", int(up.url.rsplit(":", maxsplit=1)[1])), timeout=20)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    return found


@contextlib.contextmanager
def connections(up, count):
    opened = []
    try:
        for _ in range(count):
            opened.append(connect(up))
        yield opened
    finally:
        for one in opened:
            one.close()


class Steady:
    """A client that posts one job after another all the while, and counts."""

    def __init__(self, up):
        self.up, self.stopping, self.accepted, self.turned_away, self.jobs = up, threading.Event(), 0, 0, []
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(30)

    def run(self):
        session = requests.Session()
        body = json.dumps({"operation": "update", "tableName": "name",
                           "payload": {"Key": {"id": "steady"}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": 1}}})
        while not self.stopping.is_set():
            answer = session.post(self.up.url + "/DynamoDBManager", data=body, timeout=PATIENCE_SECONDS)
            if answer.status_code == 202:
                self.accepted += 1
                self.jobs.append(answer.json()["jobId"])
            else:
                assert answer.status_code in (503, 507) and answer.headers.get("Retry-After"), (answer.status_code, answer.text)
                self.turned_away += 1
            time.sleep(0.005)

    def rate(self, seconds=1):
        """Accepted a second."""
        begun, before = time.monotonic(), self.accepted
        time.sleep(seconds)
        return (self.accepted - before) / (time.monotonic() - begun)

    def goes_on(self, more=20):
        before = self.accepted
        until(lambda: self.accepted >= before + more, PATIENCE_SECONDS, "more accepted jobs")


def works(up, steady, before):
    """As before: accepts, applies, as fast, and has lost nothing. A machine that is busy with other things may be slower for a while."""
    until(lambda: steady.rate() >= before / 2, PATIENCE_SECONDS, f"half of the {before:.0f} jobs a second of before")
    steady.goes_on()
    last = steady.jobs[-1]
    assert up.wait_job(last)["status"] == "succeeded"


def test_ten_thousand_connections_and_clients_that_do_not_read():
    with Up(workers=1) as up, Steady(up) as steady:
        big = up.post({"operation": "echo", "payload": "y" * 300000})
        assert up.wait_job(big)["status"] == "succeeded"
        before = steady.rate()
        with connections(up, CONNECTIONS), connections(up, 200) as deaf:
            for one in deaf:  # each asks for 30 MB
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.sendall(f"GET /jobs/{big} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 100)
            steady.goes_on(50)
            check_memory(up)
        works(up, steady, before)
        check_memory(up)


def test_more_bodies_than_a_gateway_holds():
    """600 clients send 1 MiB each but for the last byte, all at once: more than 512 MiB."""
    def client(i):
        one = opened[i]
        one.settimeout(PATIENCE_SECONDS)
        try:
            one.sendall(head + body[:-1])
        except OSError:
            pass  # turned away in the middle
        sent.append(i)
        release.wait(PATIENCE_SECONDS)
        with contextlib.suppress(OSError):
            one.sendall(body[-1:])
        with contextlib.suppress(OSError):
            answers[i] = one.recv(4000)

    body = b'{"operation":"none","payload":"'
    body += b"p" * (MIB - len(body) - 2) + b'"}'
    assert len(body) == MIB
    head = f"POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    release, sent, answers = threading.Event(), [], {}
    with Up("--request-timeout", "300s", workers=1) as up, Steady(up) as steady, connections(up, 600) as opened:
        before = steady.rate()
        threads = [threading.Thread(target=client, args=(i,)) for i in range(len(opened))]
        for thread in threads:
            thread.start()
        until(lambda: len(sent) == len(threads), PATIENCE_SECONDS, "all to have sent what they can")
        assert most_memory(up.pid("gateway")) > 0.8 * GATEWAY_BYTES, "nobody was pressed for room"
        check_memory(up)
        release.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        codes = [answer.split(b" ", 2)[1] for answer in answers.values() if answer]
        assert set(codes) == {b"400", b"503"}, set(codes)
        assert all(b"Retry-After" in answer for answer in answers.values() if answer.split(b" ", 2)[1:2] == [b"503"])
        works(up, steady, before)
        check_memory(up)


def test_a_full_queue_turns_away_and_recovers():
    """The worker stands still, the queue fills up to its limit; when it goes on, so does everything, and nothing that was accepted is lost."""
    with Up("--max-messages", "2000", "--stall-timeout", "60s", workers=1) as up, Steady(up) as steady:
        steady.goes_on()
        before = steady.rate()
        child = up.kill("worker-child", signal.SIGSTOP)
        accepted = []
        for i in range(0, 4000, 200):
            answer = up.request([{"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"f{k}"}}} for k in range(i, i + 200)])
            if answer.status_code in (503, 507):
                assert answer.headers.get("Retry-After")
                continue
            accepted += [job["jobId"] for job in answer.json()["jobs"] if "jobId" in job]
            assert all(job["error"]["status"] == 503 for job in answer.json()["jobs"] if "jobId" not in job)
        assert 1500 < len(accepted) <= 2000
        until(lambda: steady.turned_away > 3, 20, "somebody who is turned away")
        os.kill(child, signal.SIGCONT)  # the broker may not know it any more
        steady.goes_on()
        for job in accepted[::50] + accepted[-1:]:
            assert up.wait_job(job, 60)["status"] == "succeeded"
        works(up, steady, before)
        steady.stopping.set()
        steady.thread.join(30)
        assert up.wait_job(steady.jobs[-1])["status"] == "succeeded"
        assert up.item("name", id="steady")["n"] == steady.accepted
        check_memory(up)
