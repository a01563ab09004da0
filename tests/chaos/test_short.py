"""A short run of `make chaos`: faults of every kind under load, unsynced writes dropped, and nothing accepted lost or applied twice."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from conditions import CONDITIONS
from faults import FAULTS
from figures import table
from up import Up

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_fault_once_and_nothing_is_lost(tmp_path):
    """How long it takes to heal is reported; that it is at most 3 s is for `make chaos` to say, on a machine that has nothing else to do."""
    command = [sys.executable, ROOT / "tests/chaos/chaos.py", "--each", "--seed", "20", "--rate", "600", "--clients", "2", "--patience", "6", "--folder", tmp_path,
               "--figures", tmp_path]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    log = tmp_path / "stack.log"
    assert found.returncode == 0, found.stdout + found.stderr + (log.read_text(errors="replace")[-4000:] if log.exists() else "")
    figures = json.loads((tmp_path / "figures.json").read_text())
    print(table(figures))
    assert figures["operations"]["acknowledged"] > 3000 and figures["operations"]["deleted"] > 300
    assert set(figures["violations"].values()) == {0}
    assert figures["kills"] > 8 and figures["crashes"] >= 5 and figures["lost_writes"] > 0
    assert set(figures["heals"]) == {*FAULTS, *CONDITIONS}


@pytest.mark.parametrize("role", ["worker-child", "queue"])
def test_who_was_stopped_for_a_while_works_again(role):
    """Longer than a worker may be silent by one judgement, shorter than by another: everybody must come to the same one."""
    with Up(workers=2) as up:
        up.run("create", "name", {"Item": {"id": "before"}})
        pids = [process["pid"] for process in up.processes(role)]
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(2.5)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        for i in range(20):
            assert up.wait_job(up.post_retrying({"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"after{i}"}}}, f"k{i}"),
                               10)["status"] == "succeeded"
