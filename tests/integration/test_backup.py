"""Backups taken while everything runs: a stack restored from one has all that was acknowledged before, once, and in order."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest
import requests

from up import BUILD, Up, alive, until

WRITERS = 4


class Writers:
    """Each appends 0, 1, 2 ... to a list of its own: a number that is missing, twice, or out of order shows."""

    def __init__(self, up):
        self.up, self.acknowledged, self.stopping = up, [0] * WRITERS, threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(n,)) for n in range(WRITERS)]
        for n in range(WRITERS):
            up.run("create", "name", {"Item": {"id": f"list-{n}", "l": []}})

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def write(self, n):
        session = requests.Session()
        while not self.stopping.is_set():
            number = self.acknowledged[n]
            body = json.dumps({"operation": "update", "tableName": "name",
                               "payload": {"Key": {"id": f"list-{n}"}, "UpdateExpression": "SET l = list_append(l, :v)",
                                           "ExpressionAttributeValues": {":v": [number]}}})
            try:
                answer = session.post(self.up.url + "/DynamoDBManager", data=body, timeout=10,
                                      headers={"Idempotency-Key": f"{id(self)}-{n}-{number}", "Content-Type": "application/json"})
            except requests.RequestException:
                continue
            if answer.status_code == 202:
                self.acknowledged[n] += 1


def check_restored(backup, data, before):
    found = subprocess.run([BUILD / "leat", "restore", backup, "--data", data], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    with Up(data=data) as up:
        until(lambda: up.metric('leat_queue_messages{queue="leat-jobs",state="ready"}') == 0, 30, "an empty queue")
        for n in range(WRITERS):
            up.run("update", "name", {"Key": {"id": f"list-{n}"}, "UpdateExpression": "SET seen = :t",
                                      "ExpressionAttributeValues": {":t": True}})  # in order behind all that was left
            numbers = up.item("name", id=f"list-{n}")["l"]
            assert numbers == list(range(len(numbers))), "lost, doubled or out of order"
            assert len(numbers) >= before[n], "acknowledged before the backup began, and not in it"


def test_what_was_acknowledged_before_is_in_every_backup(tmp_path):
    backups = []
    with Up(workers=3) as up:
        with Writers(up) as writers:
            for i in range(3):
                until(lambda i=i: min(writers.acknowledged) > 60 * (i + 1), 30, "some load")
                before = list(writers.acknowledged)
                if i == 1:
                    up.kill("worker-child")  # the store heals while it is copied
                found = up.leat("backup", tmp_path / str(i), "--data", up.data)
                assert found.returncode == 0, found.stderr
                backups.append((tmp_path / str(i), before))
        found = up.leat("verify", backups[0][0])
        assert found.returncode == 0, found.stderr + found.stdout
        assert found.stdout.count("good") == 3
    for i, (backup, before) in enumerate(backups):
        check_restored(backup, tmp_path / f"data-{i}", before)


def child_of(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in map(int, children):
            if b"leat-worker" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]:
                return child
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def test_a_backup_that_is_killed_is_none_and_harms_nobody(tmp_path):
    with Up(workers=2) as up:
        up.run("create", "name", {"Item": {"id": "1"}})
        for i in range(20):
            process = subprocess.Popen([BUILD / "leat", "backup", tmp_path / str(i), "--data", up.data], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            victim = until(lambda: child_of(process.pid) or process.poll() is not None, 20, "the copy of the store")
            if victim is not True:
                time.sleep(0.01 * i)  # now here, now there
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.communicate(timeout=60)
            if process.returncode != 0:
                break
        assert process.returncode == 128 + signal.SIGKILL
        assert list((tmp_path / str(i)).iterdir()) == []
        assert up.leat("restore", tmp_path / str(i), "--data", tmp_path / "new").returncode == 74
        assert not (tmp_path / "new").exists()
        up.wait_job(up.post_retrying({"operation": "create", "tableName": "name", "payload": {"Item": {"id": "2"}}}, "k"))
        assert up.item("name", id="2") == {"id": "2"}
        assert up.leat("backup", tmp_path / "last", "--data", up.data).returncode == 0


@pytest.fixture(name="backup", scope="module")
def make_backup(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup") / "b"
    with Up() as up:
        for i in range(50):
            up.post({"operation": "create", "tableName": "name", "payload": {"Item": {"id": str(i), "text": "x" * 500}}})
        up.run("create", "name", {"Item": {"id": "last"}})
        running = up.leat("verify", "--data", up.data)
        assert running.returncode == 75 and "in use" in running.stderr
        assert up.leat("backup", folder, "--data", up.data).returncode == 0
        again = up.leat("backup", folder, "--data", up.data)
        assert again.returncode == 64 and "not an empty folder" in again.stderr
        assert up.stop() == 0
        stopped = up.leat("verify", "--data", up.data)
        assert stopped.returncode == 0 and stopped.stdout.count("good") == 2, stopped.stdout + stopped.stderr
        assert [p.name for p in up.data.iterdir() if "verify" in p.name] == []
        up.process = None
    return folder


def leat(*arguments):
    return subprocess.run([BUILD / "leat", *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("pattern", ["store/items.db", "store/outcomes.db", "store/log.*", "journal/*.seg"])
def test_a_flipped_bit_is_found(backup, tmp_path, pattern):
    victim = sorted(backup.glob(pattern))[0]
    whole = victim.read_bytes()
    place = min(len(whole) - 1, 5000)
    try:
        victim.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
        found = leat("verify", backup)
        assert found.returncode == 74 and victim.name in found.stderr
        assert leat("restore", backup, "--data", tmp_path / "new").returncode == 74
        assert not list(tmp_path.iterdir())
    finally:
        victim.write_bytes(whole)
    assert leat("verify", backup).returncode == 0


def test_missing_and_foreign_files_are_found(backup, tmp_path):
    extra = backup / "store" / "extra.db"
    extra.write_bytes(b"x")
    try:
        assert leat("restore", backup, "--data", tmp_path / "new").returncode == 74
    finally:
        extra.unlink()
    manifest = backup / "BACKUP"
    text = manifest.read_text()
    try:
        manifest.write_text(text.replace("store/items.db", "../../../etc/passwd"))
        assert leat("restore", backup, "--data", tmp_path / "new").returncode == 74
    finally:
        manifest.write_text(text)
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(backup, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    found = leat("restore", backup, "--data", tmp_path / "full")
    assert found.returncode == 74 and "holds something already" in found.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["full"]
    (tmp_path / "empty").mkdir()
    assert leat("restore", backup, "--data", tmp_path / "empty").returncode == 0
    assert leat("verify", "--data", tmp_path / "empty").returncode == 0
    assert leat("backup").returncode == 64 and leat("restore").returncode == 64
    assert leat("backup", tmp_path / "b", "--data", tmp_path / "nowhere").returncode != 0
    assert leat("verify", tmp_path / "full").returncode == 74


def test_a_stopped_stack_can_be_backed_up(tmp_path):
    with Up() as up:
        up.run("create", "name", {"Item": {"id": "1"}})
        pids = up.pids()
        up.kill_all()
        assert not any(alive(pid) for pid in pids)
        assert up.leat("backup", tmp_path / "b", "--data", up.data).returncode == 0
    found = leat("restore", tmp_path / "b", "--data", tmp_path / "new")
    assert found.returncode == 0, found.stderr
    with Up(data=tmp_path / "new") as up:
        assert up.item("name", id="1") == {"id": "1"}
