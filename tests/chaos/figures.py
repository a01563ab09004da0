#!/usr/bin/python3
"""The figures of a run, as JSON and as a Markdown table; and a command that puts the table where docs/RELIABILITY.md has its place:

    figures.py build/chaos/figures.json docs/RELIABILITY.md       replaces what stands between the two markers"""
import collections
import json
import os
import pathlib
import platform
import sys

BEGIN, END = "<!-- figures of make chaos: begin -->", "<!-- figures of make chaos: end -->"


def of(run, faults, verdict, seconds, good):
    """Everything that a run has to say of itself."""
    heals = collections.defaultdict(list)
    for name, _, healed in faults.heals:
        heals[name].append(healed)
    lost = faults.dropped
    return {
        "command": f"chaos.py --each --seed {run.seed}" if run.options.each else f"make chaos MINUTES={run.options.minutes:g} SEED={run.seed}",
        "kept": good,
        "machine": f"{os.cpu_count()} processors, load average {os.getloadavg()[1]:.1f} at the end, Linux {platform.release().split('-')[0]}",
        "stack": f"1 broker, {run.options.workers} workers, {run.options.gateways} gateways",
        "seconds": round(seconds), "faults": len(faults.heals), "kills": faults.kills, "kills_by_role": dict(faults.killed), "stops": faults.stops,
        "restarts": faults.restarts, "crashes": faults.crashes, "failed_syncs": faults.failed_syncs,
        "lost_writes": lost.writes, "lost_bytes": lost.bytes, "lost_names": lost.names, "torn_writes": lost.torn,
        "heals": {name: {"count": len(times), "median": round(sorted(times)[len(times) // 2], 2), "longest": round(max(times), 2),
                         "lasts": faults.lasts(name)}
                  for name, times in sorted(heals.items())},
        "longest_single_kill": round(max((s for _, s in faults.single_heals()), default=0), 2),
        "operations": {name: getattr(verdict, name) for name in
                       ("posted", "acknowledged", "refused", "unknown", "applied", "outcomes", "received", "deleted")},
        "violations": verdict.counts(),
    }


def table(f):
    """The same for people."""
    o, v = f["operations"], f["violations"]
    roles = ", ".join(f"{count} {role}" for role, count in sorted(f["kills_by_role"].items()))
    rows = [
        ("command", f"`{f['command']}`: {'all promises kept' if f['kept'] else 'FAILED'}, {f['seconds']} s, {f['machine']}; {f['stack']}"),
        ("operations", f"{o['posted']:,} posted, **{o['acknowledged']:,} acknowledged**, {o['refused']:,} refused, {o['unknown']:,} of unknown outcome"),
        ("compared", f"{o['applied']:,} effects, {o['outcomes']:,} outcomes, {o['received']:,} messages received, {o['deleted']:,} deleted"),
        ("violations", ", ".join(f"**{count} {kind}**" for kind, count in v.items())),
        ("kills", f"**{f['kills']}** by kill -9 ({roles}), beside {f['restarts']} of everything at once; {f['stops']} stops by SIGSTOP"),
        ("power cuts", f"**{f['crashes']}** crashes of the whole stack with lost writes: {f['lost_writes']:,} writes, {f['lost_bytes'] / 2**20:,.0f} MiB, "
                       f"{f['lost_names']:,} names gone; {f['torn_writes']:,} writes torn or out of order"),
        ("longest heal of a single kill", f"**{f['longest_single_kill']:.2f} s** (3 s are allowed)"),
    ]
    lines = ["| what | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows), "",
             "| fault | times | healed in, median | longest |", "|---|---|---|---|"]
    lines += [f"| {name}{' (a while, with kills)' if h['lasts'] else ''} | {h['count']} | {h['median']:.2f} s | {h['longest']:.2f} s |"
              for name, h in f["heals"].items()]
    return "\n".join(lines) + "\n"


def write(figures, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    (folder / "figures.md").write_text(table(figures))


def main():
    figures, page = json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2])
    text = page.read_text()
    before, rest = text.split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table(figures)}{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
