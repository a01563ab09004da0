"""The result drawn by gnuplot: rates as bars, and curves over workers and sizes. The scripts are made by pure functions."""
import re
import statistics
import subprocess

LEAT, OTHERS, IDEAL = "#2a7fb8", "#9aa5b1", "#c0392b"
FAR_BEYOND = 5  # times a target: longer bars say nothing more
LEAT_ROWS = re.compile(r"accept|end to end|native|waiting|GetItem|PutItem")
NO_BARS = re.compile(r"bare disk|growth|that wait|that compute|generators|^core|^codec|^apply|^journal|^disk|backlog|idle")
HEAD = ["set encoding utf8", "set border lc rgb '#5b6875'", "set tics textcolor rgb '#1d2733'", "set grid lc rgb '#e6ebef'"]


def draw(figures, judged, folder):
    for name, script in (("rates", rates(figures)), ("targets", targets(judged)), ("scaling", scaling(figures)), ("growth", growth(figures))):
        if script:
            subprocess.run(["gnuplot"], input="\n".join([f"set output '{folder / f'latest.{name}.svg'}'", *script, ""]), text=True, check=True)


def terminal(width, height):
    return [f"set terminal svg size {width},{height} font 'sans,12' background 'white'", *HEAD]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', "'") + '"'


def block(name, lines):
    return [f"${name} << END", *lines, "END"]


# -- Bars --------------------------------------------------------------------------------------------------------
def rates(figures):
    """A bar a row that has a rate: jobs a second where it has that, else requests."""
    found = []
    for row, columns in figures.rows.items():
        values = columns.get("jobs_per_second") or columns.get("per_second")
        if values and not NO_BARS.search(row):
            found.append((row, statistics.median(values), min(values), max(values)))
    if not found:
        return None
    return bars("requests or jobs a second: medians, with least and greatest", found,
                lambda row: LEAT if LEAT_ROWS.search(row) and "moto" not in row else OTHERS, "{:,.0f}")


def targets(judged):
    """How far beyond its target each one is: 1 is the target itself."""
    found = []
    for t in judged:
        bound = float(t["target"].split()[1])
        most = t["target"].startswith("<=")
        values = [min(FAR_BEYOND, bound / max(v, bound / 100) if most else v / bound) for v in (t["value"], t["min"], t["max"])]
        found.append((t["name"], values[0], min(values[1:]), max(values[1:])))
    if not found:
        return None
    beyond = {t["name"]: t["verdict"] for t in judged}
    return bars(f"measured over target (1: reached; more is better; cut at {FAR_BEYOND})", found, lambda name: IDEAL if beyond[name] == "MISSED" else LEAT, "{:.2f}",
                ["set arrow 1 from 1, graph 0 to 1, graph 1 nohead dt 2 lc rgb '#5b6875' front"])


def bars(title, found, color, shown, more=()):
    rows = list(reversed(found))
    most = max(greatest for *_, greatest in rows)
    lines = [f"{i} {median} {least} {greatest} {int(color(row)[1:], 16)} {quoted(shown.format(median))}"
             for i, (row, median, least, greatest) in enumerate(rows)]
    names = ", ".join(f"{quoted(row.replace('%', '%%'))} {i}" for i, (row, *_) in enumerate(rows))
    return [*terminal(1000, 70 + 22 * len(rows)), f"set title {quoted(title)}", *block("bars", lines), f"set ytics scale 0 ({names}) noenhanced",
            "set grid noytics", f"set yrange [-0.7:{len(rows) - 0.3}]", f"set xrange [0:{most * 1.15}]", "set format x '%.0s%c'" if most > 1000 else "set format x '%g'",
            "set lmargin 44", "set key off", *more,
            "plot $bars using (0):1:(0):2:($1-0.35):($1+0.35):5 with boxxyerror fs solid 0.85 noborder lc rgb variable, "
            "'' using 2:1:3:4 with xerrorbars pt 0 lc rgb '#1d2733', "
            "'' using 4:1:6 with labels left offset 1,0 noenhanced font ',10'"]


# -- Curves ------------------------------------------------------------------------------------------------------
def curve(figures, pattern, figure):
    """(x, median, least, greatest) of the rows that match, x being the number in the match."""
    found = []
    for row, columns in figures.rows.items():
        match = re.fullmatch(pattern, row)
        if match and columns.get(figure):
            values = columns[figure]
            found.append((int(match[1].replace(",", "")), statistics.median(values), min(values), max(values)))
    return sorted(found)


def data(name, points):
    return block(name, [" ".join(str(v) for v in point) for point in points])


def scaling(figures):
    panels = []
    for title, pattern in (("jobs that wait 5 ms", r"jobs that wait 5 ms, (\d+) workers"), ("jobs that compute", r"jobs that compute, (\d+) workers")):
        points = curve(figures, pattern, "jobs_per_second")
        if points:
            panels.append((title, points))
    if not panels:
        return None
    script = [*terminal(500 * len(panels), 420), f"set multiplot layout 1,{len(panels)}", "set logscale xy 2", "set key left top",
              "set xlabel 'workers'", "set ylabel 'jobs a second'", "set format y '%.0f'"]
    for number, (title, points) in enumerate(panels):
        one = points[0][1] / points[0][0]
        script += [*data(f"p{number}", points), f"set title {quoted(title)}",
                   f"plot [{points[0][0]}:{points[-1][0]}] {one} * x with lines dt 2 lc rgb '{IDEAL}' title 'so many times one', "
                   f"$p{number} using 1:2:3:4 with yerrorlines lw 2 pt 7 lc rgb '{LEAT}' title 'measured'"]
    return [*script, "unset multiplot"]


# Rows, what they grow by, and the panels: figure, title, what to multiply by.
GROWTH = (
    (r"growth, ([\d,]+) jobs queued", "jobs queued",
     (("per_second", "thousand accepts a second", 1e-3), ("p99_us", "p99, ms", 1e-3), ("bytes_a_job", "bytes of memory a job", 1),
      ("restart_ms", "restart, s", 1e-3))),
    (r"growth, ([\d,]+) items", "items",
     (("read_per_second", "thousand waiting reads a second", 1e-3), ("read_p99_us", "p99 of reads, ms", 1e-3),
      ("resident_mb", "resident memory, MB", 1), ("restart_ms", "restart, s", 1e-3))),
    (r"growth, ([\d,]+) connections", "connections",
     (("per_second", "thousand accepts a second", 1e-3), ("p99_us", "p99, ms", 1e-3), ("gateway_mb", "gateway's memory, MB", 1))),
)


def growth(figures):
    rows = [(what, [(title, scale, curve(figures, pattern, figure)) for figure, title, scale in columns]) for pattern, what, columns in GROWTH]
    rows = [(what, panels) for what, panels in rows if any(points for *_, points in panels)]
    if not rows:
        return None
    script = [*terminal(1400, 300 * len(rows)), f"set multiplot layout {len(rows)},4", "set logscale x 10", "set format x '10^{%L}'",
              "set yrange [0:*]", "set key off"]
    for number, (what, panels) in enumerate(rows):
        for column, (title, scale, points) in enumerate(panels + [("", 1, [])] * (4 - len(panels))):
            if not points:
                script += ["set multiplot next"]
                continue
            name = f"g{number}_{column}"
            script += [*data(name, points), f"set title {quoted(title)}", f"set xlabel {quoted(what)}",
                       f"plot ${name} using 1:($2*{scale}) with linespoints lw 2 pt 7 lc rgb '{LEAT}'"]
    return [*script, "unset multiplot"]
