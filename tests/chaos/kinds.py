"""The kinds of operations that clients post: how each is made, read back, and what its effect must look like. KINDS is the table.

To add one: a class with the functions of Kind, a row in KINDS, planted violations in test_checker.py. Nothing else knows the kinds.

An operation is a dict (see clients.py); a kind fills in `item` and `arg`. Kinds with a table own all that is in it."""
import collections
import json

CONDITION = "ConditionalCheckFailedException"
WAITING = ("queued", "delayed", "running", "dead")
DIGITS = 60
LIST_LENGTH = 250
CREATE_RIVALS = 3
ACCOUNT_LEGS = 200


def digit(value, place):
    return value // 4**place % 4


def tell(op):
    return json.dumps({key: value for key, value in op.items() if value is not None})


class Kind:
    weight = 0         # of 100 posted operations
    table = None       # NAME:KEY, if its effects are in one
    open_items = 1     # so many of its items are worked on at a time
    room = 1           # operations on one item, then a new one is begun
    legs = 1           # operations that are always posted together

    def draw(self, slot, rng):
        """(item, arg) of each leg. slot() gives an item and how many operations it had."""
        return [slot()]

    def body(self, op):
        """The job."""
        raise NotImplementedError

    def value(self, answer):
        """What the checker must know of a successful answer."""
        return None

    def read(self, items):
        """Of the rows of its table: what the checker looks at. Items by id."""
        return {}

    def shows(self, op, found):
        """The effect of op is there: its outcome need not be asked for."""
        return False

    def check(self, c, item, ops):
        """All operations on one item against what is there (c.found)."""
        raise NotImplementedError

    def check_all(self, c, ops):
        """What holds between items."""


def update(table, item, expression, values, **more):
    return {"operation": "update", "tableName": table,
            "payload": {"Key": {"id": item}, "UpdateExpression": expression, "ExpressionAttributeValues": values, **more}}


def check_order(c, where, ops):
    """ops in the order in which they took effect: who was acknowledged before another was sent stands before it, and a batch keeps its own."""
    latest = None
    batches = {}
    for op in ops:
        if latest and op["a"] == "acked" and op["t1"] < latest["t0"]:
            c.add("reordered", f"{where}: {tell(op)} stands behind {tell(latest)}")
        if latest is None or op["t0"] > latest["t0"]:
            latest = op
        before = batches.get(op["r"])
        if before and op["tries"] == before["tries"] == 1 and op["a"] == before["a"] == "acked" and op["i"] < before["i"]:
            c.add("reordered", f"{where}: {tell(op)} stands behind {tell(before)} of its batch")
        batches[op["r"]] = op


# -- Counters ------------------------------------------------------------------------------------------------------
class Add(Kind):
    """ADD n 4^digit: 60 operations on an item, each with a base-4 digit of its own, which counts how often it was applied."""
    weight, table, open_items, room = 46, "counters:id", 12, DIGITS

    def body(self, op):
        return update("counters", op["item"], "ADD n :w", {":w": 4 ** op["arg"]}, ReturnValues="UPDATED_NEW")

    def value(self, answer):
        return int(answer["Attributes"]["n"])

    def read(self, items):
        return {i["id"]: int(i["n"]) for i in items}

    def shows(self, op, found):
        return digit(found.get(op["item"], 0), op["arg"]) > 0

    def check(self, c, item, ops):
        final = c.found("add").get(item, 0)
        for op in ops:
            c.times(op, digit(final, op["arg"]), f"counters/{item}")
            self.check_sum(c, op, final)
        used = {op["arg"] for op in ops}
        for place in range(DIGITS + 3):
            if place not in used and digit(final, place):
                c.add("phantom", f"counters/{item} has digit {place}, which nobody posted")
        self.check_order(c, ops)

    def check_sum(self, c, op, final):
        """The sum that it returned holds itself, and nothing that is not there in the end."""
        outcome = c.outcome(op)
        if op["a"] != "acked" or not outcome or outcome["s"] != "succeeded":
            return
        if digit(outcome["v"], op["arg"]) != 1 or any(digit(outcome["v"], p) > digit(final, p) for p in range(DIGITS)):
            c.add("wrong", f"returned {outcome['v']}, the table has {final}: {tell(op)}")

    def check_order(self, c, ops):
        acked = [op for op in ops if op["a"] == "acked"]
        for later in acked:
            outcome = c.outcome(later)
            if not outcome or outcome["s"] != "succeeded":
                continue
            for earlier in acked:
                if earlier["t1"] < later["t0"] and not digit(outcome["v"], earlier["arg"]):
                    c.add("reordered", f"{tell(later)} took effect before {tell(earlier)}")


# -- Lists ---------------------------------------------------------------------------------------------------------
class List(Kind):
    """list_append of its number: shows how often, and in which order."""
    weight, table, open_items, room = 26, "lists:id", 8, LIST_LENGTH

    def body(self, op):
        return update("lists", op["item"], "SET l = list_append(if_not_exists(l, :none), :v)", {":none": [], ":v": [op["n"]]})

    def read(self, items):
        return {i["id"]: i["l"] for i in items}

    def shows(self, op, found):
        return op["n"] in found.get(op["item"], ())

    def check(self, c, item, ops):
        self.check_numbers(c, f"lists/{item}", ops, c.found("list").get(item, []))

    def check_numbers(self, c, where, ops, final):
        count = collections.Counter(final)
        by_number = {op["n"]: op for op in ops}
        for op in ops:
            c.times(op, count[op["n"]], where)
        for number in count:
            if number not in by_number:
                c.add("phantom", f"{where} has {number}, which nobody posted there")
        check_order(c, where, [by_number[n] for n in final if n in by_number])


# -- Transfers -----------------------------------------------------------------------------------------------------
class Transfer(List):
    """Takes from one account and gives to another: two updates in one request. Each account lists its legs, and its balance is their sum;
    over all accounts the balances are zero, but for transfers of which one leg may not have happened."""
    weight, table, open_items, room, legs = 12, "accounts:id", 10, ACCOUNT_LEGS, 2

    def draw(self, slot, rng):
        amount = rng.randrange(1, 1000)
        return [(slot()[0], -amount), (slot()[0], amount)]

    def body(self, op):
        return update("accounts", op["item"], "SET legs = list_append(if_not_exists(legs, :none), :v) ADD balance :a",
                      {":none": [], ":v": [op["n"]], ":a": op["arg"]})

    def read(self, items):
        return {i["id"]: {"balance": int(i["balance"]), "legs": i["legs"]} for i in items}

    def shows(self, op, found):
        return op["n"] in found.get(op["item"], {"legs": ()})["legs"]

    def check(self, c, item, ops):
        account = c.found("transfer").get(item, {"balance": 0, "legs": []})
        self.check_numbers(c, f"accounts/{item}", ops, account["legs"])
        amounts = {op["n"]: op["arg"] for op in ops}
        balance = sum(amounts.get(n, 0) for n in account["legs"])
        if balance != account["balance"]:
            c.add("wrong", f"accounts/{item} has {account['balance']}, its legs sum up to {balance}")

    def check_all(self, c, ops):
        """Money that is neither in an account nor on the way was made or lost."""
        there = {n for account in c.found("transfer").values() for n in account["legs"]}
        pairs = collections.defaultdict(list)
        for op in ops:
            pairs[op["n"] - op["leg"]].append(op)
        half = sum(op["arg"] for pair in pairs.values() if not all(op["a"] == "acked" for op in pair) for op in pair if op["n"] in there)
        total = sum(account["balance"] for account in c.found("transfer").values())
        if total != half:
            c.add("wrong", f"all accounts together have {total}; transfers that may be half done account for {half}")


# -- Creates -------------------------------------------------------------------------------------------------------
class Create(Kind):
    """Up to three with one id on condition that there is none: exactly one may succeed; a winner that is refused was applied twice."""
    weight, table, open_items, room = 12, "created:id", 20, CREATE_RIVALS

    def body(self, op):
        return {"operation": "create", "tableName": "created",
                "payload": {"Item": {"id": op["item"], "op": op["n"]}, "ConditionExpression": "attribute_not_exists(id)"}}

    def read(self, items):
        return {i["id"]: i["op"] for i in items}

    def shows(self, op, found):
        return found.get(op["item"]) == op["n"]

    def check(self, c, item, ops):
        winner = c.found("create").get(item)
        if winner is not None and winner not in {op["n"] for op in ops}:
            c.add("phantom", f"created/{item} is of {winner}, which nobody posted there")
        for op in ops:
            self.check_rival(c, op, winner)
        first = next((op for op in ops if op["n"] == winner), None)
        for op in ops:
            if first and op["a"] == "acked" and op["t1"] < first["t0"]:
                c.add("reordered", f"created/{item}: {tell(first)} won before {tell(op)}")

    def check_rival(self, c, op, winner):
        outcome, won = c.outcome(op), op["n"] == winner
        c.verdict.applied += won or (op["a"] == "acked" and outcome is not None and outcome["s"] == "failed")
        if op["a"] == "refused" and won:
            c.add("wrong", f"refused, and yet it created the item: {tell(op)}")
        if op["a"] != "acked":
            return
        if winner is None:
            c.add("lost", f"nothing has created {op['item']}, outcome {outcome}: {tell(op)}")
        elif outcome is None:
            if not won:
                c.add("lost", f"no effect and no outcome: {tell(op)}")
        elif outcome["s"] in WAITING:
            c.add("stuck", f"{outcome['s']}: {tell(op)}")
        elif outcome["s"] == "failed" and outcome["v"] != CONDITION:
            c.add("wrong", f"failed with {outcome['v']}: {tell(op)}")
        elif outcome["s"] == "failed" and won:
            c.add("duplicated", f"it created the item and was refused by its own effect: {tell(op)}")
        elif outcome["s"] == "succeeded" and not won:
            c.add("wrong", f"succeeded, but the item is of {winner}: {tell(op)}")


class Echo(Kind):
    """Its number comes back."""
    weight = 4

    def draw(self, slot, rng):
        return [("", 0)]

    def body(self, op):
        return {"operation": "echo", "payload": op["n"]}

    def value(self, answer):
        return answer

    def check(self, c, item, ops):
        for op in ops:
            outcome = c.outcome(op)
            if op["a"] != "acked":
                continue
            c.verdict.applied += outcome is not None and outcome["s"] == "succeeded"
            if outcome is None:
                c.add("lost", f"no outcome: {tell(op)}")
            elif outcome["s"] in WAITING:
                c.add("stuck", f"{outcome['s']}: {tell(op)}")
            elif outcome != {"s": "succeeded", "v": op["n"]}:
                c.add("wrong", f"outcome {outcome}: {tell(op)}")


KINDS = {"add": Add(), "list": List(), "transfer": Transfer(), "create": Create(), "echo": Echo()}
TABLES = tuple(kind.table for kind in KINDS.values() if kind.table)


def outcome_of(kind, succeeded, value):
    """The part of an outcome that the checker looks at."""
    if not succeeded:
        return {"s": "failed", "v": (value or {}).get("type", "?")}
    return {"s": "succeeded", "v": KINDS[kind].value(value)}
