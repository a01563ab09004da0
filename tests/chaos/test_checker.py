"""The checker itself: a good history passes, and each kind of violation planted in it is found and counted as what it is."""
import copy
import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from checker import VIOLATIONS, Checker  # noqa: E402
from kinds import CONDITION, KINDS  # noqa: E402
from messages import EVERY, NS, QUEUES, number_of, text_of  # noqa: E402


def op(n, kind, item, arg=0, t0=None, **more):
    """Operation n, sent at 100 n and answered at 100 n + 50: none overlaps another."""
    t0 = n * 100 if t0 is None else t0
    return {"n": n, "k": kind, "item": item, "arg": arg, "r": n, "i": 0, "f": "async", "t0": t0, "t1": t0 + 50, "a": "acked", "tries": 1,
            "id": f"job{n}", "o": None, **more}


def pair(n, debit, credit, amount, **more):
    """A transfer: legs n and n + 1, in one request."""
    t0 = n * 100
    return [op(n, "transfer", debit, -amount, leg=0, **more), op(n + 1, "transfer", credit, amount, t0, leg=1, r=n, i=1, **more)]


def message(n, kind, item, seq=None, **more):
    """Message n of a queue, sent at second n and answered half a second later."""
    return op(n, kind, item, t0=n * NS, **{"id": f"m{n}", "seq": seq, **more, "t1": n * NS + NS // 2})


def receive(number, kind, at, *messages, group="f1", v=4, seconds=0.5):
    """Messages as (n, seq)."""
    return {"e": "receive", "q": QUEUES[kind].queue, "w": f"r{number}", "t0": int(at * NS), "t1": int((at + seconds) * NS), "v": v,
            "m": [{"n": n, "g": group, "id": f"m{n}", "seq": seq} for n, seq in messages]}


def settle(what, number, kind, at, *numbers, a="acked"):
    return [{"e": what, "q": QUEUES[kind].queue, "w": f"r{number}", "n": n, "t0": int(at * NS), "t1": int((at + 0.2) * NS), "a": a} for n in numbers]


def deliveries():
    """Of all that good() sends: some twice, because nobody deleted them in time or because they were given back."""
    return [
        receive(1, "fifo", 110, (101, "001"), (102, "002")), *settle("delete", 1, "fifo", 111, 101),   # 102's visibility runs out
        receive(2, "fifo", 115, (102, "002"), (103, "003")), *settle("release", 2, "fifo", 116, 103), *settle("delete", 2, "fifo", 116.5, 102),
        *settle("delete", 1, "fifo", 116.6, 102, a="refused"),
        receive(3, "fifo", 117, (103, "003"), (104, "004")), *settle("delete", 3, "fifo", 118, 103), *settle("delete", 3, "fifo", 118, 104, a="unknown"),
        receive(4, "grouped", 113, (106, "006"), group="g1"), *settle("delete", 4, "grouped", 113.6, 106),
        receive(5, "standard", 112, (110, None), (111, None), group="s1"), *settle("delete", 5, "standard", 113, 110),
        receive(6, "standard", 117, (111, None), group="s1"), *settle("delete", 5, "standard", 117.6, 111),    # too late: it does nothing
        receive(7, "standard", 122, (111, None), group="s1"), *settle("delete", 7, "standard", 123, 111),
    ]


def good():
    """A recorded history with every kind, form and answer, and the state that it led to."""
    history = [
        op(1, "add", "a1", 0, o={"s": "succeeded", "v": 1}), op(2, "add", "a1", 1), op(3, "add", "a1", 2, a="unknown", id=None),
        op(4, "add", "a1", 3, a="refused", why="503 nothing was changed"), op(5, "add", "a1", 4, a="unknown", id=None),
        op(10, "list", "l1"), op(11, "list", "l1"), op(12, "list", "l1", r=12, i=0), op(13, "list", "l1", t0=1200, r=12, i=1),
        op(14, "list", "l1", a="unknown", id=None),
        op(20, "create", "c1", o={"s": "succeeded", "v": None}), op(21, "create", "c1"), op(22, "create", "c1", a="unknown", id=None),
        op(23, "create", "c2", a="unknown", id=None),
        op(30, "echo", ""), op(31, "echo", "", o={"s": "succeeded", "v": 31}),
        message(101, "fifo", "f1", "001"), message(102, "fifo", "f1", "002"), message(103, "fifo", "f1", a="unknown", id=None, tries=3),
        message(104, "fifo", "f1", "004"), message(105, "fifo", "f1", a="unknown", id=None), message(106, "grouped", "g1", "006"),
        message(110, "standard", "s1"), message(111, "standard", "s1"), message(112, "standard", "s1", a="refused", id=None, why="503 nothing was changed"),
        *pair(40, "t1", "t2", 7), *pair(42, "t2", "t1", 50), *pair(44, "t1", "t3", 300, a="unknown", id=None),
    ]
    state = {
        "queues": {"leat-jobs": 0, "leat-jobs-dead": 0, "us-east-1/orders.fifo": 0, "us-east-1/tasks": 0},
        "found": {"add": {"a1": 1 + 4 + 4**4}, "list": {"l1": [10, 11, 12, 13]}, "create": {"c1": 20},
                  "transfer": {"t1": {"balance": 43 - 300, "legs": [40, 43, 44]}, "t2": {"balance": -43, "legs": [41, 42]}}},
        "outcomes": {"job2": {"s": "succeeded", "v": 5}, "job21": {"s": "failed", "v": CONDITION}, "job30": {"s": "succeeded", "v": 30}},
    }
    return history, state


class World:
    def __init__(self):
        (self.history, self.state), self.deliveries = good(), deliveries()
        self.found, self.outcomes = self.state["found"], self.state["outcomes"]

    def op(self, n):
        return next(op for op in self.history if op["n"] == n)

    def event(self, e, number, n=None):
        return next(d for d in self.deliveries if d["e"] == e and d["w"] == f"r{number}" and n in (None, d.get("n")))

    def verdict(self):
        return Checker(self.history, self.state, self.deliveries).check()


def test_a_good_history_passes_and_is_counted():
    verdict = World().verdict()
    assert verdict.violations == []
    assert (verdict.posted, verdict.acknowledged, verdict.refused, verdict.unknown) == (31, 20, 2, 9)
    assert verdict.applied == 2 + 1 + 4 + 2 + 2 + 5 + 7  # of the unknown ones, a counter's, one leg, a message
    assert (verdict.received, verdict.deleted) == (11, 7)
    assert verdict.outcomes == 6


def test_an_unknown_one_may_have_happened_or_not():
    world = World()
    world.found["add"]["a1"] += 4**2
    world.found["list"]["l1"].append(14)
    world.found["create"]["c2"] = 23
    assert world.verdict().violations == []


def test_overlapping_ones_may_be_in_any_order():
    world = World()
    world.op(11)["t0"] = world.op(10)["t1"] - 1
    world.found["list"]["l1"][:2] = [11, 10]
    assert world.verdict().violations == []


def test_a_clock_that_is_put_forward_ends_visibility_sooner():
    world = World()
    world.deliveries.append(receive(9, "standard", 113, (111, None), group="s1"))
    assert world.verdict().count("duplicated") == 1
    world.state["jumps"] = [[112 * NS, 113 * NS]]
    assert world.verdict().violations == []


def test_a_late_deletion_of_a_standard_queue_may_be_of_no_effect():
    """Receive 6 had message 111 already when the handle of receive 5 was used."""
    world = World()
    world.event("delete", 5, 111).update(t0=int(112.6 * NS), t1=int(112.7 * NS))  # in time: now it counts
    assert {kind for kind, _ in world.verdict().violations} == {"duplicated"}


def test_bodies_tell_what_they_are():
    assert all(number_of(text_of(n, "f0-1")) == (n, "f0-1") for n in range(1000))
    assert number_of("") is None and number_of("7 g1 yy") is None and number_of("x g1 ") is None
    assert number_of(text_of(4 * 41 * 7 + 4, "g")[:-1]) is None


def counter(value):
    return lambda w: w.found["add"].update(a1=value)


def listed(*numbers):
    return lambda w: w.found["list"].update(l1=list(numbers))


def account(name, balance, *legs):
    return lambda w: w.found["transfer"].update({name: {"balance": balance, "legs": list(legs)}})


def outcome(job, status, value=None):
    return lambda w: w.outcomes.update({job: {"s": status, "v": value}})


def both(*plants):
    def plant(world):
        for one in plants:
            one(world)
    return plant


def add(*events):
    return lambda w: w.deliveries.extend(events)


def without(e, number, n=None):
    return lambda w: w.deliveries.remove(w.event(e, number, n))


def said(number, place, **what):
    return lambda w: w.event("receive", number)["m"][place].update(what)


QUEUED = {
    "lost message": ("lost", both(without("receive", 4), without("delete", 4))),
    "lost message of a standard queue": ("lost", lambda w: (w.event("receive", 5)["m"].pop(0), without("delete", 5, 110)(w))),
    "received and gone, though nobody deleted it": ("lost", without("delete", 7)),
    "two messages of one": ("duplicated", add(receive(9, "grouped", 130, (106, "006"), group="g1"), *settle("delete", 9, "grouped", 131, 106))),
    "one key, two messages": ("duplicated", both(said(3, 1, id="m104b"), add(receive(9, "fifo", 130, (104, "004"))),
                                                 *[lambda w: w.event("delete", 3, 104).update(a="refused")],
                                                 add(*settle("delete", 9, "fifo", 131, 104)))),
    "back after its deletion": ("duplicated", add(receive(9, "fifo", 119, (101, "001")), *settle("delete", 9, "fifo", 120, 101))),
    "back after its deletion from a standard queue": ("duplicated", add(receive(9, "standard", 119, (110, None), group="s1"),
                                                                       *settle("delete", 9, "standard", 120, 110))),
    "in flight twice": ("duplicated", lambda w: w.event("receive", 2).update(t0=int(112 * NS), t1=int(112.1 * NS))),
    "in flight twice in a standard queue": ("duplicated", add(receive(9, "standard", 113, (111, None), group="s1"))),
    "in flight twice, the later answer first": ("duplicated", add(receive(9, "standard", 111.9, (111, None), group="s1", v=8))),
    "a younger one while its elder is in flight": ("reordered", lambda w: (w.event("receive", 3)["m"].pop(1), w.deliveries.append(
        receive(9, "fifo", 115.6, (104, "004"))), w.event("delete", 3, 104).update(w="r9"))),
    "a younger one while its elder waits": ("reordered", lambda w: (w.event("receive", 2)["m"].pop(0), w.event("delete", 2, 102).update(w="r1", t0=120 * NS))),
    "turned round in one receive": ("reordered", lambda w: w.event("receive", 3)["m"].reverse()),
    "numbered against the order of sending": ("reordered", lambda w: (w.op(101).update(seq="002"), w.op(102).update(seq="001"),
                                              said(1, 0, seq="002")(w),
                                              said(1, 1, seq="001")(w), said(2, 0, seq="001")(w), w.event("receive", 1)["m"].reverse())),
    "left in a FIFO queue": ("stuck", lambda w: (w.state["queues"].update({"us-east-1/orders.fifo": 1}), w.event("receive", 3)["m"].pop(1),
                                                 without("delete", 3, 104)(w))),
    "message of nobody": ("phantom", add(receive(9, "fifo", 125, (199, "099")), *settle("delete", 9, "fifo", 126, 199))),
    "a body of nobody": ("phantom", add(receive(9, "standard", 125, ("rubbish", None)))),
    "a message of another queue": ("phantom", add(receive(9, "grouped", 125, (110, "098"), group="s1"))),
    "another group": ("wrong", said(4, 0, g="g2")),
    "another number than was said": ("wrong", said(4, 0, seq="007")),
    "another id than was said": ("wrong", said(4, 0, id="other")),
    "a sequence number twice": ("wrong", both(lambda w: w.op(106).update(seq="002"), lambda w: w.op(106).update(k="fifo", item="f2"), said(4, 0, seq="002", g="f2"),
                                              lambda w: w.event("receive", 4).update(q="orders.fifo"), lambda w: w.event("delete", 4).update(q="orders.fifo"))),
    "refused, but received": ("wrong", add(receive(9, "standard", 126, (112, None), group="s1"), *settle("delete", 9, "standard", 127, 112))),
    "another number when it was sent again": ("wrong", lambda w: w.op(102).update(second="009")),
}


PLANTED = {
    **QUEUED,
    "lost increment": ("lost", both(counter(1 + 4**4), lambda w: w.outcomes.pop("job2"))),
    "lost append": ("lost", listed(10, 12, 13)),
    "lost table of lists": ("lost", lambda w: w.found["list"].clear()),
    "lost create": ("lost", lambda w: w.found["create"].clear()),
    "lost outcome of a rival": ("lost", lambda w: w.outcomes.pop("job21")),
    "lost echo": ("lost", lambda w: w.outcomes.pop("job30")),
    "lost leg of a transfer": ("lost", account("t2", -50, 42)),
    "increment twice": ("duplicated", counter(1 + 2 * 4 + 4**4)),
    "unknown increment twice": ("duplicated", counter(1 + 4 + 2 * 4**2 + 4**4)),
    "append twice": ("duplicated", listed(10, 11, 11, 12, 13)),
    "unknown append twice": ("duplicated", listed(10, 11, 12, 13, 14, 14)),
    "leg twice": ("duplicated", account("t2", -43 + 7, 41, 41, 42)),
    "create refused by itself": ("duplicated", lambda w: w.op(20).update(o={"s": "failed", "v": CONDITION})),
    "appends swapped": ("reordered", listed(11, 10, 12, 13)),
    "legs swapped": ("reordered", account("t2", -43, 42, 41)),
    "an unknown one before its time": ("reordered", listed(14, 10, 11, 12, 13)),
    "batch turned round": ("reordered", listed(10, 11, 13, 12)),
    "increment that does not see an earlier one": ("reordered", outcome("job2", "succeeded", 4)),
    "a later create won": ("reordered", lambda w: w.op(21).update(t0=100, t1=150)),
    "still queued": ("stuck", both(counter(1 + 4**4), outcome("job2", "queued"))),
    "dead append": ("stuck", outcome("job10", "dead")),
    "running echo": ("stuck", outcome("job30", "running")),
    "rival still queued": ("stuck", outcome("job21", "queued")),
    "left in the queue": ("stuck", lambda w: w.state["queues"].update({"leat-jobs": 3})),
    "left among the dead": ("stuck", lambda w: w.state["queues"].update({"leat-jobs-dead": 1})),
    "digit of nobody": ("phantom", counter(1 + 4 + 4**4 + 4**9)),
    "append of nobody": ("phantom", listed(10, 11, 12, 13, 99)),
    "item of nobody": ("phantom", lambda w: w.found["list"].update(l9=[])),
    "counter of nobody": ("phantom", lambda w: w.found["add"].update(a9=1)),
    "leg of nobody": ("phantom", account("t3", 0, 77)),
    "account of nobody": ("phantom", account("t9", 0)),
    "created by nobody": ("phantom", lambda w: w.found["create"].update(c2=99)),
    "failed increment": ("wrong", both(counter(1 + 4**4), outcome("job2", "failed", "ValidationException"))),
    "failed, but there": ("wrong", outcome("job2", "failed", "ValidationException")),
    "refused, but there": ("wrong", counter(1 + 4 + 4**3 + 4**4)),
    "a sum without itself": ("wrong", outcome("job2", "succeeded", 1)),
    "a sum with more than there is": ("wrong", outcome("job2", "succeeded", 1 + 4 + 4**7)),
    "a balance that is not the sum of its legs": ("wrong", account("t2", -42, 41, 42)),
    "two winners": ("wrong", outcome("job21", "succeeded")),
    "a rival failed for another reason": ("wrong", outcome("job21", "failed", "InternalServerError")),
    "another echo": ("wrong", outcome("job30", "succeeded", 31)),
    "failed echo": ("wrong", outcome("job30", "failed", "InternalServerError")),
    "two jobs under a key": ("wrong", lambda w: w.op(10).update(second="job10b")),
    "a good job called bad": ("wrong", lambda w: w.op(4).update(why="400 Unrecognized operation")),
}


UNBALANCED = ("lost leg of a transfer", "leg twice", "a balance that is not the sum of its legs")  # money is made or lost, too


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name):
    kind, plant = PLANTED[name]
    world = World()
    plant(world)
    verdict = world.verdict()
    assert verdict.count(kind) >= 1, verdict.violations
    also = sum("all accounts together" in text for _, text in verdict.violations)
    assert also == (name in UNBALANCED)
    assert sum(verdict.count(other) for other in VIOLATIONS if other not in (kind, "wrong")) == 0, verdict.violations
    assert kind == "wrong" or verdict.count("wrong") == also, verdict.violations
    assert f"{verdict.count(kind)} {kind}" in verdict.text()


def test_every_kind_is_planted():
    assert {kind for kind, _ in PLANTED.values()} == {kind for kind, _ in QUEUED.values()} == set(VIOLATIONS)
    assert {op["k"] for op in good()[0]} == set(EVERY)


def run(folder, world):
    (folder / "history").mkdir()
    (folder / "history/client0.jsonl").write_text("".join(json.dumps(op) + "\n" for op in world.history))
    (folder / "deliveries").mkdir()
    (folder / "deliveries/client0.jsonl").write_text("".join(json.dumps(event) + "\n" for event in world.deliveries))
    (folder / "state.json").write_text(json.dumps(world.state))
    return subprocess.run([sys.executable, pathlib.Path(__file__).parent / "checker.py", folder], capture_output=True, text=True, check=False)


def test_the_command_says_so_and_exits_accordingly(tmp_path):
    found = run(tmp_path, World())
    assert found.returncode == 0
    assert "verdict: 31 posted, 20 acknowledged" in found.stdout and "0 lost, 0 duplicated, 0 reordered, 0 stuck" in found.stdout


def test_the_command_fails_and_shows_the_evidence(tmp_path):
    world = World()
    world.state = copy.deepcopy(world.state)
    world.state["found"]["list"]["l1"] = [10, 12, 13]
    found = run(tmp_path, world)
    assert found.returncode == 1
    assert "VIOLATION lost" in found.stdout and '"n": 11' in found.stdout and "1 lost" in found.stdout


def test_a_history_in_which_nothing_was_acknowledged_proves_nothing(tmp_path):
    world = World()
    world.history, world.deliveries = [], []
    world.state = {"queues": {}, "found": {kind: {} for kind in KINDS if KINDS[kind].table}, "outcomes": {}}
    assert run(tmp_path, world).returncode == 1
