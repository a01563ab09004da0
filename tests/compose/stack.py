"""The stack of docker-compose.yml with .env.example, under a name, a port and an image of its own, and a client that posts and counts while it is disturbed.

Everything made here carries the name leat-test-PID and is removed by that name. Every command and every wait has a deadline.
"""
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
BASE = "debian:bookworm-slim"
ECHO_DELAY = "50ms"
BUILD = pathlib.Path(os.environ.get("LEAT_BUILD", ROOT / "build"))


def run(*command, seconds=60, check=True, **keywords):
    """Runs a command and returns its output; what a failed one said is in the assertion."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=seconds, **keywords)
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout if check else done


def succeeds(*command, seconds=20):
    try:
        return run(*command, seconds=seconds, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def compose_command():
    """docker compose, or docker-compose where only that is installed; None without either."""
    if succeeds("docker", "compose", "version"):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def why_not():
    """Why these tests cannot run here, or None."""
    if not shutil.which("docker"):
        return "there is no docker command"
    if not succeeds("docker", "info", "--format", "{{.ServerVersion}}"):
        return "no Docker engine answers"
    if not compose_command():
        return "there is neither docker compose nor docker-compose"
    return None


def until(condition, seconds=10, what="condition"):
    """Polls until condition() is truthy and returns that; fails at the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.05)
    return value


def base_archive():
    """Where the base image is kept when it was made here: another script, or another package source, makes another one."""
    made_of = hashlib.sha256((HERE / "base-image").read_bytes())
    for file in sorted(pathlib.Path("/etc/apt").glob("sources.list*/**/*")) + [pathlib.Path("/etc/apt/sources.list")]:
        made_of.update(file.read_bytes() if file.is_file() else b"")
    return BUILD / "compose" / f"base-{made_of.hexdigest()[:12]}.tar.gz"


def free_port():
    """The first of two free ports beside each other."""
    while True:
        with socket.socket() as s, socket.socket() as next_one:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def accepts(url):
    """Whether a job is accepted there."""
    try:
        return requests.post(url + "/DynamoDBManager", json={"operation": "ping"}, timeout=5).status_code == 202
    except requests.RequestException:
        return False


class Image:
    """The image under test, built from the tree. The base is the engine's own, pulled, or made here if there is no other way."""

    def __init__(self, name):
        self.name, self.build_name = name, name + "-build"
        self.rebuilds = 0

    def make_base(self):
        """One that is made here stays, for the next time and for others that run now; it is made anew when it would be another one."""
        archive = base_archive()
        found = run("docker", "image", "inspect", "--format", '{{index .Config.Labels "leat.local"}}', BASE, check=False)
        if found.returncode == 0 and found.stdout.strip() in ("", "<no value>", archive.name):
            return
        if found.returncode != 0 and succeeds("docker", "pull", "-q", BASE, seconds=30):
            return
        run(HERE / "base-image", BASE, archive, seconds=300)

    def build(self):
        self.make_base()
        run("docker", "build", "--target", "build", "-t", self.build_name, ROOT, seconds=300)  # named, so that it can be removed
        run("docker", "build", "-t", self.name, ROOT, seconds=120)

    def rebuild(self):
        """Another image of the same name, as after a change."""
        self.rebuilds += 1
        old = self.identity()
        run("docker", "tag", self.name, f"{self.name}-old{self.rebuilds}")
        run("docker", "build", "--label", f"leat.rebuild={self.rebuilds}", "-t", self.name, ROOT, seconds=120)
        assert self.identity() != old

    def inspect(self):
        return json.loads(run("docker", "image", "inspect", self.name))[0]

    def identity(self):
        return self.inspect()["Id"]

    def remove(self):
        names = [self.name, *(f"{self.name}-old{n + 1}" for n in range(self.rebuilds)), self.build_name]
        for name in names:
            run("docker", "image", "rm", name, check=False)


class Compose:
    def __init__(self, name, image):
        self.name, self.port = name, free_port()
        self.command = [*compose_command(), "--project-name", name, "--project-directory", str(ROOT), "--env-file", str(ROOT / ".env.example"),
                        "-f", str(ROOT / "docker-compose.yml")]
        kept = {n: v for n, v in os.environ.items() if not n.startswith("LEAT_")}
        self.environment = {**kept, "LEAT_IMAGE": image.name, "LEAT_PORT": str(self.port), "LEAT_ECHO_DELAY": ECHO_DELAY,
                            "COMPOSE_HTTP_TIMEOUT": "60"}
        self.url = f"http://127.0.0.1:{self.port}"

    def __call__(self, *arguments, seconds=90, check=True):
        return run(*self.command, *arguments, seconds=seconds, check=check, env=self.environment)

    def up(self, workers=1):
        self("up", "-d", "--scale", f"worker={workers}")

    def remove(self):
        self("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)

    def containers(self, service, all=False):
        """Names of a service's containers, running ones unless told otherwise."""
        filters = ["--filter", f"label=com.docker.compose.project={self.name}", "--filter", f"label=com.docker.compose.service={service}"]
        return sorted(run("docker", "ps", *(["-a"] if all else []), *filters, "--format", "{{.Names}}").split())

    def inspect(self, container):
        return json.loads(run("docker", "inspect", container))[0]

    def status(self):
        """What leat status says, asked inside of the queue's container."""
        return json.loads(run("docker", "exec", self.containers("queue")[0], "leat", "status", "--queue-endpoint",
                              "tcp://127.0.0.1:5555", "--json"))

    def worker_names(self):
        return sorted(w["name"] for w in self.status()["workers"])

    def wait_workers(self, count, seconds=30):
        return until(lambda: (names := self.worker_names()) and len(names) == count and names, seconds, f"{count} workers")

    def logs(self):
        return self("logs", "--no-color", "--tail", "60", check=False).stdout

    # -- jobs -------------------------------------------------------------------------------------------------
    def call(self, operation, payload=None, seconds=20):
        """The waiting form, tried until it is answered with 200."""
        body = {"operation": operation, "tableName": "name", **({"payload": payload} if payload is not None else {})}

        def attempt():
            try:
                answer = requests.post(self.url + "/DynamoDBManager?wait=5", json=body, timeout=10)
            except requests.RequestException:
                return None
            return answer if answer.status_code == 200 else None
        return until(attempt, seconds, f"an answer to {operation}").json()

    def post_many(self, jobs):
        answer = requests.post(self.url + "/DynamoDBManager", json=jobs, timeout=10)
        assert answer.status_code == 202, (answer.status_code, answer.text)
        return [job["jobId"] for job in answer.json()["jobs"]]

    def metric(self, name):
        def read():
            try:
                lines = requests.get(self.url + "/metrics", timeout=5).text.split("\n")
            except requests.RequestException:
                return None
            return [float(line.split()[-1]) for line in lines if line.startswith(name + " ")]
        return until(read, 10, f"the metric {name}")[0]

    def events_since(self, container, when):
        """Names of the events that a container logged since a time of the wall clock."""
        lines = self.log_lines(container, "--since", f"{when:.3f}")
        return [json.loads(line)["event"] for line in lines]

    def log_lines(self, container, *options):
        """What a container wrote on its standard output; on standard error there is nothing."""
        done = subprocess.run(["docker", "logs", *options, container], capture_output=True, text=True, timeout=60, check=True)
        assert not done.stderr, done.stderr[-2000:]
        return done.stdout.splitlines()

    def job_state(self, job_id):
        try:
            answer = requests.get(f"{self.url}/jobs/{job_id}?wait=1", timeout=5)
        except requests.RequestException:
            return None
        return answer.json()["status"] if answer.status_code == 200 else None

    def wait_jobs(self, ids, seconds):
        def ended(job_id):
            state = self.job_state(job_id)
            assert state not in ("failed", "dead", "cancelled"), (job_id, state)
            return state == "succeeded"
        deadline = time.monotonic() + seconds
        for job_id in ids:
            until(lambda job_id=job_id: ended(job_id), max(0, deadline - time.monotonic()), f"the end of job {job_id}")


class Poster:
    """Posts increments of counters in the background, at an even pace, each until it is accepted, as a careful client does: repeated under
    the same Idempotency-Key when no answer comes. Jobs of one item run in order, so the last one of each item speaks for all."""

    THREADS, ITEMS_EACH, PAUSE_SECONDS = 4, 4, 0.02
    ECHOES = 60  # of ECHO_DELAY each: a second's work for three workers

    def __init__(self, compose, name):
        self.compose, self.name = compose, name
        self.stop_asked = threading.Event()
        self.accepted = [0] * self.THREADS
        self.retries = [0] * self.THREADS
        self.last = {}
        self.problems = []
        self.threads = [threading.Thread(target=self._guarded, args=(n,), daemon=True) for n in range(self.THREADS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        until(lambda: self.problems or sum(self.accepted) >= 40, 20, "the first accepted jobs")
        return self

    def __exit__(self, kind, *_):
        self.stop_asked.set()
        for thread in self.threads:
            thread.join(60)
        assert kind or not self.problems, self.problems

    def _guarded(self, number):
        try:
            self._post_all(number)
        except Exception as problem:  # noqa: BLE001  whatever it is, the test must say it
            self.problems.append(repr(problem))

    def _post_all(self, number):
        session = requests.Session()
        while not self.stop_asked.wait(self.PAUSE_SECONDS):
            count = self.accepted[number]
            item = f"{self.name}-{number}-{count % self.ITEMS_EACH}"
            self.last[item] = self._post(session, number, item, f"{self.name}-{number}-{count}")
            self.accepted[number] += 1

    def _post(self, session, number, item, key):
        body = {"operation": "update", "tableName": "name", "payload": {
            "Key": {"id": item}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": 1}}}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = session.post(self.compose.url + "/DynamoDBManager", json=body, headers={"Idempotency-Key": key}, timeout=5)
                if answer.status_code in (200, 202):
                    return answer.json()["jobId"]
                assert answer.status_code >= 500, (answer.status_code, answer.text)
            except requests.RequestException:
                pass
            self.retries[number] += 1
            time.sleep(0.02)
        raise AssertionError(f"{key} was not accepted within 60 s")

    def heal_seconds(self, hurt, seconds=30):
        """Fills the hands of all workers and hurts the stack by calling hurt(). Tells how long it takes from then until a job that is posted
        afterwards has been accepted, stored and answered; and until all that had been accepted before is done."""
        echoes = self.compose.post_many([{"operation": "echo", "payload": n} for n in range(self.ECHOES)])
        ids, start = echoes + list(self.last.values()), time.monotonic()
        hurt()
        self.compose.call("create", {"Item": {"id": f"{self.name}-healed"}}, seconds)
        healed = time.monotonic() - start
        self.compose.wait_jobs(ids, seconds)
        return healed, time.monotonic() - start

    def check(self):
        """After the end: each accepted job has been applied exactly once."""
        self.compose.wait_jobs(list(self.last.values()), 60)
        items = [self.compose.call("read", {"Key": {"id": item}, "ConsistentRead": True}).get("Item", {}) for item in self.last]
        assert sum(int(item.get("n", 0)) for item in items) == sum(self.accepted), (items, self.accepted)
        return sum(self.accepted)
