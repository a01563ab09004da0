"""examples/: each is run against a stack, or read by the program that it is for, where that is installed."""
import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import xml.etree.ElementTree

import pytest
import requests

from conftest import Process, wait_until
from up import BUILD, ROOT, Up

EXAMPLES = ROOT / "examples"
OPERATIONS = {"create", "read", "update", "delete", "list", "echo", "ping"}


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="module")
def up():
    with Up() as stack:
        yield stack


def run(*command, url=None, **keywords):
    environment = {**os.environ, **({"LEAT_URL": url} if url else {})}
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, env=environment, **keywords)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


# -- Clients ------------------------------------------------------------------------------------------------------------
@needs("curl")
def test_curl(up):
    lines = [json.loads(line) for line in run("sh", EXAMPLES / "post.sh", url=up.url).split("\n") if line[:1] in ('{', '"')]
    accepted, updated, read, listed, echo, pong, many, deleted, again = lines
    assert accepted["status"] == "queued" and updated["Attributes"]["visits"] == 1 and read["Item"]["name"] == "Bob"
    assert listed["Count"] >= 1 and echo == {"hello": "world"} and pong == "pong" and len(many["jobs"]) == 3
    assert deleted["jobId"] == again["jobId"]
    assert up.wait_job(again["jobId"])["status"] == "succeeded"
    assert up.item("lambda-apigateway", id="n3") == {"id": "n3"} and up.item("lambda-apigateway", id="1") is None


def test_python_with_requests(up):
    updated, read, listed, job = map(ast.literal_eval, run(sys.executable, EXAMPLES / "post.py", url=up.url).splitlines())
    assert updated["Attributes"]["visits"] == 1 and read["Item"]["name"] == "Bob" and listed["Count"] >= 1
    assert job["status"] == "succeeded"


@needs("node")
def test_javascript(up):
    assert "status: 'succeeded'" in run("node", EXAMPLES / "post.mjs", url=up.url)
    assert up.item("lambda-apigateway", id="1") is None


def test_python_with_boto3_for_dynamodb(up):
    assert "'visits': Decimal('1')" in run(sys.executable, EXAMPLES / "dynamodb.py", url=up.url)


def test_python_with_boto3_for_sqs(up):
    assert "hello" in run(sys.executable, EXAMPLES / "sqs.py", url=up.url).splitlines()


# -- Postman ------------------------------------------------------------------------------------------------------------
def requests_of(items, folder=""):
    for item in items:
        if "item" in item:
            yield from requests_of(item["item"], item["name"])
        else:
            yield folder, item


@pytest.fixture(scope="module")
def collection():
    return json.loads((EXAMPLES / "leat.postman_collection.json").read_text())


def test_postman_collection_has_the_shape_of_format_2_1(collection):
    assert collection["info"]["schema"] == "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    assert "Performance" in collection["info"]["description"]
    known = {variable["key"] for variable in collection["variable"]}
    for folder, item in requests_of(collection["item"]):
        request, where = item["request"], f"{folder}/{item['name']}"
        url = request["url"]
        assert set(re.findall(r"{{(\w+)}}", json.dumps(request))) <= known, where
        query = "&".join(f"{q['key']}={q['value']}" for q in url.get("query", []))
        assert url["raw"] == "/".join(url["host"] + url["path"]) + ("?" + query if query else ""), where
        assert all({"key", "value"} <= set(header) for header in request.get("header", [])), where
        for event in item["event"]:
            assert event["listen"] == "test" and event["script"]["type"] == "text/javascript" and event["script"]["exec"], where


def test_postman_requests_are_answered_as_their_tests_say(up, collection):
    variables = {variable["key"]: variable["value"] for variable in collection["variable"]} | {"url": up.url}

    def filled(text):
        return re.sub(r"{{(\w+)}}", lambda match: variables[match[1]], text)

    seen = {"Asynchronous": set(), "Waiting": set()}
    for folder, item in requests_of(collection["item"]):
        request = item["request"]
        answer = requests.request(request["method"], filled(request["url"]["raw"]), data=filled(request.get("body", {}).get("raw", "")),
                                  headers={h["key"]: filled(h["value"]) for h in request.get("header", [])}, timeout=60)
        script = "\n".join(line for event in item["event"] for line in event["script"]["exec"])
        allowed = re.findall(r"status\((\d+)\)|oneOf\(\[([\d, ]+)\]\)", script)[0]
        assert answer.status_code in map(int, "".join(allowed).split(",")), (folder, item["name"], answer.text)
        if folder in seen:
            assert answer.status_code == {"Asynchronous": 202, "Waiting": 200}[folder]
            seen[folder].add(json.loads(filled(request["body"]["raw"]))["operation"])
        if "jobId" in script:
            variables["jobId"] = answer.json()["jobId"]
    assert seen == {"Asynchronous": OPERATIONS, "Waiting": OPERATIONS}


# -- Watching -----------------------------------------------------------------------------------------------------------
def test_every_metric_of_the_dashboard_exists(up):
    up.run("create", "name", {"Item": {"id": "watched"}})
    dashboard = json.loads((EXAMPLES / "grafana/leat.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = set(re.findall(r"\b(?:leat|process)_\w+", " ".join(expressions)))
    text = requests.get(up.url + "/metrics", timeout=10).text
    there = set(re.findall(r"^((?:leat|process)_\w+)[ {]", text, re.M))
    assert len(used) > 15 and used <= there, used - there
    labels = set(re.findall(r"(\w+)=\"", text))
    wanted = {name for names in re.findall(r"\bby \(([\w, ]+)\)", " ".join(expressions)) for name in names.split(", ")}
    assert wanted <= labels, wanted - labels
    states = re.findall(r'leat_queue_messages{([^}]*)}', " ".join(expressions))
    assert states and all(state in text for state in states)


@needs("promtool")
def test_prometheus(up):
    run("promtool", "check", "config", EXAMPLES / "prometheus/prometheus.yml")
    metrics = requests.get(up.url + "/metrics", timeout=10).text
    told = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0 and not told.stderr, told.stderr


# -- A reverse proxy ----------------------------------------------------------------------------------------------------
def nginx_config(folder, port, gateways):
    """The example, for these ports, with all it writes in a folder."""
    text = (EXAMPLES / "nginx.conf").read_text()
    first = "server 127.0.0.1:8080;"
    assert first in text and "listen 80;" in text and "http {" in text
    servers = " ".join(f"server 127.0.0.1:{gateway};" for gateway in gateways)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    text = text.replace(first, servers).replace("listen 80;", f"listen 127.0.0.1:{port};").replace("http {", f"http {{ access_log off; {temporary}")
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log", "-g", f"daemon off; pid {folder}/pid;"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(url):
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def jobs_taken(port):
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    return sum(map(int, re.findall(r'^leat_http_requests_total{route="manager",code="200"} (\d+)$', text, re.M)))


@needs("nginx")
def test_nginx_reads_it(tmp_path):
    run("nginx", "-t", "-c", EXAMPLES / "nginx.conf", "-e", tmp_path / "log", "-g", f"pid {tmp_path}/pid;")


@pytest.fixture
def second_gateway(new_stack, tmp_path):
    """A stack, and another gateway of it on a port of its own."""
    stack, port = new_stack(), free_port()
    gateway = Process("gateway", [BUILD / "leat-gateway", "--listen", f"127.0.0.1:{port}",
                                  "--queue-endpoint", f"ipc://{stack.data_dir}/run/client.sock"], tmp_path / "gateway.log")
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 10, message=gateway.output)
        yield stack, gateway, port
    finally:
        gateway.end()


@pytest.fixture
def proxy(second_gateway, tmp_path):
    stack, _, second = second_gateway
    port = free_port()
    nginx = Process("nginx", nginx_config(tmp_path, port, [stack.port, second]), tmp_path / "nginx.log")
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 10, message=nginx.output)
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.end()


@needs("nginx")
def test_reverse_proxy_before_two_gateways(second_gateway, proxy):
    stack, gateway, port = second_gateway
    job = {"operation": "update", "tableName": "name", "payload": {
        "Key": {"id": "proxied"}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": 1}}}

    def post_all(name, count=20):
        for n in range(count):
            answer = requests.post(f"{proxy}/prod/DynamoDBManager", json=job, headers={"Prefer": "wait=10", "Idempotency-Key": f"{name}{n}"}, timeout=30)
            assert answer.status_code == 200, answer.text

    post_all("both")
    assert jobs_taken(stack.port) > 0 and jobs_taken(port) > 0
    gateway.end()
    post_all("one")
    assert stack.call("read", "name", {"Key": {"id": "proxied"}})["Item"]["n"] == 40
    assert requests.post(f"{proxy}/DynamoDBManager", data=b"x" * 1100000, timeout=30).status_code == 413
    assert "leat_workers" in requests.get(f"{proxy}/metrics", timeout=10).text


# -- Scaling ------------------------------------------------------------------------------------------------------------
@needs("gnuplot")
def test_scale_demo(up, tmp_path):
    svg = tmp_path / "scale.svg"
    printed = run(sys.executable, ROOT / "tools/scale-demo", "--workers", "1,2", "--seconds", "0.3", "--svg", svg).splitlines()
    rows = {int(line.split()[0]): float(line.split()[1]) for line in printed if re.match(r" +\d", line)}
    assert set(rows) == {1, 2} and all(rate > 0 for rate in rows.values())
    picture = xml.etree.ElementTree.parse(svg).getroot()
    assert picture.tag.endswith("svg") and "jobs a second" in "".join(picture.itertext())
