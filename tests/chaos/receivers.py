"""Threads of a client that receive from queues and delete, give back, or let the visibility time run out; messages.py tells what they write down.

    run(port, seed, file, stopping)            a thread body: some of everything, until told to stop
    drain(port, folder, stopping)              the same at the end, in threads of its own: all is deleted until told to stop"""
import http.client
import itertools
import json
import pathlib
import random
import threading
import time

from clients import Connection
from messages import NS, QUEUES, number_of
from sqs_client import Sqs

TRIES = 4
VISIBILITIES = (2, 4, 4, 8)
LATE_SECONDS = 0.3
FATES = {"delete": 76, "delete-some": 8, "late": 4, "forget": 3, "release": 9}  # weights
DRAINERS = 6
DRAIN_VISIBILITY = 10


class Receiver:
    numbers = itertools.count(1)

    def __init__(self, port, seed, write, fates=None, visibilities=VISIBILITIES):
        self.rng, self.write, self.fates, self.visibilities = random.Random(seed), write, fates or FATES, visibilities
        self.connection, self.seed = Connection(port), seed
        self.sqs = Sqs(self.connection, self.rng.random() < 0.5)
        self.late = []  # (when, receive): handles that will be used when their time is over

    def ask(self, action, fields, tries=TRIES):
        """(times of its tries, t1, status, answer); status 0: nobody answered. Said again until there is an answer that says what happened."""
        sent, status, answer = [], 0, {}
        for _ in range(tries):
            try:
                self.connection.connect(3)
                sent.append(time.monotonic_ns())
                status, answer = self.sqs.call(action, fields)
                if status < 500:
                    break
            except (OSError, http.client.HTTPException):
                self.connection.drop()
            time.sleep(0.05)
        return sent or [time.monotonic_ns()], time.monotonic_ns(), status, answer

    # -- Receives --------------------------------------------------------------------------------------------------
    def receive(self, queue, fifo):
        """A receive that has messages, as it is written down, and their handles; or None."""
        number = f"{self.seed}-{next(self.numbers)}"
        visibility = self.rng.choice(self.visibilities)
        fields = {"QueueUrl": queue, "MaxNumberOfMessages": self.rng.randrange(1, 11), "AttributeNames": ["All"],
                  "VisibilityTimeout": visibility, "WaitTimeSeconds": self.rng.choice((0, 0, 1))}
        attempt = fifo and self.rng.random() < 0.5
        if attempt:
            fields["ReceiveRequestAttemptId"] = number
        sent, t1, status, answer = self.ask("ReceiveMessage", fields, TRIES if attempt else 1)
        if status != 200 or not answer.get("Messages"):
            return None
        found = {"e": "receive", "q": queue, "w": number, "t0": sent[-1], "t1": t1, "v": visibility, "m": list(map(self.seen, answer["Messages"]))}
        self.write(found)
        return {**found, "handles": [m["ReceiptHandle"] for m in answer["Messages"]]}

    def seen(self, message):
        attributes = message.get("Attributes", {})
        n, group = number_of(message["Body"]) or (message["Body"][:80], None)
        return {"n": n, "g": attributes.get("MessageGroupId", group), "id": message["MessageId"], "seq": attributes.get("SequenceNumber")}

    # -- What becomes of them --------------------------------------------------------------------------------------
    def settle(self, what, received, places):
        """Deletes or releases what stands at those places, alone or together, and writes down each."""
        places = list(places)
        if len(places) == 1 or self.rng.random() < 0.2:
            for place in places:
                self.settle_one(what, received, place)
        elif places:
            self.settle_all(what, received, places)

    def fields(self, what, handle):
        return {"ReceiptHandle": handle, **({"VisibilityTimeout": 0} if what == "release" else {})}

    def settle_one(self, what, received, place):
        action = "DeleteMessage" if what == "delete" else "ChangeMessageVisibility"
        sent, t1, status, answer = self.ask(action, {"QueueUrl": received["q"], **self.fields(what, received["handles"][place])})
        self.settled(what, received, place, sent, t1, status, answer)

    def settle_all(self, what, received, places):
        action = "DeleteMessageBatch" if what == "delete" else "ChangeMessageVisibilityBatch"
        entries = [{"Id": str(place), **self.fields(what, received["handles"][place])} for place in places]
        sent, t1, status, answer = self.ask(action, {"QueueUrl": received["q"], "Entries": entries})
        good = {entry["Id"] for entry in answer.get("Successful", [])}
        failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
        for place in places:
            if str(place) in good:
                self.settled(what, received, place, sent, t1, 200, {})
            elif str(place) in failed:
                entry = failed[str(place)]
                self.settled(what, received, place, sent, t1, 400 if str(entry.get("SenderFault")).lower() == "true" else 500, entry)
            else:
                self.settled(what, received, place, sent, t1, 0 if status == 200 else status, answer)

    def settled(self, what, received, place, sent, t1, status, answer):
        """A refusal behind a try that nobody answered leaves open whether that one took effect."""
        why = f"{status} {answer.get('code') or answer.get('Code', '')}".strip()
        sure = 400 <= status < 500 and len(sent) == 1
        self.write({"e": what, "q": received["q"], "w": received["w"], "n": received["m"][place]["n"], "t0": sent[0], "t1": t1,
                    "a": "acked" if status == 200 else "refused" if sure else "unknown", **({} if status == 200 else {"why": why})})

    def decide(self, received):
        fate = self.rng.choices(list(self.fates), self.fates.values())[0]
        count = len(received["m"])
        if fate == "delete":
            self.settle("delete", received, range(count))
        elif fate == "delete-some":
            self.settle("delete", received, range(self.rng.randrange(count + 1)))
        elif fate == "release":
            self.settle("release", received, range(self.rng.randrange(count), count))
        elif fate == "late":
            self.late.append((received["t1"] + (received["v"] + LATE_SECONDS) * NS, received))

    def too_late(self):
        """Deletes what is not its any more: it may be somebody else's by now."""
        now = time.monotonic_ns()
        due, self.late = [r for when, r in self.late if when <= now], [(when, r) for when, r in self.late if when > now]
        for received in due:
            self.settle("delete", received, range(len(received["m"])))

    def run(self, stopping):
        while not stopping.is_set():
            self.too_late()
            name = self.rng.choices(list(QUEUES), [kind.share for kind in QUEUES.values()])[0]
            received = self.receive(QUEUES[name].queue, QUEUES[name].fifo)
            if received:
                self.decide(received)
            else:
                stopping.wait(0.1)
        self.connection.drop()


class Book:
    """Where the threads of a process write."""

    def __init__(self, path):
        self.lock, self.file = threading.Lock(), open(path, "w", encoding="utf-8")

    def write(self, event):
        with self.lock:
            self.file.write(json.dumps(event, separators=(",", ":")) + "\n")

    def close(self):
        self.file.close()


def drain(port, folder, stopping):
    """Returns when told to; call it in a thread."""
    book = Book(pathlib.Path(folder, "deliveries/drain.jsonl"))
    running = [threading.Thread(target=Receiver(port, f"drain{i}", book.write, {"delete": 1}, [DRAIN_VISIBILITY]).run, args=(stopping,))
               for i in range(DRAINERS)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    book.close()


def make_queues(port, seconds=20):
    connection, deadline = Connection(port), time.monotonic() + seconds
    for kind in QUEUES.values():
        while True:
            try:
                status, answer = Sqs(connection, True).call("CreateQueue", {"QueueName": kind.queue, "Attributes": kind.attributes})
                if status == 200:
                    break
            except (OSError, http.client.HTTPException) as e:
                answer = repr(e)
            assert time.monotonic() < deadline, f"{kind.queue}: {answer}"
            time.sleep(0.1)
    connection.drop()
