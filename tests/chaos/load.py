"""One process of clients: threads that post jobs (clients.py), send to queues (senders.py) and receive from them (receivers.py), over one history."""
import json
import random
import threading
import time

from clients import Client, Items
from receivers import Book, Receiver
from senders import Sender

SENDERS, RECEIVERS = 2, 3  # threads each


class Shared:
    def __init__(self, client, seed, port, history, rate, stopping, relief, acked):
        self.port, self.stopping, self.relief, self.acked, self.rate = port, stopping, relief, acked, rate
        self.run = f"{seed}-{client}"
        self.client = client
        self.items = Items(client, random.Random(f"{seed}-{client}-items"))
        self.lock = threading.Lock()
        self.file = open(f"{history}/client{client}.jsonl", "w", encoding="utf-8")
        self.posted, self.begun = 0, time.monotonic()

    def record(self, ops):
        lines = "".join(json.dumps(op, separators=(",", ":")) + "\n" for op in ops)
        with self.lock:
            self.posted += len(ops)
            self.file.write(lines)
            self.acked[self.client] += sum(op["a"] == "acked" for op in ops)

    def pace(self):
        """Keeps to the rate; what outages cost is made up for, but slowly."""
        while self.relief.is_set() and not self.stopping.is_set():
            time.sleep(0.05)
        now = time.monotonic()
        ahead = self.posted / self.rate - (now - self.begun)
        if ahead > 0:
            time.sleep(min(ahead, 0.5))
        elif ahead < -5:
            self.begun = now - self.posted / self.rate - 5


def run_client(client, seed, port, folder, rate, threads, stopping, relief, acked):
    """The body of a process."""
    shared = Shared(client, seed, port, folder / "history", rate, stopping, relief, acked)
    book = Book(folder / f"deliveries/client{client}.jsonl")
    bodies = [Client(shared, f"{seed}-{client}-{i}").run for i in range(threads)]
    bodies += [Sender(shared, f"{seed}-{client}-send-{i}").run for i in range(SENDERS)]
    bodies += [lambda i=i: Receiver(port, f"{seed}-{client}-receive-{i}", book.write).run(stopping) for i in range(RECEIVERS)]
    running = [threading.Thread(target=body) for body in bodies]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    shared.file.close()
    book.close()
