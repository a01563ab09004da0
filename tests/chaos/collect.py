"""Reads the final state of a drained stack over HTTP, for the checker: tables, outcomes, what is left in the queues."""
import http.client
import json
import multiprocessing
import threading
import time

from clients import Connection, PATH
from kinds import KINDS, outcome_of

SAMPLE = 16  # of acknowledged operations whose effect is in a table, every n-th outcome is compared, too
PROCESSES, THREADS = 3, 4
PATIENCE_SECONDS = 60


def patiently(connection, *request):
    """The answer to a question that may be asked again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            status, _, answer = connection.request(*request, {"Content-Type": "application/json"}, 35)
            if status in (200, 404):
                return status, answer
            problem = answer
        except (OSError, http.client.HTTPException) as e:
            problem = repr(e)
        assert time.monotonic() < deadline, f"{request[:2]}: {problem}"
        time.sleep(0.1)


def scan(port, table):
    """All items of a table, page by page."""
    connection, items, payload = Connection(port), [], {}
    while True:
        job = {"operation": "list", "tableName": table, "payload": payload}
        _, page = patiently(connection, "POST", PATH + "?wait=30", json.dumps(job))
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        payload = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def found(port):
    """{kind: {item: what is there}}"""
    return {name: kind.read(scan(port, kind.table.split(":")[0])) for name, kind in KINDS.items() if kind.table}


def outcome(connection, kind, job):
    status, answer = patiently(connection, "GET", f"/jobs/{job}", None)
    if status == 404:
        return None
    if answer["status"] in ("succeeded", "failed"):
        good = answer["status"] == "succeeded"
        return outcome_of(kind, good, answer["result" if good else "error"])
    return {"s": answer["status"], "v": None}


def read_some(port, wanted, into):
    connection = Connection(port)
    for kind, job in wanted:
        into[job] = outcome(connection, kind, job)


def read_share(port, wanted, pipe):
    found = {}
    threads = [threading.Thread(target=read_some, args=(port, wanted[i::THREADS], found)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send(found)


def outcomes(port, history, found):
    """Of everything whose effect does not speak for itself, and of a sample of the rest."""
    wanted = [(op["k"], op["id"]) for i, op in enumerate(history)
              if op["k"] in KINDS and op["a"] == "acked" and op["o"] is None and (i % SAMPLE == 0 or not KINDS[op["k"]].shows(op, found.get(op["k"], {})))]
    told, running = {}, []
    for i in range(PROCESSES):
        mine, theirs = multiprocessing.Pipe(False)
        process = multiprocessing.Process(target=read_share, args=(port, wanted[i::PROCESSES], theirs))
        process.start()
        theirs.close()
        running.append((process, mine))
    for process, pipe in running:
        told.update(pipe.recv())
        process.join()
    assert len(told) == len(set(job for _, job in wanted)), "an outcome was not read"
    return told
