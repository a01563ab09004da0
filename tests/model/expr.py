"""Expressions as trees: what they mean, and how they are written down.

    operand    ("value", value) | ("path", (name or index, ...)) | ("size", operand)
    condition  (comparator, operand, operand) | ("BETWEEN", o, o, o) | ("IN", o, [o, ...]) | (function, o, ...)
               | ("AND" or "OR", [condition, ...]) | ("NOT", condition)
    set value  operand | ("+" or "-", o, o) | ("if_not_exists", ("path", ...), o) | ("list_append", o, o)
"""
import value as v
from value import invalid

COMPARATORS = {
    "=": lambda a, b: a is not None and a == b,
    "<>": lambda a, b: a is None or a != b,
    "<": lambda a, b: ordered(a, b) and v.sort_key(a) < v.sort_key(b),
    "<=": lambda a, b: ordered(a, b) and v.sort_key(a) <= v.sort_key(b),
    ">": lambda a, b: ordered(a, b) and v.sort_key(a) > v.sort_key(b),
    ">=": lambda a, b: ordered(a, b) and v.sort_key(a) >= v.sort_key(b),
}
FUNCTIONS = ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"]


def ordered(a, b):
    return a is not None and b is not None and a[0] == b[0] and a[0] in v.ORDERED


def find(path, item):
    """The value at a path, or None."""
    found = ("M", item)
    for step in path:
        kind, content = found
        if isinstance(step, int):
            if kind != "L" or step >= len(content):
                return None
            found = content[step]
        else:
            if kind != "M" or step not in content:
                return None
            found = content[step]
    return found


# -- Conditions -----------------------------------------------------------------------------------------------------


def operand(node, item):
    if node[0] == "value":
        return node[1]
    if node[0] == "path":
        return find(node[1], item)
    inner = operand(node[1], item)
    if inner is None or inner[0] in ("N", "BOOL", "NULL"):
        return None
    return "N", v.Decimal(len(inner[1].encode() if inner[0] == "S" else inner[1]))


def contains(container, element):
    if container is None or element is None:
        return False
    kind, content = container
    if kind in ("S", "B"):
        return element[0] == kind and element[1] in content
    if kind == "L":
        return element in content
    return kind in v.SETS and element[0] == v.SETS[kind] and element[1] in content


def holds(node, item):
    kind = node[0]
    if kind == "AND":
        return all(holds(each, item) for each in node[1])
    if kind == "OR":
        return any(holds(each, item) for each in node[1])
    if kind == "NOT":
        return not holds(node[1], item)
    first = operand(node[1], item)
    if kind in COMPARATORS:
        return COMPARATORS[kind](first, operand(node[2], item))
    if kind == "BETWEEN":
        return COMPARATORS[">="](first, operand(node[2], item)) and COMPARATORS["<="](first, operand(node[3], item))
    if kind == "IN":
        return first is not None and any(operand(each, item) == first for each in node[2])
    if kind == "attribute_exists":
        return first is not None
    if kind == "attribute_not_exists":
        return first is None
    second = operand(node[2], item)
    if kind == "attribute_type":
        return first is not None and first[0] == second[1]
    if kind == "begins_with":
        return first is not None and second is not None and first[0] == second[0] and first[0] in "SB" and first[1].startswith(second[1])
    if kind == "NOT_CONTAINS":
        return first is not None and not contains(first, second)
    return contains(first, second)


# -- What is refused without looking at an item -------------------------------------------------------------------


def static_type(node):
    if node[0] == "value":
        return node[1][0]
    return "N" if node[0] in ("size", "+", "-") else "L" if node[0] == "list_append" else None


def check_operand(node):
    if node[0] == "size":
        check_operand(node[1])
        if static_type(node[1]) in ("N", "BOOL", "NULL"):
            raise invalid()


def check_pair(first, second):
    if first[0] == second[0] == "path" and first[1] == second[1]:
        raise invalid()


def check_condition(node, partiql=False):
    kind = node[0]
    if kind in ("AND", "OR"):
        for each in node[1]:
            check_condition(each, partiql)
        return
    if kind == "NOT":
        check_condition(node[1], partiql)
        return
    operands = [node[1]] + (node[2] if kind == "IN" else list(node[2:]))
    for each in operands:
        check_operand(each)
    if len(operands) == 2 and not partiql:
        check_pair(*operands)
    if kind in COMPARATORS and operands[0][0] == operands[1][0] == "value" and not partiql:
        raise invalid()
    if kind in ("<", "<=", ">", ">=", "BETWEEN") and any(static_type(each) not in ("S", "N", "B", None) for each in operands):
        raise invalid()
    if kind == "BETWEEN" and operands[1][0] == operands[2][0] == "value" and not partiql:
        low, high = operands[1][1], operands[2][1]
        if low[0] != high[0] or v.sort_key(low) > v.sort_key(high):
            raise invalid()
    if kind == "begins_with" and any(static_type(each) not in ("S", "B", None) for each in operands):
        raise invalid()
    if kind.startswith("attribute_") and kind != "attribute_type" and operands[0][0] != "path":
        raise invalid()
    if kind == "attribute_type" and (operands[1][0] != "value" or operands[1][1] not in [("S", name) for name in v.TYPES]):
        raise invalid()


def paths(node):
    """All paths in a condition or set value."""
    if node[0] == "path":
        return [node[1]]
    if node[0] == "value":
        return []
    found = []
    for each in node[1:]:
        for part in each if isinstance(each, list) else [each]:
            found += paths(part)
    return found


# -- Writing down ---------------------------------------------------------------------------------------------------


class Writer:
    """Texts of expressions with placeholders, and the maps of what they stand for. Draws among ways to write the same."""

    def __init__(self, random, partiql=False):
        self.random, self.partiql, self.names, self.values, self.parameters = random, partiql, {}, {}, []

    def name(self, name):
        if self.partiql:
            return '"' + name.replace('"', '""') + '"'
        if len(name) == 1 and name.isascii() and self.random.random() < 0.7:
            return name
        for placeholder, known in self.names.items():
            if known == name:
                return placeholder
        placeholder = "#n%d" % len(self.names)
        self.names[placeholder] = name
        return placeholder

    def value(self, value):
        if self.partiql:
            self.parameters.append(value)
            return "?"
        placeholder = ":v%d" % len(self.values)
        self.values[placeholder] = value
        return placeholder

    def path(self, path):
        text = self.name(path[0])
        for step in path[1:]:
            text += "[%d]" % step if isinstance(step, int) else "." + self.name(step)
        return text

    def word(self, word):
        return self.random.choice([word, word.lower(), word.title()])

    def blank(self):
        return self.random.choice([" ", " ", " ", "  ", "\n", "\t "])

    def operand(self, node):
        if node[0] == "value":
            return self.value(node[1])
        if node[0] == "path":
            return self.path(node[1])
        if node[0] == "size":
            return "size(" + self.operand(node[1]) + ")"
        if node[0] in "+-":
            return self.operand(node[1]) + self.blank() + node[0] + self.blank() + self.operand(node[2])
        return "%s(%s,%s%s)" % (node[0], self.operand(node[1]), self.random.choice(["", " "]), self.operand(node[2]))

    def condition(self, node, around=0):
        """around: how tight what stands around it binds: 1 OR, 2 AND, 3 NOT."""
        kind, blank = node[0], self.blank
        strength = {"OR": 1, "AND": 2, "NOT": 3}.get(kind, 4)
        if kind in ("AND", "OR"):
            parts = [self.condition(each, strength) for each in node[1]]
            text = (blank() + self.word(kind) + blank()).join(parts)
        elif kind == "NOT":
            text = self.word("NOT") + blank() + self.condition(node[1], strength)
        else:
            text = self.predicate(node)
        parentheses = strength <= around or (kind == "NOT" and around == 3) or self.random.random() < 0.1
        return "(" + text + ")" if parentheses else text

    def predicate(self, node):
        kind, blank = node[0], self.blank
        first = self.operand(node[1]) if kind not in FUNCTIONS else None
        if kind in COMPARATORS:
            space = self.random.choice(["", " "])
            return first + space + kind + space + self.operand(node[2])
        if kind == "BETWEEN":
            return blank().join([first, self.word("BETWEEN"), self.operand(node[2]), self.word("AND"), self.operand(node[3])])
        if kind == "IN":
            inner = ("," + self.random.choice(["", " "])).join(self.operand(each) for each in node[2])
            return first + blank() + self.word("IN") + blank() + ("[%s]" if self.partiql else "(%s)") % inner
        return kind + "(" + ", ".join(self.operand(each) for each in node[1:]) + ")"

    def update(self, actions):
        clauses = {}
        for action in actions:
            kind, path = action[0], self.path(action[1])
            if kind == "SET":
                text = path + self.random.choice(["=", " = "]) + self.operand(action[2])
            elif kind == "REMOVE":
                text = path
            else:
                text = path + self.blank() + self.value(action[2])
            clauses.setdefault(kind, []).append(text)
        return self.blank().join(self.word(kind) + self.blank() + ", ".join(texts) for kind, texts in clauses.items())

    def into(self, payload):
        """Adds the maps to a request."""
        if self.names:
            payload["ExpressionAttributeNames"] = dict(self.names)
        if self.values:
            payload["ExpressionAttributeValues"] = {name: v.plain(each) for name, each in self.values.items()}
        return payload
