"""Compares what clients were told with what is there. A pure function of a history and a final state, and a command:

    checker.py FOLDER      reads FOLDER/history/*.jsonl (see clients.py), FOLDER/deliveries/*.jsonl (see messages.py),
                           and FOLDER/state.json (see collect.py)

state: found {kind: {item: what is there}}, outcomes {job id: {"s": status, "v": value}}, queues {name: count},
       jumps [[from, to]]: times (monotonic ns) in which the broker's clock may have been put forward

Violations:
    lost        acknowledged, and neither an effect nor an outcome says that it happened
    duplicated  applied more than once; a message that became two, is in flight twice at once, or is received after its deletion was
                acknowledged
    reordered   A was acknowledged before B was sent, on one item, and B took effect first; or a batch's own order is broken; or a message
                of a FIFO group was received while an elder of its group was neither gone nor in front of it
    stuck       acknowledged and still queued, running or dead after the drain; or something else is left in a queue
    phantom     an effect that nobody posted
    wrong       an outcome that contradicts the tables, an error that cannot be, an effect of what was refused, sums that do not agree
What each kind of operation must look like is in kinds.py, for those of queues in messages.py. An operation whose answer is unknown may have happened
or not, but not twice."""
import collections
import dataclasses
import json
import pathlib
import sys

from kinds import KINDS, WAITING, tell
from messages import EVERY, trails_of

VIOLATIONS = ("lost", "duplicated", "reordered", "stuck", "phantom", "wrong")


@dataclasses.dataclass
class Verdict:
    posted: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    applied: int = 0
    outcomes: int = 0
    received: int = 0
    deleted: int = 0
    violations: list = dataclasses.field(default_factory=list)

    def add(self, kind, text):
        assert kind in VIOLATIONS
        self.violations.append((kind, text))

    def count(self, kind):
        return sum(k == kind for k, _ in self.violations)

    def counts(self):
        return {kind: self.count(kind) for kind in VIOLATIONS}

    def text(self):
        figures = ", ".join(f"{getattr(self, name)} {name}" for name in ("posted", "acknowledged", "refused", "unknown", "applied"))
        return (f"{figures}, " + ", ".join(f"{self.count(kind)} {kind}" for kind in VIOLATIONS) +
                f" ({self.outcomes} outcomes compared, {self.received} messages received, {self.deleted} deleted)")


class Checker:
    def __init__(self, history, state, deliveries=()):
        self.history, self.state, self.deliveries, self.verdict = history, state, deliveries, Verdict()
        self.jumps, self.trails = state.get("jumps", []), trails_of(deliveries)
        self.by_item = {kind: collections.defaultdict(list) for kind in EVERY}
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
        v.received = sum(len(event["m"]) for event in self.deliveries if event["e"] == "receive")
        v.deleted = sum(event["e"] == "delete" and event["a"] == "acked" for event in self.deliveries)
        self.check_answers()
        for name, kind in EVERY.items():
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
                self.verdict.add("wrong", f"two under one key: {tell(op)}")
            if op["a"] == "refused" and op["why"].startswith("4"):
                self.verdict.add("wrong", f"a good job was called bad: {tell(op)}")

    # -- Used by the kinds ------------------------------------------------------------------------------------------
    def jumped(self, begin, end):
        """The broker's clock may have been put forward between these times."""
        return any(a <= end and begin <= b for a, b in self.jumps)

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


def read_lines(folder, name):
    """All lines of the files of one kind: "history" or "deliveries"."""
    found = []
    for path in sorted(pathlib.Path(folder, name).glob("*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            found += map(json.loads, lines)
    return found


def report(verdict, shown=20):
    for kind, text in verdict.violations[:shown]:
        print(f"VIOLATION {kind}: {text}")
    if len(verdict.violations) > shown:
        print(f"... and {len(verdict.violations) - shown} more")
    print("verdict: " + verdict.text())


def main():
    folder = pathlib.Path(sys.argv[1])
    state = json.loads((folder / "state.json").read_text())
    verdict = Checker(read_lines(folder, "history"), state, read_lines(folder, "deliveries")).check()
    report(verdict)
    return 1 if verdict.violations or verdict.acknowledged == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
