"""A broker alone, and a client that speaks its wire as docs/PROTOCOL.md has it: REQUESTS and RESPONSES.

    with Broker() as broker:
        queue = broker.client()
        queue.create("q")
        queue.send("q", b"hello")
        [message] = queue.receive("q")
        queue.delete("q", message["handle"])

Waiting is always on a condition with a deadline.
"""
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import msgpack
import zmq

BUILD = pathlib.Path(os.environ.get("LEAT_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
HELLO, WELCOME, WHO, REQUESTS, RESPONSES = 0, 7, 15, 26, 27
VERBS = ("SEND RECEIVE DELETE VISIBILITY CREATE DESCRIBE CHANGE REMOVE LIST PURGE MOVE_START MOVE_CANCEL MOVE_LIST PEEK FIND "
         "STOP").split()
RESULTS = ("OK INVALID NO_QUEUE EXISTS DELETED_RECENTLY TOO_MANY CONFLICT BUILT_IN WORKERS_ONLY FULL DISK_FULL TOO_LARGE NO_GROUP "
           "NO_DEDUPLICATION OVER_LIMIT BAD_HANDLE EXPIRED NOT_IN_FLIGHT NO_MESSAGE TOO_LONG IN_PROGRESS NO_TASK NO_SOURCE "
           "NO_DESTINATION OTHER_KIND").split()
ATTRIBUTES = ("kind visibility delay retention wait max_lease max_message_bytes max_receive_count dead_letter content_deduplication "
              "deduplicate_by_group throughput_by_group max_inflight max_per_group paused max_messages max_bytes").split()
MESSAGE = "id handle seq count sent first source reason body".split()
DESCRIPTION = "name version created changed attributes document ready inflight delayed bytes noisy receivers oldest entered left".split()
TASK = "task status destination rate moved total started reason".split()
SEEN = "queue id seq state count sent first due group priority source reason length body".split()


def new_id():
    return os.urandom(16)


class Refused(Exception):
    """A result that is not OK; .result is its name, .body what came with it."""

    def __init__(self, result, body):
        super().__init__(result)
        self.result, self.body = result, body


class Client:
    def __init__(self, endpoint):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)
        self.numbers = itertools.count(1)
        self.early = {}
        self.greet()

    def close(self):
        self.socket.close()
        self.context.term()

    def greet(self, seconds=10):
        deadline = time.monotonic() + seconds
        while True:
            self.put([HELLO, 1, "test", "test"])
            frame = self.get(0.5)
            if frame and frame[0] == WELCOME:
                return
            assert time.monotonic() < deadline, "no WELCOME"

    def put(self, frame):
        self.socket.send(msgpack.packb(frame))

    def get(self, seconds):
        """The next frame, or None."""
        return msgpack.unpackb(self.socket.recv(), strict_map_key=False) if self.socket.poll(int(seconds * 1000)) else None

    # -- Requests: post() several in one frame, answer() each by its number; ask() does both ----------------------------------
    def post(self, *requests):
        entries = [[next(self.numbers), VERBS.index(verb), queue, argument] for verb, queue, argument in requests]
        self.last = [REQUESTS, entries]
        self.put(self.last)
        return [entry[0] for entry in entries]

    def answer(self, number, seconds=30):
        """(result, body)"""
        deadline = time.monotonic() + seconds
        while number not in self.early:
            frame = self.get(max(0, deadline - time.monotonic()))
            assert frame, f"no response to {number}"
            if frame[0] == WHO:  # nothing was heard of us for five seconds
                self.greet()
                self.put(self.last)
            if frame[0] == RESPONSES:
                self.early.update({entry[0]: (RESULTS[entry[1]], entry[2]) for entry in frame[1]})
        return self.early.pop(number)

    def ask(self, verb, queue="", *argument):
        result, body = self.answer(self.post((verb, queue, list(argument)))[0])
        if result != "OK":
            raise Refused(result, body)
        return body

    # -- Verbs -------------------------------------------------------------------------------------------------------------------
    @staticmethod
    def attributes(**changes):
        preset = dict(kind=0, visibility=30000, delay=0, retention=345600000, wait=0, max_lease=0, max_message_bytes=1048576,
                      max_receive_count=0, dead_letter="", content_deduplication=False, deduplicate_by_group=False,
                      throughput_by_group=False, max_inflight=0, max_per_group=0, paused=False, max_messages=0, max_bytes=0)
        assert not set(changes) - set(preset)
        return [{**preset, **changes}[name] for name in ATTRIBUTES]

    def create(self, queue, document=b"", **attributes):
        return self.description(self.ask("CREATE", queue, self.attributes(**attributes), document))

    def change(self, queue, version=0, document=b"", **attributes):
        return self.description(self.ask("CHANGE", queue, version, self.attributes(**attributes), document))

    @staticmethod
    def description(body):
        d = dict(zip(DESCRIPTION, body))
        return {**d, "attributes": dict(zip(ATTRIBUTES, d["attributes"]))}

    def describe(self, queue):
        return self.description(self.ask("DESCRIBE", queue))

    @staticmethod
    def send_argument(body, group=0, delay=None, priority=0, key=b"", flags=0, size=None, id=None):
        return [id or new_id(), group, flags, delay, priority, key, len(body) if size is None else size, body]

    def send(self, queue, body, **options):
        """(seq, id)"""
        return self.ask("SEND", queue, *self.send_argument(body, **options))

    def receive(self, queue, most=10, visibility=None, wait=0, attempt=b""):
        return [dict(zip(MESSAGE, m)) for m in self.ask("RECEIVE", queue, most, visibility, wait, attempt)]

    def delete(self, queue, handle):
        self.ask("DELETE", queue, handle)

    def delete_all(self, queue, messages):
        for number in self.post(*[("DELETE", queue, [m["handle"]]) for m in messages]):
            assert self.answer(number)[0] == "OK"

    def visibility(self, queue, handle, milliseconds):
        self.ask("VISIBILITY", queue, handle, milliseconds)

    def tasks(self, queue):
        return [dict(zip(TASK, t)) for t in self.ask("MOVE_LIST", queue)]

    def peek(self, queue, state=0, most=1000, body=1000):
        return [dict(zip(SEEN, m)) for m in self.ask("PEEK", queue, state, most, body)]


class Broker:
    def __init__(self, *options):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="leat-", dir="/tmp"))  # short: paths of sockets are limited
        self.options = options
        self.process = None
        self.clients = []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        for client in self.clients:
            client.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)

    def start(self):
        with open(self.data / "queue.log", "a") as log:
            self.process = subprocess.Popen([BUILD / "leat-queue", "--data", self.data, *map(str, self.options)], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log()

    def restart(self):
        self.kill()
        return self.start()

    def client(self):
        self.clients.append(Client(f"ipc://{self.data}/run/client.sock"))
        return self.clients[-1]

    def log(self):
        return (self.data / "queue.log").read_text()
