"""A folder with Amazon's current JavaScript client from npm's registry. Made once, kept in XDG_CACHE_HOME/leat-test-node."""
import fcntl
import shutil
import subprocess

import pytest

from .venv import folder

PACKAGE = "@aws-sdk/client-sqs@^3.800"


def modules():
    """The folder in which node finds it; skips the test where it cannot be had (no node, offline, say)."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node and npm")
    home = folder("leat-test-node")
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = home / "packages"
        if done.exists() and done.read_text() == PACKAGE:
            return home
        try:
            run = subprocess.run(["npm", "install", "--prefix", str(home), "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries", "0",
                                  PACKAGE], capture_output=True, text=True, timeout=180)
            problem = "" if run.returncode == 0 else next((line for line in run.stderr.splitlines() if " code " in line), "npm failed")
        except subprocess.TimeoutExpired:
            problem = "npm took too long"
        if problem:
            pytest.skip("no JavaScript client: " + problem)
        done.write_text(PACKAGE)
        return home
