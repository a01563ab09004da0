"""Others, on the same machine in the same run. Who is not installed is skipped with a word; nothing is installed here, but for moto, which goes
into a folder of its own that is removed afterwards."""
import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from . import queues
from .loads import Failed, program, run, wrk
from .processes import BUILD, Process, free_port

CLIENTS = 64


def installed(name, package):
    path = shutil.which(name) or next(iter(glob.glob(f"/usr/*bin/{name}")), None)
    if not path:
        raise Failed(f"not installed (apt-get install {package})")
    return path


def bare(bench):
    port = free_port()
    with Process([BUILD / "bench" / "bare", port], "ready"):
        for connections in (64, 256):
            bench.note(f"bare HTTP, {connections} connections", **wrk(f"http://127.0.0.1:{port}", connections, bench.seconds))


def disk(bench):
    bench.note("bare disk, 4 KiB append + sync", **program("disk", bench.folder / "disk", min(2, bench.seconds)))


def beanstalkd(bench):
    """-f0 syncs each write before it answers; the default answers first and syncs each 50 ms."""
    path = installed("beanstalkd", "beanstalkd")
    for name, sync in (("-f0", "-f0"), ("default", "-f50")):
        port, folder = free_port(), tempfile.mkdtemp(dir=bench.folder)
        with Process([path, "-l", "127.0.0.1", "-p", port, "-b", folder, sync], port=port):
            for what in ("put", "cycle"):
                bench.note(f"beanstalkd {name} {what}", per_second=program("beans", port, CLIENTS, bench.seconds, what))
        shutil.rmtree(folder)


def redis(bench):
    """LPUSH with an fsync for each turn of its loop: what comes nearest to an accept."""
    path, client = installed("redis-server", "redis-server"), installed("redis-benchmark", "redis-tools")
    port, folder = free_port(), tempfile.mkdtemp(dir=bench.folder)
    with Process([path, "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
                 "Ready to accept"):
        out = run([client, "-p", port, "-c", CLIENTS, "-n", 10000 * bench.seconds, "-d", 120, "-t", "lpush", "--csv"])
        bench.note("redis LPUSH, appendfsync always", per_second=float(out.splitlines()[-1].split(",")[1].strip('"')))
    shutil.rmtree(folder)


def nats(bench):
    """A JetStream publish, acknowledged. Versions before 2.10 cannot be told to sync first, and the row says so."""
    path = installed("nats-server", "nats-server")
    port, folder = free_port(), pathlib.Path(tempfile.mkdtemp(dir=bench.folder))
    for name, more in (("nats JetStream publish, sync always", ", sync_interval: always"), ("nats JetStream publish, not synced", "")):
        (folder / "conf").write_text(f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}"{more} }}\n')
        if subprocess.run([path, "-t", "-c", folder / "conf"], capture_output=True).returncode == 0:
            break
    with Process([path, "-c", folder / "conf"], port=port):
        bench.note(name, per_second=program("nats", port, CLIENTS, bench.seconds))
    shutil.rmtree(folder)


def rabbitmq(bench):
    """A publish into a durable quorum queue of one member, confirmed. Erlang's port mapper is started here, too, so that none stays behind."""
    installed("rabbitmq-server", "rabbitmq-server")
    found = sorted(glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))
    if not found:
        raise Failed("its start script is not where Debian puts it")
    folder = pathlib.Path(tempfile.mkdtemp(dir=bench.folder))
    port, mapper = free_port(), free_port()
    (folder / "plugins").touch()
    environment = {**os.environ, "HOME": str(folder), "ERL_EPMD_PORT": str(mapper), "ERL_EPMD_ADDRESS": "127.0.0.1",
                   "RABBITMQ_NODENAME": "leatbench@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(port),
                   "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_MNESIA_BASE": str(folder / "db"), "RABBITMQ_LOG_BASE": str(folder / "log"),
                   "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
                   "RABBITMQ_CONFIG_FILE": str(folder / "none")}
    with Process([installed("epmd", "erlang-base"), "-port", mapper, "-address", "127.0.0.1"], port=mapper):
        with Process(found[-1:], "completed with", seconds=90, env=environment):
            bench.note("rabbitmq quorum queue, confirmed publish", per_second=program("rabbit", port, CLIENTS, bench.seconds))
    shutil.rmtree(folder)


# -- moto ------------------------------------------------------------------------------------------------------------
def moto_command(folder):
    """moto_server, or a copy fetched from PyPI into folder."""
    if shutil.which("moto_server"):
        return ["moto_server"]
    print("  moto: not installed; fetching it into a temporary venv", flush=True)
    try:
        run([sys.executable, "-m", "venv", folder / "venv"], 60)
        run([folder / "venv/bin/pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", "moto[server]"], 180)
    except Failed as why:
        raise Failed(f"not installed, and PyPI did not give it ({why})") from None
    return [folder / "venv/bin/python", "-m", "moto.server"]


def create_table(url):
    body = {"TableName": "lambda-apigateway", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), {
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.CreateTable",
        "Authorization": "AWS4-HMAC-SHA256 Credential=leat/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"}), timeout=30)


def moto(bench):
    """DynamoDB's and SQS's protocols over dictionaries in memory: nothing is durable. dynalite, the other one of its kind, is an npm package: not fetched here."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=bench.folder))
    try:
        port = free_port()
        with Process([*moto_command(folder), "-H", "127.0.0.1", "-p", port], port=port, seconds=60):
            url = f"http://127.0.0.1:{port}"
            create_table(url)
            time.sleep(0.1)
            for operation in ("PutItem", "GetItem"):
                bench.note(f"moto {operation}, {CLIENTS} connections (in memory)",
                           **wrk(url, CLIENTS, bench.seconds, "calls.lua", LEAT_BENCH_OPERATION=operation, LEAT_BENCH_ITEMS=1000))
            queues.rates_of(bench, "moto", url)
    finally:
        shutil.rmtree(folder)
