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


def op(n, kind, item, arg=0, t0=None, **more):
    """Operation n, sent at 100 n and answered at 100 n + 50: none overlaps another."""
    t0 = n * 100 if t0 is None else t0
    return {"n": n, "k": kind, "item": item, "arg": arg, "r": n, "i": 0, "f": "async", "t0": t0, "t1": t0 + 50, "a": "acked", "tries": 1,
            "id": f"job{n}", "o": None, **more}


def pair(n, debit, credit, amount, **more):
    """A transfer: legs n and n + 1, in one request."""
    t0 = n * 100
    return [op(n, "transfer", debit, -amount, leg=0, **more), op(n + 1, "transfer", credit, amount, t0, leg=1, r=n, i=1, **more)]


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
        *pair(40, "t1", "t2", 7), *pair(42, "t2", "t1", 50), *pair(44, "t1", "t3", 300, a="unknown", id=None),
    ]
    state = {
        "queues": {"leat-jobs": 0, "leat-jobs-dead": 0},
        "found": {"add": {"a1": 1 + 4 + 4**4}, "list": {"l1": [10, 11, 12, 13]}, "create": {"c1": 20},
                  "transfer": {"t1": {"balance": 43 - 300, "legs": [40, 43, 44]}, "t2": {"balance": -43, "legs": [41, 42]}}},
        "outcomes": {"job2": {"s": "succeeded", "v": 5}, "job21": {"s": "failed", "v": CONDITION}, "job30": {"s": "succeeded", "v": 30}},
    }
    return history, state


class World:
    def __init__(self):
        self.history, self.state = good()
        self.found, self.outcomes = self.state["found"], self.state["outcomes"]

    def op(self, n):
        return next(op for op in self.history if op["n"] == n)

    def verdict(self):
        return Checker(self.history, self.state).check()


def test_a_good_history_passes_and_is_counted():
    verdict = World().verdict()
    assert verdict.violations == []
    assert (verdict.posted, verdict.acknowledged, verdict.refused, verdict.unknown) == (22, 14, 1, 7)
    assert verdict.applied == 2 + 1 + 4 + 2 + 2 + 5  # of the unknown ones, a counter's and one leg
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


PLANTED = {
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
    assert {kind for kind, _ in PLANTED.values()} == set(VIOLATIONS)


def run(folder, world):
    (folder / "history").mkdir()
    (folder / "history/client0.jsonl").write_text("".join(json.dumps(op) + "\n" for op in world.history))
    (folder / "state.json").write_text(json.dumps(world.state))
    return subprocess.run([sys.executable, pathlib.Path(__file__).parent / "checker.py", folder], capture_output=True, text=True, check=False)


def test_the_command_says_so_and_exits_accordingly(tmp_path):
    found = run(tmp_path, World())
    assert found.returncode == 0
    assert "verdict: 22 posted, 14 acknowledged" in found.stdout and "0 lost, 0 duplicated, 0 reordered, 0 stuck" in found.stdout


def test_the_command_fails_and_shows_the_evidence(tmp_path):
    world = World()
    world.state = copy.deepcopy(world.state)
    world.state["found"]["list"]["l1"] = [10, 12, 13]
    found = run(tmp_path, world)
    assert found.returncode == 1
    assert "VIOLATION lost" in found.stdout and '"n": 11' in found.stdout and "1 lost" in found.stdout


def test_a_history_in_which_nothing_was_acknowledged_proves_nothing(tmp_path):
    world = World()
    world.history = []
    world.state = {"queues": {}, "found": {kind: {} for kind in KINDS if KINDS[kind].table}, "outcomes": {}}
    assert run(tmp_path, world).returncode == 1
