"""leat table export and import: lines of DynamoDB's export format, there and back, in spite of kills, bad lines and full disks."""
import json
import os
import re
import subprocess

import boto3
import pytest
from test_disk_full import fill, small_disk  # noqa: F401 (a fixture)
from up import BUILD, Up, until

TYPES = {"s": {"S": "é \"\\\n 😀"}, "empty": {"S": ""}, "n": {"N": "-12345678901234567890.123456789012345678"}, "b": {"B": "AP8="},
         "yes": {"BOOL": True}, "nil": {"NULL": True}, "l": {"L": [{"L": []}, {"M": {}}]}, "m": {"M": {"a.b #:": {"S": "x"}}}, "ss": {"SS": ["a", "b"]},
         "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": ["AA==", "AQ=="]}}


@pytest.fixture(scope="module")
def up():
    with Up(workers=2, tables=["things:id", "others:id", "pairs:p:S,s:N"]) as stack:
        yield stack


def lines_of(items):
    return "".join(json.dumps({"Item": item}) + "\n" for item in items)


def leat(up, verb, table, *options, data="", **more):
    return subprocess.run([BUILD / "leat", "table", verb, table, "--url", up.url, *options], input=data, text=True, capture_output=True,
                          timeout=120, errors="surrogateescape", **more)


def exported(up, table):
    done = leat(up, "export", table)
    assert done.returncode == 0, done.stderr
    return {json.dumps(item["id"]): item for item in (json.loads(line)["Item"] for line in done.stdout.splitlines())}


def numbered(count, pad=0, first=0):
    return [{"id": {"S": f"i{i}"}, "n": {"N": str(i)}, "pad": {"S": "x" * pad}} for i in range(first, first + count)]


def by_id(items):
    return {json.dumps(item["id"]): item for item in items}


def test_there_and_back(up):
    items = [{"id": {"S": "all"}, **TYPES}, *numbered(3000, pad=1000)]
    done = leat(up, "import", "things", data=lines_of(items).replace("\n", "\r\n\n", 40))
    assert (done.returncode, done.stderr, done.stdout) == (0, "imported 3001 items\n", "")
    there = exported(up, "things")
    assert there == by_id(items)
    done = leat(up, "import", "others", data=leat(up, "export", "things").stdout)
    assert done.returncode == 0 and exported(up, "others") == there


def test_the_last_of_a_key_counts(up):
    items = [{"p": {"S": "a"}, "s": {"N": str(i % 7)}, "i": {"N": str(i)}} for i in range(60)]
    assert leat(up, "import", "pairs", data=lines_of(items)).returncode == 0
    found = [json.loads(line)["Item"] for line in leat(up, "export", "pairs").stdout.splitlines()]
    assert sorted((int(item["s"]["N"]), int(item["i"]["N"])) for item in found) == sorted((i % 7, i) for i in range(53, 60))


@pytest.mark.parametrize("line,reason", [
    ("nonsense", "it is not"), ('{"Item":{"id":{"S":"x"}}', "it is not"), ('{"item":{"id":{"S":"x"}}}', "it is not"), ('[{"id":{"S":"x"}}]', "it is not"),
    ('{"Item":{"id":{"S":"x"}},"more":1}', "it is not"), ('{"Item":"x"}', "it is not"), ("{}", "it is not"), ('{"Item":{"id":{"S":"\udcff"}}}', "it is not"),
    ('{"Item":{"id":{"N":"1"}}}', "ValidationException: "), ('{"Item":{"id":{"S":"x"},"n":{"N":"a"}}}', "ValidationException: "),
    ('{"Item":{"id":{"S":"x"},"n":{"N":1}}}', "SerializationException"), ('{"Item":{"id":{"S":""}}}', "ValidationException: "),
    ('{"Item":{"id":{"S":"x"},"pad":{"S":"%s"}}}' % ("x" * 410000), "ValidationException: "),
    ('{"Item":{"id":{"S":"x"},"pad":{"S":"%s"}}}' % ("x" * 13000000), "it has 12582912 bytes or more"),
], ids=range(14))
def test_a_bad_line_is_named_and_ends_it(up, line, reason):
    table = "others"
    items = numbered(40, first=10000)
    data = lines_of(items[:30]) + line + "\n" + lines_of(items[30:])
    done = leat(up, "import", table, data=data)
    assert done.returncode == 65 and done.stderr.startswith("leat table: line 31: " + reason), done.stderr
    assert done.stderr.endswith("(30 items before it are imported)\n") and done.stderr.count("\n") == 1
    there = exported(up, table)
    assert set(by_id(items[:30])) <= set(there) and not set(by_id(items[30:])) & set(there) and '{"S": "x"}' not in there
    done = leat(up, "import", table, "--from", "32", data=data)
    assert (done.returncode, done.stderr) == (0, "imported 10 items\n")
    for item in items:
        up.run("delete", table, {"Key": {"id": item["id"]["S"]}})


def test_what_is_not_there(up):
    for verb in ["export", "import"]:
        done = leat(up, verb, "nothere")
        assert done.returncode == 1 and "ResourceNotFoundException: Requested resource not found: Table: nothere not found" in done.stderr
        done = subprocess.run([BUILD / "leat", "table", verb, "things", "--url", "http://127.0.0.1:1"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5)
        assert done.returncode == 69
        assert leat(up, verb, "things", "more").returncode == 64


def test_an_export_that_cannot_be_written_says_so(up):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BUILD / "leat", "table", "export", "things", "--url", up.url], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 74 and "No space left on device" in done.stderr


def test_killed_imports_and_workers(tmp_path):
    """An import is killed in the middle, with a worker; run again, while the other worker dies, it leaves what a whole one leaves."""
    items = numbered(20000, pad=300)
    path = tmp_path / "lines"
    path.write_text(lines_of(items))
    with Up(workers=2, tables=["things:id"]) as up:
        table = boto3.client("dynamodb", endpoint_url=up.url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")

        def start():
            return subprocess.Popen([BUILD / "leat", "table", "import", "things", "--url", up.url], stdin=open(path), stderr=subprocess.PIPE, text=True)

        def there(item):
            return "Item" in table.get_item(TableName="things", Key={"id": item["id"]})
        first = start()
        until(lambda: there(items[2000]), 60, "a part of the import")
        first.kill()
        up.kill("worker")
        first.communicate()
        assert not there(items[-1])
        second = start()
        until(lambda: there(items[6000]), 60, "the import to go on")
        up.kill("worker")
        assert second.communicate(timeout=120)[1] == "imported 20000 items\n" and second.returncode == 0
        assert exported(up, "things") == by_id(items)


def test_a_full_disk_stops_it_and_it_goes_on(small_disk, tmp_path):
    items = numbered(30000, pad=600)
    path = tmp_path / "lines"
    path.write_text(lines_of(items))
    with Up("--segment-bytes", "4MiB", "--min-free", "8MiB", "--cache-bytes", "8MiB", workers=1, tables=["things:id"], data=small_disk / "data") as up:
        first = subprocess.Popen([BUILD / "leat", "table", "import", "things", "--url", up.url], stdin=open(path), stderr=subprocess.PIPE, text=True)
        until(lambda: exported(up, "things"), 30, "a part of the import")
        fill(small_disk)
        said = first.communicate(timeout=120)[1]
        assert first.returncode == 69, said
        found = re.search(r"\((\d+) items are imported; --from (\d+) goes on\)$", said)
        assert found and int(found[2]) == int(found[1]) + 1, said
        assert set(by_id(items[:int(found[1])])) <= set(exported(up, "things"))
        os.unlink(small_disk / "filler")
        second = subprocess.run([BUILD / "leat", "table", "import", "things", "--url", up.url, "--from", found[2]], stdin=open(path), capture_output=True,
                                text=True, timeout=120)
        assert second.stderr == f"imported {30000 - int(found[1])} items\n"
        assert exported(up, "things") == by_id(items)


def test_credentials(tmp_path):
    with Up("--credentials", "mykey:mysecret", workers=1, tables=["things:id"]) as up:
        assert leat(up, "import", "things", data=lines_of(numbered(3))).returncode == 1
        environment = {"AWS_ACCESS_KEY_ID": "mykey", "AWS_SECRET_ACCESS_KEY": "mysecret"}
        assert leat(up, "import", "things", data=lines_of(numbered(3)), env=environment).stderr == "imported 3 items\n"
        assert len(leat(up, "export", "things", env=environment).stdout.splitlines()) == 3
