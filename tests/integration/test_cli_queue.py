"""leat queue, as an operator types it: every verb against a real stack, and what it says when something is wrong."""
import json
import os
import re
import signal
import subprocess
import uuid

import pytest

from up import BUILD, Up, until


@pytest.fixture(scope="module")
def up():
    with Up(workers=1) as stack:
        yield stack


@pytest.fixture
def queue(up):
    """queue("ls") -> what it printed; queue("ls", status=1) -> what it complained about; given: its standard input."""
    def run(*words, status=0, given=None, environment=None):
        done = up.leat("queue", *words, "--data", up.data, input=given, **({"env": environment} if environment else {}))
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done.stderr if status else done.stdout
    return run


@pytest.fixture
def make(queue):
    def create(name="q", *words):
        stem, _, suffix = name.partition(".")
        full = f"{stem}-{uuid.uuid4().hex[:10]}" + (f".{suffix}" if suffix else "")
        assert queue("create", full, *words) == f"created {full}\n"
        return full
    return create


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def counts(queue, name):
    found = next(q for q in json.loads(queue("ls", name, "--json")) if q["name"] == name)
    return found["ready"], found["inflight"], found["delayed"]


# -- What a queue is ----------------------------------------------------------------------------------------------------
def test_create_and_attributes(queue, make):
    name = make("orders", "VisibilityTimeout=60", "LeatMaxPerGroup=2")
    shown = dict(line.split("=", 1) for line in queue("attrs", name).splitlines())
    assert shown["VisibilityTimeout"] == "60" and shown["LeatMaxPerGroup"] == "2" and shown["DelaySeconds"] == "0"
    assert shown["QueueArn"] == f"arn:aws:sqs:us-east-1:123456789012:{name}"
    assert queue("attrs", name, "VisibilityTimeout") == "VisibilityTimeout=60\n"
    assert queue("attrs", name, "VisibilityTimeout=5", "LeatMaxPerGroup=") == f"changed {name}\n"
    shown = json.loads(queue("attrs", name, "--json"))
    assert shown["VisibilityTimeout"] == "5" and "LeatMaxPerGroup" not in shown
    assert queue("create", name, "VisibilityTimeout=5") == f"exists already: {name}\n"
    assert "another VisibilityTimeout" in queue("create", name, "VisibilityTimeout=6", status=1)
    made = json.loads(queue("create", f"{name}-json", "--json"))
    assert made["name"] == f"{name}-json" and made["kind"] == "standard"


@pytest.mark.parametrize("words, status, text", [
    (["create", "a b"], 64, "no name of a queue"), (["create", "x" * 81], 64, "no name of a queue"), (["create", ""], 64, "no name"),
    (["create", "/x"], 64, "no region"), (["create", "r" * 41 + "/x"], 64, "no region"),
    (["create", "x", "--fifo"], 64, "x.fifo"), (["create", "x", "word"], 64, "KEY=VALUE"), (["create", "x", "Foo=1"], 64, "Unknown Attribute Foo"),
    (["create", "x", "VisibilityTimeout=-1"], 64, "VisibilityTimeout"), (["create", "x", "DelaySeconds=1", "DelaySeconds=2"], 64, "given twice"),
    (["create", "x", "ContentBasedDeduplication=true"], 64, "ContentBasedDeduplication"), (["create", "x", "RedrivePolicy={}"], 64, "RedrivePolicy"),
    (["create", "x", "--dead-letter", "nobody"], 1, "does not exist"), (["create", "x", "--dead-letter", "leat-jobs"], 1, "same type"),
    (["create", "x", "--dead-letter", "leat-jobs-dead:0"], 64, "maxReceiveCount"), (["create", "x", "a=\udcff"], 64, "UTF-8"),
    (["attrs", "nobody"], 1, "no such queue: nobody in us-east-1"), (["attrs", "nobody", "DelaySeconds=1"], 1, "no such queue"),
    (["attrs", "leat-jobs", "DelaySeconds=1"], 1, "leat's own"), (["attrs", "leat-jobs", "Foo"], 64, "Unknown Attribute Foo"),
    (["attrs", "leat-jobs", "DelaySeconds", "DelaySeconds=1"], 64, "either"),
    (["rm", "leat-jobs"], 1, "leat's own"), (["rm", "nobody"], 1, "no such queue"), (["pause", "nobody"], 1, "no such queue"),
    (["purge", "nobody"], 1, "no such queue"), (["redrive", "nobody"], 1, "no such queue"), (["redrive", "leat-jobs"], 1, "dead-letter queue of any other"),
    (["redrive", "--cancel"], 1, "no task is running"), (["redrive", "--max", "1", "--rate", "1"], 64, "--max"), (["redrive", "--rate", "501"], 64, "500"),
    (["redrive", "--to", "no body"], 64, "no name"), (["redrive", "--to", "nobody"], 1, "destination does not exist"),
    (["peek", "nobody"], 1, "no such queue"), (["peek", "--state", "lost"], 64, "ready, inflight"), (["peek", "--max", "1001"], 64, "1000"),
    (["peek", "leat-jobs-dead", "--state", "dead"], 1, "no dead-letter queue"),
    (["find", "x"], 64, "no id"), (["find", str(uuid.UUID(int=1))], 1, "no such message"),
    (["send", "nobody", "x"], 1, "no such queue: nobody"), (["send", "leat-jobs", "x"], 1, "leat post"), (["send", "x"], 64, "send what"),
    (["send", "x", "y", "--file", "z"], 64, "send what"), (["send", "x", "y", "--lines"], 64, "--file"), (["send", "x", "-", "--lines", "--ndjson"], 64, "either"),
    (["send", "leat-jobs-dead", ""], 1, "not empty"), (["send", "leat-jobs-dead", "x", "--file"], 64, "--file"),
    (["send", "leat-jobs-dead", "--file", "/nowhere/at all"], 66, "No such file"), (["send", "leat-jobs-dead", "\udcff"], 1, "UTF-8"),
    (["send", "leat-jobs-dead", "x", "--delay", "367d"], 64, "366d"), (["send", "leat-jobs-dead", "x", "--priority", "4"], 64, "between 0 and 3"),
    (["send", "leat-jobs-dead", "x", "--attribute", "a"], 64, "NAME=VALUE"), (["send", "leat-jobs-dead", "x", "--attribute", "a:Number=b"], 1, "number"),
    (["send", "leat-jobs-dead", "x", "--dedup", "a"], 1, "MessageDeduplicationId"), (["send", "leat-jobs-dead", "x", "--group", "a b"], 1, "MessageGroupId"),
    (["receive", "nobody"], 1, "no such queue"), (["receive", "leat-jobs"], 1, "workers"), (["receive", "x", "--visibility", "15d"], 64, "14d"),
    (["receive", "x", "--json", "--bodies"], 64, "either"), (["receive", "x", "--wait", "5s"], 64, "--wait"),
    (["delete", "leat-jobs-dead", "no handle"], 1, "no handle"), (["delete", "leat-jobs-dead", "AAAA"], 1, "no handle"), (["delete", "leat-jobs-dead"], 64, "Usage"),
    (["delete", "nobody", "AAAA"], 1, "no such queue"), (["extend", "leat-jobs-dead", "AAAA"], 64, "how long"),
    (["ls", "nobody"], 1, "no queue begins with"), (["ls", "--delete"], 64, "--delete means nothing to 'ls'"), (["ls", "--no-fifo"], 64, "--fifo means nothing"),
    (["top", "--interval", "1ms"], 64, "100ms"), (["fly"], 64, 'no verb "fly"'), ([], 64, "Usage"), (["purge"], 64, "Usage"), (["ls", "--max=3"], 64, "--max"),
])
def test_what_is_wrong_is_said(queue, words, status, text):
    assert text in queue(*words, status=status)


def test_rm_and_the_minute_after(queue, make):
    name = make()
    queue("send", name, "x")
    assert queue("rm", name) == f"removed {name}\n"
    assert "no such queue" in queue("receive", name, status=1)
    assert "less than a minute ago" in queue("create", name, status=1)


def test_regions(queue, make, up):
    name = make()
    assert "no such queue" in queue("attrs", f"eu-west-1/{name}", status=1)
    assert queue("create", f"eu-west-1/{name}", "DelaySeconds=1") == f"created eu-west-1/{name}\n"
    assert ":eu-west-1:" in queue("attrs", name, "QueueArn", "--region", "eu-west-1")
    shown = queue("ls", name)
    assert re.search(rf"^{name} ", shown, re.M) and re.search(rf"^eu-west-1/{name} ", shown, re.M)
    there = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}
    assert queue("attrs", name, "DelaySeconds", environment=there) == "DelaySeconds=1\n"
    assert [q["region"] for q in json.loads(queue("ls", name, "--json"))] == ["eu-west-1", "us-east-1"]


# -- Messages -----------------------------------------------------------------------------------------------------------
def test_send_peek_receive_delete(queue, make):
    name = make()
    sent = queue("send", name, "hello", "--attribute", "a=b=c", "--attribute", "n:Number=5", "--group", "ann").split()[1]
    assert queue("peek", name).startswith(f"{sent} ready    received=0 ") and " group=ann hello\n" in queue("peek", name)
    seen, = json.loads(queue("peek", name, "--json"))
    assert seen["body"] == "hello" and seen["attributes"] == {"a": "b=c", "n": "5"} and seen["state"] == "ready"
    message, = lines(queue("receive", name, "--json"))
    assert message["messageId"] == sent and message["receiveCount"] == 1 and message["groupId"] == "ann"
    assert message["attributes"]["n"] == {"DataType": "Number", "StringValue": "5"}
    assert queue("receive", name) == "no messages\n" and queue("receive", name, "--json") == ""
    assert " inflight queue=" in queue("find", sent) and json.loads(queue("find", sent, "--json"))["state"] == "inflight"
    assert queue("delete", name, message["handle"]) == "deleted 1 message\n"
    assert counts(queue, name) == (0, 0, 0)
    assert "no such message" in queue("find", sent, status=1)


def test_receive_prints_for_people_and_for_scripts(queue, make):
    name = make()
    for body in ("one", "two\nlines", "three"):
        queue("send", name, body)
    assert re.fullmatch(r"[0-9a-f-]{36} received=1 age=\w+ handle=\S+\none\n", queue("receive", name))
    assert queue("receive", name, "--max", "5", "--bodies", "--delete") == "two\nlines\nthree\n"
    assert counts(queue, name) == (0, 1, 0)


def test_priority_and_delay(queue, make):
    name = make()
    queue("send", name, "last")
    queue("send", name, "first", "--priority", "3")
    queue("send", name, "next year", "--delay", "365d")
    assert queue("receive", name, "--max", "10", "--bodies", "--delete") == "first\nlast\n"
    assert "visible-in=364d" in queue("peek", name, "--state", "delayed") and queue("peek", name, "--state", "ready") == "no messages\n"


def test_a_group_has_so_many_in_flight(queue, make):
    name = make("q", "LeatMaxPerGroup=1")
    queue("send", name, "-", "--lines", "--group", "g", given="1\n2\n3\n")
    assert queue("receive", name, "--max", "10", "--bodies") == "1\n"
    queue("send", name, "other", "--group", "h")
    assert queue("receive", name, "--max", "10", "--bodies") == "other\n"


def test_leases_beyond_twelve_hours(queue, make):
    name = make("q", "LeatMaxLeaseSeconds=604800")
    for body in "ab":
        queue("send", name, body)
    message, = lines(queue("receive", name, "--visibility", "13h", "--json"))
    assert "visible-in=12h" in queue("peek", name, "--state", "inflight")
    assert queue("extend", name, message["handle"], "--visibility", "2d") == "extended 1 message\n"
    assert "visible-in=47h" in queue("peek", name, "--state", "inflight")
    assert "longer than one may hold" in queue("extend", name, message["handle"], "--visibility", "8d", status=1)
    assert queue("extend", name, message["handle"], "--visibility", "0") == "released 1 message\n"
    assert "visible again" in queue("extend", name, message["handle"], "--visibility", "5m", status=1)
    assert counts(queue, name) == (2, 0, 0)


def test_fifo(queue, make):
    name = make("q.fifo", "--fifo")
    assert "--group" in queue("send", name, "x", "--dedup", "1", status=1)
    assert "--dedup" in queue("send", name, "x", "--group", "g", status=1)
    assert "no delay or priority" in queue("send", name, "x", "--group", "g", "--dedup", "1", "--delay", "5s", status=1)
    first, again = (json.loads(queue("send", name, body, "--group", "g", "--dedup", "1", "--json")) for body in ("x", "y"))
    assert first == again and first["sequence"] > 0
    assert queue("receive", name, "--max", "10", "--bodies") == "x\n"


def test_keys_are_those_of_sqs(queue, make, up):
    """A group and a deduplication id mean the same to both ways in."""
    boto3 = pytest.importorskip("boto3")
    sqs = boto3.client("sqs", endpoint_url=up.url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    name = make("q.fifo")
    by_sdk = sqs.send_message(QueueUrl=name, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="1")
    assert json.loads(queue("send", name, "y", "--group", "g", "--dedup", "1", "--json"))["messageId"] == by_sdk["MessageId"]
    queue("send", name, "z", "--group", "g", "--dedup", "2")
    first, = sqs.receive_message(QueueUrl=name, MaxNumberOfMessages=1)["Messages"]
    assert queue("receive", name) == "no messages\n", "the group is held"
    assert queue("delete", name, first["ReceiptHandle"]) == "deleted 1 message\n"
    assert queue("receive", name, "--bodies", "--delete") == "z\n"


# -- Many ---------------------------------------------------------------------------------------------------------------
def test_lines_and_files(queue, make, tmp_path):
    name = make()
    shown = queue("send", name, "-", "--lines", "--batch", "100", given="".join(f"{i}\n" for i in range(1234)))
    assert shown.startswith("sent 1234 messages in ") and shown.endswith(" 0 refused\n")
    assert queue("receive", name, "--max", "2000", "--bodies", "--delete").split() == [str(i) for i in range(1234)]
    (tmp_path / "body").write_text("a\n\nb\n")
    queue("send", name, "--file", tmp_path / "body")
    queue("send", name, "-", given="piped\n")
    assert queue("receive", name, "--max", "9", "--bodies", "--delete") == "a\n\nb\npiped\n"
    assert queue("send", name, "--file", tmp_path / "body", "--lines", "--quiet") == "" and counts(queue, name) == (2, 0, 0)


def test_objects_go_round(queue, make):
    """What receive prints, send reads: attributes keep their types."""
    first, second = make(), make()
    given = [{"body": "a", "groupId": "g", "attributes": {"b": {"DataType": "Binary", "BinaryValue": "AAE="}, "s": "text"}},
             {"body": {"is": ["JSON", 1.50]}, "priority": 2}, {"body": "later", "delaySeconds": 86400}]
    shown = lines(queue("send", first, "-", "--ndjson", "--json", given="\n\n".join(map(json.dumps, given))))
    assert [m["line"] for m in shown] == [1, 3, 5]
    taken = queue("receive", first, "--max", "9", "--json", "--delete")
    assert [m["body"] for m in lines(taken)] == ['{"is":["JSON",1.5]}', "a"]
    queue("send", second, "-", "--ndjson", given=taken)
    there = {m["body"]: m for m in lines(queue("receive", second, "--max", "9", "--json"))}
    assert there["a"]["attributes"] == {"b": given[0]["attributes"]["b"], "s": {"DataType": "String", "StringValue": "text"}}
    assert there["a"]["groupId"] == "g" and counts(queue, first) == (0, 0, 1)


def test_bad_lines_are_named_and_the_others_count(queue, make):
    name = make("q", "MaximumMessageSize=1024")
    given = ['{"body":"ok"}', "no JSON", '{"body":"x","color":1}', "[]", '{"group":"x"}', '{"body":""}', '{"body":"x","priority":9}',
             json.dumps({"body": "x" * 1025}), '{"body":"x","attributes":{"a":5}}', '{"body":"x","delaySeconds":-1}', '{"body":"fine"}']
    said = queue("send", name, "-", "--ndjson", given="\n".join(given), status=1)
    assert re.findall(r"line (\d+): ", said) == [str(n) for n in (2, 3, 4, 5, 6, 7, 9, 10, 8)], said
    assert 'no member "color"' in said and "MaximumMessageSize" in said
    assert counts(queue, name) == (2, 0, 0)
    assert queue("send", "nobody", "-", "--lines", given="a\nb\n" * 500, status=1).count("no such queue") == 1


def test_a_full_queue_ends_it(queue, make):
    name = make("q", "LeatMaxMessages=3")
    said = queue("send", name, "-", "--lines", "--batch", "2", given="".join(f"{i}\n" for i in range(100)), status=1)
    assert "line 4: the queue is full" in said and "stopped behind line 4" in said
    assert counts(queue, name) == (3, 0, 0)


def test_what_nobody_read_is_not_deleted(queue, make, up):
    name = make()
    queue("send", name, "-", "--lines", given="".join(f"{i} {'x' * 2000}\n" for i in range(200)))
    # nobody reads: the pipe fills, and is closed
    receiver = subprocess.Popen([BUILD / "leat", "queue", "receive", name, "--max", "200", "--delete", "--data", up.data], stdout=subprocess.PIPE)
    assert receiver.stdout.read(10)
    receiver.stdout.close()
    assert receiver.wait(20) != 0
    ready, inflight, _ = counts(queue, name)
    assert ready + inflight >= 200 - 50, "the pipe holds 64 KiB, thirty messages or so"
    assert inflight > 0
    with open("/dev/full", "w") as full:
        done = subprocess.run([BUILD / "leat", "queue", "receive", name, "--delete", "--data", up.data], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 74 and "cannot write" in done.stderr
    assert sum(counts(queue, name)) == ready + inflight


def test_waiting(queue, make, up):
    name = make()
    waiting = subprocess.Popen([BUILD / "leat", "queue", "receive", name, "--wait", "60", "--bodies", "--timeout", "1s", "--data", up.data],
                               stdout=subprocess.PIPE, text=True)
    until(lambda: json.loads(queue("ls", name, "--json"))[0]["receivers"] == 1)
    queue("send", name, "at last")
    assert waiting.communicate(timeout=20)[0] == "at last\n" and waiting.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_leaves_takes_no_message_along(queue, make, up, number):
    name = make()
    waiting = subprocess.Popen([BUILD / "leat", "queue", "receive", name, "--wait", "60", "--data", up.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: json.loads(queue("ls", name, "--json"))[0]["receivers"] == 1)
    waiting.send_signal(number)
    assert "interrupted" in waiting.communicate(timeout=20)[1] and waiting.returncode == 128 + number
    assert json.loads(queue("ls", name, "--json"))[0]["receivers"] == 0
    queue("send", name, "x")
    assert counts(queue, name) == (1, 0, 0)


# -- Pause, purge, redrive ------------------------------------------------------------------------------------------------
def test_pause_and_resume(queue, make):
    name = make()
    assert queue("pause", name) == f"paused {name}\n"
    queue("send", name, "x")
    assert queue("receive", name) == "no messages\n" and "  paused" in queue("ls", name)
    assert json.loads(queue("resume", name, "--json"))["paused"] is False
    assert queue("receive", name, "--bodies") == "x\n"


def test_paused_jobs_wait(queue, up):
    queue("pause", "leat-jobs")
    try:
        job = up.post({"operation": "echo", "payload": "x"})
        until(lambda: job in queue("peek"))
        assert f"{job} ready " in queue("find", job)
    finally:
        queue("resume", "leat-jobs")
    assert up.wait_job(job)["result"] == "x"


def test_purge(queue, make):
    name = make()
    queue("send", name, "-", "--lines", given="a\nb\nc\n")
    queue("send", name, "d", "--delay", "1h")
    assert queue("purge", name) == "purged 4 messages\n" and counts(queue, name) == (0, 0, 0)
    assert "purged less than a minute ago" in queue("purge", name, status=1)


@pytest.fixture
def dead(queue, make):
    """A queue and its dead-letter queue with `count` dead letters."""
    def die(count):
        target = make("dead")
        name = make("alive", "--dead-letter", f"{target}:1")
        queue("send", name, "-", "--lines", given="".join(f"{i}\n" for i in range(count)))
        queue("receive", name, "--max", count, "--visibility", "0", "--bodies")
        assert queue("receive", name, "--max", count) == "no messages\n"
        return name, target
    return die


def test_redrive_to_where_they_came_from(queue, dead):
    name, target = dead(20)
    assert counts(queue, target) == (20, 0, 0)
    seen = queue("peek", name, "--state", "dead", "--max", "3")
    assert seen.count(f" from={name} reason=") == 3
    assert queue("redrive", target) == "moved 20 messages\n"
    assert counts(queue, name) == (20, 0, 0)
    assert " completed 20 of 20 moved" in queue("redrive", target, "--tasks")


def test_redrive_slowly_elsewhere_and_cancel(queue, dead, make):
    (name, target), other = dead(50), make("other")
    queue("redrive", target, "--to", other, "--rate", "5", "--background")
    assert "under way" in queue("redrive", target, status=1)
    task, = json.loads(queue("redrive", target, "--tasks", "--json"))
    assert (task["status"], task["destination"], task["rate"], task["total"]) == ("running", f"us-east-1/{other}", 5, 50)
    until(lambda: counts(queue, other)[0] >= 2)
    assert re.fullmatch(r"cancelled; moved \d+ messages\n", queue("redrive", target, "--cancel"))
    assert 2 <= counts(queue, other)[0] < 50 and counts(queue, name) == (0, 0, 0)
    assert " cancelled " in queue("redrive", target, "--tasks")


def test_redrive_says_why_it_ended(queue, dead, make):
    name, target = dead(2)
    make("other", "--dead-letter", target)
    queue("rm", name)
    assert "ended early: AWS.SimpleQueueService.NonExistentQueue" in queue("redrive", target, status=1)


# -- No broker ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [["ls"], ["create", "x"], ["send", "x", "y"], ["receive", "x"], ["top", "--count", "1"], ["redrive"], ["purge", "x"]])
def test_nothing_runs(tmp_path, words):
    done = subprocess.run([BUILD / "leat", "queue", *words, "--data", tmp_path, "--timeout", "200ms"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 69 and "no broker answers" in done.stderr and done.stdout == ""


def test_the_help_names_every_verb():
    shown = subprocess.run([BUILD / "leat", "queue", "--help"], capture_output=True, text=True).stdout
    verbs = [words.split()[0] for words in re.search(r"Usage: leat queue \[FLAG\]\.\.\. (.*)", shown)[1].split(" | ")]
    assert len(verbs) == 15
    assert all(re.search(rf"^  (\w+ NAME, )?{verb}\b", shown, re.M) for verb in verbs), shown
