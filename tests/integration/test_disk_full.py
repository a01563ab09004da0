"""A full disk: posting is refused with 507 or 503, nothing accepted is lost, and work goes on when there is room again."""
import os
import pathlib
import subprocess
import tempfile

import pytest
import requests

from up import Up, until


@pytest.fixture
def small_disk():
    """A tmpfs of 256 MiB of our own, unmounted at the end."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="leat-disk-"))
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "leat-test", folder], capture_output=True, text=True)
    if made.returncode != 0:
        folder.rmdir()
        pytest.skip("this machine mounts no tmpfs: " + made.stderr)
    yield folder
    # threads of a killed process may end after its first one, and hold its files until then
    until(lambda: subprocess.run(["umount", folder], capture_output=True).returncode == 0, 20, "umount")
    folder.rmdir()


def fill(folder):
    """Uses up what is free but for a few pages."""
    with open(folder / "filler", "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 65536)
        except OSError:
            pass


def item(i):
    return {"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"d{i}", "pad": "x" * 2000}}}


def test_a_full_disk_refuses_and_recovers(small_disk):
    options = ["--segment-bytes", "4MiB", "--min-free", "8MiB", "--cache-bytes", "8MiB"]
    with Up(*options, workers=1, data=small_disk / "data") as up:
        accepted = []
        for i in range(50):
            accepted.append((up.post(item(i)), i))
        fill(small_disk)
        refused = 0
        for i in range(1000, 1400):
            answer = up.request(item(i))
            if answer.status_code == 202:
                accepted.append((answer.json()["jobId"], i))
                continue
            assert answer.status_code in (503, 507), answer.text
            assert answer.json()["status"] == answer.status_code
            refused += 1
            if refused == 5:
                break
        assert refused == 5, "the disk never counted as full"
        (small_disk / "filler").unlink()
        until(lambda: up.request({"operation": "ping"}).status_code == 202, 20, "room again")
        for job, i in accepted:
            assert up.wait_job(job, 60)["status"] == "succeeded"
        for job, i in accepted[::7]:
            assert up.item("name", id=f"d{i}")["pad"] == "x" * 2000
        up.kill_all()
        up.start()
        assert up.item("name", id=f"d{accepted[-1][1]}")


def test_the_store_alone_out_of_room_gives_jobs_back(small_disk):
    """The journal on another disk: only the workers meet the full one; accepted jobs wait, and are applied when there is room."""
    with tempfile.TemporaryDirectory(prefix="leat-test-") as data:
        os.mkdir(small_disk / "store", 0o700)
        os.symlink(small_disk / "store", pathlib.Path(data) / "store")
        with Up("--cache-bytes", "4MiB", workers=2, data=data) as up:
            assert up.run("create", "name", {"Item": {"id": "before"}})
            fill(small_disk)
            jobs = [up.post(item(i)) for i in range(300)]
            (small_disk / "filler").unlink()
            for job in jobs:
                assert up.wait_job(job, 60)["status"] == "succeeded"
            assert up.item("name", id="before") and up.item("name", id="d299")
