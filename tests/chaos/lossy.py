"""Drops what lossy.so recorded as unsynced, after everything was killed: the files become what a power cut could have left.

    environment(root, side, library)   variables for the processes
    restore(root, side, rng, mode)     -> Dropped; clears the side folder

Each file is taken back to its oldest synced state; then what was written since is written again as far as it is to have happened: all that was
synced, and of the rest, as the mode says:
    drop     nothing
    prefix   up to a random write, which is torn at a 512-byte boundary
    mix      each 512-byte sector holds a random one of its unsynced versions or the synced one (the disk writes in any order)
What was in doubt, because its sync failed, is lost (drop) or there by chance, sector by sector, even if a later sync succeeded.
Pages of Berkeley DB's *.db files are the unit there: it does not promise to survive a torn page, and neither does leat.
Names (created, renamed, removed) that no fsync of their folder settled are undone from a random one on. File systems commit their names every few
seconds anyway, so older ones stay. The region files __db.0*, which are mapped and never synced, become anything: kept, empty, cut, gone."""
import contextlib
import dataclasses
import os
import pathlib
import struct
import time

DATA_AT = 4096
HEAD = struct.Struct("<QQQ")
RECORD = struct.Struct("<IIIIQQQ")
WRITE, TRUNCATE = 0x5753534C, 0x5453534C
OPEN, SETTLED, DOUBTFUL = 0, 1, 2
MODES = ("drop", "prefix", "mix")
SECTOR, PAGE = 512, 16384
NAMES_SETTLE_MS = 5000


@dataclasses.dataclass
class Dropped:
    writes: int = 0
    bytes: int = 0
    torn: int = 0
    kept: int = 0
    names: int = 0
    files: int = 0
    regions: str = "kept"

    def add(self, other):
        for field in ("writes", "bytes", "torn", "kept", "names", "files"):
            setattr(self, field, getattr(self, field) + getattr(other, field))


@dataclasses.dataclass
class Record:
    """One change: what it found, and, once it was undone, what it left."""
    kind: int
    state: int
    at: int
    bytes: int
    size: int
    old: bytes
    new: bytes = b""
    new_size: int = 0


def environment(root, side, library):
    pathlib.Path(side, "kept").mkdir(parents=True, exist_ok=True)
    return {"LD_PRELOAD": str(library), "LOSSY_ROOT": os.path.realpath(root), "LOSSY_SIDE": str(side)}


def read_records(path):
    """The unsynced changes of one file, oldest first."""
    with open(path, "rb") as undo:
        head = undo.read(HEAD.size)
        if len(head) < HEAD.size:
            return []
        _, base, end = HEAD.unpack(head)
        if base >= end:
            return []
        undo.seek(base)
        data = undo.read(end - base)
    records, at = [], 0
    while at < len(data):
        kind, kept, state, _, offset, count, size = RECORD.unpack_from(data, at)
        assert kind in (WRITE, TRUNCATE), f"{path}: broken record at {base + at}"
        at += RECORD.size
        records.append(Record(kind, state, offset, count, size, data[at:at + kept]))
        at += kept
    return records


# -- Bytes ---------------------------------------------------------------------------------------------------------
def undo(file, record):
    record.new_size = os.fstat(file).st_size
    record.new = os.pread(file, record.bytes, record.at) if record.kind == WRITE else b""
    if record.old:
        os.pwrite(file, record.old, record.at)
    os.ftruncate(file, record.size)


def repeat(file, record, upto=None):
    """The change happens, or the first bytes of it."""
    new = record.new[:upto]
    if new:
        os.pwrite(file, new, record.at)
    if upto is None or upto >= record.bytes:
        os.ftruncate(file, record.new_size)


class Replay:
    """The unsettled changes of one file, as far as they are to have happened."""

    def __init__(self, file, unit, mode, rng, dropped):
        self.file, self.unit, self.mode, self.rng, self.dropped = file, unit, mode, rng, dropped

    def lose(self, record):
        self.dropped.writes += 1
        self.dropped.bytes += record.bytes

    def keep(self, record):
        repeat(self.file, record)
        self.dropped.kept += 1

    def tear(self, record):
        """Its first sectors."""
        self.lose(record)
        if record.kind == WRITE and record.bytes > self.unit:
            repeat(self.file, record, self.unit * self.rng.randrange(1, (record.bytes + self.unit - 1) // self.unit))
            self.dropped.torn += 1

    def scatter(self, record):
        """Each sector by chance."""
        self.dropped.writes += 1
        if record.kind == TRUNCATE:
            return
        if record.bytes == 0 and self.rng.random() < 0.5:  # room was allocated
            repeat(self.file, record)
        for number in range(record.at // self.unit, (record.at + max(record.bytes, 1) - 1) // self.unit + 1):
            start, stop = max(number * self.unit, record.at), min((number + 1) * self.unit, record.at + record.bytes)
            if self.rng.random() < 0.5:
                os.pwrite(self.file, record.new[start - record.at:stop - record.at], start)
                self.dropped.kept += 1
            else:
                self.dropped.bytes += stop - start
                self.dropped.torn += 1

    def run(self, records):
        for record in reversed(records):
            undo(self.file, record)
        left = self.rng.randrange(sum(record.state == OPEN for record in records) + 1)  # prefix: so many happen
        for record in records:
            if record.state == SETTLED:
                repeat(self.file, record)
            elif self.mode == "drop":
                self.lose(record)
            elif self.mode == "mix" or record.state == DOUBTFUL:
                self.scatter(record)
            else:
                (self.keep if left > 1 else self.tear if left == 1 else self.lose)(record)
                left -= 1


def restore_file(path, records, rng, mode, dropped):
    unit = PAGE if path.suffix == ".db" else SECTOR
    dropped.files += 1
    file = os.open(path, os.O_RDWR)
    try:
        Replay(file, unit, mode, rng, dropped).run(records)
    finally:
        os.close(file)


# -- Names ---------------------------------------------------------------------------------------------------------
def read_names(path, now_ms):
    """Changes of names that nothing settled, oldest first."""
    open_ones = []
    for line in path.read_text().splitlines() if path.exists() else []:
        when, kind, *rest = line.split(" ")
        if kind == "S":
            open_ones = [o for o in open_ones if os.path.dirname(o[2][-1 if o[1] == "C" else 0]) != rest[0]]
        elif kind == "F":
            open_ones = [o for o in open_ones if not (o[1] == "C" and o[2][0] == rest[0])]
        else:
            open_ones.append((int(when), kind, rest))
    return [(kind, rest) for when, kind, rest in open_ones if now_ms - when < NAMES_SETTLE_MS]


def undo_name(kind, rest, kept):
    with contextlib.suppress(FileNotFoundError, FileExistsError):
        if kind == "C":
            os.unlink(rest[1])
        elif kind == "U":
            os.link(kept / rest[1], rest[0])
        elif not os.path.exists(rest[0]):
            os.rename(rest[1], rest[0])
            if rest[2] != "-":
                os.link(kept / rest[2], rest[1])
        return 1
    return 0


def undo_names(side, rng, mode):
    names = read_names(side / "names.log", time.monotonic() * 1000)
    cut = 0 if mode == "drop" else rng.randrange(len(names) + 1)
    return sum(undo_name(kind, rest, side / "kept") for kind, rest in reversed(names[cut:]))


def spoil_regions(root, rng):
    what = rng.choice(("kept", "kept", "empty", "cut", "gone"))
    for region in root.glob("store/__db.0*"):
        if what == "gone":
            region.unlink()
        elif what == "cut":
            os.truncate(region, region.stat().st_size // 2)
        elif what == "empty":
            size = region.stat().st_size
            os.truncate(region, 0)
            os.truncate(region, size)
    return what


def clear(side):
    """Only what this layer wrote: weather.py's file lies there, too."""
    for path in [*(side / "kept").iterdir(), *side.glob("*.undo"), *side.glob("names.log")]:
        path.unlink()


def restore(root, side, rng, mode):
    """Nothing that uses the files may run. Clears the side folder."""
    root, side, dropped = pathlib.Path(os.path.realpath(root)), pathlib.Path(side), Dropped()
    dropped.names = undo_names(side, rng, mode)
    paths = {path.stat().st_ino: path for folder in ("journal", "store") for path in sorted((root / folder).rglob("*"))
             if path.is_file()}
    for undo in sorted(side.glob("*.undo")):
        path = paths.get(int(undo.stem))
        records = read_records(undo) if path else []
        if records:
            restore_file(path, records, rng, mode, dropped)
    dropped.regions = spoil_regions(root, rng)
    clear(side)
    return dropped
