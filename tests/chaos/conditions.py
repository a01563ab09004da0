"""What may be wrong for a while, and with what else may happen meanwhile. CONDITIONS is the table; faults.py draws from it.

Each is a context manager over a Faults: it yields a text that says what is wrong, and ends it. `harmless`: no part may die of it.
`excuse`: lines that the log may have meanwhile, which anywhere else are a violation."""
import contextlib
import dataclasses
import errno
import pathlib
import re
import resource
import time

from stack import alive, until
from strangers import strangers
from weather import ALL

STOPS_SECONDS = 15  # a process whose disk fails must have ended by then
# Absolute. Within what is kept for a time: a FIFO queue's key lives for five minutes of the wall clock, an outcome for a day, and so the steps end.
CLOCK_STEPS = (-43200, -3600, -60, -1, 0, 1, 30, 120)
STORE_FAILS = r"store\.failed|PANIC|store\.housekeeping|catastrophic"
NO_DESCRIPTORS = r"lossy: .*Too many open files"  # the layer needs some itself
NO_MEMORY = r"Assertion|PANIC|store\.failed|lossy: "


@dataclasses.dataclass
class Condition:
    weight: int
    during: callable
    harmless: bool = False
    excuse: str = ""


def one_disk(f):
    return f.rng.choice(("journal", "store"))


@contextlib.contextmanager
def slow_disk(f):
    place, ms = one_disk(f), f.rng.choice((20, 100, 400))
    with f.weather.of(place, sync_ms=ms):
        yield f"{place}: {ms} ms a sync"


@contextlib.contextmanager
def failing_sync(f):
    """Whoever meets it must say so and end; it heals when the disk does. Half of the time one sync fails and the next succeeds, as with Linux."""
    place, failures = one_disk(f), f.rng.choice((1, ALL))
    role, line = ("queue", r"journal\.failed") if place == "journal" else ("child", STORE_FAILS)
    until(f.stack.ready, STOPS_SECONDS, "leat ready")
    victims, since = f.victims([role]), f.log_size()
    with f.weather.of(place, error=errno.EIO, failures=failures):
        until(lambda: any(not alive(pid) for _, pid in victims), STOPS_SECONDS, f"the end of a {role} whose {place} cannot be synced")
        until(lambda: re.search(line, f.log_since(since)), 5, f"a word about the {place}")
        f.failed_syncs += 1
        yield f"{place}, {'once' if failures == 1 else 'for a while'}"


@contextlib.contextmanager
def full_disk(f):
    place, sudden = one_disk(f), f.rng.random() < 0.5
    with f.weather.of(place, room=2 if sudden else 1):
        if not sudden:
            time.sleep(0.2)
            f.weather.set(place, room=2)
        yield f"{place}, {'at once' if sudden else 'after a warning'}"


@contextlib.contextmanager
def clock_step(f):
    """It stays so: the next step comes from there."""
    seconds = f.rng.choice(CLOCK_STEPS)
    f.clock_stepped()
    f.weather.clock(seconds)
    yield f"{seconds:+} s"


def limited(f, name, limit_of):
    """One part may have no more of something than it has; it keeps what it has."""
    @contextlib.contextmanager
    def during():
        role, pid = f.pick(("queue", "gateway", "guard", "child", "supervisor"))
        number = getattr(resource, name)
        try:
            before = resource.prlimit(pid, number)
            resource.prlimit(pid, number, (limit_of(pid), before[1]))
        except (ProcessLookupError, FileNotFoundError):
            yield f"{role}, gone before"
            return
        try:
            yield role
        finally:
            for heir in f.stack.everything():  # what it started meanwhile has its limit, too
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(heir, number, before)
    return during()


def descriptors_of(pid):
    return max(int(path.name) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()) + 1


def address_space_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def no_descriptors(f):
    return limited(f, "RLIMIT_NOFILE", descriptors_of)


def no_memory(f):
    return limited(f, "RLIMIT_AS", address_space_of)


@contextlib.contextmanager
def bad_network(f):
    link = f.rng.choice(("clients", "workers"))
    what = f.rng.choice(({"cut": 1}, {"stall_up": 1}, {"stall_down": 1}, {"stall_up": 1, "stall_down": 1}, {"delay": 0.05}, {"delay": 0.3},
                         {"drip": 1}))
    with f.network.of(link, **what):
        yield f"{link}: {', '.join(what)}"


@contextlib.contextmanager
def bad_peers(f):
    with strangers(f.stack.port, f"ipc://{f.network.client_socket}", f"tcp://127.0.0.1:{f.network.broker}", f.rng) as text:
        yield text


CONDITIONS = {
    "slow-disk": Condition(10, slow_disk, harmless=True),
    "failing-sync": Condition(10, failing_sync, excuse=STORE_FAILS + r"|journal\.failed"),
    "full-disk": Condition(8, full_disk, excuse=STORE_FAILS),
    "clock": Condition(8, clock_step, harmless=True),
    "descriptors": Condition(6, no_descriptors, excuse=NO_DESCRIPTORS),
    "memory": Condition(6, no_memory, excuse=NO_MEMORY),
    "network": Condition(12, bad_network, harmless=True),
    "strangers": Condition(8, bad_peers, harmless=True),
}
