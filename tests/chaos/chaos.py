#!/usr/bin/python3
"""Breaks a running stack for some minutes and proves that it kept its promises: the driver of `make chaos`.

    chaos.py --minutes 10 --seed 7        one line a fault with its time to heal, then the verdict; exit status 1 on any violation

Clients (clients.py) post all the time. The faults come from one seed; when exactly they strike depends on the machine. At the end everything is
killed and what was not synced dropped once more, the queue drained, the tables and outcomes read (collect.py) and compared (checker.py)."""
import argparse
import json
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import checker
import collect
import figures
import lossy
import receivers
from faults import Faults
from kinds import TABLES
from load import run_client
from network import Network
from probe import Probe
from stack import Stack, free_port, until
from weather import Weather

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRAIN_SECONDS = 120
BAD_LINES = re.compile(r"lossy: |Assertion|AddressSanitizer|(?<!frame\.)damaged|catastrophic|PANIC|core\.broken|journal\.failed|store\.failed")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of the faults and the load (random)")
    parser.add_argument("--build", default=os.environ.get("LEAT_BUILD", ROOT / "build"))
    parser.add_argument("--folder", default=None, help="for data, history and logs (temporary, removed when all is well)")
    parser.add_argument("--rate", type=int, default=1600, help="operations a second at most")
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--threads", type=int, default=6, help="of each client")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--heal-seconds", type=float, default=3, help="a single kill that heals slower is a violation")
    parser.add_argument("--patience", type=float, default=1, help="on a busy machine: deadlines are so many times longer, and slow heals are only told")
    parser.add_argument("--each", action="store_true", help="every fault at least once, and then the end; instead of some minutes")
    parser.add_argument("--figures", default=None, help="a folder for figures.json and figures.md")
    parser.add_argument("--only", default=None, help="comma-separated names of faults")
    return parser.parse_args()


class Run:
    def __init__(self, options):
        self.options = options
        self.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
        self.folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="leat-chaos-"))
        self.data, self.side = self.folder / "data", self.folder / "side"
        for name in ("history", "deliveries"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.data.mkdir(exist_ok=True)
        layer = lossy.environment(self.data, self.side, pathlib.Path(options.build) / "chaos/lossy.so")
        self.weather, self.network = Weather(self.side), Network(self.folder, self.data)
        layer = {**layer, **self.weather.environment(), **self.network.environment()}
        tables = [word for table in (*TABLES, "probe:id") for word in ("--table", table)]
        self.stack = Stack(options.build, self.data, free_port(), tables, layer, options.workers, options.gateways)
        self.stopping, self.relief = multiprocessing.Event(), multiprocessing.Event()
        self.acked = multiprocessing.Array("Q", options.clients, lock=False)
        self.clients = []
        self.begun = time.monotonic()

    def start_clients(self):
        o = self.options
        for i in range(o.clients):
            process = multiprocessing.Process(target=run_client, args=(
                i, self.seed, self.stack.port, self.folder, o.rate / o.clients, o.threads, self.stopping, self.relief, self.acked))
            process.start()
            self.clients.append(process)

    def stop_clients(self):
        self.stopping.set()
        for process in self.clients:
            process.join(90 * self.options.patience)
            assert process.exitcode == 0, f"a client ended with {process.exitcode}"

    def tell(self, text):
        print(f"{time.monotonic() - self.begun:7.1f} s  {text}", flush=True)

    # -- The end ---------------------------------------------------------------------------------------------------
    def drain(self):
        """Until the queues are empty; what is dead is handed out again. Returns what is left after all patience."""
        deadline, counts, redriven = time.monotonic() + DRAIN_SECONDS * self.options.patience, {}, 0
        while time.monotonic() < deadline:
            queues = self.stack.queues()
            counts = {name: q["ready"] + q["inflight"] + q["delayed"] for name, q in queues.items()}
            if counts and not any(counts.values()):
                return counts
            if counts.get("leat-jobs-dead") and not counts.get("leat-jobs"):
                redriven += counts["leat-jobs-dead"]
                print(f"dead letters handed out again: {counts['leat-jobs-dead']}", flush=True)
                self.stack.redrive()
            time.sleep(0.1)
        return counts or {"(no answer)": 1}

    def state(self, history, jumps):
        stopping = threading.Event()
        receiving = threading.Thread(target=receivers.drain, args=(self.stack.port, self.folder, stopping))
        receiving.start()
        try:
            left = self.drain()
        finally:
            stopping.set()
            receiving.join()
        self.tell("drained")
        found = collect.found(self.stack.port)
        self.tell("tables read")
        outcomes = collect.outcomes(self.stack.port, history, found)
        self.tell(f"{len(outcomes)} outcomes read")
        return {"queues": left, "jumps": jumps, "found": found, "outcomes": outcomes}

    def verify_store(self):
        """Berkeley DB's own check of the files, after a clean stop."""
        if not shutil.which("db5.3_verify"):
            return []
        return [f"{path.name}: {found.stderr.strip()}" for path in sorted((self.data / "store").glob("*.db"))
                for found in [subprocess.run(["db5.3_verify", "-o", path], capture_output=True, text=True, check=False)]
                if found.returncode != 0]

    # -- All of it -------------------------------------------------------------------------------------------------
    def play(self):
        faults = Faults(self.stack, self.data, self.side, self.weather, self.network, random.Random(self.seed), self.options.only,
                        self.options.patience)
        self.stack.start()
        with Probe(self.stack) as probe:
            faults.probe, faults.relief = probe, self.relief
            until(probe.once, 20, "the first operation")
            receivers.make_queues(self.stack.port)
            self.start_clients()
            try:
                if self.options.each:
                    faults.run_each()
                else:
                    faults.run(self.options.minutes * 60)
            finally:
                self.stop_clients()
            self.tell("clients have ended")
            faults.last_crash()
        history = checker.read_lines(self.folder, "history")
        state = self.state(history, faults.all_jumps())
        (self.folder / "state.json").write_text(json.dumps(state))
        verdict = checker.Checker(history, state, checker.read_lines(self.folder, "deliveries")).check()
        self.tell("compared")
        return faults, verdict

    def conclude(self, faults, verdict):
        """Prints what there is to say; True if all is well."""
        problems = [f"leat up ended with {status}" for status in [self.stack.terminate()] if status != 0]
        problems += faults.problems + self.verify_store() + faults.bad_lines(BAD_LINES)
        limit = self.options.heal_seconds
        problems += [f"slow: {text}" for text, seconds in faults.single_heals() if seconds > limit and self.options.patience == 1]
        for problem in problems[:20]:
            print("PROBLEM " + problem)
        faults.report()
        checker.report(verdict)
        good = not problems and not verdict.violations and verdict.acknowledged > 0
        if self.options.figures:
            figures.write(figures.of(self, faults, verdict, time.monotonic() - self.begun, good), pathlib.Path(self.options.figures))
        return good


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the stack, too
    run = Run(arguments())
    print(f"seed {run.seed}, folder {run.folder}", flush=True)
    good = False
    try:
        with run.network:
            good = run.conclude(*run.play())
    finally:
        run.stopping.set()
        run.stack.kill_all()
        if good and not run.options.folder:
            shutil.rmtree(run.folder)
        else:
            print(f"kept: {run.folder} (history/, state.json, stack.log, data/)")
    print("chaos: " + ("all promises kept" if good else "FAILED") + f", seed {run.seed}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
