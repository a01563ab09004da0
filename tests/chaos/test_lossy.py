"""The layer that forgets unsynced writes, the weather of its disks and clocks, and what takes files back, tried on a small program."""
import errno
import os
import pathlib
import random
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lossy  # noqa: E402
from weather import NONE, SAYS_NONE, Weather  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = pathlib.Path(os.environ.get("LEAT_BUILD", ROOT / "build")) / "chaos/lossy.so"


@pytest.fixture
def world(tmp_path):
    assert LIBRARY.exists(), "make build/chaos/lossy.so builds it"
    root, side = tmp_path / "data", tmp_path / "side"
    (root / "journal").mkdir(parents=True)
    (root / "store").mkdir()
    layer = lossy.environment(root, side, LIBRARY)
    weather = Weather(side)

    def run(program):
        """Runs Python text under the layer, ended as by kill -9, with `j` and `s` as folders."""
        text = f"import os\nj, s = {str(root / 'journal')!r}, {str(root / 'store')!r}\n{program}\nos.kill(os.getpid(), 9)\n"
        found = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False,
                               env={**os.environ, **layer, **weather.environment()})
        assert found.returncode == -9, found.stderr

    def restore(mode="drop", seed=1):
        return lossy.restore(root, side, random.Random(seed), mode)
    run.restore, run.journal, run.store, run.weather = restore, root / "journal", root / "store", weather
    return run


OPEN = "f = os.open(j + '/a', os.O_RDWR | os.O_CREAT)\n"


def test_what_is_synced_stays_and_the_rest_is_dropped(world):
    world(OPEN + "os.pwrite(f, b'A' * 2000, 0); os.fdatasync(f); os.pwrite(f, b'B' * 100, 500); os.write(f, b'C' * 5000)")
    assert (world.journal / "a").read_bytes()[500:501] == b"C"
    dropped = world.restore()
    assert (world.journal / "a").read_bytes() == b"A" * 2000
    assert dropped.writes == 2 and dropped.bytes == 5100


def test_a_sync_of_another_process_counts_and_later_writes_do_not(world):
    world(OPEN + "os.pwrite(f, b'one', 0)")
    world(OPEN + "os.fsync(f); os.pwrite(f, b'two', 0)")
    world(OPEN + "os.pwrite(f, b'six', 0)")
    world.restore()
    assert (world.journal / "a").read_bytes() == b"one"


def test_sizes_come_back(world):
    world(OPEN + "os.pwrite(f, b'A' * 3000, 0); os.fsync(f); os.ftruncate(f, 10); os.posix_fallocate(f, 0, 9000); os.pwrite(f, b'x', 7000)")
    world.restore()
    assert (world.journal / "a").read_bytes() == b"A" * 3000


def test_what_was_cut_off_at_opening_comes_back(world):
    world(OPEN + "os.pwrite(f, b'A' * 3000, 0); os.fsync(f)")
    world("f = os.open(j + '/a', os.O_RDWR | os.O_CREAT | os.O_TRUNC); os.write(f, b'B')")
    assert (world.journal / "a").read_bytes() == b"B"
    world.restore()
    assert (world.journal / "a").read_bytes() == b"A" * 3000


def test_prefixes_are_states_that_the_file_went_through_torn_at_a_sector(world):
    seen = set()
    for seed in range(40):
        for name in world.journal.iterdir():
            name.unlink()
        world(OPEN + "os.pwrite(f, b'0' * 4096, 0); os.fsync(f); os.pwrite(f, b'1' * 2048, 0); os.pwrite(f, b'2' * 2048, 1024)")
        world.restore("prefix", seed)
        found = (world.journal / "a").read_bytes()
        assert len(found) == 4096
        sectors = bytes(found[i] for i in range(0, 4096, 512)).decode()
        assert all(found[i:i + 512] == found[i:i + 1] * 512 for i in range(0, 4096, 512))
        seen.add(sectors)
    possible = {"1" * i + "0" * (8 - i) for i in range(5)} | {"11" + "2" * i + "1" * max(0, 2 - i) + "0" * (8 - 2 - max(i, 2))
                                                              for i in range(5)}
    assert seen <= possible and len(seen) > 4, seen - possible


def test_mixed_sectors_hold_any_of_their_versions(world):
    seen = set()
    for seed in range(30):
        for name in world.journal.iterdir():
            name.unlink()
        world(OPEN + "os.pwrite(f, b'0' * 1024, 0); os.fsync(f); os.pwrite(f, b'1' * 1024, 0); os.pwrite(f, b'2' * 1024, 0)")
        world.restore("mix", seed)
        found = (world.journal / "a").read_bytes()
        seen.add((chr(found[0]), chr(found[512])))
        assert found == found[:1] * 512 + found[512:513] * 512
    assert {first for first, _ in seen} == set("012") and any(a != b for a, b in seen)


def test_names_come_back(world):
    (world.journal / "old").write_bytes(b"old")
    (world.journal / "gone").write_bytes(b"gone")
    world("os.rename(j + '/old', j + '/new'); os.unlink(j + '/gone')\n" + OPEN)
    assert not (world.journal / "old").exists()
    world.restore()
    assert {p.name: p.read_bytes() for p in world.journal.iterdir()} == {"old": b"old", "gone": b"gone"}


def test_a_replaced_file_comes_back(world):
    (world.journal / "a").write_bytes(b"a")
    (world.journal / "b").write_bytes(b"b")
    world("os.rename(j + '/a', j + '/b')")
    world.restore()
    assert {p.name: p.read_bytes() for p in world.journal.iterdir()} == {"a": b"a", "b": b"b"}


def test_names_that_the_folder_or_the_file_settled_stay(world):
    (world.journal / "old").write_bytes(b"old")
    world("os.rename(j + '/old', j + '/new'); d = os.open(j, os.O_RDONLY); os.fsync(d)\n" + OPEN + "os.write(f, b'x'); os.fsync(f)")
    world.restore()
    assert {p.name: p.read_bytes() for p in world.journal.iterdir()} == {"new": b"old", "a": b"x"}


def test_regions_of_the_store_and_other_folders_are_not_covered(world):
    world("for n in (s + '/__db.001', s + '/../x'): f = os.open(n, os.O_RDWR | os.O_CREAT); os.write(f, b'x')")
    assert world.restore().writes == 0


# -- Weather -------------------------------------------------------------------------------------------------------
def fails_with(call, name):
    return f"try: {call}; assert False, 'no error'\nexcept OSError as e: assert e.errno == errno.{name}, e\n"


def test_what_a_failed_sync_left_is_lost_although_a_later_one_succeeds(world):
    world(OPEN + "os.pwrite(f, b'A' * 1024, 0); os.fsync(f)")
    with world.weather.of("journal", error=errno.EIO):
        world("import errno\n" + OPEN + "os.pwrite(f, b'B' * 1024, 0)\n" + fails_with("os.fdatasync(f)", "EIO"))
    world(OPEN + "assert os.pread(f, 1, 0) == b'B'; os.pwrite(f, b'C' * 512, 512); os.fsync(f); os.pwrite(f, b'D' * 512, 1024)")
    world.restore()
    assert (world.journal / "a").read_bytes() == b"A" * 512 + b"C" * 512


def test_what_was_written_again_after_a_failed_sync_stays(world):
    with world.weather.of("journal", error=errno.EIO):
        world("import errno\n" + OPEN + "os.pwrite(f, b'A' * 700, 0)\n" + fails_with("os.fdatasync(f)", "EIO"))
    world(OPEN + "os.pwrite(f, os.pread(f, 700, 0), 0); os.fsync(f)")
    world.restore("mix")
    assert (world.journal / "a").read_bytes() == b"A" * 700


def test_a_failing_sync_of_a_folder_settles_no_name(world):
    with world.weather.of("journal", error=errno.EIO):
        world("import errno\n" + OPEN + "d = os.open(j, os.O_RDONLY)\n" + fails_with("os.fsync(d)", "EIO"))
    world.restore()
    assert not (world.journal / "a").exists()


def test_a_slow_disk_is_slow_where_it_is_told_to_be(world):
    with world.weather.of("store", sync_ms=300):
        world(OPEN + "import time; t = time.monotonic(); os.fsync(f); assert time.monotonic() - t < 0.25, 'the journal is slow'")
        world("import time; f = os.open(s + '/a', os.O_RDWR | os.O_CREAT); t = time.monotonic(); os.fsync(f)\n"
              "assert time.monotonic() - t > 0.29")


def test_a_full_disk_says_so_and_lets_nothing_grow(world):
    world(OPEN + "os.pwrite(f, b'A' * 1000, 0); assert os.statvfs(j).f_bavail > 0")
    with world.weather.of("journal", room=SAYS_NONE):
        world(OPEN + "assert os.statvfs(j).f_bavail == 0 == os.fstatvfs(f).f_bavail; assert os.statvfs(s).f_bavail > 0; os.pwrite(f, b'B', 1000)")
    with world.weather.of("journal", room=NONE):
        world("import errno\n" + OPEN + "os.pwrite(f, b'C' * 1000, 0)\n" + fails_with("os.pwrite(f, b'DD', 1000)", "ENOSPC") +
              fails_with("os.posix_fallocate(f, 0, 2000)", "ENOSPC"))
    assert (world.journal / "a").read_bytes() == b"C" * 1000 + b"B"


def test_the_wall_clock_steps_and_the_monotonic_one_does_not(world):
    looks = "import time; w, m = time.time(), time.monotonic()\n"
    world.weather.clock(-86400)
    before = time.time(), time.monotonic()
    world(looks + f"assert abs(w + 86400 - {before[0]}) < 5 and abs(m - {before[1]}) < 5, (w, m)")
    world.weather.clock(500.5)
    world(looks + f"assert abs(w - 500.5 - {before[0]}) < 5 and abs(m - {before[1]}) < 5, (w, m)")
