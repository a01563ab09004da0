"""Tells when the stack works again: a batch over all slices of the store, accepted and applied while the client waits.

A thread posts to the same items all the time, so that a killed worker usually holds some of them, and a probe has to wait behind."""
import http.client
import json
import threading
import time

from clients import Connection, PATH

ITEMS = 16
EVERY_SECONDS = 0.05


class Probe:
    def __init__(self, stack):
        self.stack, self.stopping, self.count = stack, threading.Event(), 0
        self.thread = threading.Thread(target=self.keep_busy)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def post(self, connection, wait):
        self.count += 1
        jobs = [{"operation": "update", "tableName": "probe",
                 "payload": {"Key": {"id": f"p{i}"}, "UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": self.count}}}
                for i in range(ITEMS)]
        path = PATH + (f"?wait={wait}" if wait else "")
        status, _, answer = connection.request("POST", path, json.dumps(jobs), {"Content-Type": "application/json"}, 2)
        return [job.get("status") for job in answer["jobs"]] if status in (200, 202) else []

    def once(self):
        """One try over a new connection."""
        connection = Connection(self.stack.port)
        try:
            return self.post(connection, 1) == ["succeeded"] * ITEMS
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.drop()

    def keep_busy(self):
        connection = Connection(self.stack.port)
        while not self.stopping.is_set():
            try:
                self.post(connection, 0)
            except (OSError, http.client.HTTPException):
                connection.drop()
            time.sleep(EVERY_SECONDS)
        connection.drop()
