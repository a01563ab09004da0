"""What updates make of an item.

    action   ("SET", path, set value) | ("REMOVE", path) | ("ADD", path, value) | ("DELETE", path, value)
"""
import copy

import expr
import value as v
from value import invalid

WRONG_TYPE = "An operand in the update expression has an incorrect data type"
NO_PLACE = "The document path provided in the update expression is invalid for update"
GONE = object()


def evaluate(node, item):
    kind = node[0]
    if kind == "value":
        return node[1]
    if kind == "path":
        found = expr.find(node[1], item)
        if found is None:
            raise invalid("The provided expression refers to an attribute that does not exist in the item")
        return found
    if kind == "if_not_exists":
        found = expr.find(node[1][1], item)
        return evaluate(node[2], item) if found is None else found
    first, second = evaluate(node[1], item), evaluate(node[2], item)
    wanted = "L" if kind == "list_append" else "N"
    if first[0] != wanted or second[0] != wanted:
        raise invalid(WRONG_TYPE)
    if kind == "list_append":
        return "L", first[1] + second[1]
    return "N", (v.add if kind == "+" else v.subtract)(first[1], second[1])


def effect(action, item):
    """What the place will hold; GONE, or None where nothing happens."""
    kind, path = action[0], action[1]
    if kind == "SET":
        return evaluate(action[2], item)
    if kind == "REMOVE":
        return GONE
    old, given = expr.find(path, item), action[2]
    if old is None:
        return given if kind == "ADD" else None
    if old[0] != given[0] or old[0] not in ("N", "SS", "NS", "BS"):
        raise invalid(WRONG_TYPE)
    if kind == "ADD":
        return ("N", v.add(old[1], given[1])) if old[0] == "N" else (old[0], old[1] | given[1])
    left = old[1] - given[1]
    return (old[0], left) if left else GONE


# -- What is refused without looking at an item -------------------------------------------------------------------


def overlap(a, b):
    """Is one path a beginning of the other, or do they take one place by name and by index?"""
    for one, other in zip(a, b):
        if isinstance(one, int) != isinstance(other, int):
            return True
        if one != other:
            return False
    return True


def check_value(node, top=True):
    kind = node[0]
    if kind in "+-":
        for each in node[1:]:
            check_value(each)
            if expr.static_type(each) not in ("N", None):
                raise invalid()
    elif kind == "list_append":
        for each in node[1:]:
            check_value(each)
            if expr.static_type(each) not in ("L", None):
                raise invalid()
    elif kind == "if_not_exists":
        check_value(node[2])


def check(actions, keys):
    for action in actions:
        if action[0] == "SET":
            check_value(action[2])
        if action[0] == "ADD" and action[2][0] not in ("N", "SS", "NS", "BS"):
            raise invalid()
        if action[0] == "DELETE" and action[2][0] not in ("SS", "NS", "BS"):
            raise invalid()
    for i, action in enumerate(actions):
        if action[1][0] in keys or any(overlap(action[1], other[1]) for other in actions[:i]):
            raise invalid()


# -- The new item -------------------------------------------------------------------------------------------------


def apply(actions, item):
    """The item as it will be; the old one stays. Every right-hand side sees the old item, every index counts in the old lists."""
    effects = [effect(action, item) for action in actions]
    new = ("M", copy.deepcopy(item))
    ends = []
    for action, what in zip(actions, effects):
        place = new
        for step in action[1][:-1]:
            place = place[1][step] if has(place, step) else None
            if place is None or place is GONE:
                raise invalid(NO_PLACE)
        last = action[1][-1]
        if place[0] != ("L" if isinstance(last, int) else "M"):
            raise invalid(NO_PLACE)
        if what is None:
            continue
        if place[0] == "L" and last >= len(place[1]):
            ends.append((last, place[1], what))
        else:
            place[1][last] = what
    for _, elements, what in sorted(ends, key=lambda end: end[0]):
        elements.append(what)
    sweep(new)
    return new[1]


def has(place, step):
    if isinstance(step, int):
        return place[0] == "L" and step < len(place[1])
    return place[0] == "M" and step in place[1]


def sweep(place):
    kind, content = place
    if kind == "M":
        for name in [name for name, each in content.items() if each is GONE]:
            del content[name]
        for each in content.values():
            sweep(each)
    elif kind == "L":
        content[:] = [each for each in content if each is not GONE]
        for each in content:
            sweep(each)


# -- Parts of items -----------------------------------------------------------------------------------------------


def project(paths, item):
    """What the paths select: maps keep the way to it, lists only what was taken."""
    found = part(paths, ("M", item))
    return found[1] if found else {}


def part(paths, place):
    if () in paths:
        return place
    kind, content = place
    steps = {path[0] for path in paths}
    if kind == "L":
        taken = [part([path[1:] for path in paths if path[0] == i], each) for i, each in enumerate(content) if i in steps]
        taken = [each for each in taken if each]
    elif kind == "M":
        taken = {name: part([path[1:] for path in paths if path[0] == name], each) for name, each in content.items() if name in steps}
        taken = {name: each for name, each in taken.items() if each}
    else:
        return None
    return (kind, taken) if taken else None
