"""Processes that a bench starts: each is ended by its id, whatever happens in between."""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "bench"
BUILD = pathlib.Path(os.environ.get("LEAT_BUILD", ROOT / "build"))


class Failed(Exception):
    """A comparison cannot be made; the text says why."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, seconds, what, pause=0.002):
    """Polls until condition() is true, and returns that; pause: seconds between, where the asking itself takes CPU from what is measured."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return value


class Process(contextlib.AbstractContextManager):
    """Runs until the end of its `with`. ready: a text that it prints when it serves; else port is asked."""

    def __init__(self, command, ready=None, port=None, seconds=30, **keywords):
        self.output = tempfile.TemporaryFile("w+")
        self.name = pathlib.Path(str(command[0])).name
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT, **keywords)
        self.line = ""
        try:
            until(lambda: self._serves(ready, port), seconds, f"{self.name} is ready")
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def _serves(self, ready, port):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} did not start: {self.printed()[-300:].strip()}")
        if ready:
            self.line = next((line for line in self.printed().splitlines() if ready in line), "")
            return self.line
        return not port or answers(port)

    def printed(self):
        return os.pread(self.output.fileno(), 1 << 20, 0).decode(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def status_kib(pid, field):
    """VmRSS (resident now) or VmHWM (resident at most) of a process."""
    return int(re.search(field + r":\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def resident_kib(pid):
    return status_kib(pid, "VmRSS")


def share_kib(pid):
    """Its resident memory, what it shares with others in parts: the sum over processes is what all of them use. What one process maps twice (a worker
    does that with its store's cache) counts once, other than in VmRSS."""
    return int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_percent(before, after):
    """How busy all cores were between two readings of /proc/stat's first line; what a hypervisor took away counts, too."""
    spent = [b - a for a, b in zip(*([int(n) for n in line.split()[1:9]] for line in (before, after)))]
    return 100 * (1 - (spent[3] + spent[4]) / sum(spent)) if sum(spent) else 0.0


def machine_busy_percent(seconds=0.2):
    """What others use of this machine while nothing of ours runs."""
    def read():
        return pathlib.Path("/proc/stat").read_text().splitlines()[0]
    before = read()
    time.sleep(seconds)
    return busy_percent(before, read())


def tree(pid):
    """A process and all below it."""
    found = [pid]
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    return found


def folder_bytes(folder):
    return sum(file.stat().st_blocks * 512 for file in pathlib.Path(folder).rglob("*") if file.is_file())
