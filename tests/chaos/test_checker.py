"""The checker itself: a good history passes, and each kind of violation planted in it is found and counted as what it is."""
import copy
import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from checker import CONDITION, KINDS, Checker  # noqa: E402


def op(n, kind, item, arg=0, t0=None, **more):
    """Operation n, sent at 100 n and answered at 100 n + 50: none overlaps another."""
    t0 = n * 100 if t0 is None else t0
    return {"n": n, "k": kind, "item": item, "arg": arg, "r": n, "i": 0, "f": "async", "t0": t0, "t1": t0 + 50, "a": "acked", "tries": 1,
            "id": f"job{n}", "o": None, **more}


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
    ]
    state = {
        "queues": {"leat-jobs": 0, "leat-jobs-dead": 0},
        "tables": {"counters": {"a1": 1 + 4 + 4**4}, "lists": {"l1": [10, 11, 12, 13]}, "created": {"c1": 20}},
        "outcomes": {"job2": {"s": "succeeded", "v": 5}, "job21": {"s": "failed", "v": CONDITION}, "job30": {"s": "succeeded", "v": 30}},
    }
    return history, state


class World:
    def __init__(self):
        self.history, self.state = good()
        self.tables, self.outcomes = self.state["tables"], self.state["outcomes"]

    def op(self, n):
        return next(op for op in self.history if op["n"] == n)

    def verdict(self):
        return Checker(self.history, self.state).check()


def test_a_good_history_passes_and_is_counted():
    verdict = World().verdict()
    assert verdict.violations == []
    assert (verdict.posted, verdict.acknowledged, verdict.refused, verdict.unknown) == (16, 10, 1, 5)
    assert verdict.applied == 2 + 1 + 4 + 2 + 2  # of the unknown ones, one
    assert verdict.outcomes == 6


def test_an_unknown_one_may_have_happened_or_not():
    world = World()
    world.tables["counters"]["a1"] += 4**2
    world.tables["lists"]["l1"].append(14)
    world.tables["created"]["c2"] = 23
    assert world.verdict().violations == []


def test_overlapping_ones_may_be_in_any_order():
    world = World()
    world.op(11)["t0"] = world.op(10)["t1"] - 1
    world.tables["lists"]["l1"][:2] = [11, 10]
    assert world.verdict().violations == []


def counter(value):
    return lambda w: w.tables["counters"].update(a1=value)


def listed(*numbers):
    return lambda w: w.tables["lists"].update(l1=list(numbers))


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
    "lost table of lists": ("lost", lambda w: w.tables["lists"].clear()),
    "lost create": ("lost", lambda w: w.tables["created"].clear()),
    "lost outcome of a rival": ("lost", lambda w: w.outcomes.pop("job21")),
    "lost echo": ("lost", lambda w: w.outcomes.pop("job30")),
    "increment twice": ("duplicated", counter(1 + 2 * 4 + 4**4)),
    "unknown increment twice": ("duplicated", counter(1 + 4 + 2 * 4**2 + 4**4)),
    "append twice": ("duplicated", listed(10, 11, 11, 12, 13)),
    "unknown append twice": ("duplicated", listed(10, 11, 12, 13, 14, 14)),
    "create refused by itself": ("duplicated", lambda w: w.op(20).update(o={"s": "failed", "v": CONDITION})),
    "appends swapped": ("reordered", listed(11, 10, 12, 13)),
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
    "item of nobody": ("phantom", lambda w: w.tables["lists"].update(l9=[])),
    "counter of nobody": ("phantom", lambda w: w.tables["counters"].update(a9=1)),
    "created by nobody": ("phantom", lambda w: w.tables["created"].update(c2=99)),
    "failed increment": ("wrong", both(counter(1 + 4**4), outcome("job2", "failed", "ValidationException"))),
    "failed, but there": ("wrong", outcome("job2", "failed", "ValidationException")),
    "refused, but there": ("wrong", counter(1 + 4 + 4**3 + 4**4)),
    "a sum without itself": ("wrong", outcome("job2", "succeeded", 1)),
    "a sum with more than there is": ("wrong", outcome("job2", "succeeded", 1 + 4 + 4**7)),
    "two winners": ("wrong", outcome("job21", "succeeded")),
    "a rival failed for another reason": ("wrong", outcome("job21", "failed", "InternalServerError")),
    "another echo": ("wrong", outcome("job30", "succeeded", 31)),
    "failed echo": ("wrong", outcome("job30", "failed", "InternalServerError")),
    "two jobs under a key": ("wrong", lambda w: w.op(10).update(second="job10b")),
    "a good job called bad": ("wrong", lambda w: w.op(4).update(why="400 Unrecognized operation")),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name):
    kind, plant = PLANTED[name]
    world = World()
    plant(world)
    verdict = world.verdict()
    assert verdict.count(kind) >= 1, verdict.violations
    assert sum(verdict.count(other) for other in KINDS if other != kind) == 0, verdict.violations
    assert f"{verdict.count(kind)} {kind}" in verdict.text()


def test_every_kind_is_planted():
    assert {kind for kind, _ in PLANTED.values()} == set(KINDS)


def run(folder, world):
    (folder / "history").mkdir()
    (folder / "history/client0.jsonl").write_text("".join(json.dumps(op) + "\n" for op in world.history))
    (folder / "state.json").write_text(json.dumps(world.state))
    return subprocess.run([sys.executable, pathlib.Path(__file__).parent / "checker.py", folder], capture_output=True, text=True, check=False)


def test_the_command_says_so_and_exits_accordingly(tmp_path):
    found = run(tmp_path, World())
    assert found.returncode == 0
    assert "verdict: 16 posted, 10 acknowledged" in found.stdout and "0 lost, 0 duplicated, 0 reordered, 0 stuck" in found.stdout


def test_the_command_fails_and_shows_the_evidence(tmp_path):
    world = World()
    world.state = copy.deepcopy(world.state)
    world.state["tables"]["lists"]["l1"] = [10, 12, 13]
    found = run(tmp_path, world)
    assert found.returncode == 1
    assert "VIOLATION lost" in found.stdout and '"n": 11' in found.stdout and "1 lost" in found.stdout


def test_a_history_in_which_nothing_was_acknowledged_proves_nothing(tmp_path):
    world = World()
    world.history = []
    world.state = {"queues": {}, "tables": {"counters": {}, "lists": {}, "created": {}}, "outcomes": {}}
    assert run(tmp_path, world).returncode == 1
