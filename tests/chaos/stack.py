"""A stack under `leat up` that can be broken: its processes by role, signals by pid, a full stop as by a power cut.

    stack = Stack(build, data, port, options, environment); stack.start(); stack.signal("queue", SIGKILL); stack.kill_all()

Roles: supervisor, queue, gateway, guard (of a worker), child (of a guard). Only processes that this one started are signalled: all of them have
a variable in their environment that nobody else has, so that none is missed, whoever its parent is by now."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROLES = ("queue", "gateway", "guard", "child", "supervisor")
STOP_SECONDS = 60
MARK = "LEAT_CHAOS_STACK"


def until(condition, seconds, what, every=0.01):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds} s")
        time.sleep(every)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    found = []
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def stat(pid):
    """(state, start time) or None; together with the pid the start time names one process for ever."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return fields[0], int(fields[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    found = stat(pid)
    return found is not None and found[0] not in "ZX"


class Stack:
    def __init__(self, build, data, port, options=(), environment=None, workers=2, gateways=2):
        self.build, self.data, self.port = pathlib.Path(build), pathlib.Path(data), port
        self.workers, self.gateways = workers, gateways
        self.options = ["--workers", str(workers), "--gateways", str(gateways), *options]
        self.ours = f"{MARK}={self.data}-{os.getpid()}-{id(self)}"
        self.environment = {**os.environ, "TZ": "UTC", **(environment or {}), MARK: self.ours.split("=", 1)[1]}
        self.log = self.data.parent / "stack.log"
        self.process, self.log_from = None, 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Returns at once."""
        with open(self.log, "ab") as out:
            self.log_from = out.tell()
            self.process = subprocess.Popen(
                [self.build / "leat", "up", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", *self.options],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def ready(self):
        """It has said so since the last start. A part that fails for good before that ends the start."""
        with open(self.log, "rb") as log:
            log.seek(self.log_from)
            return b"leat ready http" in log.read()

    def processes(self):
        """[(role, pid)] of those that run now."""
        if not self.process or not alive(self.process.pid):
            return []
        found = [("supervisor", self.process.pid)]
        try:
            parts = json.loads((self.data / "run/processes.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            parts = {"pid": 0, "processes": []}
        if parts["pid"] == self.process.pid:
            for part in parts["processes"]:
                if part["pid"] and part["role"] != "supervisor" and alive(part["pid"]):
                    found.append(("guard" if part["role"] == "worker" else part["role"], part["pid"]))
        found += [("child", child) for role, pid in found if role == "guard" for child in children(pid) if alive(child)]
        return found

    def whole(self, without=()):
        """Every part runs, and none of those pids."""
        found = self.processes()
        count = {role: sum(r == role for r, _ in found) for role in ROLES}
        wanted = {"supervisor": 1, "queue": 1, "gateway": self.gateways, "guard": self.workers, "child": self.workers}
        return count == wanted and not any(pid in without for _, pid in found)

    def send(self, pid, number):
        """False: it has ended already."""
        try:
            os.kill(pid, number)
            return True
        except ProcessLookupError:
            return False

    def everything(self):
        """All pids that this stack has started and that are alive: parts, and what earlier lives left."""
        mark, found = self.ours.encode() + b"\0", []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes() and alive(int(folder.name)):
                    found.append(int(folder.name))
        return found

    def kill_all(self):
        """kill -9 of everything; a part may be started while we look, so until nothing is left."""
        if not self.process:
            return
        deadline = time.monotonic() + 20
        while left := self.everything():
            for pid in left:
                self.send(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TimeoutError(f"processes {left} do not die")
            time.sleep(0.002)
        self.process.wait(10)
        self.process = None

    def terminate(self):
        """SIGTERM as a user would; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        self.process = None
        return status

    def for_commands(self):
        """The command line finds the broker by the data folder, and its files are its own."""
        return {k: v for k, v in self.environment.items() if k not in ("LD_PRELOAD", "LEAT_QUEUE_ENDPOINT", MARK)}

    def queues(self):
        """{name: {ready, inflight, delayed}}, empty when nobody answers."""
        found = subprocess.run([self.build / "leat", "status", "--data", self.data, "--json"], capture_output=True, text=True,
                               timeout=30, check=False, env=self.for_commands())
        try:
            queue = json.loads(found.stdout).get("queue") or {}
        except json.JSONDecodeError:
            return {}
        return {q["name"]: q for q in queue.get("queues", [])}

    def redrive(self):
        return subprocess.run([self.build / "leat", "queue", "redrive", "--data", self.data], capture_output=True, text=True,
                              timeout=60, check=False, env=self.for_commands()).stdout.strip()

    def dump(self, path):
        """What everybody is doing, for the search after a stack that does not heal."""
        with open(path, "w", encoding="utf-8") as out:
            print(json.dumps(self.queues()), file=out)
            for role, pid in self.processes():
                print(f"\n== {role} {pid} {stat(pid)}", file=out, flush=True)
                if shutil.which("gdb"):
                    subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 12"], stdout=out,
                                   stderr=subprocess.DEVNULL, timeout=60, check=False)
