"""Clients that Debian does not have: all of these tests with a current boto3, which speaks JSON; a task of celery; Amazon's JavaScript client."""
import json
import os
import pathlib
import subprocess

import pytest

from . import node, venv
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


SCRIPT = """
const sdk = require("@aws-sdk/client-sqs");
const sqs = new sdk.SQSClient({endpoint: process.argv[2], region: "eu-west-1", credentials: {accessKeyId: "a", secretAccessKey: "b"}, maxAttempts: 1});
const say = (name, input) => sqs.send(new sdk[name + "Command"](input));
async function main() {
  const {QueueUrl} = await say("CreateQueue", {QueueName: process.argv[3], Attributes: {VisibilityTimeout: "60"}, tags: {a: "b"}});
  const MessageAttributes = {n: {DataType: "Number", StringValue: "7"}, b: {DataType: "Binary", BinaryValue: new Uint8Array([0, 255])}};
  const sent = await say("SendMessage", {QueueUrl, MessageBody: "h\u00e9llo", MessageAttributes});
  const batch = await say("SendMessageBatch", {QueueUrl, Entries: [{Id: "a", MessageBody: "1"}, {Id: "b", MessageBody: "2", DelaySeconds: 901}]});
  const {Messages} = await say("ReceiveMessage", {QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, MessageAttributeNames: ["All"],
                                                 MessageSystemAttributeNames: ["All"]});
  const first = Messages.find(m => m.MessageId === sent.MessageId);
  await say("DeleteMessage", {QueueUrl, ReceiptHandle: first.ReceiptHandle});
  const errors = [];
  for (const [name, input] of [["GetQueueUrl", {QueueName: "nobody"}], ["DeleteMessage", {QueueUrl, ReceiptHandle: "x"}], ["SendMessage", {QueueUrl}]])
    await say(name, input).catch(e => errors.push([e.name, e.message, e.$metadata.httpStatusCode]));
  const tags = (await say("ListQueueTags", {QueueUrl})).Tags;
  await say("DeleteQueue", {QueueUrl});
  console.log(JSON.stringify({QueueUrl, body: first.Body, attributes: Object.keys(first.Attributes).sort(), n: first.MessageAttributes.n.StringValue,
    b: Array.from(first.MessageAttributes.b.BinaryValue), ok: batch.Successful.map(e => e.Id), failed: batch.Failed.map(e => e.Code), errors, tags}));
}
main().catch(e => { console.error(e); process.exit(1); });
"""


def test_the_javascript_client(up, tmp_path):
    """It checks digests by itself, and takes the queue's URL for the endpoint."""
    modules = node.modules()
    (tmp_path / "client.js").write_text(SCRIPT)
    run = subprocess.run(["node", str(tmp_path / "client.js"), up.url, "js-" + tmp_path.name.replace(".", "-")], capture_output=True, text=True,
                         timeout=120, env=clean() | {"NODE_PATH": str(modules / "node_modules")})
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    assert answer["QueueUrl"].startswith(up.url + "/123456789012/js-")
    assert (answer["body"], answer["n"], answer["b"], answer["ok"], answer["failed"], answer["tags"]) == (
        "h\u00e9llo", "7", [0, 255], ["a"], ["InvalidParameterValue"], {"a": "b"})
    assert answer["attributes"] == ["ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SenderId", "SentTimestamp"]
    assert answer["errors"][0][0] == "QueueDoesNotExist" and [status for _, _, status in answer["errors"]] == [400, 404, 400], answer["errors"]
