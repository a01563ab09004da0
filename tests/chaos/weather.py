"""Bad disks and wrong clocks for processes that run under the preload library (weather.c), changed while they run.

    weather = Weather(side); environment |= weather.environment()
    with weather.of("journal", sync_ms=200): ...      slow syncs
    weather.set("store", error=errno.EIO)             until calm()
    weather.clock(-3600)                              seconds, until calm()"""
import contextlib
import mmap
import pathlib
import struct

PLACES = ("journal", "store")
PLACE = struct.Struct("<IIII")  # sync_us, sync_errno, room, unused: struct weather
CLOCK_AT = PLACE.size * len(PLACES)
CLOCK = struct.Struct("<q")
ENOUGH, SAYS_NONE, NONE = 0, 1, 2  # room


class Weather:
    def __init__(self, side):
        self.path = pathlib.Path(side) / "weather"
        self.path.write_bytes(bytes(CLOCK_AT + CLOCK.size))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), CLOCK_AT + CLOCK.size)

    def environment(self):
        return {"WEATHER_FILE": str(self.path)}

    def set(self, place, sync_ms=0, error=0, room=ENOUGH):
        PLACE.pack_into(self.map, PLACE.size * PLACES.index(place), int(sync_ms * 1000), error, room, 0)

    @contextlib.contextmanager
    def of(self, place, **bad):
        self.set(place, **bad)
        try:
            yield
        finally:
            self.set(place)

    def clock(self, seconds):
        """The wall clock is off by so much."""
        CLOCK.pack_into(self.map, CLOCK_AT, int(seconds * 1e6))

    def calm(self):
        """Disks are well; the clock stays as it is, as a real one would."""
        for place in PLACES:
            self.set(place)
