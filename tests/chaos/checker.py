"""Compares what clients were told with what is there. A pure function of a history and a final state, and a command:

    checker.py FOLDER      reads FOLDER/history/*.jsonl (see clients.py) and FOLDER/state.json (see collect.py)

state: found {kind: {item: what is there}}, outcomes {job id: {"s": status, "v": value}}, queues {name: count}

Violations:
    lost        acknowledged, and neither an effect nor an outcome says that it happened
    duplicated  applied more than once
    reordered   A was acknowledged before B was sent, on one item, and B took effect first; or a batch's own order is broken
    stuck       acknowledged and still queued, running or dead after the drain; or something else is left in a queue
    phantom     an effect that nobody posted
    wrong       an outcome that contradicts the tables, an error that cannot be, an effect of what was refused, sums that do not agree
What each kind of operation must look like is in kinds.py. An operation whose answer is unknown may have happened or not, but not twice."""
import collections
import dataclasses
import json
import pathlib
import sys

from kinds import KINDS, WAITING, tell

VIOLATIONS = ("lost", "duplicated", "reordered", "stuck", "phantom", "wrong")


@dataclasses.dataclass
class Verdict:
    posted: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    applied: int = 0
    outcomes: int = 0
    violations: list = dataclasses.field(default_factory=list)

    def add(self, kind, text):
        assert kind in VIOLATIONS
        self.violations.append((kind, text))

    def count(self, kind):
        return sum(k == kind for k, _ in self.violations)

    def text(self):
        figures = ", ".join(f"{getattr(self, name)} {name}" for name in ("posted", "acknowledged", "refused", "unknown", "applied"))
        return f"{figures}, " + ", ".join(f"{self.count(kind)} {kind}" for kind in VIOLATIONS) + f" ({self.outcomes} outcomes compared)"


class Checker:
    def __init__(self, history, state):
        self.history, self.state, self.verdict = history, state, Verdict()
        self.by_item = {kind: collections.defaultdict(list) for kind in KINDS}
        for op in history:
            self.by_item[op["k"]][op["item"]].append(op)

    def found(self, kind):
        return self.state["found"][kind]

    def add(self, kind, text):
        self.verdict.add(kind, text)

    def outcome(self, op):
        return op["o"] or self.state["outcomes"].get(op.get("id"))

    def check(self):
        v = self.verdict
        v.posted = len(self.history)
        v.acknowledged = sum(op["a"] == "acked" for op in self.history)
        v.refused = sum(op["a"] == "refused" for op in self.history)
        v.unknown = v.posted - v.acknowledged - v.refused
        v.outcomes = sum(op["a"] == "acked" and self.outcome(op) is not None for op in self.history)
        self.check_answers()
        for name, kind in KINDS.items():
            for item, ops in self.by_item[name].items():
                kind.check(self, item, ops)
            kind.check_all(self, [op for op in self.history if op["k"] == name])
        self.check_phantom_items()
        for name, count in self.state["queues"].items():
            if count:
                v.add("stuck", f"{count} messages are left in {name}")
        return v

    def check_answers(self):
        for op in self.history:
            if op.get("second"):
                self.verdict.add("wrong", f"two jobs under one Idempotency-Key: {tell(op)}")
            if op["a"] == "refused" and op["why"].startswith("4"):
                self.verdict.add("wrong", f"a good job was called bad: {tell(op)}")

    # -- Used by the kinds ------------------------------------------------------------------------------------------
    def times(self, op, count, where):
        """An effect that is there `count` times."""
        outcome, v = self.outcome(op), self.verdict
        v.applied += count > 0
        if count > 1:
            v.add("duplicated", f"{count} times in {where}: {tell(op)}")
        if op["a"] == "refused" and count:
            v.add("wrong", f"refused, and yet in {where}: {tell(op)}")
        if op["a"] != "acked":
            return
        if outcome and outcome["s"] in WAITING:
            v.add("stuck", f"{outcome['s']}: {tell(op)}")
        elif count == 0 and outcome and outcome["s"] == "failed":
            v.add("wrong", f"failed with {outcome['v']}: {tell(op)}")
        elif count == 0:
            v.add("lost", f"not in {where}, outcome {outcome}: {tell(op)}")
        elif outcome and outcome["s"] != "succeeded":
            v.add("wrong", f"in {where}, but its outcome is {outcome}: {tell(op)}")

    def check_phantom_items(self):
        for kind, items in self.state["found"].items():
            for item in items:
                if item not in self.by_item[kind]:
                    self.verdict.add("phantom", f"{KINDS[kind].table}: {item}, which nobody posted")


def read_history(folder):
    history = []
    for path in sorted(pathlib.Path(folder, "history").glob("*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            history += map(json.loads, lines)
    return history


def report(verdict, shown=20):
    for kind, text in verdict.violations[:shown]:
        print(f"VIOLATION {kind}: {text}")
    if len(verdict.violations) > shown:
        print(f"... and {len(verdict.violations) - shown} more")
    print("verdict: " + verdict.text())


def main():
    folder = pathlib.Path(sys.argv[1])
    verdict = Checker(read_history(folder), json.loads((folder / "state.json").read_text())).check()
    report(verdict)
    return 1 if verdict.violations or verdict.acknowledged == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
