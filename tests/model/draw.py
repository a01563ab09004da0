"""Random items, paths, conditions and updates: from few names and few values, so that they meet."""
from decimal import Decimal

from expr import find
from update import overlap
from value import sort_key

STRINGS = ["", "a", "ab", "abc", "b", "é", "z" * 40]
NUMBERS = [Decimal(text) for text in ["0", "1", "-1", "2", "10", "1.5", "-0.25", "1E20", "99999999999999999999999999999999999999",
                                      "-1E125", "9.9999999999999999999999999999999999999E125", "1E-130", "12345.6789"]]
BYTES = [b"", b"a", b"ab", b"\x00", b"\xff\x00"]
NAMES = ["a", "b", "c", "d", "name", "x y", "é"]
KEYS = {"S": ["k", "ka", "kb", "l", "é", "\x00", "k\x00"], "N": NUMBERS, "B": [b"a", b"ab", b"\x00", b"a\x00", b"\xff", b"\x00\xff"]}


class Draw:
    def __init__(self, random):
        self.random = random

    def one(self, things):
        return self.random.choice(things)

    def chance(self, share):
        return self.random.random() < share

    # -- Values -----------------------------------------------------------------------------------------------------

    def number(self):
        if self.chance(0.7):
            return self.one(NUMBERS[:7] if self.chance(0.8) else NUMBERS)
        digits = self.random.randrange(1, 10 ** self.random.choice([1, 3, 10, 38]))
        exponent = self.random.choice([0, 0, -2, 5, self.random.randrange(-130, 87)])
        number = Decimal(digits).scaleb(exponent)
        return self.one([number, -number]) if -130 <= number.adjusted() <= 125 else Decimal(digits)

    def scalar(self, kind):
        if kind == "S":
            return kind, self.one(STRINGS)
        if kind == "N":
            return kind, self.number()
        return kind, self.one(BYTES)

    def value(self, depth=2, kind=None):
        kind = kind or self.one(["S", "S", "N", "N", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + ["L", "M"] * (2 * depth))
        if kind == "BOOL":
            return kind, self.chance(0.5)
        if kind == "NULL":
            return kind, None
        if kind == "L":
            return kind, [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == "M":
            return kind, {self.one(NAMES): self.value(depth - 1) for _ in range(self.random.randrange(4))}
        if kind in ("SS", "NS", "BS"):
            return kind, frozenset(self.scalar(kind[0])[1] for _ in range(self.random.randrange(1, 4)))
        return self.scalar(kind)

    def wide_number(self):
        """Of any magnitude and length, often at the limits."""
        digits = self.random.randrange(1, 10 ** self.one([1, 2, 19, 20, 37, 38, 38]))
        exponent = self.one([0, -130, 125, 126 - len(str(digits)), self.random.randrange(-130, 126)])
        number = Decimal(digits).scaleb(exponent)
        return self.one([number, -number]) if -130 <= number.adjusted() <= 125 else Decimal(digits)

    def key_value(self, kind):
        """Mostly one of few, so that keys meet; else anything that sorts."""
        if self.chance(0.85):
            return kind, self.one(KEYS[kind])
        if kind == "N":
            return kind, self.wide_number()
        length = self.random.randrange(1, 5)
        if kind == "B":
            return kind, bytes(self.one([0, 1, 2, 127, 128, 254, 255]) for _ in range(length))
        return kind, "".join(self.one("\x00\x01a\x7f\x80\u07ff\uffff\U00010000") for _ in range(length))

    def key(self, keys):
        return {name: self.key_value(kind) for name, kind in keys}

    def item(self, table):
        item = {name: self.value() for name in NAMES if self.chance(0.5)}
        for index in table.indexes:
            for name, kind in index.keys:
                if self.chance(0.7):
                    item[name] = self.key_value(kind)
                elif self.chance(0.05):
                    item[name] = self.value(1)
        item.update(self.key(table.keys))
        return item

    # -- Paths --------------------------------------------------------------------------------------------------------

    def path(self, item, names=NAMES):
        """A path that often leads somewhere in the item."""
        path = (self.one(list(item)) if item and self.chance(0.8) else self.one(names),)
        found = item.get(path[0]) if item else None
        while found and found[0] in "LM" and self.chance(0.6):
            kind, content = found
            step = self.random.randrange(len(content) + 2) if kind == "L" else self.one(list(content) + NAMES[:2])
            path += (step,)
            found = (content[step] if step < len(content) else None) if kind == "L" else content.get(step)
        if self.chance(0.05):
            path += (self.one([0, 1, "a", "b"]),)
        return path

    def found(self, path, item):
        return find(path, item) if item else None

    # -- Conditions -----------------------------------------------------------------------------------------------------

    def literal(self, like):
        """A value, often of the type of another one, or that very one."""
        if like and self.chance(0.3):
            return "value", like
        return "value", self.value(1, like[0] if like and self.chance(0.7) else None)

    def comparable(self, like):
        while True:
            kind = like[0] if like and like[0] in ("S", "N", "B") and self.chance(0.9) else self.one(["S", "N", "B"])
            drawn = self.value(0, kind) if not (like and like[0] == kind and self.chance(0.3)) else like
            return "value", drawn

    def operand(self, item):
        path = self.path(item)
        if self.chance(0.1):
            return ("size", ("path", path)), ("N", Decimal(self.random.randrange(4)))
        return ("path", path), self.found(path, item)

    def predicate(self, item):
        kind = self.one(["=", "=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "attribute_exists", "attribute_not_exists",
                         "attribute_type", "begins_with", "contains", "contains"])
        first, like = self.operand(item)
        path = ("path", first[1] if first[0] == "path" else first[1][1])
        if kind in ("attribute_exists", "attribute_not_exists"):
            return kind, path
        if kind == "attribute_type":
            return kind, path, ("value", ("S", like[0] if like and self.chance(0.5) else self.one(["S", "N", "M", "NULL", "BS"])))
        if kind == "begins_with":
            text = like if like and like[0] in ("S", "B") else ("S", "ab")
            return kind, path, ("value", (text[0], text[1][:self.random.randrange(3)]))
        if kind == "contains":
            return kind, path, self.part_of(like)
        if kind == "BETWEEN":
            low, high = self.comparable(like), self.comparable(like)
            return kind, first, low, high
        if kind == "IN":
            return kind, first, [self.literal(like) for _ in range(self.random.randrange(1, 5))]
        second = self.literal(like) if kind in ("=", "<>") else self.comparable(like)
        if self.chance(0.15):
            second = self.operand(item)[0]
        if self.chance(0.1):
            first, second = second, first
        return kind, first, second

    def part_of(self, like):
        if like and like[1] and self.chance(0.7):
            if like[0] == "L":
                return "value", self.one(like[1])
            if like[0] in ("SS", "NS", "BS"):
                return "value", (like[0][0], self.one(sorted(like[1])))
            if like[0] in ("S", "B"):
                return "value", (like[0], like[1][:1])
        return self.literal(None)

    def condition(self, item, depth=2):
        if depth == 0 or self.chance(0.5):
            return self.predicate(item)
        kind = self.one(["AND", "OR", "NOT"])
        if kind == "NOT":
            return kind, self.condition(item, depth - 1)
        return kind, [self.condition(item, depth - 1) for _ in range(self.random.randrange(2, 4))]

    def flat(self, item, keys):
        """What the parameters from before expressions can say: predicates on attributes, one each."""
        found = {}
        for name in self.random.sample([*NAMES, *keys], self.one([1, 1, 2, 3])):
            like = item.get(name)
            kind = self.one(["=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "attribute_exists", "attribute_not_exists",
                             "begins_with", "contains", "NOT_CONTAINS"])
            path, scalar = ("path", (name,)), self.comparable(like)
            if kind.startswith("attribute"):
                found[name] = (kind, path)
            elif kind == "BETWEEN":
                other = "value", self.value(0, scalar[1][0])
                low, high = sorted([scalar, other], key=lambda each: sort_key(each[1]))
                found[name] = (kind, path, low, high)
            elif kind == "IN":
                found[name] = (kind, path, [scalar] + [("value", self.value(0, scalar[1][0])) for _ in range(self.random.randrange(3))])
            elif kind == "begins_with":
                found[name] = (kind, path, ("value", self.value(0, self.one("SB"))))
            elif kind in ("contains", "NOT_CONTAINS"):
                found[name] = (kind, path, scalar)
            else:
                found[name] = (kind, path, self.literal(like) if kind in ("=", "<>") else scalar)
        return found

    # -- Updates --------------------------------------------------------------------------------------------------------

    def set_value(self, item, like):
        kind = self.one(["value"] * 4 + ["path", "sum", "sum", "if_not_exists", "list_append"])
        if kind == "value":
            return "value", self.value(2)
        if kind == "path":
            return "path", self.path(item)
        if kind == "sum":
            first = ("path", self.path(item)) if self.chance(0.4) else ("value", ("N", self.number()))
            return self.one("+-"), first, ("value", self.value(0, "N" if self.chance(0.95) else None))
        if kind == "if_not_exists":
            return kind, ("path", self.path(item)), ("value", self.value(1))
        pair = [("path", self.path(item)), ("value", self.value(1, "L" if self.chance(0.9) else None))]
        self.random.shuffle(pair)
        return (kind, *pair)

    def action(self, item, kind):
        path = self.path(item)
        like = self.found(path, item)
        if kind == "SET":
            if like and like[0] == "N" and self.chance(0.5):
                return kind, path, (self.one("+-"), ("path", path), ("value", ("N", self.number())))
            return kind, path, self.set_value(item, like)
        if kind == "REMOVE":
            return kind, path
        kinds = ["N", "SS", "NS", "BS"] if kind == "ADD" else ["SS", "NS", "BS"]
        wanted = like[0] if like and like[0] in kinds and self.chance(0.8) else self.one(kinds)
        return kind, path, self.value(0, wanted)

    def actions(self, item, keys):
        """Some actions that do not overlap, mostly, and leave the key alone, mostly; those of one clause together."""
        actions = []
        if self.chance(0.97):
            item = {name: each for name, each in item.items() if name not in keys}
        for kind in self.random.sample(["SET", "REMOVE", "ADD", "DELETE"], self.one([1, 1, 1, 2, 3])):
            for _ in range(self.one([1, 1, 2, 3])):
                action = self.action(item, kind)
                if not any(overlap(action[1], other[1]) for other in actions) or self.chance(0.03):
                    actions.append(action)
        return actions or [("REMOVE", ("a",))]
