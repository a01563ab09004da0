"""Bits that flip and files that are cut off, in the journal and in the table store: found, refused by name with a way out, never served as data."""
import collections
import pathlib
import re
import shutil
import subprocess
import uuid

import pytest
import requests

from up import BUILD, Up, until

Stopped = collections.namedtuple("Stopped", "data jobs")  # a data folder that nobody uses, and {job id: what it must come to}


def run(program, *arguments):
    return subprocess.run([BUILD / program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def copy_of(stopped, folder):
    return pathlib.Path(shutil.copytree(stopped.data, folder / "data", ignore=shutil.ignore_patterns("*.sock")))


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x04]))


def cut(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


# -- The journal ---------------------------------------------------------------------------------------------------
@pytest.fixture(name="journal", scope="module")
def make_journal(tmp_path_factory):
    """Two segments of jobs that nobody has worked on."""
    data, jobs = tmp_path_factory.mktemp("journal") / "data", {}
    with Up("--segment-bytes", "4MiB", workers=0, data=data) as up:
        for start in range(0, 1800, 100):
            texts = [f"{i}-" + "x" * 3000 for i in range(start, start + 100)]
            answer = up.request([{"operation": "echo", "payload": text} for text in texts])
            assert answer.status_code == 202
            jobs.update({job["jobId"]: text for job, text in zip(answer.json()["jobs"], texts, strict=True)})
        up.kill_all()
    assert len(segments(data)) == 2
    return Stopped(data, jobs)


def segments(data):
    return sorted((data / "journal").glob("*.seg"))


def header_gone(first, _second):
    flip(first, 8)
    flip(first, 2048 + 8)


JOURNAL = {
    "a bit of a body": lambda first, second: flip(first, 1000000),
    "a bit of a body in the last segment": lambda first, second: flip(second, 500000),
    "a bit of a group's header": lambda first, second: flip(first, 4096 + 20),
    "both headers of a segment": header_gone,
    "cut off in the middle": lambda first, second: cut(first, 2000000),
    "cut off to nothing": lambda first, second: cut(first, 0),
    "missing": lambda first, second: first.unlink(),
    "exchanged": lambda first, second: (shutil.copy(second, first), None),
}


@pytest.mark.parametrize("damage", JOURNAL)
def test_a_damaged_journal_is_refused(journal, tmp_path, damage):
    data = copy_of(journal, tmp_path)
    first, second = segments(data)
    JOURNAL[damage](first, second)
    before = {path.name: path.read_bytes() for path in segments(data)}
    queue = run("leat-queue", "--data", data)
    assert queue.returncode == 74, queue.stderr
    assert ".seg" in queue.stderr and ("--salvage" in queue.stderr or "backup" in queue.stderr)
    assert {path.name: path.read_bytes() for path in segments(data)} == before, "it must be left as it was found"
    assert run("leat", "verify", "--data", data).returncode == 74


@pytest.mark.parametrize("damage", ["a bit of a body", "missing"])
def test_what_is_salvaged_is_what_was_accepted(journal, tmp_path, damage):
    data = copy_of(journal, tmp_path)
    JOURNAL[damage](*segments(data))
    salvage = run("leat-queue", "--data", data, "--salvage")
    assert salvage.returncode == 0, salvage.stderr
    assert "journal.lost" in salvage.stderr
    kept = 0
    with Up(data=data) as up:
        for job, text in list(journal.jobs.items())[::20]:
            found = up.job(job, wait=20)
            assert found["status"] in ("succeeded", 404), found
            if found["status"] == "succeeded":
                assert found["result"] == text
                kept += 1
    assert 10 < kept < len(journal.jobs) / 20


def test_one_damaged_copy_of_a_header_is_enough_of_a_header(journal, tmp_path):
    data = copy_of(journal, tmp_path)
    flip(segments(data)[0], 30)
    with Up(data=data) as up:
        job, text = next(iter(journal.jobs.items()))
        assert up.wait_job(job)["result"] == text
        assert any("one of two copies of the header is damaged" in line for line in up.lines)


def test_a_body_that_changes_under_a_running_broker_is_not_handed_out(journal, tmp_path):
    data = copy_of(journal, tmp_path)
    with Up(workers=0, data=data) as up:
        broker = up.pid("queue")
        flip(segments(data)[0], 1000000)
        peek = subprocess.Popen([BUILD / "leat", "queue", "peek", "leat-jobs", "--max", "1000", "--data", data], stdout=subprocess.PIPE)
        until(lambda: any("part.exited part=queue" in line and f"pid={broker} status=74" in line for line in up.lines), 20, "the broker's end")
        assert any("damaged" in line and "1.seg" in line for line in up.lines), up.log()
        peek.kill()
        assert b"xxx" not in peek.communicate()[0]


# -- The store -----------------------------------------------------------------------------------------------------
ITEMS = 1500


def item(i):
    return {"id": f"i{i}", "text": f"text of {i}: " + "abcdefgh" * 20}


@pytest.fixture(name="store", scope="module")
def make_store(tmp_path_factory):
    """Items in pages that are on disk, a log behind the last checkpoint, and a backup."""
    folder = tmp_path_factory.mktemp("store")
    with Up(workers=1, data=folder / "data") as up:
        for start in range(0, ITEMS, 500):
            answer = up.request([{"operation": "create", "tableName": "name", "payload": {"Item": item(i)}} for i in range(start, start + 500)])
            last = answer.json()["jobs"][-1]["jobId"]
            assert up.wait_job(last)["status"] == "succeeded"
        outcomes = up.data / "store/outcomes.db"
        until(lambda: uuid.UUID(last).bytes in outcomes.read_bytes(), 20, "a checkpoint")
        up.run("create", "name", {"Item": {"id": "late"}})
        assert up.leat("backup", folder / "backup", "--data", up.data).returncode == 0
        up.kill_all()
    return Stopped(folder / "data", {"backup": folder / "backup"})


def log_of(data):
    return max((data / "store").glob("log.*"))


def late_commit(data):
    """Where the log tells of the last item: behind the last checkpoint, or at least before the end."""
    return log_of(data).read_bytes().rindex(b"late")


STORE = {
    "a bit of the log": lambda data: flip(log_of(data), late_commit(data)),
    "the log cut off": lambda data: cut(log_of(data), late_commit(data)),
    "no log": lambda data: log_of(data).unlink(),
    "a table's file is missing": lambda data: (data / "store/items.db").unlink(),
    "a table's file cut off": lambda data: cut(data / "store/items.db", 5 * 16384),
    "a table's file emptied": lambda data: cut(data / "store/items.db", 0),
    "outcomes cut off": lambda data: cut(data / "store/outcomes.db", 3 * 16384),
    "a bit of the first page": lambda data: flip(data / "store/items.db", 40),
}


@pytest.mark.parametrize("damage", STORE)
def test_a_damaged_store_is_refused(store, tmp_path, damage):
    data = copy_of(store, tmp_path)
    STORE[damage](data)
    up = run("leat", "up", "--data", data, "--listen", "127.0.0.1:0", "--workers", 1)
    assert up.returncode == 74, up.stderr
    assert "damaged" in up.stderr and "estore a backup" in up.stderr
    assert "leat ready" not in up.stdout
    if "log" in damage:
        assert run("leat", "verify", "--data", data).returncode == 74


def text_or_error(up, i):
    """What an item is served as; None if it is not served."""
    answer = up.request({"operation": "read", "tableName": "name", "payload": {"Key": {"id": f"i{i}"}}}, wait=20)
    return answer.json()["Item"]["text"] if answer.status_code == 200 else None


def test_a_flipped_bit_in_a_page_is_an_error_of_those_who_need_it(store, tmp_path):
    """The job that needs the page kills its worker each time, and is dead-lettered; everything else goes on."""
    data = copy_of(store, tmp_path)
    path = data / "store/items.db"
    for found in re.finditer(f"text of {ITEMS // 2}: ".encode(), path.read_bytes()):  # splits leave copies in unused space
        flip(path, found.start() + 3)
    with Up(workers=1, data=data) as up:
        assert text_or_error(up, ITEMS // 2) is None
        assert any("store.damaged" in line for line in up.lines) and any("checksum error" in line for line in up.lines)
        assert up.item("name", id="late") == {"id": "late"}
        served = [text_or_error(up, i) for i in (0, ITEMS // 2, ITEMS - 1)]
        assert all(text in (None, item(i)["text"]) for i, text in zip((0, ITEMS // 2, ITEMS - 1), served, strict=True))


def test_the_way_out_is_a_backup(store, tmp_path):
    found = run("leat", "restore", store.jobs["backup"], "--data", tmp_path / "new")
    assert found.returncode == 0, found.stderr
    with Up(workers=1, data=tmp_path / "new") as up:
        assert all(up.item("name", id=f"i{i}") == item(i) for i in range(0, ITEMS, 300))
        assert up.item("name", id="late")


def test_who_does_without_the_end_of_the_log_says_so(store, tmp_path):
    """The other way out that the message names."""
    data = copy_of(store, tmp_path)
    STORE["a bit of the log"](data)
    (data / "store/synced").unlink()
    with Up(workers=1, data=data) as up:
        try:
            assert up.item("name", id="i7") == item(7)
        except requests.RequestException as e:
            raise AssertionError(up.log()) from e
