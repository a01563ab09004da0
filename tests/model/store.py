"""Tables as DynamoDB has them, in plain dicts: the answers that the engine should give.

Operations take trees (expr.py, update.py) and not texts, and return what the answer should hold; Refused is raised for errors.
"""
import math

import expr
import update
import value as v
from value import Refused, invalid

FAILED = "The conditional request failed"


class Index:
    """attributes: of its key, partition first; all but the first `partitions` sort. shown: None for all attributes."""

    def __init__(self, name, keys, partitions=1, local=False, shown=None):
        self.name, self.keys, self.partitions, self.local, self.shown = name, keys, partitions, local, shown

    def has(self, item):
        return all(name in item and item[name][0] == kind for name, kind in self.keys)


class Table:
    def __init__(self, name, keys, indexes=()):
        self.name, self.keys, self.indexes, self.items = name, keys, list(indexes), {}

    def key_names(self):
        return [name for name, _ in self.keys]

    def key_of(self, item):
        return tuple(item[name] for name in self.key_names())

    def all_keys(self):
        return {name for name, _ in self.keys} | {name for index in self.indexes for name, _ in index.keys}

    # -- Checks ---------------------------------------------------------------------------------------------------

    def check_paths(self, paths):
        if any(len(path) > 1 and path[0] in self.all_keys() for path in paths):
            raise invalid()

    def check_condition(self, condition):
        if condition:
            expr.check_condition(condition)
            self.check_paths(expr.paths(condition))

    def check_indexed(self, item, old=None):
        for index in self.indexes:
            for name, kind in index.keys:
                if name not in item or (old and old.get(name) == item[name]):
                    continue
                if item[name][0] != kind or item[name] in (("S", ""), ("B", b"")):
                    raise invalid()

    def check_key(self, key):
        for name, kind in self.keys:
            if key[name][0] != kind or key[name][1] in ("", b""):
                raise invalid()

    # -- One item -------------------------------------------------------------------------------------------------

    def require(self, condition, key):
        old = self.items.get(key)
        if condition and not expr.holds(condition, old or {}):
            raise Refused("ConditionalCheckFailedException", FAILED, old)
        return old

    def decide_put(self, item, condition=None):
        self.check_condition(condition)
        self.check_key(item)
        self.check_indexed(item)
        return self.require(condition, self.key_of(item)), item

    def decide_update(self, key, actions, condition=None):
        self.check_condition(condition)
        update.check(actions, self.key_names())
        self.check_paths([action[1] for action in actions])
        self.check_key(key)
        old = self.require(condition, self.key_of(key))
        new = update.apply(actions, old if old is not None else key)
        if old is None and actions and all(action[0] in ("REMOVE", "DELETE") for action in actions):
            return None, None
        self.check_indexed(new, old or {})
        return old, new

    def decide_delete(self, key, condition=None):
        self.check_condition(condition)
        self.check_key(key)
        return self.require(condition, self.key_of(key)), None

    def store(self, key, new):
        if new is None:
            self.items.pop(key, None)
        else:
            self.items[key] = new

    def returned(self, values, old, new, actions=()):
        """Attributes of an answer, {} for none."""
        image = old if "OLD" in values else new
        if values == "NONE" or image is None:
            return {}
        return image if values.startswith("ALL") else update.project([action[1] for action in actions], image)

    # -- Many items -----------------------------------------------------------------------------------------------

    def entries(self, index):
        """What can be seen of the items in an index, or of all."""
        for item in self.items.values():
            if index is None:
                yield item
            elif index.has(item):
                names = self.all_shown(index)
                yield {name: each for name, each in item.items() if names is None or name in names}

    def all_shown(self, index):
        if index is None or index.shown is None:
            return None
        return set(index.shown) | {name for name, _ in index.keys} | set(self.key_names())

    def order(self, index):
        """Of the entries in one partition; what DynamoDB leaves open is ordered by the table's key."""
        names = [name for name, _ in (index.keys[index.partitions:] if index else self.keys[1:])]
        return lambda item: [v.sort_key(item[name]) for name in names] + [v.sort_key(item[name]) for name in self.key_names()]

    def query(self, conditions, condition=None, index=None, backward=False):
        """conditions: of the key, as trees. Returns (what is read, what of it is shown)."""
        self.check_condition(condition)
        read = [item for item in self.entries(index) if all(expr.holds(each, item) for each in conditions)]
        read.sort(key=self.order(index), reverse=backward)
        return read, [item for item in read if not condition or expr.holds(condition, item)]

    def whole(self, entry):
        return self.items[self.key_of(entry)]


def write_units(old, new):
    return max(1, math.ceil(max(v.item_size(old or {}), v.item_size(new or {})) / 1024))
