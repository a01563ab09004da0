"""Drops what lossy.so recorded as unsynced, after everything was killed: the files become what a power cut could have left.

    environment(root, side, library)   variables for the processes
    restore(root, side, rng, mode)     -> Dropped; clears the side folder

Modes, for each file's unsynced writes:
    drop     none of them happened
    prefix   they happened up to a random one, which is torn at a 512-byte boundary
    mix      each 512-byte sector holds a random one of its unsynced versions or the synced one (the disk writes in any order)
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
RECORD = struct.Struct("<IIQQQ")
WRITE, TRUNCATE = 0x5753534C, 0x5453534C
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
    kind: int
    at: int
    bytes: int
    size: int
    old: bytes


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
        kind, kept, offset, count, size = RECORD.unpack_from(data, at)
        assert kind in (WRITE, TRUNCATE), f"{path}: broken record at {base + at}"
        at += RECORD.size
        records.append(Record(kind, offset, count, size, data[at:at + kept]))
        at += kept
    return records


# -- Bytes ---------------------------------------------------------------------------------------------------------
def undo_one(file, record):
    if record.old:
        os.pwrite(file, record.old, record.at)
    os.ftruncate(file, record.size)


def tear(file, record, keep_bytes):
    """The first keep_bytes of the write happened, the rest did not."""
    kept_end = record.at + keep_bytes
    if record.old[keep_bytes:]:
        os.pwrite(file, record.old[keep_bytes:], kept_end)
    os.ftruncate(file, max(record.size, kept_end))


def keep_prefix(file, records, rng, unit, dropped):
    cut = rng.randrange(len(records) + 1)
    for record in reversed(records[cut:]):
        undo_one(file, record)
        dropped.bytes += record.bytes
    dropped.writes += len(records) - cut
    dropped.kept += cut
    if cut == 0 or records[cut - 1].kind != WRITE or records[cut - 1].bytes <= unit:
        return
    torn = records[cut - 1]
    tear(file, torn, unit * rng.randrange(1, (torn.bytes + unit - 1) // unit))
    dropped.torn += 1


def keep_some(file, records, rng, unit, dropped):
    stuck, end, size = set(), 0, records[0].size
    for record in reversed(records):
        if record.kind == TRUNCATE:
            undo_one(file, record)
            continue
        for number in range(record.at // unit, (record.at + max(record.bytes, 1) - 1) // unit + 1):
            start, stop = max(number * unit, record.at), min((number + 1) * unit, record.at + record.bytes)
            if number in stuck or stop <= start:
                continue
            if rng.random() < 0.5:
                stuck.add(number)
                end = max(end, stop)
                dropped.kept += 1
            else:
                old = record.old[start - record.at:stop - record.at]
                os.pwrite(file, old + bytes(stop - start - len(old)), start)
                dropped.bytes += stop - start
                dropped.torn += 1
    dropped.writes += len(records)
    os.ftruncate(file, max(size, end))


def restore_file(path, records, rng, mode, dropped):
    unit = PAGE if path.suffix == ".db" else SECTOR
    dropped.files += 1
    file = os.open(path, os.O_RDWR)
    try:
        if mode == "prefix":
            keep_prefix(file, records, rng, unit, dropped)
        elif mode == "mix":
            keep_some(file, records, rng, unit, dropped)
        else:
            for record in reversed(records):
                undo_one(file, record)
                dropped.bytes += record.bytes
            dropped.writes += len(records)
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
    for folder in (side / "kept", side):
        for path in folder.iterdir():
            if path.is_file():
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
