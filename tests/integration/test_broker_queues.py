"""Queues through the broker's own wire: every verb once, what is refused, and what a kill -9 may not take."""
import random
import threading
import time

import pytest

from broker import RESULTS, Broker, Refused, new_id

MINUTE = 60_000


@pytest.fixture(scope="module")
def broker():
    with Broker() as running:
        yield running


@pytest.fixture(scope="module")
def client(broker):
    return broker.client()


@pytest.fixture
def queue(client, request):
    name = request.node.name[:100]
    client.create(name)
    return name


@pytest.fixture
def fifo(client, request):
    name = request.node.name[:100] + ".fifo"
    client.create(name, kind=1)
    return name


def refused(result, call, *arguments, **options):
    assert result in RESULTS
    with pytest.raises(Refused) as error:
        call(*arguments, **options)
    assert error.value.result == result
    return error.value.body


def bodies(messages):
    return [m["body"] for m in messages]


def fifo_options(group, key=None):
    return dict(group=group, key=key or new_id())


# -- Messages ------------------------------------------------------------------------------------------------------------------------
def test_send_receive_delete(client, queue):
    seq, sent_id = client.send(queue, b"hello")
    [message] = client.receive(queue)
    assert (message["body"], message["id"], message["seq"], message["count"]) == (b"hello", sent_id, seq, 1)
    assert message["first"] >= message["sent"] > 0 and not message["source"] and not message["reason"]
    assert client.receive(queue) == []
    client.visibility(queue, message["handle"], 0)
    [again] = client.receive(queue)
    assert again["count"] == 2 and again["handle"] != message["handle"] and again["first"] == message["first"]
    client.delete(queue, again["handle"])
    client.delete(queue, again["handle"])
    assert client.describe(queue)["bytes"] == 0


def test_handles_are_sealed(client, queue):
    client.create("foreign")
    client.send(queue, b"x")
    client.send("foreign", b"x")
    [mine], [other] = client.receive(queue), client.receive("foreign")
    for bad in (b"x", b"\0" * 21, mine["handle"][:-1], mine["handle"][:-1] + bytes([mine["handle"][-1] ^ 1]), mine["handle"] + b"\0",
                b"\2" + mine["handle"][1:], other["handle"]):
        refused("BAD_HANDLE", client.delete, queue, bad)
        refused("BAD_HANDLE", client.visibility, queue, bad, 1000)
    refused("INVALID", client.delete, queue, b"")
    refused("INVALID", client.delete, queue, b"h" * 65)
    refused("NO_QUEUE", client.delete, "nowhere", mine["handle"])
    client.delete(queue, mine["handle"])
    refused("NO_MESSAGE", client.visibility, queue, mine["handle"], 1000)


def test_a_batch_of_requests_is_carried_out_in_order(client):
    name = "batch"
    numbers = client.post(("CREATE", name, [client.attributes(), b""]), *[("SEND", name, client.send_argument(b"%d" % i)) for i in range(9)],
                          ("RECEIVE", name, [10, None, None, b""]), ("DESCRIBE", name, []), ("DESCRIBE", "nowhere", []))
    answers = [client.answer(number) for number in numbers]
    assert [a[0] for a in answers] == ["OK"] * 12 + ["NO_QUEUE"]
    assert answers[10][1] == []  # what was sent a moment ago was not on disk when it was received


def test_long_polling(broker, client, queue):
    other = broker.client()
    [number] = other.post(("RECEIVE", queue, [10, None, 20000, b""]))
    assert other.get(0.3) is None
    client.send(queue, b"late")
    begun = time.monotonic()
    result, messages = other.answer(number)
    assert result == "OK" and messages[0][-1] == b"late" and time.monotonic() - begun < 5
    [number] = other.post(("RECEIVE", queue, [10, None, 20000, b""]))
    [stopped] = other.post(("STOP", "", [number]))
    assert other.answer(number) == ("OK", []) and other.answer(stopped)[0] == "OK"
    begun = time.monotonic()
    assert client.receive(queue, wait=300) == [] and time.monotonic() - begun >= 0.3


def test_limits_by_one(client, queue):
    arguments = dict(send=client.send_argument(b"x"), receive=[10, None, None, b""])

    def changed(of, place, value):
        return [value if i == place else old for i, old in enumerate(arguments[of])]

    year = 366 * 86400 * 1000
    for place, good, bad in ((3, year, year + 1), (4, 3, 4), (5, b"k" * 16, b"k" * 15), (7, b"b" * (1048576 + 65536), b"b" * (1048576 + 65537))):
        assert client.ask("SEND", queue, *changed("send", 0, new_id())[:place], good, *arguments["send"][place + 1:])
        refused("INVALID", client.ask, "SEND", queue, *changed("send", place, bad))
    refused("INVALID", client.ask, "SEND", queue, *changed("send", 7, b""))
    assert refused("TOO_LARGE", client.send, queue, b"x", size=1048577) == 1048576
    for place, bad in ((0, 0), (0, 11), (1, 14 * 86400 * 1000 + 1), (2, 20001), (3, b"x")):
        refused("INVALID", client.ask, "RECEIVE", queue, *changed("receive", place, bad))
    refused("INVALID", client.create, "q" * 129)
    refused("INVALID", client.create, "q\0r")
    refused("INVALID", client.create, "")
    refused("INVALID", client.create, "jobs", kind=2)
    for change in (dict(visibility=43200001), dict(retention=59999), dict(wait=20001), dict(max_message_bytes=1023), dict(max_receive_count=1001),
                   dict(dead_letter="a\0b"), dict(max_inflight=120001)):
        refused("INVALID", client.create, "never", **change)
    refused("INVALID", client.create, "never", document=b"d" * 32769)


def test_fifo(client, fifo):
    sent = [client.send(fifo, b"%d" % i, **fifo_options(1 + i % 2)) for i in range(6)]
    assert [s[0] for s in sent] == sorted(s[0] for s in sent)
    first = client.receive(fifo, most=2)
    assert bodies(first) == [b"0", b"2"]
    second = client.receive(fifo)
    assert bodies(second) == [b"1", b"3", b"5"]
    assert client.receive(fifo) == []
    for message in first:
        client.delete(fifo, message["handle"])
    assert bodies(client.receive(fifo, visibility=0)) == [b"4"]
    again = client.receive(fifo)
    assert bodies(again) == [b"4"]
    client.visibility(fifo, again[0]["handle"], 0)
    refused("EXPIRED", client.delete, fifo, again[0]["handle"])
    key = new_id()
    seq, first_id = client.send(fifo, b"a", **fifo_options(9, key))
    assert client.send(fifo, b"b", **fifo_options(8, key)) == [seq, first_id]
    refused("NO_GROUP", client.send, fifo, b"x", key=new_id())
    refused("NO_DEDUPLICATION", client.send, fifo, b"x", group=1)
    refused("NO_DEDUPLICATION", client.send, fifo, b"x", group=1, key=new_id(), flags=1)
    refused("INVALID", client.send, fifo, b"x", group=1, key=new_id(), delay=1)
    attempt = new_id()
    given = client.receive(fifo, attempt=attempt)
    assert given and [m["handle"] for m in client.receive(fifo, attempt=attempt)] == [m["handle"] for m in given]


# -- Queues --------------------------------------------------------------------------------------------------------------------------
def test_definitions(client, queue):
    before = client.describe(queue)
    assert before["name"] == queue and before["document"] == b""
    refused("EXISTS", client.create, queue, document=b"x")
    after = client.change(queue, before["version"], b"tags", delay=5000, max_receive_count=3, dead_letter="dead")
    assert after["version"] > before["version"] and after["document"] == b"tags" and after["attributes"]["dead_letter"] == "dead"
    refused("CONFLICT", client.change, queue, before["version"])
    refused("NO_QUEUE", client.change, "nowhere")
    refused("INVALID", client.change, queue, kind=1)
    assert client.describe(queue)["attributes"]["delay"] == 5000


def test_list(client):
    for name in ("list/a", "list/b", "list/c", "lis", "list"):
        client.create(name, dead_letter="list-dead" if name == "list/b" else "")

    def listed(prefix, after="", dead="", most=1000):
        found, more = client.ask("LIST", prefix, after, dead, most)
        return [d[0] for d in found], more

    assert listed("list/") == (["list/a", "list/b", "list/c"], False)
    assert listed("list/", most=2) == (["list/a", "list/b"], True)
    assert listed("list/", after="list/b", most=2) == (["list/c"], False)
    assert listed("list/", after="a")[0][0] == "list/a"
    assert listed("", dead="list-dead") == (["list/b"], False)
    assert listed("list/d") == ([], False)
    assert "leat-jobs" in listed("")[0] and "leat-jobs-dead" in listed("leat-jobs", after="leat-jobs")[0]


def test_remove_and_purge(client, queue):
    for i in range(5):
        client.send(queue, b"x", delay=1000 * (i % 2))
    client.receive(queue, most=1)
    token = new_id()
    assert client.ask("PURGE", queue, token) == 5
    assert client.ask("PURGE", queue, token) == 5
    refused("IN_PROGRESS", client.ask, "PURGE", queue, new_id())
    assert client.receive(queue) == [] and client.describe(queue)["inflight"] == 0
    token = new_id()
    client.ask("REMOVE", queue, token)
    client.ask("REMOVE", queue, token)
    refused("NO_QUEUE", client.ask, "REMOVE", queue, new_id())
    refused("DELETED_RECENTLY", client.create, queue)


def test_leats_own_queues(client):
    jobs = client.describe("leat-jobs")
    assert jobs["attributes"]["kind"] == 2 and jobs["attributes"]["dead_letter"] == "leat-jobs-dead"
    refused("WORKERS_ONLY", client.send, "leat-jobs", b"x")
    refused("WORKERS_ONLY", client.receive, "leat-jobs")
    refused("BUILT_IN", client.ask, "REMOVE", "leat-jobs", new_id())
    refused("BUILT_IN", client.ask, "REMOVE", "leat-jobs-dead", new_id())
    same = {**jobs["attributes"]}
    refused("BUILT_IN", client.change, "leat-jobs", **{**same, "visibility": 1})
    assert client.change("leat-jobs", document=b"tags", **{**same, "paused": True})["document"] == b"tags"
    client.change("leat-jobs", document=b"tags", **same)
    client.send("leat-jobs-dead", b"by hand")
    assert bodies(client.receive("leat-jobs-dead")) == [b"by hand"]
    assert client.ask("PURGE", "leat-jobs", new_id()) == 0
    assert client.ask("PURGE", "leat-jobs-dead", new_id()) == 1


def test_dead_letters_and_tasks(client, queue):
    client.create("graves")
    client.change(queue, dead_letter="graves", max_receive_count=1)
    for i in range(20):
        client.send(queue, b"%d" % i)
    while messages := client.receive(queue):
        for message in messages:
            client.visibility(queue, message["handle"], 0)
    dead = client.peek("graves")
    assert len(dead) == 20 and {m["source"] for m in dead} == {queue} and "received 1 times" in dead[0]["reason"]
    assert client.ask("FIND", "", dead[0]["id"])[0] == "graves"
    refused("NO_SOURCE", client.ask, "MOVE_START", queue, new_id(), "", 0)
    task = new_id()
    client.ask("MOVE_START", "graves", task, "", 5)
    refused("IN_PROGRESS", client.ask, "MOVE_START", "graves", new_id(), "", 0)
    assert client.tasks("graves")[0]["status"] == 0
    moved = client.ask("MOVE_CANCEL", "graves", task)
    assert 0 < moved < 20
    refused("NO_TASK", client.ask, "MOVE_CANCEL", "graves", task)
    client.ask("MOVE_START", "graves", new_id(), "", 0)
    deadline = time.monotonic() + 10
    while client.tasks("graves")[0]["status"] == 0 and time.monotonic() < deadline:
        pass
    youngest, oldest = client.tasks("graves")
    assert (youngest["status"], youngest["moved"], oldest["status"]) == (1, 20 - moved, 2)
    assert client.describe(queue)["ready"] == 20
    refused("NO_MESSAGE", client.ask, "FIND", "", new_id())


def test_peek_shows_each_state_and_changes_nothing(client, queue):
    client.send(queue, b"flying")
    client.receive(queue)
    client.send(queue, b"ready", priority=2, group=7)
    client.send(queue, b"delayed", delay=MINUTE)
    for state, body in enumerate((b"ready", b"flying", b"delayed")):
        [seen] = client.peek(queue, state)
        assert seen["body"] == body and seen["state"] == state and (seen["due"] > 0) == (state > 0)
        assert client.peek(queue, state, body=1)[0]["body"] == b""
    assert client.peek(queue)[0]["priority"] == 2 and client.peek(queue)[0]["group"] == 7
    assert client.peek(queue, 1)[0]["count"] == 1


# -- Restarts --------------------------------------------------------------------------------------------------------------------------
def test_everything_outlives_a_kill():
    with Broker() as broker:
        client = broker.client()
        client.create("q", b"tags", delay=0, max_receive_count=4, dead_letter="d")
        client.create("f.fifo", kind=1)
        client.create("gone")
        client.ask("REMOVE", "gone", new_id())
        key = new_id()
        first = client.send("f.fifo", b"1", group=1, key=key)
        for name in (b"flying", b"ready"):
            client.send("q", name)
        client.send("q", b"late", delay=1500)
        [flying] = client.receive("q", most=1)
        before = client.describe("q")
        broker.restart()
        client = broker.client()
        after = client.describe("q")
        assert {k: after[k] for k in ("version", "created", "changed", "attributes", "document", "ready", "inflight", "delayed")} == \
            {k: before[k] for k in ("version", "created", "changed", "attributes", "document", "ready", "inflight", "delayed")}
        assert client.send("f.fifo", b"2", group=1, key=key) == first
        assert client.send("f.fifo", b"2", group=1, key=new_id())[0] > first[0]
        refused("DELETED_RECENTLY", client.create, "gone")
        assert bodies(client.receive("q")) == [b"ready"]
        client.visibility("q", flying["handle"], 0)
        [again] = client.receive("q")
        assert (again["body"], again["count"], again["first"]) == (b"flying", 2, flying["first"])
        assert bodies(client.receive("q", wait=10000)) == [b"late"]
        broker.stop()
        broker.start()
        client = broker.client()
        client.delete("q", again["handle"])
        assert client.describe("q")["inflight"] == 2


def other(identity):
    """The id of the message in the standard queue that was sent beside this one."""
    return bytes(byte ^ 0xff for byte in identity)


class Load(threading.Thread):
    """Sends to groups of a FIFO queue and to a standard one until told to stop, 1,000 to each at most; what was answered is in `sent`."""

    def __init__(self, broker, sender):
        super().__init__(daemon=True)
        self.client, self.sender, self.on, self.sent, self.error = broker.client(), sender, True, [], None
        self.start()

    def run(self):
        try:
            self.work()
        except AssertionError as error:
            self.error = error

    def work(self):
        count = 0
        while self.on and count < 1000:
            batch = []
            for _ in range(20):
                count += 1
                batch.append((self.sender * 100 + count % 5, b"%d" % count, new_id()))
            numbers = []
            for group, body, identity in batch:
                numbers += self.client.post(("SEND", "f.fifo", self.client.send_argument(body, group=group, key=identity, id=identity)),
                                            ("SEND", "q", self.client.send_argument(body, id=other(identity))))
            for (group, body, identity), one, two in zip(batch, numbers[::2], numbers[1::2]):
                if not self.on:
                    return
                (a, (seq, _)), (b, _) = self.client.answer(one, 5), self.client.answer(two, 5)
                assert a == b == "OK"
                self.sent.append((group, int(body), seq, identity))


@pytest.mark.parametrize("seed", range(2))
def test_kill_under_load(seed):
    """No acknowledged message is lost, groups keep their order, numbers never come twice, deleted messages stay deleted."""
    rng = random.Random(seed)
    with Broker("--segment-bytes", "4MiB") as broker:
        client = broker.client()
        client.create("f.fifo", kind=1)
        client.create("q")
        sent, deleted, received = [], set(), {}
        for _ in range(4):
            loads = [Load(broker, sender) for sender in range(1 + len(sent), 3 + len(sent))]
            until = time.monotonic() + rng.uniform(0.3, 0.8)
            while time.monotonic() < until:
                messages = client.receive("f.fifo")
                received.update({m["id"]: m["seq"] for m in messages})
                client.delete_all("f.fifo", messages)
                deleted |= {m["id"] for m in messages}
            broker.kill()
            for load in loads:
                load.on = False
                load.join(10)
                sent += load.sent
            broker.start()
            client = broker.client()
        assert len(sent) > 100
        assert len({seq for _, _, seq, _ in sent}) == len(sent), "a sequence number came twice"
        left = {}
        deadline = time.monotonic() + 60
        while client.describe("f.fifo")["ready"] + client.describe("f.fifo")["inflight"] > 0:
            assert time.monotonic() < deadline
            messages = client.receive("f.fifo", wait=500)
            assert not {m["id"] for m in messages} & deleted, "a deleted message is back"
            left.update({m["id"]: m["seq"] for m in messages})
            client.delete_all("f.fifo", messages)
        received.update(left)
        assert all(received.get(identity) == seq for _, _, seq, identity in sent), "an acknowledged message was lost"
        for group in {s[0] for s in sent}:
            numbers = sorted((seq, number) for g, number, seq, _ in sent if g == group)
            assert [n for _, n in numbers] == sorted(n for _, n in numbers), "a group has lost its order"
        ids = set()
        while messages := client.receive("q", visibility=MINUTE):
            ids |= {m["id"] for m in messages}
        assert ids >= {other(identity) for _, _, _, identity in sent}


def test_compaction_keeps_queues_and_old_messages():
    """Small segments, much that comes and goes, a little that stays: definitions, dead letters, leases, tasks."""
    with Broker("--segment-bytes", "4MiB") as broker:
        client = broker.client()
        client.create("keep", b"tags", visibility=43200000)
        client.create("dead")
        client.create("mortal", dead_letter="dead", max_receive_count=1)
        client.create("churn")
        client.create("f.fifo", kind=1)
        client.send("keep", b"flying")
        client.send("mortal", b"mortal")
        for i in range(3):
            client.send("f.fifo", b"%d" % i, group=1, key=new_id())
        [flying] = client.receive("keep", most=1, visibility=43200000)
        client.send("keep", b"ready", priority=1)
        client.visibility("mortal", client.receive("mortal")[0]["handle"], 0)
        assert client.receive("mortal") == [] and len(client.peek("dead")) == 1
        client.ask("MOVE_START", "dead", new_id(), "keep", 0)
        body = b"x" * 100_000
        for _ in range(12):
            for _ in range(5):
                client.answer(client.post(*[("SEND", "churn", client.send_argument(body)) for _ in range(20)])[-1])
            for _ in range(10):
                for message in client.receive("churn"):
                    client.delete("churn", message["handle"])
        assert len(list((broker.data / "journal").glob("*.seg"))) < 12, "nothing was given up"
        for _ in range(2):
            broker.restart()
            client = broker.client()
            assert client.describe("keep")["document"] == b"tags" and client.describe("keep")["inflight"] == 1
            assert client.tasks("dead")[0]["moved"] == 1
            assert sorted(m["body"] for m in client.peek("keep")) == [b"mortal", b"ready"]
            assert [m["body"] for m in client.peek("f.fifo")] == [b"0", b"1", b"2"]
        client.delete("keep", flying["handle"])
        assert client.describe("keep")["inflight"] == 0


def test_no_room():
    with Broker("--min-free", "1000GiB") as broker:
        client = broker.client()
        client.create("q")
        refused("DISK_FULL", client.send, "q", b"x")
        assert client.receive("q") == []
