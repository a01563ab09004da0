"""The engine's program (engine.c): a request in, an answer out."""
import subprocess

import value as v


class Engine:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.last = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def ask(self, op, table, payload):
        """(code, value) of an operation; code "" if it succeeded."""
        self.last = v.dumps({"op": op, "table": table, "payload": payload})
        self.process.stdin.write(self.last + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the engine ended at {self.last}")
        answer = v.loads(line)
        return answer["code"], answer["value"]
