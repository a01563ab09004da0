"""Compares what clients were told with what is there. A pure function of a history and a final state, and a command:

    checker.py FOLDER      reads FOLDER/history/*.jsonl (see clients.py) and FOLDER/state.json (see collect.py)

state: tables {counters {id: n}, lists {id: [n...]}, created {id: n}}, outcomes {job id: {"s": status, "v": value}}, queues {name: count}

Violations:
    lost        acknowledged, and neither an effect nor an outcome says that it happened
    duplicated  applied more than once
    reordered   A was acknowledged before B was sent, on one item, and B took effect first; or a batch's own order is broken
    stuck       acknowledged and still queued, running or dead after the drain; or something else is left in a queue
    phantom     an effect that nobody posted
    wrong       an outcome that contradicts the tables, an error that cannot be, or an effect of what was refused
An operation whose answer is unknown may have happened or not, but not twice."""
import collections
import dataclasses
import json
import pathlib
import sys

from clients import DIGITS

KINDS = ("lost", "duplicated", "reordered", "stuck", "phantom", "wrong")
CONDITION = "ConditionalCheckFailedException"
WAITING = ("queued", "delayed", "running", "dead")


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
        assert kind in KINDS
        self.violations.append((kind, text))

    def count(self, kind):
        return sum(k == kind for k, _ in self.violations)

    def text(self):
        figures = ", ".join(f"{getattr(self, name)} {name}" for name in ("posted", "acknowledged", "refused", "unknown", "applied"))
        return f"{figures}, " + ", ".join(f"{self.count(kind)} {kind}" for kind in KINDS) + f" ({self.outcomes} outcomes compared)"


def tell(op):
    return json.dumps({key: value for key, value in op.items() if value is not None})


def digit(value, place):
    return value // 4**place % 4


class Checker:
    def __init__(self, history, state):
        self.history, self.state, self.verdict = history, state, Verdict()
        self.by_item = collections.defaultdict(list)
        for op in history:
            self.by_item[op["k"], op["item"]].append(op)

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
        for (kind, item), ops in self.by_item.items():
            getattr(self, "check_" + kind)(item, ops)
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

    # -- How often -------------------------------------------------------------------------------------------------
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

    def check_add(self, item, ops):
        final = self.state["tables"]["counters"].get(item, 0)
        for op in ops:
            self.times(op, digit(final, op["arg"]), f"counters/{item}")
            self.check_sum(op, final)
        used = {op["arg"] for op in ops}
        for place in range(DIGITS + 3):
            if place not in used and digit(final, place):
                self.verdict.add("phantom", f"counters/{item} has digit {place}, which nobody posted")
        self.check_sums_order(ops)

    def check_sum(self, op, final):
        """The sum that it returned holds itself, and nothing that is not there in the end."""
        outcome = self.outcome(op)
        if op["a"] != "acked" or not outcome or outcome["s"] != "succeeded":
            return
        if digit(outcome["v"], op["arg"]) != 1 or any(digit(outcome["v"], p) > digit(final, p) for p in range(DIGITS)):
            self.verdict.add("wrong", f"returned {outcome['v']}, the table has {final}: {tell(op)}")

    def check_sums_order(self, ops):
        acked = [op for op in ops if op["a"] == "acked"]
        for later in acked:
            outcome = self.outcome(later)
            if not outcome or outcome["s"] != "succeeded":
                continue
            for earlier in acked:
                if earlier["t1"] < later["t0"] and not digit(outcome["v"], earlier["arg"]):
                    self.verdict.add("reordered", f"{tell(later)} took effect before {tell(earlier)}")

    def check_list(self, item, ops):
        final = self.state["tables"]["lists"].get(item, [])
        count = collections.Counter(final)
        by_number = {op["n"]: op for op in ops}
        for op in ops:
            self.times(op, count[op["n"]], f"lists/{item}")
        for number in count:
            if number not in by_number:
                self.verdict.add("phantom", f"lists/{item} has {number}, which nobody posted there")
        self.check_list_order(item, [by_number[n] for n in final if n in by_number])

    def check_list_order(self, item, ops):
        latest = None
        batches = {}
        for op in ops:
            if latest and op["a"] == "acked" and op["t1"] < latest["t0"]:
                self.verdict.add("reordered", f"lists/{item}: {tell(op)} stands behind {tell(latest)}")
            if latest is None or op["t0"] > latest["t0"]:
                latest = op
            before = batches.get(op["r"])
            if before and op["tries"] == before["tries"] == 1 and op["a"] == before["a"] == "acked" and op["i"] < before["i"]:
                self.verdict.add("reordered", f"lists/{item}: {tell(op)} stands behind {tell(before)} of its batch")
            batches[op["r"]] = op

    # -- Which one -------------------------------------------------------------------------------------------------
    def check_create(self, item, ops):
        winner = self.state["tables"]["created"].get(item)
        if winner is not None and winner not in {op["n"] for op in ops}:
            self.verdict.add("phantom", f"created/{item} is of {winner}, which nobody posted there")
        for op in ops:
            self.check_rival(op, winner)
        first = next((op for op in ops if op["n"] == winner), None)
        for op in ops:
            if first and op["a"] == "acked" and op["t1"] < first["t0"]:
                self.verdict.add("reordered", f"created/{item}: {tell(first)} won before {tell(op)}")

    def check_rival(self, op, winner):
        v, outcome, won = self.verdict, self.outcome(op), op["n"] == winner
        v.applied += won or (op["a"] == "acked" and outcome is not None and outcome["s"] == "failed")
        if op["a"] == "refused" and won:
            v.add("wrong", f"refused, and yet it created the item: {tell(op)}")
        if op["a"] != "acked":
            return
        if winner is None:
            v.add("lost", f"nothing has created {op['item']}, outcome {outcome}: {tell(op)}")
        elif outcome is None:
            if not won:
                v.add("lost", f"no effect and no outcome: {tell(op)}")
        elif outcome["s"] in WAITING:
            v.add("stuck", f"{outcome['s']}: {tell(op)}")
        elif outcome["s"] == "failed" and outcome["v"] != CONDITION:
            v.add("wrong", f"failed with {outcome['v']}: {tell(op)}")
        elif outcome["s"] == "failed" and won:
            v.add("duplicated", f"it created the item and was refused by its own effect: {tell(op)}")
        elif outcome["s"] == "succeeded" and not won:
            v.add("wrong", f"succeeded, but the item is of {winner}: {tell(op)}")

    def check_echo(self, _item, ops):
        for op in ops:
            outcome = self.outcome(op)
            if op["a"] != "acked":
                continue
            self.verdict.applied += outcome is not None and outcome["s"] == "succeeded"
            if outcome is None:
                self.verdict.add("lost", f"no outcome: {tell(op)}")
            elif outcome["s"] in WAITING:
                self.verdict.add("stuck", f"{outcome['s']}: {tell(op)}")
            elif outcome != {"s": "succeeded", "v": op["n"]}:
                self.verdict.add("wrong", f"outcome {outcome}: {tell(op)}")

    def check_phantom_items(self):
        for table, kind in (("counters", "add"), ("lists", "list"), ("created", "create")):
            for item in self.state["tables"][table]:
                if (kind, item) not in self.by_item:
                    self.verdict.add("phantom", f"{table}/{item}, which nobody posted")


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
