#!/usr/bin/env python3
"""Random operations on random items, carried out by leat's table engine and by the model beside it; the answers must be the same.

    tests/model/run.py [--seed N] [--seeds COUNT] [--cases COUNT] [--engine build/engine]

A seed is a store of its own: tables with random items, then so many random operations. What differs is printed with the request that
made it, and the seed repeats it.
"""
import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import expr  # noqa: E402
import update  # noqa: E402
import value as v  # noqa: E402
from draw import Draw  # noqa: E402
from engine import Engine  # noqa: E402
from store import FAILED, Index, Refused, Table, invalid, write_units  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


class Different(AssertionError):
    pass


def tables():
    local = Index("local", [("p", "S"), ("n", "N")], local=True, shown=["a"])
    return [Table("simple", [("p", "S")]),
            Table("numbers", [("p", "N"), ("s", "S")]),
            Table("binary", [("p", "B"), ("s", "N")]),
            Table("bytes", [("p", "S"), ("s", "B")]),
            Table("indexed", [("p", "S"), ("s", "N")],
                  [local, Index("all", [("g", "S"), ("n", "N")]), Index("keys", [("g", "S")], shown=[]),
                   Index("many", [("g", "S"), ("h", "B"), ("n", "N"), ("s", "N")], partitions=2, shown=["a", "b"])])]


def describe(table):
    """The CreateTable request."""
    def schema(keys, partitions):
        return [{"AttributeName": name, "KeyType": "HASH" if i < partitions else "RANGE"} for i, (name, _) in enumerate(keys)]

    payload = {"KeySchema": schema(table.keys, 1), "BillingMode": "PAY_PER_REQUEST"}
    types = dict(table.keys)
    for index in table.indexes:
        types.update(index.keys)
        projection = {"ProjectionType": "ALL" if index.shown is None else "INCLUDE" if index.shown else "KEYS_ONLY"}
        if index.shown:
            projection["NonKeyAttributes"] = index.shown
        payload.setdefault("LocalSecondaryIndexes" if index.local else "GlobalSecondaryIndexes", []).append(
            {"IndexName": index.name, "KeySchema": schema(index.keys, index.partitions), "Projection": projection})
    payload["AttributeDefinitions"] = [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]
    return payload


class Session:
    def __init__(self, engine, seed):
        self.engine, self.random, self.counts = engine, random.Random(seed), Counter()
        self.draw, self.tables = Draw(self.random), tables()
        for table in self.tables:
            code, answer = engine.ask("TABLE_CREATE", table.name, describe(table))
            if code:
                raise Different(f"{table.name}: {code} {answer}")

    # -- Comparing ----------------------------------------------------------------------------------------------------

    def differ(self, what, expected, got):
        raise Different(f"{what}\n  request:  {self.engine.last}\n  expected: {expected}\n  got:      {got}")

    def ask(self, op, table, payload, expect):
        """The answer, where expect() gives one, or None where it is refused, by both sides alike. expect() returns what was to come."""
        code, answer = self.engine.ask(op, table, payload)
        try:
            expected = expect()
        except Refused as refused:
            self.counts[refused.name] += 1
            if code != refused.name or (refused.text and refused.text != answer["message"]):
                self.differ("refused", (refused.name, refused.text), (code, answer))
            return None, refused, answer
        self.counts[op] += 1
        if code:
            self.differ("not refused", expected, (code, answer))
        return answer, expected, None

    def same(self, what, expected, got):
        if expected != got:
            self.differ(what, expected, got)

    def same_items(self, what, expected, got, ordered=True):
        got = [v.read_item(each) for each in got]
        if not ordered:
            expected, got = sorted(expected, key=repr_of), sorted(got, key=repr_of)
        self.same(what, expected, got)

    # -- One item -------------------------------------------------------------------------------------------------------

    def table(self):
        return self.draw.one([*self.tables, self.tables[-1]])

    def some_item(self, table):
        if table.items and self.draw.chance(0.8):
            return self.draw.one(list(table.items.values()))
        return self.draw.item(table)

    def key(self, table):
        item = self.some_item(table)
        return {name: item[name] for name in table.key_names()}

    def about(self, table, key):
        """The item that is there, for conditions and updates to be about."""
        return table.items.get(table.key_of(key)) or self.draw.item(table)

    def condition(self, item, writer, payload, name):
        """Draws a condition, now and then none, and puts it into the request."""
        if self.draw.chance(0.4):
            return None
        condition = self.draw.condition(item)
        payload[name] = writer.condition(condition)
        return condition

    def put_options(self, payload, values):
        for name, words in [("ReturnValues", values), ("ReturnConsumedCapacity", ["NONE", "TOTAL"]),
                            ("ReturnValuesOnConditionCheckFailure", ["NONE", "ALL_OLD"])]:
            if self.draw.chance(0.5):
                payload[name] = self.draw.one(words)

    def write(self, op, table, payload, decide, actions=()):
        def expect():
            old, new = decide()
            return old, new

        answer, expected, refusal = self.ask(op, table.name, payload, expect)
        if answer is None:
            wants = payload.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and expected.more is not None
            self.same("Item", expected.more if wants else None, v.read_item(refusal["Item"]) if "Item" in refusal else None)
            return
        old, new = expected
        table.store(table.key_of(new if new is not None else payload_key(table, payload)), new)
        returned = table.returned(payload.get("ReturnValues", "NONE"), old, new, actions)
        self.same("Attributes", returned, v.read_item(answer["Attributes"]) if "Attributes" in answer else {})
        if payload.get("ReturnConsumedCapacity") == "TOTAL" and not table.indexes:
            self.same("units", write_units(old, new), answer["ConsumedCapacity"]["CapacityUnits"])

    def op_put(self):
        table = self.table()
        item = self.draw.item(table)
        if self.draw.chance(0.5):
            item.update(self.key(table))
        payload, writer = {"Item": v.plain_item(item)}, expr.Writer(self.random)
        condition = self.condition(self.about(table, item), writer, payload, "ConditionExpression")
        self.put_options(payload, ["NONE", "ALL_OLD"])
        self.write("CREATE", table, writer.into(payload), lambda: table.decide_put(item, condition))

    def op_update(self):
        table = self.table()
        key = self.key(table)
        payload, writer = {"Key": v.plain_item(key)}, expr.Writer(self.random)
        actions = []
        if self.draw.chance(0.95):
            actions = self.draw.actions(self.about(table, key), table.key_names())
            payload["UpdateExpression"] = writer.update(actions)
        condition = self.condition(self.about(table, key), writer, payload, "ConditionExpression")
        self.put_options(payload, ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
        self.write("UPDATE", table, writer.into(payload), lambda: table.decide_update(key, actions, condition), actions)

    def op_delete(self):
        table = self.table()
        key = self.key(table)
        payload, writer = {"Key": v.plain_item(key)}, expr.Writer(self.random)
        condition = self.condition(self.about(table, key), writer, payload, "ConditionExpression")
        self.put_options(payload, ["NONE", "ALL_OLD"])
        self.write("DELETE", table, writer.into(payload), lambda: table.decide_delete(key, condition))

    def projection(self, item, writer, payload):
        if self.draw.chance(0.6):
            return None
        paths = []
        for _ in range(self.draw.one([1, 2, 3])):
            path = self.draw.path(item)
            if not any(update.overlap(path, other) for other in paths):
                paths.append(path)
        payload["ProjectionExpression"] = ", ".join(writer.path(path) for path in paths)
        return paths

    def op_get(self):
        table = self.table()
        key = self.key(table)
        payload, writer = {"Key": v.plain_item(key)}, expr.Writer(self.random)
        paths = self.projection(self.about(table, key), writer, payload)

        def expect():
            table.check_paths(paths or [])
            table.check_key(key)
            item = table.items.get(table.key_of(key))
            return item if item is None or paths is None else update.project(paths, item)

        answer, expected, _ = self.ask("READ", table.name, writer.into(payload), expect)
        if answer is not None:
            self.same("Item", expected, v.read_item(answer["Item"]) if "Item" in answer else None)

    # -- Queries --------------------------------------------------------------------------------------------------------

    def key_conditions(self, table, index):
        """Equalities for the partition, then perhaps something for the sort key."""
        keys, partitions = (index.keys, index.partitions) if index else (table.keys, 1)
        like = self.draw.one(list(table.entries(index)) or [self.draw.key(keys)])
        found = [("=", ("path", (name,)), ("value", like[name])) for name, _ in keys[:partitions]]
        for name, kind in keys[partitions:]:
            if self.draw.chance(0.4):
                return found
            value = like[name] if self.draw.chance(0.5) else self.draw.key_value(kind)
            how = self.draw.one(["=", "=", "<", "<=", ">", ">=", "BETWEEN"] + (["begins_with"] if kind != "N" else []))
            if how == "BETWEEN":
                low, high = sorted([value, self.draw.key_value(kind)], key=v.sort_key)
                found.append((how, ("path", (name,)), ("value", low), ("value", high)))
            else:
                found.append((how, ("path", (name,)), ("value", value)))
            if how != "=":
                return found
        return found

    def pages(self, op, table, payload, expect, ordered):
        """All pages of a query or scan: the items and how many were read. None if it is refused."""
        items, scanned, payload = [], 0, dict(payload)
        for _ in range(1000):
            answer, expected, _ = self.ask(op, table.name, payload, expect)
            if answer is None:
                return
            limit = payload.get("Limit")
            self.same("Count", len(answer.get("Items", [])) if "Items" in answer else answer["Count"], answer["Count"])
            if limit and answer["ScannedCount"] > limit:
                self.differ("Limit", limit, answer["ScannedCount"])
            items += answer.get("Items", [None] * int(answer["Count"]))
            scanned += answer["ScannedCount"]
            if "LastEvaluatedKey" not in answer:
                break
            payload["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        read, shown = expected
        self.same("ScannedCount", len(read), scanned)
        if payload.get("Select") == "COUNT":
            self.same("Count", len(shown), len(items))
        else:
            self.same_items("Items", shown, items, ordered)

    def draw_page(self, table, index, payload, writer, example):
        """The filter, projection and limit that queries and scans have alike."""
        condition = self.condition(example, writer, payload, "FilterExpression")
        paths = self.projection(example, writer, payload)
        if paths is None and self.draw.chance(0.2):
            payload["Select"] = "COUNT"
        if self.draw.chance(0.5):
            payload["Limit"] = self.random.randrange(1, 6)
        if index:
            payload["IndexName"] = index.name
        return condition, paths

    def show(self, table, index, paths, entries):
        names = table.all_shown(index)
        if paths is None:
            return entries
        table.check_paths(paths)
        if names is not None and any(path[0] not in names for path in paths):
            if not index.local:
                raise invalid()
            entries = [table.whole(entry) for entry in entries]
        return [update.project(paths, entry) for entry in entries]

    def op_query(self):
        table = self.table()
        index = self.draw.one([None, *table.indexes])
        conditions = self.key_conditions(table, index)
        payload, writer = {}, expr.Writer(self.random)
        self.random.shuffle(conditions)
        payload["KeyConditionExpression"] = (writer.blank() + writer.word("AND") + writer.blank()).join(map(writer.predicate, conditions))
        example = self.draw.one(list(table.entries(index)) or [{}])
        filtered, paths = self.draw_page(table, index, payload, writer, example)
        backward = self.draw.chance(0.5)
        if backward:
            payload["ScanIndexForward"] = False
        key_names = [name for name, _ in (index.keys if index else table.keys)]

        def expect():
            names = table.all_shown(index)
            used = expr.paths(filtered) if filtered else []
            read, shown = table.query(conditions, filtered, index, backward)
            if any(path[0] in key_names for path in used) or (names is not None and any(path[0] not in names for path in used)):
                raise invalid()
            return read, self.show(table, index, paths, shown)

        self.pages("QUERY", table, writer.into(payload), expect, ordered=index is None or index.local or not ties(table, index))

    def op_scan(self):
        table = self.table()
        index = self.draw.one([None, None, *table.indexes])
        payload, writer = {}, expr.Writer(self.random)
        filtered, paths = self.draw_page(table, index, payload, writer, self.draw.one(list(table.entries(index)) or [{}]))

        def expect():
            read, shown = table.query([], filtered, index)
            return read, self.show(table, index, paths, shown)

        writer.into(payload)
        if self.draw.chance(0.2) and "Limit" not in payload:
            return self.segments(table, payload, expect)
        self.pages("LIST", table, payload, expect, ordered=False)

    def segments(self, table, payload, expect):
        items, total, expected = [], self.random.randrange(2, 7), None
        for segment in range(total):
            answer, expected, _ = self.ask("LIST", table.name, {**payload, "Segment": segment, "TotalSegments": total}, expect)
            if answer is None:
                return
            items += answer.get("Items", [None] * int(answer["Count"]))
        if payload.get("Select") == "COUNT":
            self.same("Count", len(expected[1]), len(items))
        else:
            self.same_items("Items", expected[1], items, ordered=False)

    # -- The parameters from before expressions -------------------------------------------------------------------------

    LEGACY = {"=": "EQ", "<>": "NE", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE", "BETWEEN": "BETWEEN", "IN": "IN",
              "attribute_exists": "NOT_NULL", "attribute_not_exists": "NULL", "begins_with": "BEGINS_WITH", "contains": "CONTAINS",
              "NOT_CONTAINS": "NOT_CONTAINS"}

    def legacy(self, item, keys, payload, name):
        """Draws conditions on attributes and puts them into the request; the tree that they are."""
        flat = self.draw.flat(item, keys)
        payload[name] = {}
        for attribute, node in flat.items():
            given = node[2] if node[0] == "IN" else node[2:]
            payload[name][attribute] = {"ComparisonOperator": self.LEGACY[node[0]]}
            if given:
                payload[name][attribute]["AttributeValueList"] = [v.plain(each[1]) for each in given]
        either = len(flat) > 1 and self.draw.chance(0.4)
        if either:
            payload["ConditionalOperator"] = "OR"
        return "OR" if either else "AND", list(flat.values())

    def op_legacy_scan(self):
        table = self.table()
        payload = {}
        filtered = self.legacy(self.some_item(table), table.key_names(), payload, "ScanFilter")
        paths = None
        if self.draw.chance(0.4):
            payload["AttributesToGet"] = self.random.sample(["a", "b", "name", "p"], 2)
            paths = [(name,) for name in payload["AttributesToGet"]]

        def expect():
            read, shown = table.query([], filtered)
            return read, self.show(table, None, paths, shown)

        self.pages("LIST", table, payload, expect, ordered=False)

    def op_legacy_query(self):
        """KeyConditions and QueryFilter."""
        table = self.table()
        index = self.draw.one([None, *[each for each in table.indexes if each.shown is None]])
        conditions, key_names = self.key_conditions(table, index), [name for name, _ in (index.keys if index else table.keys)]
        payload, filtered = {"KeyConditions": {}}, None
        for kind, path, *given in conditions:
            payload["KeyConditions"][path[1][0]] = {"ComparisonOperator": self.LEGACY[kind],
                                                    "AttributeValueList": [v.plain(each[1]) for each in given]}
        if self.draw.chance(0.7):
            filtered = self.legacy(self.some_item(table), [], payload, "QueryFilter")
        backward = self.draw.chance(0.5)
        payload["ScanIndexForward"] = not backward
        if self.draw.chance(0.4):
            payload["Limit"] = self.random.randrange(1, 6)

        def expect():
            read, shown = table.query(conditions, filtered, index, backward)
            if filtered and any(path[0] in key_names for path in expr.paths(filtered)):
                raise invalid()
            return read, self.show(table, index, None, shown)

        if index:
            payload["IndexName"] = index.name
        self.pages("QUERY", table, payload, expect, ordered=index is None or index.local or not ties(table, index))

    def op_legacy_write(self):
        table = self.table()
        key = self.key(table)
        about = self.about(table, key)
        payload, condition = {"Key": v.plain_item(key)}, None
        if self.draw.chance(0.6):
            condition = self.legacy(about, table.key_names(), payload, "Expected")
        self.put_options(payload, ["NONE", "ALL_OLD"])
        if self.draw.chance(0.3):
            self.write("DELETE", table, payload, lambda: table.decide_delete(key, condition))
            return
        actions, payload["AttributeUpdates"] = [], {}
        for name in self.random.sample(["a", "b", "c", "name"], self.random.randrange(1, 4)):
            kind, like = self.draw.one(["PUT", "ADD", "DELETE", "DELETE"]), about.get(name)
            if kind == "PUT" or (kind == "ADD" and like and like[0] not in ("N", "SS", "NS", "BS")):
                action = ("SET", (name,), ("value", self.draw.value()))
            elif kind == "DELETE" and not (like and like[0] in v.SETS):
                action = ("REMOVE", (name,))
            else:
                action = (kind, (name,), self.draw.value(0, like[0] if like else "N" if kind == "ADD" else "SS"))
            actions.append(action)
            entry = payload["AttributeUpdates"][name] = {"Action": {"SET": "PUT", "REMOVE": "DELETE"}.get(action[0], action[0])}
            if action[0] != "REMOVE":
                entry["Value"] = v.plain(action[2][1] if action[0] == "SET" else action[2])
        self.write("UPDATE", table, payload, lambda: table.decide_update(key, actions, condition), actions)

    # -- Numbers --------------------------------------------------------------------------------------------------------

    def op_sum(self):
        """Exact to the last digit, or refused."""
        table, key = self.tables[0], {"p": ("S", "sum")}
        a, b = ("N", self.draw.wide_number()), ("N", self.draw.wide_number())
        if self.draw.chance(0.3):
            b = ("N", a[1].scaleb(self.random.randrange(-3, 3)) * self.draw.one([1, -1]))
        actions = [("SET", ("d",), (self.draw.one("+-"), ("value", a), ("value", b)))]
        writer, payload = expr.Writer(self.random), {"Key": v.plain_item(key), "ReturnValues": "UPDATED_NEW"}
        payload["UpdateExpression"] = writer.update(actions)
        try:
            v.check_number(b[1])
        except Refused:
            return
        self.write("UPDATE", table, writer.into(payload), lambda: table.decide_update(key, actions), actions)

    # -- Several items --------------------------------------------------------------------------------------------------

    def op_batch_write(self):
        request, changes = {}, {}
        for _ in range(self.random.randrange(1, 8)):
            table = self.table()
            item = self.draw.item(table) if self.draw.chance(0.6) else self.key(table)
            place = (table.name, table.key_of(item))
            if place in changes:
                continue
            put = self.draw.chance(0.7)
            changes[place] = (table, item, put)
            key = {name: item[name] for name in table.key_names()}
            request.setdefault(table.name, []).append({"PutRequest": {"Item": v.plain_item(item)}} if put else
                                                      {"DeleteRequest": {"Key": v.plain_item(key)}})

        def expect():
            for table, item, put in changes.values():
                table.check_key(item)
                if put:
                    table.check_indexed(item)

        answer, _, _ = self.ask("BATCH_WRITE", "", {"RequestItems": request}, expect)
        if answer is None:
            return
        self.same("UnprocessedItems", {}, answer["UnprocessedItems"])
        for (_, key), (table, item, put) in changes.items():
            table.store(key, item if put else None)

    def op_batch_read(self):
        request, wanted = {}, {}
        for _ in range(self.random.randrange(1, 10)):
            table = self.table()
            key = self.key(table)
            if (table.name, table.key_of(key)) not in wanted:
                wanted[table.name, table.key_of(key)] = (table, key)
                request.setdefault(table.name, {"Keys": []})["Keys"].append(v.plain_item(key))

        def expect():
            for table, key in wanted.values():
                table.check_key(key)
            return {name: [item for (of, key), (table, _) in wanted.items() if of == name and (item := table.items.get(key)) is not None]
                    for name in request}

        answer, expected, _ = self.ask("BATCH_READ", "", {"RequestItems": request}, expect)
        if answer is not None:
            self.same("tables", sorted(expected), sorted(answer["Responses"]))
            for name, items in expected.items():
                self.same_items("Responses", items, answer["Responses"][name], ordered=False)

    def draw_action(self, table, key):
        """One action of a transaction: its part of the request, what decides about it, whether it writes."""
        writer, payload = expr.Writer(self.random), {"TableName": table.name}
        about, kind = self.about(table, key), self.draw.one(["Put", "Update", "Delete", "ConditionCheck"])
        actions, item = [], {**self.draw.item(table), **key}
        if kind == "Put":
            payload["Item"] = v.plain_item(item)
        else:
            payload["Key"] = v.plain_item(key)
        if kind == "Update":
            actions = self.draw.actions(about, table.key_names())
            payload["UpdateExpression"] = writer.update(actions)
        condition = None
        if kind == "ConditionCheck" or self.draw.chance(0.3):
            condition = self.draw.condition(about) if self.draw.chance(0.5) else ("attribute_exists", ("path", (table.key_names()[0],)))
            payload["ConditionExpression"] = writer.condition(condition)
        if self.draw.chance(0.5):
            payload["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        decide = {"Put": lambda: table.decide_put(item, condition), "Update": lambda: table.decide_update(key, actions, condition),
                  "Delete": lambda: table.decide_delete(key, condition), "ConditionCheck": lambda: table.decide_delete(key, condition)}
        return {kind: writer.into(payload)}, payload, decide[kind], kind != "ConditionCheck"

    def op_transact_write(self):
        parts = {}
        for _ in range(self.random.randrange(1, 6)):
            table = self.table()
            key = self.key(table)
            parts[table.name, table.key_of(key)] = (table, *self.draw_action(table, key))
        code, answer = self.engine.ask("TRANSACT_WRITE", "", {"TransactItems": [part[1] for part in parts.values()]})
        results = []
        for table, _, payload, decide, _ in parts.values():
            try:
                results.append((None, decide()))
            except Refused as refused:
                results.append((refused, payload))
        self.counts["TRANSACT_WRITE"] += 1
        if not any(refused for refused, _ in results):
            self.same("transaction", "", code)
            for ((_, key), (table, _, _, _, writes)), (_, (_, new)) in zip(parts.items(), results):
                if writes:
                    table.store(key, new)
            return
        self.counts["canceled"] += 1
        if code == "ValidationException": # a part cannot be right whatever the items are: the request is refused
            self.same("refused", True, any(refused and refused.name == code for refused, _ in results))
            return
        self.same("transaction", "TransactionCanceledException", code)
        names = {"ValidationException": "ValidationError", "ConditionalCheckFailedException": "ConditionalCheckFailed"}
        reasons = answer["CancellationReasons"]
        told = [reason["Code"] for reason in reasons]
        if told != [names[refused.name] if refused else "None" for refused, _ in results]:
            one = [i for i, code in enumerate(told) if code != "None"]  # keys come before items, and the first one ends it
            refused = results[one[0]][0]
            self.same("reasons", (1, "ValidationError", True),
                      (len(one), told[one[0]], refused is not None and refused.name == "ValidationException"))
            return
        for (refused, payload), reason in zip(results, reasons):
            if refused and payload.get("ReturnValuesOnConditionCheckFailure") and refused.more:
                self.same("reason's Item", refused.more, v.read_item(reason["Item"]))

    def op_transact_read(self):
        parts = {}
        for _ in range(self.random.randrange(1, 8)):
            table = self.table()
            key = self.key(table)
            parts[table.name, table.key_of(key)] = (table, key)

        def expect():
            for table, key in parts.values():
                table.check_key(key)
            return [table.items.get(table.key_of(key)) for table, key in parts.values()]

        payload = {"TransactItems": [{"Get": {"TableName": table.name, "Key": v.plain_item(key)}} for table, key in parts.values()]}
        answer, expected, _ = self.ask("TRANSACT_READ", "", payload, expect)
        if answer is not None:
            self.same("Responses", expected, [v.read_item(each["Item"]) if "Item" in each else None for each in answer["Responses"]])

    # -- PartiQL --------------------------------------------------------------------------------------------------------

    def op_select(self):
        """SELECT * with conditions, some of them on the key, through all pages."""
        table = self.draw.one([each for each in self.tables if not each.indexes])
        writer = expr.Writer(self.random, partiql=True)
        conditions = self.key_conditions(table, None) if self.draw.chance(0.6) else []
        condition = self.draw.condition(self.some_item(table)) if self.draw.chance(0.7) or not conditions else None
        if condition and any(path[0] in table.key_names() for path in expr.paths(condition)):
            return # what is said of keys beside the conditions above may be refused for its type, or make other reads
        ordered = bool(conditions)
        for i, (kind, path, *given) in enumerate(conditions):
            if kind == "=" and self.draw.chance(0.3):  # several reads
                conditions[i], ordered = ("IN", path, given + [("value", self.draw.key_value(given[0][1][0])) for _ in range(3)]), False
        parts = [writer.predicate(each) for each in conditions]
        if condition:
            parts.append(writer.condition(condition, 2))
        payload = {"Statement": 'SELECT * FROM "%s" WHERE %s' % (table.name, " AND ".join(parts))}
        backward = ordered and len(table.keys) > 1 and self.draw.chance(0.3)
        if backward:
            payload["Statement"] += ' ORDER BY "s" DESC'
        if writer.parameters:
            payload["Parameters"] = [v.plain(each) for each in writer.parameters]
        if self.draw.chance(0.5):
            payload["Limit"] = self.random.randrange(1, 6)

        def expect():
            if condition:
                expr.check_condition(condition, partiql=True)
                table.check_paths(expr.paths(condition))
            read = [item for item in table.entries(None) if all(expr.holds(each, item) for each in conditions)]
            return sorted((item for item in read if not condition or expr.holds(condition, item)), key=table.order(None), reverse=backward)

        items = []
        for _ in range(1000):
            answer, expected, _ = self.ask("STATEMENT", "", payload, expect)
            if answer is None:
                return
            items += answer["Items"]
            if "NextToken" not in answer:
                break
            payload["NextToken"] = answer["NextToken"]
        self.same_items("Items", expected, items, ordered)

    def where_of(self, table, key, condition, writer):
        parts = [writer.name(name) + " = " + writer.value(key[name]) for name in table.key_names()]
        if condition:
            parts.append(writer.condition(condition, 2))
        return " WHERE " + (" " + writer.word("AND") + " ").join(parts)

    def statement(self, table, key, text, writer, expect, returning):
        """Carries out a statement that writes; expect() returns the old item, the new one, and what is to come back."""
        payload = {"Statement": text}
        if writer.parameters:
            payload["Parameters"] = [v.plain(each) for each in writer.parameters]
        if returning:
            payload["Statement"] += " RETURNING %s *" % returning
        answer, expected, _ = self.ask("STATEMENT", "", payload, expect)
        if answer is None:
            return
        _, new, back = expected
        table.store(table.key_of(key), new)
        self.same_items("Items", [back] if back else [], answer.get("Items", []))

    def op_insert(self):
        table, writer = self.table(), expr.Writer(self.random, partiql=True)
        item = self.draw.item(table)
        if self.draw.chance(0.3):
            item.update(self.key(table))
        pairs = ", ".join("'%s': %s" % (name.replace("'", "''"), writer.value(each)) for name, each in item.items())

        def expect():
            _, new = table.decide_put(item)
            if table.key_of(item) in table.items:
                raise Refused("DuplicateItemException", "Duplicate primary key exists in table")
            return None, new, None

        self.statement(table, item, 'INSERT INTO "%s" VALUE {%s}' % (table.name, pairs), writer, expect, None)

    def change_condition(self, table, key):
        if self.draw.chance(0.5):
            return None
        condition = self.draw.condition(self.about(table, key))
        return None if any(path[0] in table.key_names() for path in expr.paths(condition)) else condition

    def op_remove(self):
        table, writer = self.table(), expr.Writer(self.random, partiql=True)
        key = self.key(table)
        condition, returning = self.change_condition(table, key), self.draw.one([None, "ALL OLD"])

        def expect():
            if condition:
                expr.check_condition(condition, partiql=True)
                table.check_paths(expr.paths(condition))
            table.check_key(key)
            old = table.items.get(table.key_of(key))
            if old is not None and condition and not expr.holds(condition, old):
                raise Refused("ConditionalCheckFailedException", FAILED, old)
            return old, None, old if returning else None

        text = 'DELETE FROM "%s"' % table.name + self.where_of(table, key, condition, writer)
        self.statement(table, key, text, writer, expect, returning)

    def op_change(self):
        table, writer = self.table(), expr.Writer(self.random, partiql=True)
        key = self.key(table)
        actions = [each for each in self.draw.actions(self.about(table, key), table.key_names()) if each[0] in ("SET", "REMOVE")]
        if not actions or any(self.has(each, "if_not_exists") for each in actions):
            return
        condition, returning = self.change_condition(table, key), self.draw.one([None, "ALL OLD", "ALL NEW"])
        text = 'UPDATE "%s"' % table.name
        for action in actions:
            text += writer.blank() + writer.word(action[0]) + " " + writer.path(action[1])
            text += " = " + writer.operand(action[2]) if action[0] == "SET" else ""
        text += self.where_of(table, key, condition, writer)

        def expect():
            if condition:
                expr.check_condition(condition, partiql=True)
                table.check_paths(expr.paths(condition))
            update.check(actions, table.key_names())
            table.check_paths([action[1] for action in actions])
            table.check_key(key)
            old = table.items.get(table.key_of(key))
            if old is None or (condition and not expr.holds(condition, old)):
                raise Refused("ConditionalCheckFailedException", FAILED, old)
            new = update.apply(actions, old)
            table.check_indexed(new, old)
            return old, new, {"ALL OLD": old, "ALL NEW": new}.get(returning)

        self.statement(table, key, text, writer, expect, returning)

    @staticmethod
    def has(tree, word):
        return tree == word or (isinstance(tree, (tuple, list)) and any(Session.has(each, word) for each in tree))

    # -- All ------------------------------------------------------------------------------------------------------------

    def op_compare_everything(self):
        """What is in the table, and in its indexes."""
        table = self.table()
        for index in [None, *table.indexes]:
            payload = {"IndexName": index.name} if index else {}
            answer, expected, _ = self.ask("LIST", table.name, payload, lambda: list(table.entries(index)))
            self.same_items("the whole " + (index.name if index else table.name), expected, answer["Items"], ordered=False)

    WEIGHTS = {"put": 22, "update": 30, "delete": 5, "get": 8, "query": 20, "scan": 10, "batch_write": 3, "batch_read": 3,
               "transact_write": 8, "transact_read": 2, "select": 8,
               "legacy_scan": 4, "legacy_query": 6, "legacy_write": 6, "insert": 6, "change": 8, "remove": 3, "sum": 10, "compare_everything": 1}

    def run(self, cases):
        names, weights = list(self.WEIGHTS), list(self.WEIGHTS.values())
        for name in self.random.choices(names, weights, k=cases):
            getattr(self, "op_" + name)()


def payload_key(table, payload):
    data = payload.get("Key") or payload["Item"]
    return {name: v.read(data[name]) for name in table.key_names()}


def repr_of(item):
    """A text that is the same for equal items."""
    return repr(canonical(("M", item)))


def canonical(value):
    kind, content = value
    if kind == "M":
        return kind, sorted((name, canonical(each)) for name, each in content.items())
    if kind == "L":
        return kind, [canonical(each) for each in content]
    if kind == "N":
        return kind, str(content.normalize(v.EXACT))
    if kind in v.SETS:
        return kind, sorted(canonical((v.SETS[kind], each)) for each in content)
    return value


def ties(table, index):
    """Have two entries of an index the same key? Their order is open then."""
    keys = Counter(tuple(v.sort_key(item[name]) for name, _ in index.keys) for item in table.entries(index))
    return any(count > 1 for count in keys.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--engine", default=str(ROOT / "build/engine"))
    options = parser.parse_args()
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    counts, start = Counter(), time.monotonic()
    for seed in range(first, first + options.seeds):
        with Engine(options.engine) as engine:
            session = Session(engine, seed)
            try:
                session.run(options.cases)
            except Different as different:
                print(f"seed {seed}: {different}", file=sys.stderr)
                return 1
            counts += session.counts
    print(f"seeds {first}..{first + options.seeds - 1}, {sum(counts.values())} answers in {time.monotonic() - start:.1f} s: "
          + ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
