"""The faults, drawn from a seed, each followed by the measured time until all parts run and a probe over all slices succeeds.

FAULTS is the table of blows; what may be wrong for a while (bad disks, clocks, networks, peers, limits) is in conditions.py, and is combined with
blows: while it lasts, parts are killed and stopped, too. Healed is then counted from its end."""
import collections
import contextlib
import re
import shutil
import signal
import sys
import time

import lossy
from conditions import CONDITIONS
from stack import ROLES, until

HEAL_SECONDS = 60
STOP_SECONDS = 3.0
RELIEF_SECONDS = 5
STEADY_SECONDS = 0.3
STEADY_PROBE_SECONDS = 0.25
CRASH_EVERY_SECONDS = 20  # a crash is due when none was for so long
CONDITION_SECONDS = 2.0
FAULTS = {  # weights
    "kill": 80,        # kill -9 of one part
    "twice": 30,       # and of another, or the new one, while it heals
    "burst": 12,       # several parts within moments
    "stop": 12,        # SIGSTOP, then SIGCONT, at most 3 s
    "freeze": 6,       # one part stopped, another killed meanwhile
    "supervisor": 6,   # kill -9 of leat up, started again at once
    "restart": 5,      # kill -9 of everything, started again
    "crash": 10,       # the same, and what was not synced is lost
    "recrash": 4,      # a crash, and another while it recovers from it
}
EACH = {"kill": 4, "crash": 3, "failing-sync": 2, "full-disk": 2, "slow-disk": 2, "network": 2, "strangers": 2}  # times in a run of each
PARTS = ("queue", "gateway", "guard", "child")
CRASHES = ("crash", "recrash")


class Faults:
    def __init__(self, stack, data, side, weather, network, rng, only=None, patience=1):
        """patience: how many times slower than a machine of its own this one may be."""
        self.patience = patience
        self.stack, self.data, self.side, self.weather, self.network, self.rng = stack, data, side, weather, network, rng
        self.probe = None
        self.relief = None  # an event: clients post nothing new
        weights = {**FAULTS, **{name: condition.weight for name, condition in CONDITIONS.items()}}
        self.weights = {name: weights[name] for name in (only.split(",") if only else weights)}
        self.kills = self.crashes = self.stops = self.restarts = self.failed_syncs = 0
        self.killed = collections.Counter()  # by role
        self.blows = []
        self.heals = []  # (fault, text, seconds)
        self.problems = []
        self.jumps, self.jumping = [], None  # Checker.jumps; (from, broker) of a step that the broker has not met yet
        self.excused = []  # (from, to, pattern): places of the log where such lines may be
        self.dropped = lossy.Dropped()
        self.regions = collections.Counter()
        self.modes = collections.Counter()
        self.begun = time.monotonic()

    # -- The log ---------------------------------------------------------------------------------------------------
    def log_size(self):
        return self.stack.log.stat().st_size

    def log_since(self, place):
        with open(self.stack.log, "rb") as log:
            log.seek(place)
            return log.read().decode("utf-8", "replace")

    def bad_lines(self, bad):
        """Lines that must not be, nor are excused by what was wrong at their time."""
        place, found = 0, []
        with open(self.stack.log, "rb") as log:
            for raw in log:
                line, place = raw.decode("utf-8", "replace").strip(), place + len(raw)
                if bad.search(line) and not any(a <= place <= b and re.search(ok, line) for a, b, ok in self.excused):
                    found.append(line)
        return found

    # -- Tools -----------------------------------------------------------------------------------------------------
    def victims(self, roles):
        return [(role, pid) for role, pid in self.stack.processes() if role in roles]

    def pick(self, roles=PARTS, patience=HEAL_SECONDS):
        role = self.rng.choice(roles)
        until(lambda: self.victims([role]), patience, f"a {role}")
        found = self.victims([role])
        return self.rng.choice(found) if found else self.pick(roles, patience)

    def kill(self, roles=PARTS, patience=HEAL_SECONDS):
        while True:
            role, pid = self.pick(roles, patience)
            if self.stack.send(pid, signal.SIGKILL):
                self.blow(f"kill {role} {pid}")
                self.kills += 1
                self.killed[role] += 1
                return role, pid

    def blow(self, text):
        self.blows.append(f"{time.monotonic() - self.begun:.2f} {text}")
        self.mark(text)

    def mark(self, text):
        """Among the lines of the parts, so that one sees what they were answers to."""
        with open(self.stack.log, "ab", buffering=0) as log:
            log.write(f"chaos      | {time.monotonic() - self.begun:.2f} s {text}\n".encode())

    def clock_stepped(self):
        """A broker keeps its own time until it ends; the next one begins with the wall clock's, if that is later."""
        since = self.jumping[0] if self.jumping else time.monotonic_ns()
        self.jumping = since, {pid for _, pid in self.victims(["queue"])}

    def note_jump(self):
        brokers = {pid for _, pid in self.victims(["queue"])}
        if self.jumping and brokers and not brokers & self.jumping[1]:
            self.jumps.append((self.jumping[0], time.monotonic_ns()))
            self.jumping = None

    def all_jumps(self):
        return self.jumps + ([(self.jumping[0], 2**63)] if self.jumping else [])

    def healed(self, since, dead=()):
        """Seconds from `since` on. Where a busy machine cannot do what the clients ask, their backlog would hold up the probe for ever: after a
        while they let it be worked off."""
        try:
            return self.wait_healed(since, dead)
        finally:
            self.relief.clear()

    def wait_healed(self, since, dead):
        def whole():
            if time.monotonic() - since > RELIEF_SECONDS:
                self.relief.set()
            status = self.stack.process.poll()
            if status is not None:
                raise RuntimeError(f"leat up has ended with {status}")
            return self.stack.whole(dead) and self.probe.once()

        deadline = time.monotonic() + HEAL_SECONDS * self.patience
        while time.monotonic() < deadline:
            until(whole, HEAL_SECONDS * self.patience, "a healthy stack")
            seconds = time.monotonic() - since
            if self.stays(whole):
                return seconds
        raise TimeoutError("the stack is healthy for moments only")

    def stays(self, whole):
        """A dead worker is noticed by the others a little later, and then all of them start anew: only what lasts is health."""
        begun = before = time.monotonic()
        while before - begun < STEADY_SECONDS:
            if not whole() or time.monotonic() - before > STEADY_PROBE_SECONDS * self.patience:
                return False
            time.sleep(0.01)
            before = time.monotonic()
        return True

    def start(self):
        until(self.start_once, HEAL_SECONDS, "a start of leat up", 0.05)

    def start_once(self):
        """A supervisor that was killed may leave parts that still hold the port or the journal: then it is tried again, as systemd would."""
        self.stack.start()
        time.sleep(0.05)
        return self.stack.process.poll() is None

    # -- Blows: each returns (what, time of the last one, pids that must be gone) --------------------------------------
    def do_kill(self):
        role, pid = self.kill()
        return role, time.monotonic(), {pid}

    def do_twice(self):
        first = self.kill()
        time.sleep(self.rng.random() * 0.3)
        second = self.kill([first[0]] if self.rng.random() < 0.5 else PARTS)
        return f"{first[0]}, {second[0]}", time.monotonic(), {first[1], second[1]}

    def do_burst(self):
        killed = []
        for _ in range(self.rng.randrange(3, 6)):
            killed.append(self.kill())
            time.sleep(self.rng.random() * 0.1)
        return ", ".join(role for role, _ in killed), time.monotonic(), {pid for _, pid in killed}

    def frozen(self, meanwhile):
        role, pid = self.pick((*PARTS, "supervisor"))
        seconds = 0.1 + self.rng.random() * (STOP_SECONDS - 0.1)
        if not self.stack.send(pid, signal.SIGSTOP):
            return role, 0, meanwhile()
        self.blow(f"stop {role} {pid} for {seconds:.1f} s")
        self.stops += 1
        try:
            time.sleep(seconds / 2)
            result = meanwhile()
            time.sleep(seconds / 2)
        finally:
            self.stack.send(pid, signal.SIGCONT)
        return role, seconds, result

    def do_stop(self):
        role, seconds, _ = self.frozen(lambda: None)
        return f"{role} for {seconds:.1f} s", time.monotonic(), set()

    def do_freeze(self):
        role, seconds, killed = self.frozen(self.kill)
        return f"{role} for {seconds:.1f} s, {killed[0]} killed", time.monotonic(), {killed[1]}

    def do_supervisor(self):
        old = {pid for _, pid in self.stack.processes()}
        self.stack.send(self.stack.process.pid, signal.SIGKILL)
        self.kills += 1
        self.killed["supervisor"] += 1
        since = time.monotonic()
        self.stack.process.wait(10)
        self.start()
        return "leat up", since, old

    def do_restart(self):
        since = time.monotonic()
        self.stack.kill_all()
        self.restarts += 1
        self.start()
        return "everything", since, set()

    def crash(self):
        self.stack.kill_all()
        self.crashes += 1
        mode = self.rng.choice(lossy.MODES)
        dropped = lossy.restore(self.data, self.side, self.rng, mode)
        self.dropped.add(dropped)
        self.regions[dropped.regions] += 1
        self.modes[mode] += 1
        return (f"{mode}: {dropped.writes} writes in {dropped.files} files lost ({dropped.bytes} bytes), {dropped.names} names, "
                f"regions {dropped.regions}")

    def do_crash(self):
        text = self.crash()
        since = time.monotonic()
        self.start()
        return text, since, set()

    def do_recrash(self):
        texts = [self.crash()]
        for _ in range(self.rng.randrange(1, 3)):
            self.start()
            time.sleep(self.rng.random() * 0.6)
            texts.append(self.crash())
        since = time.monotonic()
        self.start()
        return "; ".join(texts), since, set()

    # -- What is wrong for a while ---------------------------------------------------------------------------------
    def condition(self, name):
        condition, killed, log_from = CONDITIONS[name], [], self.log_size()
        before, seconds = self.stack.processes(), 0.3 + self.rng.random() * CONDITION_SECONDS
        blows = self.rng.choice((0, 0, 1, 2))
        self.mark(f"{name} begins")
        with condition.during(self) as text:
            self.mark(f"{name}: {text}")
            for _ in range(blows):
                time.sleep(seconds / (blows + 1))
                with contextlib.suppress(TimeoutError):  # what it was to hit may not come up before the end of this
                    killed.append(self.kill(patience=1))
            time.sleep(seconds / (blows + 1))
        since = time.monotonic()
        self.mark(f"{name} is over")
        if condition.harmless and not killed:
            self.unharmed(name, before)
        return f"{text}, {len(killed)} killed", since, {pid for _, pid in killed}, (log_from, condition.excuse)

    def unharmed(self, name, before):
        """Whoever was there is there."""
        for role, pid in set(before) - set(self.stack.processes()):
            self.problems.append(f"{role} {pid} did not survive {name}")

    # -- The run ---------------------------------------------------------------------------------------------------
    def one(self, name):
        if name in CONDITIONS:
            what, since, dead, (log_from, excuse) = self.condition(name)
        else:
            (what, since, dead), excuse = getattr(self, "do_" + name)(), ""
        seconds = self.healed(since, dead)
        self.note_jump()
        if excuse:
            self.excused.append((log_from, self.log_size(), excuse))
        self.heals.append((name, what, seconds))
        self.mark(f"healed in {seconds:.2f} s: {name} {what}")
        print(f"{time.monotonic() - self.begun:7.1f} s  {name:<12} healed in {seconds:5.2f} s  {what}", flush=True)

    def run(self, seconds):
        """As the seed draws them, until the time is over."""
        self.begun = crashed = time.monotonic()
        while time.monotonic() - self.begun < seconds:
            time.sleep(0.05 + self.rng.random() * 0.4)
            name = self.rng.choices(list(self.weights), self.weights.values())[0]
            if time.monotonic() - crashed > CRASH_EVERY_SECONDS and "crash" in self.weights:
                name = "crash"
            if name in CRASHES:
                crashed = time.monotonic()
            self.try_one(name)

    def run_each(self):
        """Every one of them, the more important ones several times, in an order that the seed draws."""
        self.begun = time.monotonic()
        names = [name for name in self.weights for _ in range(EACH.get(name, 1))]
        self.rng.shuffle(names)
        for name in names:
            time.sleep(self.rng.random() * 0.3)
            self.try_one(name)

    def try_one(self, name):
        try:
            self.one(name)
        except (TimeoutError, RuntimeError) as e:
            print(f"{time.monotonic() - self.begun:7.1f} s  {name:<12} DID NOT HEAL: {e}; processes {self.stack.processes()}; "
                  f"blows {self.blows[-8:]}", flush=True)
            self.keep_evidence()
            raise

    def last_crash(self):
        """After the clients have gone: what they were told must be on disk."""
        self.weather.calm()
        self.one("crash")

    def keep_evidence(self):
        self.stack.dump(self.data.parent / "dump.txt")
        self.stack.kill_all()
        shutil.copytree(self.data, self.data.parent / "evidence", ignore=lambda _, names: [n for n in names if n.endswith(".sock")],
                        dirs_exist_ok=True)

    def lasts(self, name):
        """It is wrong for a while, not a blow."""
        return name in CONDITIONS

    def single_heals(self):
        return [(f"{name} {what}", seconds) for name, what, seconds in self.heals if name == "kill"]

    def report(self):
        worst = collections.defaultdict(lambda: (0, ""))
        by_name = collections.defaultdict(list)
        for name, what, seconds in self.heals:
            key = f"{name} {what}" if name == "kill" else name
            by_name[key].append(seconds)
            worst[key] = max(worst[key], (seconds, what))
        for key in sorted(by_name):
            times = sorted(by_name[key])
            print(f"{key:<14} {len(times):4} times, healed in {times[len(times) // 2]:5.2f} s (median), {times[-1]:5.2f} s (longest)")
        d = self.dropped
        print(f"lost by crashes: {d.writes} writes, {d.bytes} bytes, {d.names} names; {d.torn} torn, {d.kept} kept; "
              f"modes {dict(self.modes)}, regions {dict(self.regions)}")
        longest = max((seconds for _, seconds in self.single_heals()), default=0)
        wrong = collections.Counter(name for name, _, _ in self.heals if name in CONDITIONS)
        print("meanwhile wrong: " + ", ".join(f"{count} {name}" for name, count in sorted(wrong.items())))
        print(f"faults: {self.kills} kills, {self.stops} stops, {self.restarts} restarts, {self.crashes} crashes with lost writes; "
              f"longest heal after a single kill {longest:.2f} s")
        sys.stdout.flush()
