"""Messages of queues, as kinds of operations (kinds.py): how they are sent, and what the receivers must have seen of them. Pure.

What receivers write down (receivers.py), one JSON line each, all times monotonic ns:

    {"e": "receive", "q": queue, "w": number of the receive, "t0", "t1", "v": visibility in s, "m": [{"n", "g", "id", "seq"}]}
    {"e": "delete" or "release", "q", "w": of which receive, "n", "t0", "t1", "a": acked | unknown | refused, "why"}

A receive is on disk before it is answered, and its visibility time goes on over restarts; so what was received is surely in flight from the
answer until that time has passed since the request. A step of the wall clock may end it sooner, at the broker's next start: Checker.jumps are the
times in which that may have been."""
import collections
import dataclasses

from kinds import KINDS, Kind, check_order, tell

NS = 10**9
ROUNDING = 50 * 10**6  # the broker looks at the clock, in ms, once a turn, and a turn takes that long on a busy machine
FOR_EVER = 2**63
PADDING = (0, 7, 60, 900, 12000)


def text_of(n, group):
    """Of message n: tells where it belongs; some are long."""
    return f"{n} {group} ".ljust(PADDING[n % 7 if n % 7 < 4 else 4 if n % 41 == 0 else 1], "x")


def number_of(text):
    """(n, group) or None: nobody sent this."""
    words = text.split(" ")
    if len(words) > 1 and words[0].isdigit() and text == text_of(int(words[0]), words[1]):
        return int(words[0]), words[1]
    return None


@dataclasses.dataclass
class Trail:
    """What the receivers saw of one message."""
    receives: list = dataclasses.field(default_factory=list)  # (receive, what it said of the message)
    deletes: list = dataclasses.field(default_factory=list)
    releases: list = dataclasses.field(default_factory=list)

    def gone_from(self):
        """Not before this time was it deleted."""
        return min((d["t0"] for d in self.deletes if d["a"] != "refused"), default=FOR_EVER)

    def explained(self):
        """Something may have deleted it after the last that was seen of it."""
        last = max((r["t0"] for r, _ in self.receives), default=0)
        return any(d["a"] == "unknown" or (d["a"] == "acked" and d["t1"] > last) for d in self.deletes)

    def visible_from(self, receive):
        """Until then it was surely in flight, had the broker's clock not been put forward."""
        ends = [e["t0"] for e in self.releases + self.deletes if e["w"] == receive["w"]]
        return min([trail_end(receive), *ends])


def trails_of(deliveries):
    """{queue: {n: Trail}}; what cannot be read is under None."""
    found = collections.defaultdict(lambda: collections.defaultdict(Trail))
    for event in deliveries:
        queue = found[event["q"]]
        if event["e"] == "receive":
            for message in event["m"]:
                queue[message["n"]].receives.append((event, message))
        else:
            trail = queue[event["n"]]
            (trail.deletes if event["e"] == "delete" else trail.releases).append(event)
    return found


class Message(Kind):
    """Of a standard queue: a message that was acknowledged is received until it is deleted, and never after."""
    fifo = False

    def __init__(self, queue, share, **attributes):
        self.queue, self.share, self.attributes = queue, share, attributes

    def entry(self, op):
        """Its fields of SendMessage."""
        return {"MessageBody": text_of(op["n"], op["item"])}

    def trails(self, c):
        return c.trails[self.queue]

    def check(self, c, item, ops):
        for op in ops:
            trail = self.trails(c).get(op["n"]) or Trail()
            self.check_arrival(c, op, trail)
            self.check_fate(c, op, trail)
            self.check_in_flight(c, op, trail)

    def left(self, c):
        return any(count for name, count in c.state["queues"].items() if name.endswith("/" + self.queue))

    def check_arrival(self, c, op, trail):
        ids = {m["id"] for _, m in trail.receives}
        if op["a"] == "acked" and not ids and self.left(c):
            c.add("stuck", f"never received, and {self.queue} is not empty: {tell(op)}")
        else:
            c.times(op, len(ids), self.queue)
        for receive, m in trail.receives:
            if m["g"] != op["item"]:
                c.add("wrong", f"{self.queue} says group {m['g']} in receive {receive['w']}: {tell(op)}")
        if op["a"] == "acked" and len(ids) == 1 and (op["id"], op.get("seq")) != (trail.receives[0][1]["id"], trail.receives[0][1]["seq"]):
            c.add("wrong", f"{self.queue} calls it {trail.receives[0][1]}: {tell(op)}")

    def ends(self, c, trail, delete):
        """An acknowledged deletion that took effect: of the receive that was the message's last by then."""
        receive = next((r for r, _ in trail.receives if r["w"] == delete["w"]), None)
        return delete["a"] == "acked" and receive and delete["t1"] < trail_end(receive) and not c.jumped(receive["t0"], delete["t1"])

    def check_fate(self, c, op, trail):
        if trail.receives and not self.left(c) and not trail.explained():
            c.add("lost", f"received, not deleted, and gone from {self.queue}: {tell(op)}")
        for delete in trail.deletes:
            for receive, _ in trail.receives:
                if receive["t0"] > delete["t1"] and self.ends(c, trail, delete):
                    c.add("duplicated", f"receive {receive['w']} after the deletion by {delete['w']} was acknowledged: {tell(op)}")

    def check_in_flight(self, c, op, trail):
        """Two receives have it at once, whichever was first."""
        for i, (one, _) in enumerate(trail.receives):
            for other, _ in trail.receives[i + 1:]:
                apart = other["t1"] >= trail.visible_from(one) or one["t1"] >= trail.visible_from(other)
                if not apart and not c.jumped(min(one["t0"], other["t0"]), max(one["t1"], other["t1"])):
                    c.add("duplicated", f"in flight twice, by receives {one['w']} and {other['w']}: {tell(op)}")

    def check_all(self, c, ops):
        known, owner = {op["n"] for op in ops}, {}
        for n, trail in self.trails(c).items():
            if n not in known:
                c.add("phantom", f"{self.queue} gave out what nobody sent: {trail.receives[:1]}")
        said = [(op["seq"], op["n"]) for op in ops if op.get("seq")]
        seen = [(m["seq"], n) for n, trail in self.trails(c).items() for _, m in trail.receives if m["seq"] and n in known]
        for seq, n in said + seen:
            if owner.setdefault(seq, n) != n:
                c.add("wrong", f"{self.queue} has sequence number {seq} twice: for {owner[seq]} and for {n}")


def trail_end(receive):
    return receive["t0"] + receive["v"] * NS - ROUNDING


class Fifo(Message):
    """And of a group each message comes when all before it are gone, or behind them in one receive. An item is a group."""
    fifo, room = True, 120

    def __init__(self, queue, share, open_items, **attributes):
        super().__init__(queue, share, FifoQueue="true", **attributes)
        self.open_items = open_items

    def entry(self, op):
        return {**super().entry(op), "MessageGroupId": op["item"], "MessageDeduplicationId": f"d{op['n']}"}

    def ends(self, c, trail, delete):
        """A handle that is not in force any more is refused."""
        return delete["a"] == "acked"

    def check(self, c, item, ops):
        super().check(c, item, ops)
        trails = self.trails(c)
        seqs = {op["n"]: op.get("seq") or next((m["seq"] for _, m in trails[op["n"]].receives), None) for op in ops if op["n"] in trails}
        there = sorted((op for op in ops if seqs.get(op["n"])), key=lambda op: seqs[op["n"]])
        check_order(c, f"{self.queue}/{item}", there)
        self.check_turns(c, [(op, seqs[op["n"]], trails[op["n"]]) for op in there])

    def check_turns(self, c, there):
        """In each receive: nothing whose elders are neither gone nor in front of it."""
        receives = {r["w"]: r for _, _, trail in there for r, _ in trail.receives}
        place = {op["n"]: i for i, (op, _, _) in enumerate(there)}
        gone = [trail.gone_from() for _, _, trail in there]
        for receive in receives.values():
            here = [place[m["n"]] for m in receive["m"] if m["n"] in place]
            for i, at in enumerate(here):
                for elder in range(at):
                    if gone[elder] >= receive["t1"] and elder not in here[:i]:
                        c.add("reordered", f"{self.queue}: receive {receive['w']} has {tell(there[at][0])} while {tell(there[elder][0])} is there")
                        break


QUEUES = {
    "fifo": Fifo("orders.fifo", share=45, open_items=6),
    "grouped": Fifo("parts.fifo", share=20, open_items=6, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId"),
    "standard": Message("tasks", share=35),
}
EVERY = {**KINDS, **QUEUES}
