"""leat queue top: lines for logs, and a full screen on a terminal that is given back as it was, however it ends."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from up import BUILD, Up, until

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.fixture(scope="module")
def up():
    with Up(workers=0) as stack:
        for name in ("busy", "idle", "held"):
            assert stack.leat("queue", "create", name, "--data", stack.data).returncode == 0
        stack.leat("queue", "pause", "held", "--data", stack.data)
        yield stack


class Terminal:
    """A command on a terminal of its own."""
    def __init__(self, up, *words, columns=100, rows=24, term="xterm"):
        self.leader, follower = pty.openpty()
        self.follower = follower
        self.resize(columns, rows)
        self.before = termios.tcgetattr(follower)
        self.seen = b""
        self.process = subprocess.Popen([BUILD / "leat", "queue", "top", *words, "--data", up.data], stdin=follower, stdout=follower, stderr=follower,
                                        env={**os.environ, "TERM": term}, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, columns, rows):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.05):
        while select.select([self.leader], [], [], seconds)[0]:
            self.seen += os.read(self.leader, 65536)
            seconds = 0
        return self.seen

    def frames(self):
        """What was drawn, each time, as lines without control sequences."""
        return [re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\r", b"", frame).decode().split("\n") for frame in self.read().split(b"\x1b[H")[1:]]

    def wait_for(self, condition, seconds=20):
        return until(lambda: next((f for f in reversed(self.frames()[:-1] or self.frames()) if condition("\n".join(f))), None), seconds, "a frame")

    def type(self, keys):
        os.write(self.leader, keys)

    def end(self):
        status = None
        deadline = time.monotonic() + 20
        while status is None and time.monotonic() < deadline:
            self.read()
            status = self.process.poll()
        self.read()
        return status

    def restored(self):
        """The cursor, the page and the modes are as they were."""
        return self.seen.endswith(b"\x1b[?25h" + LEAVE) and self.seen.count(ENTER) == 1 and termios.tcgetattr(self.follower) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.leader)
        os.close(self.follower)


@pytest.fixture
def terminal(up):
    open_ones = []

    def run(*words, **more):
        open_ones.append(Terminal(up, *words, **more))
        return open_ones[-1]
    yield run
    for t in open_ones:
        t.close()


# -- Lines --------------------------------------------------------------------------------------------------------------
def test_lines(up):
    done = up.leat("queue", "top", "--count", "2", "--interval", "200ms", "--data", up.data)
    assert done.returncode == 0 and done.stderr == ""
    found = re.findall(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d queue=(\S+) ready=\d+ inflight=0 delayed=0 in=0 out=0 oldest=\w+ receivers=0( paused)?$", done.stdout, re.M)
    assert found == [("leat-jobs", ""), ("leat-jobs-dead", ""), ("busy", ""), ("held", " paused"), ("idle", "")] * 2
    assert up.leat("queue", "top", "he", "--count", "1", "--interval", "100ms", "--data", up.data).stdout.count("\n") == 1


def test_rates(up):
    watching = subprocess.Popen([BUILD / "leat", "queue", "top", "busy", "--count", "3", "--interval", "1s", "--json", "--data", up.data], stdout=subprocess.PIPE, text=True)
    assert json.loads(watching.stdout.readline())["queues"][0]["inPerSecond"] == 0
    up.leat("queue", "send", "busy", "-", "--lines", "--data", up.data, input="x\n" * 500)
    up.leat("queue", "receive", "busy", "--max", "200", "--delete", "--bodies", "--data", up.data)
    looks = [json.loads(line)["queues"][0] for line in watching.communicate(timeout=20)[0].splitlines()]
    assert 450 < sum(look["inPerSecond"] for look in looks) < 550 and 180 < sum(look["outPerSecond"] for look in looks) < 220
    assert looks[-1]["ready"] == 300
    busiest = up.leat("queue", "top", "--max", "1", "--count", "1", "--interval", "100ms", "--data", up.data).stdout
    assert "queue=busy" in busiest and busiest.count("\n") == 1


def test_nobody_reads(up):
    watching = subprocess.Popen([BUILD / "leat", "queue", "top", "--interval", "100ms", "--data", up.data], stdout=subprocess.PIPE)
    watching.stdout.readline()
    watching.stdout.close()
    assert watching.wait(20) != 0


def test_a_dumb_terminal_gets_lines(terminal):
    t = terminal("--count", "1", "--interval", "100ms", term="dumb")
    assert t.end() == 0 and b"queue=idle ready=0" in t.seen and b"\x1b" not in t.seen


# -- A screen -----------------------------------------------------------------------------------------------------------
def test_a_screen_until_q(terminal, up):
    t = terminal("--interval", "100ms")
    frame = t.wait_for(lambda text: "in 0/s" in text)
    assert "5 queues" in frame[0] and frame[0].endswith("q leaves")
    assert frame[1].split() == ["QUEUE", "READY", "INFLIGHT", "DELAYED", "IN/S", "OUT/S", "OLDEST", "WAITING"]
    assert any(line.startswith("held (paused) ") for line in frame)
    up.leat("queue", "send", "idle", "x", "--data", up.data)
    t.wait_for(lambda text: re.search(r"^idle +1 ", text, re.M))
    t.type(b"xyz")
    t.type(b"q")
    assert t.end() == 0 and t.restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_give_the_terminal_back(terminal, number):
    t = terminal("--interval", "10s")
    t.wait_for(lambda text: "QUEUE" in text)
    t.process.send_signal(number)
    assert t.end() == 0 and t.restored()


def test_keys_that_end_or_stop(terminal):
    t = terminal("--interval", "10s")
    t.wait_for(lambda text: "QUEUE" in text)
    t.type(b"\x1a")  # ^Z would leave the terminal as it is
    t.type(b"\x03")
    assert t.end() == 0 and t.restored()


def test_count_ends_it(terminal):
    t = terminal("--interval", "100ms", "--count", "3")
    assert t.end() == 0 and len(t.frames()) == 3
    t.seen, _, kept = t.seen.partition(b"\x1b[?25h" + LEAVE)
    t.seen += b"\x1b[?25h" + LEAVE
    assert t.restored() and kept.split()[1:3] == [b"5", b"queues"] and b"leat-jobs-dead" in kept, "the last look stays to be read"


def test_it_fits_and_follows_the_size(terminal):
    t = terminal("--interval", "100ms", columns=30, rows=5)
    frame = t.wait_for(lambda text: "in 0" in text)
    assert len(frame) <= 5 and all(len(line) <= 30 for line in frame) and frame[1].split() == ["QUEUE", "READY", "IN/S"]
    assert frame[-1] == "and 3 more"
    t.resize(120, 20)
    frame = t.wait_for(lambda text: "WAITING" in text)
    assert len(frame) == 7
    t.type(b"q")
    assert t.end() == 0 and t.restored()


def test_a_broker_that_is_away_is_said():
    with Up(workers=0) as stack:
        t = Terminal(stack, "--interval", "100ms")
        try:
            t.wait_for(lambda text: "in 0/s" in text)
            broker = stack.pid("queue")
            os.kill(broker, signal.SIGSTOP)
            try:
                assert "leat-jobs-dead" in "\n".join(t.wait_for(lambda text: "NO ANSWER" in text))
            finally:
                os.kill(broker, signal.SIGCONT)
            before = len(t.frames())
            until(lambda: "NO ANSWER" not in "\n".join(t.frames()[-1]) and len(t.frames()) > before, 20, "an answer")
            t.type(b"q")
            assert t.end() == 0 and t.restored()
        finally:
            t.close()
