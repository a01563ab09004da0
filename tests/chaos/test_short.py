"""A short run of `make chaos`: faults of every kind under load, unsynced writes dropped, and nothing accepted lost or applied twice."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from up import Up

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_half_a_minute_of_chaos(tmp_path):
    command = [sys.executable, ROOT / "tests/chaos/chaos.py", "--minutes", "0.4", "--seed", "20", "--rate", "1500",
               "--heal-seconds", "6", "--folder", tmp_path]
    found = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    log = tmp_path / "stack.log"
    assert found.returncode == 0, found.stdout + found.stderr + (log.read_text(errors="replace")[-4000:] if log.exists() else "")
    acknowledged = re.search(r"(\d+) acknowledged, .* 0 lost, 0 duplicated, 0 reordered, 0 stuck, 0 phantom, 0 wrong", found.stdout)
    faults = re.search(r"faults: (\d+) kills, .* (\d+) crashes with lost writes", found.stdout)
    assert int(acknowledged[1]) > 1000, found.stdout
    assert int(faults[1]) > 5 and int(faults[2]) >= 2, found.stdout


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
