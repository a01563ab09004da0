"""Over the number of workers: jobs that wait, and jobs that compute."""
import tempfile
import time

from .processes import cpu_seconds, until
from .stacks import Leat

WAITING_WORKERS = (1, 2, 4, 8, 16, 32)
BUSY_WORKERS = (1, 2, 4, 8)
ATTRIBUTES = 70  # of an item: more do not fit into an expression
ITEMS = 5000
BUSY_JOBS_A_SECOND = 8000  # more than a small machine does: some are left over


def rate_of(leat, seconds):
    """Jobs finished a second, from the first one on, for so long or until the queue is empty; and the cores that the workers used for them."""
    until(lambda: leat.finished() > 0, 30, "the first job is done")
    children = leat.pids("worker-child")
    before, used, start = leat.finished(), sum(map(cpu_seconds, children)), time.monotonic()
    while time.monotonic() - start < seconds and leat.waiting() > 0:
        time.sleep(0.1)
    done, took = leat.finished() - before, time.monotonic() - start
    return done / took, (sum(map(cpu_seconds, children)) - used) / took


def note(bench, row, workers, rate, cores):
    bench.note(row, jobs_per_second=rate, jobs_per_second_a_worker=rate / workers, worker_cores=cores)


def waiting_jobs(bench):
    """An echo with a delay of 5 ms in the worker: 200 a second and worker would be perfect."""
    for workers in WAITING_WORKERS:
        with Leat(bench.folder, workers, "--echo-delay", "5ms") as leat:
            leat.fill(workers * (200 * bench.seconds + 1000), lambda n: '{"operation":"echo","payload":1}')
            time.sleep(0.5)
            note(bench, f"jobs that wait 5 ms, {workers} workers", workers, *rate_of(leat, bench.seconds))


def heavy_update(n):
    """An update that computes: a sum for each attribute, and a condition on all of them."""
    sets = ",".join(f"a{i}=if_not_exists(a{i},:z)+:v" for i in range(ATTRIBUTES))
    terms = " and ".join(f"not a{i}<:z" for i in range(ATTRIBUTES))
    return ('{"operation":"update","tableName":"lambda-apigateway","payload":{"Key":{"id":"' + str(n % ITEMS) + '"},'
            f'"UpdateExpression":"SET {sets}","ConditionExpression":"attribute_not_exists(a0) or ({terms})",'
            '"ExpressionAttributeValues":{":z":0,":v":1.25}}}')


def busy_jobs(bench):
    """Jobs that cost the worker CPU, collected before any worker runs: how far the cores of this machine carry."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as data:
        for workers in BUSY_WORKERS:
            with Leat(bench.folder, 0, data=data) as leat:
                leat.fill(int(bench.seconds * BUSY_JOBS_A_SECOND - leat.waiting()), heavy_update)
            with Leat(bench.folder, workers, data=data) as leat:
                note(bench, f"jobs that compute, {workers} workers", workers, *rate_of(leat, bench.seconds))
