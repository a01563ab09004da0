"""A virtual environment with current clients from PyPI: boto3 (which speaks JSON) and celery. Made once, kept in XDG_CACHE_HOME/leat-test-venv."""
import fcntl
import os
import pathlib
import subprocess
import sys

import pytest

PACKAGES = ["boto3>=1.34.90", "celery>=5.4", "kombu[sqs]", "pytest", "requests"]


def folder(name="leat-test-venv"):
    """Outside of the tree: what comes from registries is fetched once."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return cache / name


def python():
    """The environment's interpreter; skips the test where it cannot be made (offline, say)."""
    home = folder()
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        interpreter, done = home / "bin" / "python", home / "packages"
        if done.exists() and done.read_text() == repr(PACKAGES):
            return interpreter
        for command in ([sys.executable, "-m", "venv", home],
                        [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", "--timeout", "30", *PACKAGES]):
            try:
                run = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
                problem = "" if run.returncode == 0 else (run.stderr.strip().splitlines() or ["pip failed"])[-1]
            except subprocess.TimeoutExpired:
                problem = "pip took too long"
            if problem:
                pytest.skip("no environment with current clients: " + problem)
        done.write_text(repr(PACKAGES))
        return interpreter
