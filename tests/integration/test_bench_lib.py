"""bench/: what computes, parses and draws there, and that its programs run at all. No figure is judged here."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import pytest

from up import BUILD, ROOT, Up, alive, until

sys.path.insert(0, str(ROOT / "bench"))
from lib import budget, comparisons, loads, plots, processes, queues, scans, tables, targets  # noqa: E402
from lib.figures import Figures  # noqa: E402

WRK = """Running 5s test @ http://127.0.0.1:8080
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   427.11us    1.03ms  22.66ms   97.20%
    Req/Sec   165.58k     9.01k  177.14k    86.27%
  Latency Distribution
     50%  195.00us
     75%  261.00us
     90%  466.00us
     99%    4.71ms
  839935 requests in 5.10s, 180.24MB read
Requests/sec: 164698.19
Transfer/sec:     35.34MB
"""


def figures_of(**rows):
    figures = Figures()
    for row, values in rows.items():
        for value in values:
            figures.note(row, per_second=value)
    return figures


# -- Load generators -----------------------------------------------------------------------------------------------------
def test_what_wrk_says():
    assert loads.parse_wrk(WRK) == {"per_second": 164698.19, "p50_us": 195, "p99_us": 4710, "refused": 0}
    bad = WRK.replace("195.00us", "1.50s").replace("4.71ms", "1.50m") + "  Non-2xx or 3xx responses: 17\n"
    assert loads.parse_wrk(bad) == {"per_second": 164698.19, "p50_us": 1.5e6, "p99_us": 90e6, "refused": 17}
    assert loads.parse_wrk(WRK + "  Socket errors: connect 1, read 2, write 3, timeout 4\n")["refused"] == 10


def test_what_leat_bench_says():
    text = '{"whole":{"per_second":120,"errors_per_second":20,"errors":40,"p50_us":5,"p99_us":9},"unanswered":2,"missed":7}'
    assert loads.parse_leat_bench(text) == {"per_second": 100, "p50_us": 5, "p99_us": 9, "refused": 42, "missed": 7}


def test_programs_that_fail():
    for command, words in ((["false"], "ended with 1"), (["/no/such/program"], "not installed"), (["sh", "-c", "echo why >&2; exit 3"], "3: why")):
        with pytest.raises(processes.Failed, match=words):
            loads.run(command)
    with pytest.raises(processes.Failed, match="no end after"):
        loads.run(["sleep", "60"], seconds=0.1)
    figures, cpu = loads.with_cpu(lambda: loads.run(["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo $i"]))
    assert figures.strip() == "20000" and cpu > 0


def test_processes_end_with_their_with():
    with processes.Process(["sh", "-c", "echo here it is; exec sleep 60"], "here") as process:
        assert process.line == "here it is"
        assert processes.resident_kib(process.process.pid) > 0
        assert processes.tree(os.getpid()).count(process.process.pid) == 1
    assert process.process.returncode is not None
    with pytest.raises(processes.Failed, match="did not start: no licence"):
        processes.Process(["sh", "-c", "echo no licence >&2; exit 1"], "ready")
    with pytest.raises(processes.Failed, match="not within"):
        processes.Process(["sleep", "60"], "ready", seconds=0.1)


# -- Figures ---------------------------------------------------------------------------------------------------------------
def test_medians_and_ratios():
    figures = figures_of(a=[30, 10, 20], b=[10, 10, 40], zero=[0])
    assert figures.median("a", "per_second") == 20 and figures.median("a", "other") is None and figures.median("c", "per_second") is None
    assert figures.ratio(("a", "per_second"), ("b", "per_second")) == (2, 0.5, 3)
    assert figures.ratio(("a", "per_second"), ("c", "per_second")) is None
    assert figures.ratio(("a", "per_second"), ("zero", "per_second")) is None
    assert figures.spread("a", "per_second", 0.1) == (2, 1, 3)
    assert figures.as_json()["b"]["per_second"] == {"median": 10, "min": 10, "max": 40, "values": [10, 10, 40]}


def test_verdicts():
    least = targets.at_least("x", ("a", "per_second"), ("b", "per_second"), 0.4, 0.5)
    assert [targets.verdict(least, v) for v in (0.39, 0.4, 0.49, 0.5)] == ["MISSED", "reached", "reached", "aim reached"]
    most = targets.at_most("y", ("a", "per_second"), 5)
    assert [targets.verdict(most, v) for v in (5, 5.01)] == ["reached", "MISSED"]


def test_judging():
    figures = figures_of(a=[31], b=[50], late=[9])
    rows = (targets.at_least("a / b", ("a", "per_second"), ("b", "per_second"), 0.4, 0.5), targets.at_most("late, ms", ("late", "per_second"), 10, scale=2),
            targets.at_least("not measured", ("c", "per_second"), ("b", "per_second"), 1),
            targets.at_least("instead", ("a", "per_second"), ("b", "per_second"), 1, stands_for=("c", "per_second")),
            targets.at_least("no need", ("a", "per_second"), ("b", "per_second"), 1, stands_for=("late", "per_second")))
    judged = targets.judge(figures, rows)
    assert [(t["name"], t["value"], t["verdict"]) for t in judged] == [("a / b", 0.62, "aim reached"), ("late, ms", 18, "MISSED"), ("instead", 0.62, "MISSED")]
    assert re.search(r"a / b +0\.62 +0\.62 +0\.62 +>= 0\.4 +0\.5 +aim reached", tables.targets_table(judged))


def test_targets_name_rows_that_comparisons_write():
    """Each row of a target is what some string of the comparisons can become."""
    source = "".join(path.read_text() for path in (ROOT / "bench" / "lib").glob("*.py") if path.name != "targets.py")
    written = {re.sub(r"\\{.*?\\}", ".+", re.escape(text)) for text in re.findall(r'"([^"\n]+)"', source)}
    written = {text for text in written if re.search("[a-z]{4}", text)}
    rows = {row for t in targets.TARGETS for row, _ in filter(None, (t.upper, t.lower, t.stands_for))}
    assert len(rows) > 15
    assert [row for row in rows if not any(re.fullmatch(text, row) for text in written)] == []


def test_numbers_and_tables():
    assert [tables.number(v) for v in (1234567.8, 99.96, 12.34, 3.14159, 0.0421, 7)] == ["1,234,568", "100.0", "12.3", "3.14", "0.0421", "7"]
    figures = figures_of(a=[10, 30, 20])
    figures.note("b", p50_us=5, refused=0)
    figures.skip("c", "not installed")
    table = tables.figures_table(figures)
    assert "per_second 20 (10 .. 30)" in table and "p50_us 5" in table and "refused" not in table
    assert tables.figures_line({"per_second": 1, "refused": 2, "missed": 0}) == "per_second 1  refused 2"
    assert tables.skipped_list(figures.skipped) == "skipped: c: not installed"


def test_a_busy_machine():
    before, after = "cpu  100 0 50 800 50 0 0 0 0 0", "cpu  130 0 60 850 60 0 0 0 0 0"
    assert processes.busy_percent(before, after) == pytest.approx(40) and processes.busy_percent(before, before) == 0
    assert 0 <= processes.machine_busy_percent(0.05) <= 100
    assert tables.machine_line([]) is tables.machine_line([1, 9]) is None
    assert "5 % of its CPU before a comparison (median), 80 % at most" in tables.machine_line([5, 1, 80])


def test_which_comparisons():
    names = [c.name for c in comparisons.chosen("growth,accept,bare")]
    assert names == ["bare", "accept", "queued", "items", "scan", "connections"], "in the table's order"
    assert len(comparisons.chosen(None)) == len(comparisons.COMPARISONS) == len({c.name for c in comparisons.COMPARISONS})
    for group in comparisons.GROUPS:
        assert comparisons.chosen(group)
    with pytest.raises(ValueError, match="fast"):
        comparisons.chosen("accept,fast")


# -- Plots -----------------------------------------------------------------------------------------------------------------
def some_figures():
    figures = figures_of(**{"accept, 64 connections": [50000, 70000], "bare disk, 4 KiB append + sync": [1]})
    for workers in (1, 2, 4):
        figures.note(f"jobs that wait 5 ms, {workers} workers", jobs_per_second=180 * workers)
    for count in (10**4, 10**5):
        figures.note(f"growth, {count:,} jobs queued", per_second=40000, p99_us=900, bytes_a_job=90, restart_ms=100)
    return figures


def test_curves():
    assert plots.curve(some_figures(), r"growth, ([\d,]+) jobs queued", "p99_us") == [(10000, 900, 900, 900), (100000, 900, 900, 900)]
    assert plots.curve(Figures(), r"growth, ([\d,]+) jobs queued", "p99_us") == []
    assert plots.rates(Figures()) is plots.scaling(Figures()) is plots.growth(Figures()) is plots.targets([]) is None
    bars = "\n".join(plots.rates(some_figures()))
    assert "accept, 64 connections" in bars and "disk" not in bars and "growth" not in bars


@pytest.mark.skipif(not shutil.which("gnuplot"), reason="gnuplot is not installed")
def test_drawing(tmp_path):
    judged = [{"name": "100 % \"sure\"", "value": 0.3, "min": 0.2, "max": 0.4, "target": ">= 0.4", "aim": None, "verdict": "MISSED"},
              {"name": "p99, ms", "value": 2, "min": 1, "max": 30, "target": "<= 5", "aim": None, "verdict": "reached"}]
    plots.draw(some_figures(), judged, tmp_path)
    shown = {path.name: "".join(ElementTree.parse(path).getroot().itertext()) for path in tmp_path.iterdir()}
    assert sorted(shown) == ["latest.growth.svg", "latest.rates.svg", "latest.scaling.svg", "latest.targets.svg"]
    assert "60,000" in shown["latest.rates.svg"] and "100 % 'sure'" in shown["latest.targets.svg"] and "jobs queued" in shown["latest.growth.svg"]


# -- The budget --------------------------------------------------------------------------------------------------------------
PERF = """leat-gateway   101/101
\tffffffff813a4413 memcpy ([kernel.kallsyms])
\t          10ac4d __libc_sendmsg+0x1d (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t           1580c [unknown] (/usr/lib/x86_64-linux-gnu/libmicrohttpd.so.12.60.0)

leat-gateway   101/101
\t           15985 yajl_lex_lex (/usr/lib/x86_64-linux-gnu/libyajl.so.2)
\t           15985 json_to_value (/tmp/build/leat-gateway)
\t           1580c [unknown] (/usr/lib/x86_64-linux-gnu/libmicrohttpd.so.12.60.0)

ZMQbg/IO/0   101/102
\t           15985 anything at all (/usr/lib/x86_64-linux-gnu/libzmq.so.5)

leat-worker 7   103/103
\t            f7ca __log_put (/usr/lib/x86_64-linux-gnu/libdb-5.3.so)
\t           17cba bdb_commit (/tmp/build/leat-worker)
\t           17cba apply_try (inlined)

stranger   999/999
\t           15985 main (/bin/x)
"""


def test_samples_are_sorted_into_stages():
    samples = list(budget.parse(PERF.splitlines()))
    assert [(s.pid, s.thread, len(s.frames)) for s in samples] == [
        (101, "leat-gateway", 3), (101, "leat-gateway", 3), (101, "ZMQbg/IO/0", 1), (103, "leat-worker 7", 3), (999, "stranger", 1)]
    assert samples[0].frames[1:] == ("__libc_sendmsg@libc.so.6", "[unknown]@libmicrohttpd.so.12.60.0")
    jobs = {budget.ACCEPTED: 1000, budget.APPLIED: 500}
    spent = budget.spend(samples, {101: "gateway", 103: "worker"}, {101: 3.0, 103: 1.0}, jobs)
    assert {stage.name: round(us) for stage, us in spent.items()} == {
        "gateway: HTTP (libmicrohttpd and the kernel)": 1000, "gateway: JSON": 1000, "gateway: sockets to the queue (ZeroMQ's thread)": 1000,
        "worker: commit (log write, sync)": 2000}
    shown = budget.table(spent, jobs, 2)
    assert "500 jobs a second accepted, 250 applied" in shown and re.search(r"the whole path +5000\.00", shown) and re.search(r"together +3000\.00", shown)
    assert budget.top(samples, {101: "gateway"}, "gateway", "gateway: JSON") == [("yajl_lex_lex@libyajl.so.2", 1.0)]


def test_each_process_has_a_last_stage():
    last = {stage.role: stage for stage in budget.STAGES}
    assert set(last) == {"leat bench", "gateway", "queue", "worker", "guard"}
    assert all(not stage.frames and not stage.thread for stage in last.values())


# -- The commands --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def work():
    """A temporary folder with a short name: sockets lie in it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="leat-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def command(*arguments, **environment):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **environment})


def test_help_and_usage(tmp_path):
    shown = command(ROOT / "bench/run", "--help")
    assert shown.returncode == 0
    for c in comparisons.COMPARISONS:
        assert f"  {c.name} " in shown.stdout
    for wrong in (["--only", "accept,fast"], ["--rounds", "0"], ["--seconds", "none"], ["word"]):
        assert command(ROOT / "bench/run", *wrong).returncode == 2
    assert "--top STAGE" in command(ROOT / "bench/budget", "--help").stdout


def test_budget_says_what_it_needs(tmp_path):
    pathlib.Path(tmp_path / "python3").symlink_to("/usr/bin/python3")
    done = command(ROOT / "bench/budget", PATH=str(tmp_path))
    assert done.returncode == 69 and "perf is not installed (apt-get install linux-perf)" in done.stderr


# -- The programs ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name, arguments, row, figure", [
    ("core", ["0.02", "1000"], "core, 1000 queued", "bytes_a_job"),
    ("codec", ["0.05"], "codec, a message", "json_to_value_ns"),
    ("append", ["FOLDER", "0.1"], "journal, 1 MiB a group", "mb_per_second"),
    ("apply", ["FOLDER", "0.1"], "apply, create, 100 a commit", "jobs_per_second"),
    ("disk", ["FOLDER/disk", "0.1"], None, "p50_us"),
])
def test_a_program(tmp_path, name, arguments, row, figure):
    found = loads.program(name, *(a.replace("FOLDER", str(tmp_path)) for a in arguments))
    assert (found[row] if row else found)[figure] > 0


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_a_run(tmp_path, work):
    """A whole run of some comparisons: figures, targets, files; and nothing stays behind."""
    done = command(ROOT / "bench/run", "--rounds", 1, "--seconds", 1, "--only", "bare,accept,calls", "--results", tmp_path / "results", LEAT_BUILD=str(BUILD),
                   TMPDIR=str(work))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "accept / bare, 64" in done.stdout and "Traceback" not in done.stderr
    found = json.loads((tmp_path / "results" / "latest.json").read_text())
    assert found["rows"]["accept, 256 connections"]["per_second"]["median"] > 0
    assert {t["name"] for t in found["targets"]} >= {"accept / bare, 64", "accept / bare, 256"}
    assert "calls" in found["skipped"] or "GetItem, 64 connections" in found["rows"]
    assert not list(work.iterdir())


def test_interrupted(tmp_path, work):
    """Ctrl-C ends what was started, and shows what there is."""
    process = subprocess.Popen([ROOT / "bench/run", "--rounds", "1", "--seconds", "60", "--only", "accept", "--results", tmp_path / "results"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "TMPDIR": str(work), "LEAT_BUILD": str(BUILD)})
    try:
        until(lambda: len(processes.tree(process.pid)) >= 5, 20, "queue, gateway and load run under bench/run and leat up")
        started = processes.tree(process.pid)
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=40)
    finally:
        process.kill()
    assert "interrupted" in shown and not any(alive(pid) for pid in started)
    assert not list(work.iterdir()) and (tmp_path / "results" / "latest.json").exists()


@pytest.fixture(scope="module")
def stack():
    with Up(workers=1) as up:
        yield up


def test_the_load_of_sqs_clients(stack):
    client = queues.Client(stack.url)
    client.create("load.fifo", FifoQueue="true")
    sent = queues.load(client.port, 20, "batch", "load.fifo", 7, 400, connections=4)
    assert sent["per_second"] > 0 and sent["messages_per_second"] == pytest.approx(10 * sent["per_second"], rel=0.01)
    waiting = int(client.ask("GetQueueAttributes", QueueUrl="load.fifo", AttributeNames=["ApproximateNumberOfMessages"])
                  ["Attributes"]["ApproximateNumberOfMessages"])
    assert 400 <= waiting <= 440
    for what in ("take", "take10", "cycle"):
        assert queues.load(client.port, 0.2, what, "load.fifo", 7, connections=2)["p50_us"] > 0
    assert queues.list_all(client)[0] >= 3


def test_the_load_of_waiting_receivers(stack):
    client = queues.Client(stack.url)
    for number in range(3):
        client.create(f"polled-{number}")
    out = loads.run([BUILD / "bench" / "polls", client.port, 12, 3, 0, 30, 100, "polled"])
    figures = json.loads(out.splitlines()[-1])
    assert out.splitlines()[:2] == ["waiting", "sending"] and figures["missing"] == 0 and figures["delivery_p50_us"] > 0


def test_a_table_is_scanned_page_by_page(stack):
    page = b'{"Count":1,"Items":[{"id":{"S":"LastEvaluatedKey"}}],"LastEvaluatedKey":{"id":{"S":"a\\"b"}},"ScannedCount":1}'
    assert scans.next_key(page) == {"id": {"S": 'a"b'}} and scans.next_key(b'{"Count":0,"Items":[]}') is None
    text = "x" * 400000
    for n in range(5):
        stack.run("create", "lambda-apigateway", {"Item": {"id": str(n), "name": text}})
    for segments in (1, 3):
        assert scans.rate(stack.url, "lambda-apigateway", 10, segments)[2] == 5
