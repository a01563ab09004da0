"""Strangers and damage: garbage on the sockets, garbage in the journal, two stacks on one folder. Clear errors, no harm."""
import os
import pathlib
import random
import signal
import subprocess

import msgpack
import pytest
import zmq

from up import BUILD, Up, until


def journal_files(up):
    return sorted((up.data / "journal").glob("*.seg"))


@pytest.mark.parametrize("socket_name", ["client.sock", "worker.sock"])
def test_garbage_on_the_sockets_harms_nothing(socket_name):
    with Up(workers=1) as up:
        rng = random.Random(7)
        context = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(f"ipc://{up.data}/run/{socket_name}")
        frames = [b"", b"\x00", b"\xc1", b"\x93", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\x91" * 5000,
                  msgpack.packb([1, 2, 3]), msgpack.packb([0, 1, "x" * 5000, "y"]), msgpack.packb([999]), msgpack.packb({"a": 1})]
        for kind in range(40):
            for arity in range(8):
                frames.append(msgpack.packb([kind] + [rng.choice([0, 2**63, -1, "", b"", b"\x00" * 16, [], [[1]], None, True])
                                                      for _ in range(arity)]))
        hello = msgpack.packb([0, 1, "fuzz", "fuzz"])
        join = msgpack.packb([17, 1, "fuzz", 1, 1, 1, msgpack.packb({})])
        for first in (None, hello, join):
            if first:
                socket.send(first)
            for frame in frames:
                socket.send(frame)
            for _ in range(2000):
                socket.send(rng.randbytes(rng.randrange(1, 200)))
            socket.send_multipart([b"a", b"b", b"c"])
        for _ in range(50):
            assert up.run("ping") == "pong"
        socket.close()
        context.term()
        assert up.item("name", id="nothing") is None
        assert sum("frame." in line for line in up.lines) < 100, "whoever sends garbage fills the log"
        assert all(p["restarts"] == 0 for p in up_restarts(up))


def test_a_supervisor_that_stands_still_holds_up_nobody():
    """Its parts write their lines into pipes that it reads; when those are full, lines are lost, and nothing else."""
    with Up(workers=1) as up:
        context = zmq.Context()
        context.max_sockets = 1000
        os.kill(up.process.pid, signal.SIGSTOP)
        sockets = []
        try:
            for _ in range(800):  # each makes the broker write a line
                sockets.append(context.socket(zmq.DEALER))
                sockets[-1].rcvtimeo = 10000
                sockets[-1].connect(f"ipc://{up.data}/run/client.sock")
                sockets[-1].send(msgpack.packb([0, 1, "r" * 16, "n" * 64]))
            for stream in sockets:
                stream.recv()
            assert up.run("ping") == "pong"
        finally:
            os.kill(up.process.pid, signal.SIGCONT)
            context.destroy(linger=0)
        assert up.run("ping") == "pong"


def up_restarts(up):
    import json
    return json.loads((up.data / "run" / "processes.json").read_text())["processes"]


def test_a_torn_tail_is_cut():
    with Up(workers=1) as up:
        jobs = [up.post({"operation": "create", "tableName": "name", "payload": {"Item": {"id": f"t{i}"}}}) for i in range(20)]
        up.kill_all()
        last = journal_files(up)[-1]
        data = last.read_bytes()
        end = len(data.rstrip(b"\0"))
        with open(last, "r+b") as f:
            f.seek((end + 8) // 8 * 8)
            f.write(os.urandom(700))
        up.start()
        assert all(up.wait_job(job)["status"] == "succeeded" for job in jobs)
        assert up.run("ping") == "pong"


def test_damage_in_the_middle_is_refused_and_salvaged():
    with Up(workers=1) as up:
        jobs = [up.post({"operation": "echo", "payload": "x" * 3000}) for i in range(50)]
        assert up.wait_job(jobs[-1])["status"] == "succeeded"
        up.kill_all()
        first = journal_files(up)[0]
        with open(first, "r+b") as f:
            f.seek(40000)
            f.write(b"\xde\xad\xbe\xef" * 4)
        queue = subprocess.run([BUILD / "leat-queue", "--data", up.data], capture_output=True, text=True, timeout=30)
        assert queue.returncode == 74
        assert first.name in queue.stderr and "--salvage" in queue.stderr
        up_again = subprocess.run([BUILD / "leat", "up", "--data", up.data, "--listen", "127.0.0.1:0"], capture_output=True,
                                  text=True, timeout=60)
        assert up_again.returncode == 74
        salvage = subprocess.run([BUILD / "leat-queue", "--data", up.data, "--salvage"], capture_output=True, text=True, timeout=30)
        assert salvage.returncode == 0, salvage.stderr
        assert list((up.data / "journal").glob("*.damaged"))
        up.start()
        assert up.run("ping") == "pong"


def test_a_second_stack_on_the_same_data_is_refused():
    with Up(workers=1) as up:
        second = subprocess.run([BUILD / "leat", "up", "--data", up.data, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                                timeout=30)
        assert second.returncode == 64 and "another leat up" in second.stderr
        queue = subprocess.run([BUILD / "leat-queue", "--data", up.data], capture_output=True, text=True, timeout=30)
        assert queue.returncode == 75
        assert up.run("ping") == "pong"


def test_a_table_with_another_key_is_refused():
    with Up(workers=1, tables=["orders:id"]) as up:
        assert up.stop() == 0
        again = subprocess.run([BUILD / "leat", "up", "--data", up.data, "--listen", "127.0.0.1:0", "--table", "orders:id:N"],
                               capture_output=True, text=True, timeout=60)
        assert again.returncode == 64
        assert "orders" in again.stderr


def test_bad_settings_end_the_start():
    with Up(workers=1) as up:
        up.stop()
        bad = subprocess.run([BUILD / "leat", "up", "--data", up.data, "--listen", "127.0.0.1:0", "--visibility-timeout", "soon"],
                             capture_output=True, text=True, timeout=60)
        assert bad.returncode == 64 and "VISIBILITY_TIMEOUT" in bad.stderr
