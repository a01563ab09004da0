"""The table engine against a model of DynamoDB in Python (tests/model): random operations, the same answers.

SEEDS=N runs so many seeds (make test: a few), SEED=S begins with that one. Each has two thousand operations. The engine runs over kv_mem
in a process of its own, without gateway and broker: fast enough for a lot.
"""
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("LEAT_BUILD", ROOT / "build"))


def test_engine_and_model_answer_alike():
    seeds = int(os.environ.get("SEEDS", "8"))
    command = [sys.executable, str(ROOT / "tests/model/run.py"), "--seeds", str(seeds), "--engine", str(BUILD / "engine")]
    if "SEED" in os.environ:
        command += ["--seed", os.environ["SEED"]]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60 + 10 * seeds)
    print(run.stdout)
    assert run.returncode == 0, run.stderr
