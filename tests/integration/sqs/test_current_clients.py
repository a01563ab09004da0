"""Clients that Debian does not have: all of these tests with a current boto3, which speaks JSON, and a task of celery."""
import os
import pathlib
import subprocess

import pytest

from . import venv
from .conftest import JSON, until

HERE = pathlib.Path(__file__).resolve().parent
pytestmark = pytest.mark.skipif(JSON, reason="runs inside of itself")

TASKS = """
import os, celery
app = celery.Celery("leat", broker=f"sqs://key:secret@{os.environ['LEAT_HOST']}//")
app.conf.update(broker_transport_options={"region": "eu-west-1", "is_secure": False, "visibility_timeout": 30, "wait_time_seconds": 1},
                task_default_queue="celery-" + os.environ["LEAT_MARK"], worker_enable_remote_control=False)
@app.task
def note(text):
    open(os.environ["LEAT_NOTE"], "w").write(text)
"""


def clean():
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"PYTHONDONTWRITEBYTECODE": "1"}


def test_everything_over_json():
    run = subprocess.run([venv.python(), "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE], env=clean(), capture_output=True,
                         text=True, timeout=600)
    assert run.returncode == 0, run.stdout[-6000:]


def test_celery_runs_a_task(up, tmp_path):
    python = venv.python()
    (tmp_path / "tasks.py").write_text(TASKS)
    environment = clean() | {"LEAT_HOST": up.url.removeprefix("http://"), "LEAT_NOTE": str(tmp_path / "note"), "LEAT_MARK": tmp_path.name}
    command = [python, "-m", "celery", "-A", "tasks", "worker", "--pool=solo", "--without-gossip", "--without-mingle", "--loglevel=INFO"]
    with open(tmp_path / "log", "w") as log:
        worker = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        subprocess.run([python, "-c", "import tasks; tasks.note.delay('done')"], cwd=tmp_path, env=environment, check=True, timeout=60)
        until(lambda: (tmp_path / "note").exists() and (tmp_path / "note").read_text() == "done", 60,
              "the task: " + (tmp_path / "log").read_text()[-3000:])
    finally:
        worker.kill()
        worker.wait(10)
