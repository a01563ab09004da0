"""Several gateways on one port: the kernel spreads connections over them by SO_REUSEPORT; when one dies, the others serve."""
import signal
import threading

from conftest import wait_until

CONNECTIONS = 60  # that one of two gateways gets none of them by chance: once in 2 to the 59th


def served_by_each(stack):
    """Requests that each gateway counted, asked until each of them has answered."""
    seen = {}

    def ask():
        samples = stack.metrics()
        seen[samples["process_start_time_seconds"]] = sum(v for n, v in samples.items() if n.startswith("leat_http_requests_total"))
        return len(seen) == stack.gateways

    wait_until(ask, 20, message=lambda: f"answers of {len(seen)} gateways only")
    return seen


class Poster(threading.Thread):
    """Posts increments of one item, each repeated under its key until it is accepted."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack, self.accepted, self.repeated, self.stop = stack, 0, 0, threading.Event()

    def run(self):
        job = {"operation": "update", "tableName": "name", "payload": {
            "Key": {"id": "two"}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": 1}}}
        while not self.stop.is_set():
            try:
                answer = self.stack.post(job, headers={"Idempotency-Key": f"two-{self.accepted}"})
            except OSError:
                self.repeated += 1
                continue
            assert answer.status == 202, answer
            self.accepted += 1

    def more(self, count=CONNECTIONS):
        goal = self.accepted + count
        wait_until(lambda: self.accepted >= goal, 20, message=lambda: f"{self.accepted} of {goal} accepted")


def test_two_gateways_share_a_port_and_one_is_enough(new_stack):
    stack = new_stack(gateways=2)
    poster = Poster(stack)
    poster.start()
    poster.more()
    assert all(count > 0 for count in served_by_each(stack).values())
    stack.kill("gateway0")
    poster.more()
    stack.gateways = 1
    served_by_each(stack)
    stack.gateways = 2
    stack.start()
    poster.more()
    stack.kill("gateway1", signal.SIGTERM).wait()
    poster.more()
    poster.stop.set()
    poster.join(20)
    item = stack.call("read", "name", {"Key": {"id": "two"}})["Item"]
    assert item["n"] == poster.accepted, poster.repeated
