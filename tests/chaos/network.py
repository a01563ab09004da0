"""A network between the parts that can be cut, slowed, stalled and chopped: proxies for the broker's two sockets, in a process of their own.

    network = Network(folder, data); environment |= network.environment()
    with network: ...                                  runs the proxies
        with network.of("workers", stall_up=1): ...    what workers say does not arrive
        network.set("clients", cut=1); network.calm()

Clients (gateways, the command line) come over the ipc socket where `leat up` expects the broker; workers over TCP. Nothing is changed: bytes come
late, in pieces, or not at all, and connections break. Of two connections one may be late and the other not, so messages of different ones overtake
each other."""
import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import pathlib
import random
import signal

from stack import free_port, until

LINKS = ("clients", "workers")
CHUNK_BYTES = 65536
NAP_SECONDS = 0.01
DRIP_BYTES = 40  # so many go one by one


class State(ctypes.Structure):
    """Of one link. up: towards the broker."""
    _fields_ = [("cut", ctypes.c_double), ("stall_up", ctypes.c_double), ("stall_down", ctypes.c_double), ("delay", ctypes.c_double),
                ("drip", ctypes.c_double), ("ready", ctypes.c_double)]


class Link:
    def __init__(self, state, listen, target):
        self.state, self.listen, self.target = state, listen, target
        self.writers = set()

    async def open(self):
        if isinstance(self.target, int):
            return await asyncio.open_connection("127.0.0.1", self.target)
        return await asyncio.open_unix_connection(self.target)

    async def serve(self):
        if isinstance(self.listen, int):
            await asyncio.start_server(self.accepted, "127.0.0.1", self.listen)
        else:
            pathlib.Path(self.listen).unlink(missing_ok=True)
            await asyncio.start_unix_server(self.accepted, self.listen)
        self.state.ready = 1
        while True:
            if self.state.cut:
                for writer in list(self.writers):
                    writer.transport.abort()
            await asyncio.sleep(NAP_SECONDS)

    async def accepted(self, reader, writer):
        ends = [writer]
        try:
            if self.state.cut:
                return
            other_reader, other = await self.open()
            ends.append(other)
            self.writers.update(ends)
            await asyncio.wait([asyncio.ensure_future(self.pump(reader, other, "stall_up")),
                                asyncio.ensure_future(self.pump(other_reader, writer, "stall_down"))],
                               return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            self.writers.difference_update(ends)
            for end in ends:
                end.transport.abort()

    async def pump(self, reader, writer, stall):
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(CHUNK_BYTES):
                if self.state.delay:
                    await asyncio.sleep(self.state.delay * random.random())
                while getattr(self.state, stall):
                    await asyncio.sleep(NAP_SECONDS)
                if self.state.drip:
                    for i in range(DRIP_BYTES):
                        writer.write(data[i:i + 1])
                        await asyncio.sleep(0)
                    data = data[DRIP_BYTES:]
                writer.write(data)
                await writer.drain()


def run(links):
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def all_of_them():
        await asyncio.gather(*(link.serve() for link in links))
    asyncio.run(all_of_them())


class Network:
    def __init__(self, folder, data):
        real = pathlib.Path(folder) / "net"
        real.mkdir(exist_ok=True)
        (pathlib.Path(data) / "run").mkdir(exist_ok=True)
        self.states = {name: multiprocessing.Value(State, lock=False) for name in LINKS}
        self.broker, self.proxy = free_port(), free_port()
        self.client_socket = str(real / "client.sock")
        links = [Link(self.states["clients"], f"{data}/run/client.sock", self.client_socket),
                 Link(self.states["workers"], self.proxy, self.broker)]
        self.process = multiprocessing.Process(target=run, args=(links,), daemon=True)

    def environment(self):
        return {"LEAT_CLIENT_ENDPOINT": f"ipc://{self.client_socket}", "LEAT_WORKER_ENDPOINT": f"tcp://127.0.0.1:{self.broker}",
                "LEAT_QUEUE_ENDPOINT": f"tcp://127.0.0.1:{self.proxy}"}

    def __enter__(self):
        self.process.start()
        until(lambda: all(state.ready for state in self.states.values()), 20, "the proxies")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()

    def set(self, name, **bad):
        for key, value in bad.items():
            setattr(self.states[name], key, value)

    @contextlib.contextmanager
    def of(self, name, **bad):
        self.set(name, **bad)
        try:
            yield
        finally:
            self.set(name, **{key: 0 for key in bad})

    def alive(self):
        return self.process.is_alive() and os.path.exists(self.client_socket)
