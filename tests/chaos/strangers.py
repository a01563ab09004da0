"""Peers that nobody wants: they send garbage, stop in the middle of a message, or ask for much and never read. None of it may do harm.

    with strangers(port, client_endpoint, worker_endpoint, rng) as text: ...      several of them, until the block ends

STRANGERS is the table: over HTTP, at the broker's sockets as raw bytes or half a ZMTP conversation, and as real peers that misbehave."""
import contextlib
import pathlib
import random
import re
import socket
import struct
import threading

import msgpack
import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = re.findall(r"^\s+X\((\w+),", re.search(r"#define MSG_TABLE\(X\).*?\n\n", (ROOT / "common/msg.h").read_text(), re.S)[0], re.M)
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER\x08Identity" + struct.pack(">I", 0)
CONNECTIONS = 4
NAP_SECONDS = 0.01


def message(kind, *fields):
    return msgpack.packb([KINDS.index(kind), *fields])


class Place:
    """Where strangers may go, and when they must end."""

    def __init__(self, port, clients, workers, seed):
        self.port, self.clients, self.workers, self.rng = port, clients, workers, random.Random(seed)
        self.stopping = threading.Event()

    def broker(self):
        return self.rng.choice((self.clients, self.workers))

    def raw(self, endpoint):
        """A stream to HOST:PORT (a number) or to a ZeroMQ endpoint; small buffers, so that not reading is soon noticed."""
        if isinstance(endpoint, str) and endpoint.startswith("ipc://"):
            found, address = socket.socket(socket.AF_UNIX), endpoint[6:]
        else:
            found, address = socket.socket(), ("127.0.0.1", int(str(endpoint).rsplit(":", maxsplit=1)[-1]))
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        found.settimeout(0.5)
        found.connect(address)
        return found


def keep_sending(place, endpoint, piece):
    """Over several connections, until told to end or cut off; a new one then."""
    while not place.stopping.is_set():
        with contextlib.suppress(OSError), place.raw(endpoint) as stream:
            while not place.stopping.is_set():
                stream.sendall(piece())
                place.stopping.wait(NAP_SECONDS)
        place.stopping.wait(NAP_SECONDS)


def say_and_wait(place, endpoint, text):
    """Says it once, and then nothing, holding the connection."""
    while not place.stopping.is_set():
        with contextlib.suppress(OSError), place.raw(endpoint) as stream:
            stream.sendall(text)
            place.stopping.wait(0.2 + place.rng.random())


def garbage(place):
    return place.rng.randbytes(place.rng.randrange(1, 3000))


def http_garbage(place):
    keep_sending(place, place.port, lambda: garbage(place))


def http_half(place):
    text = b'POST /DynamoDBManager HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"operation":"create"'
    say_and_wait(place, place.port, text[:place.rng.randrange(1, len(text))])


def http_deaf(place):
    """Asks and asks, and reads nothing."""
    keep_sending(place, place.port, lambda: b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)


def zmtp_garbage(place):
    start = [GREETING, b""][place.rng.randrange(2)]
    keep_sending(place, place.broker(), lambda: start + garbage(place))


def zmtp_half(place):
    """A proper beginning, and then a frame that is said to be larger than what comes."""
    ready = b"\x04" + bytes([len(READY)]) + READY
    whole = GREETING + ready + b"\x02" + struct.pack(">Q", 1 << place.rng.randrange(1, 60)) + garbage(place)
    say_and_wait(place, place.broker(), whole[:place.rng.randrange(1, len(whole))])


@contextlib.contextmanager
def peer(place, endpoint):
    context = zmq.Context()
    stream = context.socket(zmq.DEALER)
    stream.linger, stream.sndtimeo, stream.rcvhwm, stream.immediate = 0, 100, 1, 1
    stream.connect(endpoint)
    try:
        yield stream
    finally:
        stream.close()
        context.term()


def peer_garbage(place):
    """Messages that are almost ours."""
    rng = place.rng
    values = [0, 1, 2**63, -1, "", "x" * 70, b"", bytes(16), [], [[1]], None, True, {"queue": "leat-jobs"}]
    with peer(place, place.broker()) as stream:
        while not place.stopping.is_set():
            frame = rng.randbytes(rng.randrange(1, 200)) if rng.random() < 0.3 else \
                msgpack.packb([rng.randrange(len(KINDS) + 2)] + [rng.choice(values) for _ in range(rng.randrange(7))])
            with contextlib.suppress(zmq.Again):
                stream.send_multipart([frame] if rng.random() < 0.9 else [b"a", frame])
            place.stopping.wait(NAP_SECONDS / 10)


def peer_deaf(place):
    """Asks for long answers, and reads none."""
    with peer(place, place.clients) as stream:
        while not place.stopping.is_set():
            for frame in (message("HELLO", 1, "deaf", "deaf"), message("ADMIN", 1, "peek", {"queue": "leat-jobs", "max": 1000}),
                          message("WATCH", 1, place.rng.randbytes(16), 60000)):
                with contextlib.suppress(zmq.Again):
                    stream.send(frame)
            place.stopping.wait(NAP_SECONDS)


def worker_deaf(place):
    """Joins, asks for work, and does none."""
    with peer(place, place.workers) as stream, contextlib.suppress(zmq.Again):
        stream.send(message("JOIN", 1, "deaf-worker", place.rng.getrandbits(63), 1, 1, msgpack.packb({})))
        stream.send(message("CREDIT", 50, 50))
        place.stopping.wait()


STRANGERS = {"http-garbage": http_garbage, "http-half": http_half, "http-deaf": http_deaf, "zmtp-garbage": zmtp_garbage,
             "zmtp-half": zmtp_half, "peer-garbage": peer_garbage, "peer-deaf": peer_deaf, "worker-deaf": worker_deaf}


@contextlib.contextmanager
def strangers(port, clients, workers, rng, names=None):
    names = names or rng.sample(sorted(STRANGERS), 3)
    place = Place(port, clients, workers, rng.random())
    threads = [threading.Thread(target=STRANGERS[name], args=(place,), daemon=True) for name in names
               for _ in range(1 if name.startswith(("peer", "worker")) else CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield ", ".join(names)
    finally:
        place.stopping.set()
        for thread in threads:
            thread.join(10)
