"""Disks that fail, lie and dawdle, one scenario each, under the preload library: what was acknowledged is there when the power has come back."""
import errno
import os
import pathlib
import random
import uuid

import pytest
import requests

import lossy
from up import BUILD, Up, alive, until
from weather import Weather

LIBRARY = BUILD / "chaos/lossy.so"
SEED = 7


class Disk:
    """A stack on a disk that forgets what was not synced, and the jobs that it has acknowledged."""

    def __init__(self, folder, workers=1):
        assert LIBRARY.exists(), "make build/chaos/lossy.so builds it"
        self.data, self.side = pathlib.Path(folder) / "data", pathlib.Path(folder) / "side"
        self.data.mkdir()
        layer = lossy.environment(self.data, self.side, LIBRARY)
        self.weather = Weather(self.side)
        self.up = Up(workers=workers, data=self.data, environment={**layer, **self.weather.environment()})
        self.jobs, self.expected = [], 0

    def __enter__(self):
        self.up.start()
        return self

    def __exit__(self, *_):
        self.up.kill_all()

    def post(self, count):
        """So many increments of one counter, each acknowledged."""
        for _ in range(count):
            self.expected += 1
            self.jobs.append(self.up.post_retrying({"operation": "update", "tableName": "name",
                                                    "payload": {"Key": {"id": "n"}, "UpdateExpression": "ADD n :one",
                                                                "ExpressionAttributeValues": {":one": 1}}}, f"k{self.expected}"))

    def power_cut(self, mode="drop"):
        self.up.kill_all()
        return lossy.restore(self.data, self.side, random.Random(SEED), mode)

    def check(self):
        for job in self.jobs:
            assert self.up.wait_job(job, 60)["status"] == "succeeded"

        def read():
            try:
                return self.up.item("name", id="n")
            except (requests.RequestException, AssertionError):
                return None
        assert until(read, 30, "the counter")["n"] == self.expected


@pytest.mark.parametrize("mode", lossy.MODES)
def test_a_power_cut_right_after_the_first_start(tmp_path, mode):
    """The files are new, a checkpoint has let go of the log: their names must be on disk, too."""
    with Disk(tmp_path) as disk:
        disk.post(20)
        assert disk.up.wait_job(disk.jobs[-1])["status"] == "succeeded"
        outcomes, last = disk.data / "store/outcomes.db", uuid.UUID(disk.jobs[-1]).bytes
        until(lambda: last in outcomes.read_bytes(), 20, "a checkpoint")
        disk.power_cut(mode)
        disk.up.start()
        disk.check()


@pytest.mark.parametrize("failures", [1, 2**32 - 1], ids=["once", "for a while"])
def test_a_sync_of_the_store_fails(tmp_path, failures):
    """The child says so and ends; the kernel keeps pages that the disk does not have, and a power cut shows that nobody relied on them."""
    with Disk(tmp_path, workers=2) as disk:
        disk.post(12)
        children = [process["pid"] for process in disk.up.processes("worker-child")]
        with disk.weather.of("store", error=errno.EIO, failures=failures):
            disk.post(12)
            until(lambda: any("store.failed" in line and "call=fsync" in line for line in disk.up.lines), 20, "the message")
            until(lambda: not any(alive(pid) for pid in children), 20, "the end of all children")
        disk.post(12)
        disk.check()
        disk.power_cut()
        disk.up.start()
        disk.check()


@pytest.mark.parametrize("failures", [1, 2**32 - 1], ids=["once", "for a while"])
def test_a_sync_of_the_journal_fails(tmp_path, failures):
    with Disk(tmp_path) as disk:
        disk.post(12)
        broker = disk.up.pid("queue")
        disk.weather.set("journal", error=errno.EIO, failures=failures)
        try:
            disk.up.session.post(disk.up.url + "/DynamoDBManager", json={"operation": "ping"}, timeout=1)
        except requests.RequestException:
            pass  # nobody answers as long as nothing can be made durable
        until(lambda: not alive(broker), 20, "the end of the broker")
        until(lambda: any("journal.failed" in line for line in disk.up.lines), 5, "the message")
        disk.weather.calm()
        disk.post(12)
        disk.check()
        disk.power_cut()
        disk.up.start()
        disk.check()


@pytest.mark.parametrize("place", ["journal", "store"])
def test_a_slow_disk_is_waited_for(tmp_path, place):
    with Disk(tmp_path) as disk:
        before = sorted(disk.up.pids())
        with disk.weather.of(place, sync_ms=400):
            disk.post(5)
            disk.check()
        assert sorted(disk.up.pids()) == before
        disk.power_cut("mix")
        disk.up.start()
        disk.check()


def test_wall_clocks_may_step(tmp_path):
    """Nothing that was accepted expires, waits for another day, or is taken for new, however the clock steps; over restarts, too."""
    with Disk(tmp_path) as disk:
        again = {"operation": "echo", "payload": "once"}
        first = disk.up.post_retrying(again, "key")
        for seconds in (-86400, 300, -5, 0):
            disk.weather.clock(seconds)
            disk.post(5)
            disk.check()
            os.kill(disk.up.pid("queue"), 9)
            disk.post(5)
            assert disk.up.post_retrying(again, "key") == first
        disk.check()
        disk.up.restart()
        disk.check()
