"""leat bench: against the real stack, whose own counters must agree, and against servers that misbehave."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest

from up import BUILD, Up, until

SUCCEEDED = 'leat_jobs_finished_total{outcome="succeeded"}'


@pytest.fixture(scope="module")
def up():
    with Up() as stack:
        yield stack


def bench(*arguments, environment=None):
    return subprocess.run([BUILD / "leat", "bench", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(environment or {})})


def measured(tmp_path, *arguments, status=0):
    """Runs it with --json and returns the figures."""
    done = bench("--json", tmp_path / "figures.json", *arguments)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return json.loads((tmp_path / "figures.json").read_text())


def settled(up):
    """The jobs finished so far, once the queue is empty. The broker itself is asked: what the gateway knows may be 250 ms old."""
    return until(lambda: (queue := up.status()["queue"]) and queue["messages"] == 0 and [queue["succeeded"]], 30, "an empty queue")[0]


# -- Against the stack ------------------------------------------------------------------------------------------------
def test_every_request_is_a_job(up, tmp_path):
    before = settled(up)
    figures = measured(tmp_path, "--url", up.url, "--users", 16, "--duration", "1500ms", "--items", 50)
    whole = figures["whole"]
    assert whole["errors"] == 0 and figures["unanswered"] == 0 and whole["requests"] > 100
    assert settled(up) - before == whole["requests"]
    assert figures["connections"] == 16
    assert 0 < whole["p50_us"] <= whole["p90_us"] <= whole["p95_us"] <= whole["p99_us"] <= whole["p999_us"] <= whole["max_us"]
    assert sum(s["requests"] for s in figures["samples"]) <= whole["requests"]
    for number in range(50):
        assert up.item("lambda-apigateway", id=f"bench-{number:08}")["benchNumber"] == 5


def test_a_mix_in_the_waiting_form(up, tmp_path):
    figures = measured(tmp_path, "--url", up.url, "--users", 8, "--duration", "1s", "--wait", 20, "--table", "name:id", "--items", 20,
                       "--mix", "create=5,read=5,update=5,delete=1,list=1,echo=1,ping=1")
    assert figures["whole"]["errors"] == 0 and figures["whole"]["requests"] > 20
    assert settled(up) >= figures["whole"]["requests"]


def test_batches(up, tmp_path):
    before = settled(up)
    figures = measured(tmp_path, "--url", up.url, "--users", 4, "--duration", "1s", "--batch", 50, "--mix", "ping=1")
    assert figures["whole"]["errors"] == 0 and figures["jobs_failed"] == 0
    assert settled(up) - before == 50 * figures["whole"]["requests"]


def test_a_file_of_requests(up, tmp_path):
    (tmp_path / "jobs").write_text('{"operation":"ping"}\n\n{"operation":"fly"}\n')
    figures = measured(tmp_path, "--url", up.url, "--users", 2, "--duration", "500ms", "--requests", tmp_path / "jobs", status=1)
    assert abs(2 * figures["whole"]["errors"] - figures["whole"]["requests"]) <= 1
    error, = figures["errors"]
    assert error["kind"] == "HTTP 400" and "fly" in error["detail"] and error["count"] == figures["whole"]["errors"]
    figures = measured(tmp_path, "--url", up.url, "--users", 2, "--duration", "500ms", "--requests", tmp_path / "jobs", "--batch", 2, status=1)
    assert figures["whole"]["errors"] == 0 and figures["jobs_failed"] == figures["whole"]["requests"]


@pytest.mark.parametrize("pipeline", [1, 500])
def test_native(up, tmp_path, pipeline):
    before = settled(up)
    figures = measured(tmp_path, "--native", "--data", up.data, "--duration", "1s", "--pipeline", pipeline, "--mix", "create=1,ping=1")
    assert figures["mode"] == "native" and figures["whole"]["errors"] == 0 and figures["unanswered"] == 0
    assert settled(up) - before == figures["whole"]["requests"] > 0
    assert up.leat("bench", "--native", "--queue-endpoint", f"ipc://{up.data}/run/client.sock", "--duration", "200ms").returncode == 0


def test_native_of_a_file(up, tmp_path):
    (tmp_path / "jobs").write_text('{"operation":"echo","payload":[1]}\n')
    before = settled(up)
    figures = measured(tmp_path, "--native", "--data", up.data, "--duration", "300ms", "--requests", tmp_path / "jobs")
    assert settled(up) - before == figures["whole"]["requests"] > 0
    (tmp_path / "jobs").write_text('{"operation":"fly"}\n')
    wrong = bench("--native", "--data", up.data, "--requests", tmp_path / "jobs")
    assert wrong.returncode == 64 and "job 1: it names no operation" in wrong.stderr


def test_a_profile(up, tmp_path):
    figures = measured(tmp_path, "--url", up.url, "--users", 40, "--duration", "5s", "--profile", "peak")
    users = [s["users"] for s in figures["samples"]]
    assert len(users) == 5 and users[0] <= 12 and max(users) == 40 and users[-1] <= 12, users
    assert figures["whole"]["errors"] == 0


def test_the_page(up, tmp_path):
    done = bench("--url", up.url + "/nowhere", "--duration", "100ms", "--html", tmp_path / "page.html")
    assert done.returncode == 1 and "HTTP 404" in done.stdout and "HTTP 404" in (tmp_path / "page.html").read_text()
    assert bench("--url", up.url, "--users", 2, "--duration", "1s", "--html", tmp_path / "page.html").returncode == 0
    page = (tmp_path / "page.html").read_text()
    assert "http" not in page.replace(up.url, ""), "the page fetches nothing"
    plots = re.findall(r"<svg .*?</svg>", page, re.S)
    assert len(plots) == 3
    for plot in plots:
        assert ElementTree.fromstring(plot).findall("polyline")


def test_an_outage_in_the_middle(tmp_path):
    with Up(workers=1) as up:
        process = subprocess.Popen([BUILD / "leat", "bench", "--url", up.url, "--users", "8", "--duration", "4s", "--json", tmp_path / "f"],
                                   stdout=subprocess.DEVNULL)
        until(lambda: up.metric(SUCCEEDED) > 0)
        up.kill("gateway")
        assert process.wait(30) == 1
        figures = json.loads((tmp_path / "f").read_text())
        kinds = {e["kind"] for e in figures["errors"]}
        assert kinds & {"closed", "connect"} and figures["whole"]["requests"] > figures["whole"]["errors"]
        assert figures["samples"][-1]["requests"] > figures["samples"][-1]["errors"], "it goes on when the gateway is back"


# -- A fixed rate -----------------------------------------------------------------------------------------------------
def test_a_rate_is_kept(up, tmp_path):
    figures = measured(tmp_path, "--url", up.url, "--users", 8, "--duration", "1s", "--rate", 200)
    assert figures["rate"] == 200 and figures["whole"]["errors"] == 0
    assert 180 <= figures["whole"]["requests"] + figures["missed"] <= 220
    figures = measured(tmp_path, "--url", up.url, "--users", 8, "--duration", "2s", "--rate", 200, "--profile", "peak")
    assert 180 <= figures["whole"]["requests"] + figures["missed"] <= 320, "a user that is not there sends nothing"


def test_a_rate_of_messages(up, tmp_path):
    figures = measured(tmp_path, "--native", "--data", up.data, "--pipeline", 8, "--duration", "1s", "--rate", 200)
    assert 180 <= figures["whole"]["requests"] + figures["missed"] <= 220 and figures["whole"]["errors"] == 0
    figures = measured(tmp_path, "--native", "--data", up.data, "--pipeline", 1, "--duration", "500ms", "--rate", 1000000)
    assert figures["missed"] > 0, "one message at a time is not a million a second"


def test_a_stall_is_met_by_all_that_was_planned(tmp_path):
    """The server stands still for a second. Users who wait for their answers see that a few times; those with a plan see it all."""
    still = threading.Lock()

    def stalls(connection):
        with still:
            if server.requests == 20:
                time.sleep(1)
        connection.sendall(GOOD)
        return True

    with Server(stalls) as server:
        figures = measured(tmp_path, "--url", server.url, "--users", 4, "--duration", "2s", "--rate", 200)
    assert figures["whole"]["p90_us"] > 300000
    with Server(stalls) as server:
        shown = bench("--url", server.url, "--users", 1, "--duration", "600ms", "--rate", 500, "--html", tmp_path / "page")
    assert re.search(r"missed +\d+ +planned requests were not sent", shown.stdout) and "500/s planned" in shown.stdout
    assert "500/s planned" in (tmp_path / "page").read_text() and "planned, not sent" in (tmp_path / "page").read_text()


def test_a_connection_that_rests_may_be_closed(tmp_path):
    with Server(says(GOOD, stay=False)) as server:
        figures = measured(tmp_path, "--url", server.url, "--users", 2, "--duration", "1s", "--rate", 5)
    assert figures["whole"]["requests"] >= 3 and figures["connections"] > 2


# -- As a user sees it ------------------------------------------------------------------------------------------------
def test_summary_and_interrupt(up):
    process = subprocess.Popen([BUILD / "leat", "bench", "--url", up.url, "--users", "4", "--duration", "10m", "--mix", "ping=1"],
                               stdout=subprocess.PIPE, text=True)
    before = up.metric(SUCCEEDED)
    until(lambda: up.metric(SUCCEEDED) > before)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    for word in ("requests", "errors", "average", "p50", "p90", "p95", "p99", "max", "4 users, profile fixed"):
        assert word in shown


def test_the_live_line(up):
    leader, follower = pty.openpty()
    process = subprocess.Popen([BUILD / "leat", "bench", "--url", up.url, "--users", "2", "--duration", "2500ms"], stdout=subprocess.DEVNULL,
                               stderr=follower)
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
    assert len(re.findall(rb"\r\x1b\[K[\d.]+ s  2 users  [\d,]+ requests/s  average \S+ \S+  p50 .*?  p90 .*?  p95 .*?  p99 .*?  errors 0\.00 %", seen)) == 2
    assert bench("--url", up.url, "--duration", "1200ms").stderr == "", "no live line where there is no terminal"


def test_usage(tmp_path):
    shown = bench("--help")
    assert shown.returncode == 0
    for flag in ("--url", "--users", "--duration", "--profile", "--mix", "--items", "--requests", "--rate", "--batch", "--wait", "--json", "--html",
                 "--native", "--pipeline", "--queue-endpoint", "--data"):
        assert flag + " " in shown.stdout or f"--[no-]{flag[2:]}" in shown.stdout
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "large").write_text('{"operation":"echo","payload":"' + "x" * 600000 + '"}\n')
    for wrong in (["--users", "0"], ["--users", "20001"], ["--rate", "1000001"], ["--profile", "square"], ["--mix", "fly=1"], ["--table", "orders:n:N"], ["--url", "https://x"],
                  ["--url", "http://127.0.0.1:99999"], ["--native", "--batch", "2"], ["--native", "--wait", "2"], ["--wait", "20", "--timeout", "10s"],
                  ["--requests", tmp_path / "empty"], ["--requests", tmp_path / "large", "--batch", "2"], ["--duration", "0s"], ["word"]):
        done = bench(*wrong)
        assert done.returncode == 64 and done.stderr, wrong
    assert bench("--requests", tmp_path / "missing").returncode == 66
    assert bench("--native", "--data", tmp_path, "--duration", "100ms").returncode == 69


def test_files_that_cannot_be_written(up, tmp_path):
    assert bench("--url", up.url, "--duration", "100ms", "--html", tmp_path / "no" / "page").returncode == 74
    assert bench("--url", up.url, "--duration", "100ms", "--json", "/dev/full").returncode == 74


def test_too_many_users_for_this_shell():
    done = subprocess.run(["bash", "-c", f"ulimit -n 100; exec {BUILD}/leat bench --users 200 --duration 100ms"], capture_output=True, text=True)
    assert done.returncode == 69 and "ulimit -n" in done.stderr


# -- Against servers that misbehave -------------------------------------------------------------------------------------
class Server:
    """Listens on loopback and hands each request, one after the other, to answer(socket) until that returns False."""

    def __init__(self, answer):
        self.answer, self.requests = answer, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        rest = b""
        with connection:
            try:
                while True:
                    while b"\r\n\r\n" not in rest:
                        piece = connection.recv(65536)
                        if not piece:
                            return
                        rest += piece
                    head, _, rest = rest.partition(b"\r\n\r\n")
                    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
                    while len(rest) < length:
                        rest += connection.recv(65536)
                    rest = rest[length:]
                    self.requests += 1
                    if not self.answer(connection):
                        return
            except OSError:
                pass


GOOD = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


def says(text, stay=True):
    return lambda connection: connection.sendall(text) or stay


def in_pieces(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in GOOD:
        connection.sendall(bytes([byte]))
    return True


def kinds_against(answer, tmp_path, *arguments, status=None, users=2):
    with Server(answer) as server:
        done = bench("--url", server.url, "--users", users, "--duration", "600ms", "--json", tmp_path / "f", *arguments)
        assert status is None or done.returncode == status, (done.returncode, done.stdout, done.stderr)
        figures = json.loads((tmp_path / "f").read_text())
        return figures, {e["kind"]: e["count"] for e in figures["errors"]}


def test_answers_in_pieces(tmp_path):
    figures, kinds = kinds_against(in_pieces, tmp_path, status=0)
    assert not kinds and figures["connections"] == 2 and figures["whole"]["requests"] > 2


def test_a_connection_a_request(tmp_path):
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    figures, kinds = kinds_against(says(closing, stay=False), tmp_path, status=0)
    assert not kinds and figures["connections"] >= figures["whole"]["requests"] > 2


@pytest.mark.parametrize("text", [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"220 mail.example.com ESMTP\r\n",
    b"\x00" * 100000,
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10000,
    GOOD + GOOD,
], ids=["chunked", "endless", "two lengths", "no HTTP", "zeros", "headers", "twice"])
def test_answers_that_are_none(tmp_path, text):
    figures, kinds = kinds_against(says(text), tmp_path, status=None)
    assert set(kinds) == {"broken"} and kinds["broken"] == figures["whole"]["errors"] > 1


def test_an_answer_before_the_question(tmp_path):
    """A full server refuses whoever connects, and closes: perhaps before the user has sent anything."""
    refusal = b"HTTP/1.1 503 Full\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfull"

    class Full(Server):
        def serve(self, connection):
            with connection:
                try:
                    connection.sendall(refusal)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
                except OSError:
                    pass

    with Full(None) as server:
        figures = measured(tmp_path, "--url", server.url, "--users", 8, "--duration", "500ms", status=1)
    assert figures["unanswered"] == 0 and {e["kind"] for e in figures["errors"]} == {"HTTP 503"}


def test_more_users_than_the_gateway_takes(tmp_path):
    with Up("--max-connections", 10, workers=0) as up:
        figures = measured(tmp_path, "--url", up.url, "--users", 20, "--duration", "2s", "--profile", "spike", status=1)
        assert figures["unanswered"] == 0 and {e["kind"] for e in figures["errors"]} <= {"HTTP 503", "closed"}
        assert figures["whole"]["requests"] > figures["whole"]["errors"] > 0


def test_half_an_answer(tmp_path):
    _, kinds = kinds_against(says(GOOD[:-1], stay=False), tmp_path, status=69)
    assert set(kinds) == {"closed"}


def test_no_answer(tmp_path):
    start = time.monotonic()
    figures, kinds = kinds_against(says(b""), tmp_path, "--timeout", "150ms", status=69)
    assert set(kinds) == {"timeout"} and kinds["timeout"] >= 4 and figures["unanswered"] == 0
    assert time.monotonic() - start < 10


def test_unanswered_at_the_end(tmp_path):
    with Server(says(b"")) as server:
        process = subprocess.Popen([BUILD / "leat", "bench", "--url", server.url, "--users", "3", "--duration", "10m", "--json", tmp_path / "f"],
                                   stdout=subprocess.PIPE, text=True)
        until(lambda: server.requests == 3)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        shown, _ = process.communicate(timeout=20)
    assert process.returncode == 69 and re.search(r"unanswered +3", shown)
    assert json.loads((tmp_path / "f").read_text())["unanswered"] == 3


def test_no_server(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    figures = measured(tmp_path, "--url", f"http://127.0.0.1:{port}", "--users", 4, "--duration", "500ms", status=69)
    assert {e["kind"] for e in figures["errors"]} == {"connect"}
    assert 4 <= figures["whole"]["requests"] <= 4 * 10, "it does not storm a server that is down"


def test_a_large_request_that_is_read_slowly(tmp_path):
    """More than the socket takes at once: the rest goes out when there is room."""
    (tmp_path / "jobs").write_text('{"operation":"echo","payload":"' + "x" * 1000000 + '"}\n')

    def slowly(connection):
        connection.sendall(GOOD)
        return True

    figures, kinds = kinds_against(slowly, tmp_path, "--requests", tmp_path / "jobs", status=0)
    assert not kinds and figures["sent_bytes"] >= 1000000 * figures["whole"]["requests"]


def test_terminal_escapes_of_a_server_are_not_shown(tmp_path):
    body = b"\x1b[2J\x1b]0;owned\x07"
    with Server(says(b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))) as server:
        done = bench("--url", server.url, "--users", 1, "--duration", "200ms", "--html", tmp_path / "page")
    assert done.returncode == 1 and "\x1b" not in done.stdout and "?[2J?]0;owned?" in done.stdout
    assert "\x1b" not in pathlib.Path(tmp_path / "page").read_text()
