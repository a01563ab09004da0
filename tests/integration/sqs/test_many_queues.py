"""As many queues as there can be: made, listed, used and found after a restart, all in bounded time; one more is refused."""
import http.client
import threading
import time
from urllib.parse import quote

import pytest

from .conftest import JSON, SIGNED, boto, fails
from up import Up

QUEUES = 10002
THREADS = 8


pytestmark = pytest.mark.skipif(JSON, reason="once is enough: it is not about protocols")


@pytest.fixture(scope="module")
def own():
    with Up(workers=1, tables=["things:id"]) as up:
        yield up


def create(host, names):
    """Over one connection, with little work of our own."""
    connection = http.client.HTTPConnection(host, timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded", **SIGNED}
    for name in names:
        connection.request("POST", "/", f"Action=CreateQueue&QueueName={quote(name)}", headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
    connection.close()


def test_ten_thousand_queues(own):
    begin = time.monotonic()
    sqs = boto(own.url)
    names = [f"q{i:05}" for i in range(QUEUES - 2)]  # leat-jobs and leat-jobs-dead are queues, too
    failed = []

    def work(part):
        try:
            create(own.url.removeprefix("http://"), part)
        except Exception as e:
            failed.append(e)
    threads = [threading.Thread(target=work, args=(names[n::THREADS],)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with fails("OverLimit", status=403):
        sqs.create_queue(QueueName="one-more")
    assert sqs.create_queue(QueueName=names[-1])["QueueUrl"].endswith(names[-1])  # there already: not one more
    sqs.send_message(QueueUrl=names[5000], MessageBody="x")
    own.kill_all()
    own.start()
    sqs = boto(own.url)
    listed, token = [], {}
    while token is not None:
        page = sqs.list_queues(MaxResults=1000, **token)
        listed += [url.rsplit("/", 1)[-1] for url in page["QueueUrls"]]
        token = {"NextToken": page["NextToken"]} if page.get("NextToken") else None
    assert sorted(listed) == sorted(names + ["leat-jobs", "leat-jobs-dead"])
    assert len(sqs.list_queues()["QueueUrls"]) == 1000
    assert len(sqs.list_queues(QueueNamePrefix="q0999")["QueueUrls"]) == 10
    assert sqs.receive_message(QueueUrl=names[5000])["Messages"][0]["Body"] == "x"
    sqs.delete_queue(QueueUrl=names[0])
    sqs.create_queue(QueueName="one-more")
    assert time.monotonic() - begin < 60
