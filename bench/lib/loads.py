"""Load generators: wrk, leat bench, and the small programs of this folder. Each returns figures by name, the unit at the name's end."""
import json
import os
import re
import resource
import subprocess
import tempfile

from .processes import BUILD, HERE, Failed

MICROSECONDS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}


def run(command, seconds=120, **environment):
    """What the command prints; Failed with what it complained about."""
    try:
        done = subprocess.run([str(c) for c in command], text=True, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL,
                              env={**os.environ, **{k: str(v) for k, v in environment.items()}})
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]}: no end after {seconds} s") from None
    except FileNotFoundError:
        raise Failed(f"{command[0]} is not installed") from None
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def parse_wrk(out):
    """Figures of wrk --latency."""
    def us(share):
        number, unit = re.search(rf"^\s+{share}%\s+([\d.]+)(us|ms|s|m)\b", out, re.M).groups()
        return float(number) * MICROSECONDS[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    return {"per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), "p50_us": us(50), "p99_us": us(99),
            "refused": (int(bad[1]) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)}


def wrk(url, connections, seconds, script="post.lua", **environment):
    return parse_wrk(run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s", "-s", HERE / script, url],
                         seconds + 60, **environment))


def parse_leat_bench(text):
    """Figures of leat bench --json."""
    found = json.loads(text)
    whole = found["whole"]
    return {"per_second": whole["per_second"] - whole["errors_per_second"], "p50_us": whole["p50_us"], "p99_us": whole["p99_us"],
            "refused": whole["errors"] + found["unanswered"], "missed": found["missed"]}


def leat_bench(seconds, *options):
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        command = [BUILD / "leat", "bench", "--quiet", "--duration", f"{int(seconds * 1000)}ms", "--json", file.name, *options]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=seconds + 60)
        if done.returncode not in (0, 1):
            raise Failed(f"leat bench ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return parse_leat_bench(file.read())


def program(name, *arguments, seconds=60):
    """One of bench/*.c that prints a number or JSON."""
    return json.loads(run([BUILD / "bench" / name, *arguments], seconds))


def with_cpu(load):
    """The figures of load(), and the CPU time that the generator itself took for each request. Nothing else may end meanwhile."""
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    before = used()
    figures = load()
    return figures, used() - before
