"""leat probe: the exit status that a health check gets, for each kind of part, well and not well."""
import signal
import subprocess

import pytest

from conftest import BUILD, wait_until


def probe(*arguments):
    done = subprocess.run([BUILD / "leat", "probe", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert not done.stdout
    assert (done.returncode == 0) == (not done.stderr), done.stderr
    return done.returncode, done.stderr


def endpoint_of(stack):
    return f"ipc://{stack.data_dir}/run/client.sock"


def test_what_is_well_is_silent(stack):
    assert probe(stack.url + "/readyz") == (0, "")
    assert probe("--timeout", "1s", stack.url + "/healthz") == (0, "")
    assert probe(endpoint_of(stack)) == (0, "")
    assert probe("--worker", "worker0", endpoint_of(stack)) == (0, "")


def test_no_is_one(stack):
    status, text = probe(stack.url + "/no-such-path")
    assert status == 1 and "404" in text
    status, text = probe("--worker", "worker99", endpoint_of(stack))
    assert status == 1 and "worker99" in text


def test_nobody_is_69(stack, tmp_path):
    for target in ("http://127.0.0.1:1/", "tcp://127.0.0.1:1", "tcp://no-such-host.invalid:5555", f"ipc://{tmp_path}/client.sock"):
        status, text = probe("--timeout", "300ms", target)
        assert status == 69 and target in text, (target, status, text)


@pytest.mark.parametrize("arguments", [(), ("one", "two"), ("ftp://127.0.0.1/",), ("127.0.0.1:8080",), ("--timeout", "1ms", "tcp://127.0.0.1:1"),
                                       ("--worker", "w", "http://127.0.0.1:8080/")])
def test_bad_words_are_64(arguments):
    status, text = probe(*arguments)
    assert status == 64 and text.startswith("leat probe:")


def test_a_stack_in_trouble(new_stack):
    """A stopped broker answers nobody, a gateway without a broker is alive but not ready, and a worker that is gone is missed."""
    stack = new_stack(workers=1)
    endpoint = endpoint_of(stack)
    stack.kill("queue", signal.SIGSTOP)
    assert probe("--timeout", "500ms", endpoint)[0] == 69
    wait_until(lambda: probe(stack.url + "/readyz")[0] == 1, 10)
    assert probe(stack.url + "/healthz")[0] == 0
    stack.kill("queue", signal.SIGCONT)
    wait_until(lambda: probe(stack.url + "/readyz")[0] == 0, 10)
    assert probe(endpoint)[0] == 0
    stack.kill("worker")
    wait_until(lambda: probe("--worker", "worker0", endpoint)[0] == 1, 10)
    assert probe(endpoint)[0] == 0
    stack.start()
    wait_until(lambda: probe("--worker", "worker0", endpoint)[0] == 0, 10)
    stack.kill("gateway", signal.SIGSTOP)
    assert probe("--timeout", "300ms", stack.url + "/healthz")[0] == 69
    stack.kill("gateway", signal.SIGCONT)
    assert probe(stack.url + "/healthz")[0] == 0
