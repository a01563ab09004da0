"""Threads of a client that send to queues: one line of history a message, as for jobs (clients.py), with `seq`, the sequence number of a FIFO queue.

Whatever a FIFO queue did not acknowledge is sent again under its deduplication id, together with the rest of its batch; now and then, what it did."""
import random

from clients import Client, refused_for_sure
from messages import QUEUES
from sqs_client import Sqs

BATCH_MAX = 10
AGAIN = 0.03  # of what is acknowledged is sent again all the same


def read_sent(op, status, answer):
    """Fills in what the answer to one message says."""
    if "MessageId" in answer:
        known = op.get("seq")
        op.update(a="acked", id=answer["MessageId"], seq=answer.get("SequenceNumber"))
        if known and known != op["seq"]:
            op["second"] = op["seq"]
        return
    text = answer.get("message") or answer.get("Message", "")
    sure = refused_for_sure({"detail": text}) or 400 <= status < 500
    op.update(a="refused" if sure else "unknown", why=f"{status} {text}")


class Sender(Client):
    def __init__(self, shared, seed):
        super().__init__(shared, seed)
        self.sqs = Sqs(self.connection, random.Random(seed).random() < 0.5)

    def send(self, form, ops, _key):
        kind = QUEUES[ops[0]["k"]]
        if form == "send":
            read_sent(ops[0], *self.sqs.call("SendMessage", {"QueueUrl": kind.queue, **kind.entry(ops[0])}))
            return
        entries = [{"Id": str(i), **kind.entry(op)} for i, op in enumerate(ops)]
        status, answer = self.sqs.call("SendMessageBatch", {"QueueUrl": kind.queue, "Entries": entries})
        said = {entry["Id"]: entry for entry in answer.get("Successful", []) + answer.get("Failed", [])}
        for i, op in enumerate(ops):
            entry = said.get(str(i), answer)
            read_sent(op, 400 if str(entry.get("SenderFault", "")).lower() == "true" else max(status, 500) if entry is not answer else status, entry)

    def post(self):
        name = self.rng.choices(list(QUEUES), [kind.share for kind in QUEUES.values()])[0]
        form = self.rng.choice(("send", "send-batch"))
        ops = [self.shared.items.of(name) for _ in range(self.rng.randrange(2, BATCH_MAX + 1) if form == "send-batch" else 1)]
        fifo = QUEUES[name].fifo
        for i, op in enumerate(ops):
            op.update(r=ops[0]["n"], i=i, f=form, a="unknown", o=None)
        self.until_settled(form, ops, fifo)
        if fifo and self.rng.random() < AGAIN:
            self.attempt(form, ops, fifo)
        self.settle(ops)
