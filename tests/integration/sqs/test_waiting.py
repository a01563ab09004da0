"""A thousand receivers that wait on a hundred queues cost no processor while nothing comes, and have a message a moment after its send."""
import os
import pathlib
import selectors
import socket
import time

import pytest

from .conftest import JSON, SIGNED, boto
from up import Up

QUEUES, RECEIVERS = 100, 1000
TICK = 1 / os.sysconf("SC_CLK_TCK")


pytestmark = pytest.mark.skipif(JSON, reason="once is enough: it is not about protocols")


@pytest.fixture(scope="module")
def own():
    with Up(workers=1, tables=["things:id"]) as up:
        yield up


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def request(name):
    body = f"Action=ReceiveMessage&QueueUrl={name}&WaitTimeSeconds=20"
    fields = {"Host": "x", "Content-Type": "application/x-www-form-urlencoded", "Content-Length": len(body), **SIGNED}
    return ("POST / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n" + body).encode()


def processes(up, *names):
    """Pids of the stack's processes by what they run."""
    return [pid for pid in up.pids() if any(n in pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0] for n in names)]


def test_a_thousand_receivers(own):
    sqs = boto(own.url)
    names = [f"wait{i}" for i in range(QUEUES)]
    for name in names:
        sqs.create_queue(QueueName=name)
    host, port = own.url.removeprefix("http://").split(":")
    selector, sockets = selectors.DefaultSelector(), []
    try:
        for i in range(RECEIVERS):
            s = socket.create_connection((host, int(port)))
            sockets.append(s)
            s.sendall(request(names[i % QUEUES]))
            selector.register(s, selectors.EVENT_READ, names[i % QUEUES])

        def waiting():
            listed = own.session.get(own.url + "/queues", timeout=20).json()["queues"]
            return sum(q["receivers"] for q in listed if q["name"].startswith("wait"))
        deadline = time.monotonic() + 10
        while waiting() < RECEIVERS:
            assert time.monotonic() < deadline
        stack = processes(own, "leat-gateway", "leat-queue")
        assert len(stack) == 2
        before, begin = sum(map(cpu_seconds, stack)), time.monotonic()
        assert not selector.select(2)  # nothing comes for two seconds
        assert sum(map(cpu_seconds, stack)) - before < 0.2 * (time.monotonic() - begin)
        delays = []
        for name in names[:50]:
            sent = time.monotonic()
            sqs.send_message(QueueUrl=name, MessageBody="x")
            answered = time.monotonic()
            (key, _), = selector.select(10)
            delays.append(time.monotonic() - answered)
            assert key.data == name and b"<Body>x</Body>" in key.fileobj.recv(65536) and answered > sent
            selector.unregister(key.fileobj)
        assert sorted(delays)[25] < 0.005, sorted(delays)  # the median: a busy machine has its moments
    finally:
        for s in sockets:
            s.close()
        selector.close()
