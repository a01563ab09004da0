"""CPU time by stage: perf's samples of every process, sorted into the stages of a job's way. Pure but for running perf.

A sample belongs to the first stage of its process whose pattern one of its frames matches, callers included: what malloc, the kernel, or a library did
is counted for whom it did it. So in a list the inner stages stand before those that contain them."""
import collections
import dataclasses
import re
import typing

ACCEPTED, APPLIED = "accepted", "applied"


@dataclasses.dataclass(frozen=True)
class Stage:
    role: str
    name: str
    frames: str  # regular expression for "symbol@library"; "": all that is left
    thread: str = ""  # regular expression for the thread's name
    per: str = APPLIED  # what a job's share is a share of: those accepted, or those applied, in the same time


STAGES = (
    Stage("leat bench", "load generator", "", per=ACCEPTED),
    Stage("gateway", "gateway: sockets to the queue (ZeroMQ's thread)", "", "ZMQ", per=ACCEPTED),
    Stage("gateway", "gateway: JSON", r"^(json_|yajl_)", per=ACCEPTED),
    Stage("gateway", "gateway: encode, group, id", r"^(op_encode|op_group|id_make)@", per=ACCEPTED),
    Stage("gateway", "gateway: send", r"^(queue_client_send|queue_client_flush)@", per=ACCEPTED),
    Stage("gateway", "gateway: answers of the queue", r"^(queue_client_process)@", per=ACCEPTED),
    Stage("gateway", "gateway: HTTP (libmicrohttpd and the kernel)", r"@libmicrohttpd|^http_", per=ACCEPTED),
    Stage("gateway", "gateway: asleep and awake again (poll)", r"^(__GI___)?_*p?poll@", per=ACCEPTED),
    Stage("gateway", "gateway: rest", "", per=ACCEPTED),
    Stage("queue", "queue: sockets (ZeroMQ's threads)", "", "ZMQ", per=ACCEPTED),
    Stage("queue", "queue: journal, its thread (write, sync)", r"^(do_group|do_mark|do_recycle|do_spare|write_group)@", per=ACCEPTED),
    Stage("queue", "queue: journal, append and keep", r"^(journal_|keep_journal)", per=ACCEPTED),
    Stage("queue", "queue: core", r"^core_", per=ACCEPTED),
    Stage("queue", "queue: deliver", r"^(do_deliver)@", per=APPLIED),
    Stage("queue", "queue: front (frames of gateways)", r"^(front_|do_sent|do_result|broker_finish_batch)", per=ACCEPTED),
    Stage("queue", "queue: back (frames of workers)", r"^back_", per=APPLIED),
    Stage("queue", "queue: sending and receiving frames", r"^(send_frames|outbox_|drain_socket|net_)", per=ACCEPTED),
    Stage("queue", "queue: asleep and awake again (poll)", r"^(__GI___)?_*p?poll@", per=ACCEPTED),
    Stage("queue", "queue: rest of the loop", "", per=ACCEPTED),
    Stage("worker", "worker: sockets to the queue (ZeroMQ's thread)", "", "ZMQ"),
    Stage("worker", "worker: housekeeping (its thread)", "", "^(keeper|sweep)"),
    Stage("worker", "worker: commit (log write, sync)", r"^(bdb_commit)@"),
    Stage("worker", "worker: Berkeley DB", r"@libdb|^bdb_"),
    Stage("worker", "worker: decode, inbox", r"^(inbox_|on_jobs|op_decode|msg_next_job)"),
    Stage("worker", "worker: table operation", r"^(table_apply|table_sort_key)@"),
    Stage("worker", "worker: batch, outcomes", r"^(apply_)"),
    Stage("worker", "worker: done", r"^(queue_worker_done|queue_worker_flush|answer_job)@"),
    Stage("worker", "worker: frames of the queue", r"^queue_worker_process@"),
    Stage("worker", "worker: asleep and awake again (poll)", r"^(__GI___)?_*p?poll@"),
    Stage("worker", "worker: rest of the loop", ""),
    Stage("guard", "guards and supervisor", ""),
)

HEAD = re.compile(r"^(\S.*?)\s+(\d+)/(\d+)\s*$")
FRAME = re.compile(r"^\s+[0-9a-f]+ (.+) \((.*)\)$")


class Sample(typing.NamedTuple):
    pid: int
    thread: str
    frames: tuple  # "symbol@library", the innermost first


def parse(lines):
    """Samples out of `perf script -F comm,pid,tid,ip,sym,dso`."""
    head, frames = None, []
    for line in lines:
        if match := HEAD.match(line):
            if head:
                yield Sample(*head, tuple(frames))
            head, frames = (int(match[2]), match[1]), []
        elif match := FRAME.match(line):
            symbol = re.sub(r"\+0x[0-9a-f]+$", "", match[1])
            frames.append(f"{symbol}@{match[2].rsplit('/', 1)[-1]}")
    if head:
        yield Sample(*head, tuple(frames))


class Sorter:
    """Finds the stage of a sample; remembers stacks it has seen."""

    def __init__(self, stages=STAGES):
        self.stages = {}
        for stage in stages:
            self.stages.setdefault(stage.role, []).append((stage, re.compile(stage.thread), re.compile(stage.frames)))

    def stage(self, role, sample):
        for stage, thread, frames in self.stages[role]:
            if stage.thread and not thread.search(sample.thread):
                continue
            if not stage.frames or any(frames.search(frame) for frame in sample.frames):
                return stage
        raise ValueError(f"the last stage of {role} must take all")


def spend(samples, roles, cpu_seconds, jobs, stages=STAGES):
    """Microseconds a job for each stage, in the stages' order. roles: pid -> role; cpu_seconds: pid -> what the kernel says that the process
    used meanwhile (its samples only share that out); jobs: {ACCEPTED: n, APPLIED: n}."""
    sorter, counts, totals = Sorter(stages), collections.Counter(), collections.Counter()
    for sample in samples:
        if sample.pid in roles:
            counts[sample.pid, sorter.stage(roles[sample.pid], sample)] += 1
            totals[sample.pid] += 1
    spent = collections.Counter()
    for (pid, stage), count in counts.items():
        spent[stage] += cpu_seconds[pid] * count / totals[pid] * 1e6 / jobs[stage.per]
    return {stage: spent[stage] for stage in stages if spent[stage] > 0}


def table(spent, jobs, seconds, note=""):
    whole = sum(spent.values())
    lines = [f"{jobs[ACCEPTED] / seconds:,.0f} jobs a second accepted, {jobs[APPLIED] / seconds:,.0f} applied{note}", "",
             f"{'stage':52}{'us a job':>9}{'share':>8}"]
    roles = dict.fromkeys(stage.role for stage in spent)
    for role in roles:
        rows = [(stage.name, us) for stage, us in spent.items() if stage.role == role]
        lines += [f"{name:52}{us:9.2f}{us / whole:8.1%}" for name, us in rows]
        if len(rows) > 1:
            lines.append(f"{'':4}{'together':48}{sum(us for _, us in rows):9.2f}")
    return "\n".join([*lines, f"{'the whole path':52}{whole:9.2f}"])


def top(samples, roles, role, stage_name, count=8):
    """The innermost functions of a stage, most frequent first: where to look next."""
    sorter, found = Sorter(), collections.Counter()
    for sample in samples:
        if roles.get(sample.pid) == role and sample.frames and sorter.stage(role, sample).name == stage_name:
            found[sample.frames[0]] += 1
    whole = sum(found.values())
    return [(frame, n / whole) for frame, n in found.most_common(count)]
