"""Messages of standard queues: sent, received, hidden, deleted, with attributes; limits and bad input."""
import re
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import attributes, boto, fails, until

STRINGS = {name: {"DataType": "String", "StringValue": value} for name, value in
           {"General": "Kenobi", "Hello": "There", "Help.Me": "Me"}.items()}


def receive(sqs, url, **more):
    return sqs.receive_message(QueueUrl=url, **more).get("Messages", [])


def test_round_trip(sqs, make):
    url = make()
    body = "<a href=\"x\">&amp; \t\r\n é € 𝄞 ' ]]></a>"
    sent = sqs.send_message(QueueUrl=url, MessageBody=body)
    assert uuid.UUID(sent["MessageId"]) and "SequenceNumber" not in sent
    message, = receive(sqs, url, AttributeNames=["All"])
    assert (message["Body"], message["MessageId"], message["MD5OfBody"]) == (body, sent["MessageId"], sent["MD5OfMessageBody"])
    found = message["Attributes"]
    assert sorted(found) == ["ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SenderId", "SentTimestamp"]
    assert abs(int(found["SentTimestamp"]) / 1000 - time.time()) < 60 and found["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert attributes(sqs, url, "ApproximateNumberOfMessagesNotVisible") == {"ApproximateNumberOfMessagesNotVisible": "0"}


def test_message_attributes_and_their_digest(sqs, make):
    url = make()
    given = {**STRINGS, "n": {"DataType": "Number.int", "StringValue": "-12.5e3"}, "b": {"DataType": "Binary", "BinaryValue": b"\0\xff"}}
    assert sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=STRINGS)["MD5OfMessageAttributes"] == \
        "4c360f3fdafd970e05fae2f149d997f5"
    message, = receive(sqs, url, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == STRINGS and message["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
    sqs.send_message(QueueUrl=url, MessageBody="y", MessageAttributes=given)
    message, = receive(sqs, url, MessageAttributeNames=[".*"])
    assert message["MessageAttributes"] == given


@pytest.mark.parametrize("names, shown", [([], []), (["Hello"], ["Hello"]), (["Hell.*"], ["Hello"]), (["Help.*"], ["Help.Me"]), (["nobody"], []),
                                          (["All"], sorted(STRINGS))])
def test_which_attributes_are_shown(sqs, make, names, shown):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=STRINGS)
    message, = receive(sqs, url, MessageAttributeNames=names)
    assert sorted(message.get("MessageAttributes", {})) == shown


def test_bad_message_attributes(sqs, make):
    url = make()
    good = {"DataType": "String", "StringValue": "v"}
    for name in ("", "aws.x", "Amazon.x", ".x", "x.", "x..y", "x y", "x" * 257):
        with fails("InvalidParameterValue"):
            sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={name: good})
    with fails("InvalidParameterValue", "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={"ErrorDetails": {"DataType": "String", "StringValue": ""}})
    for bad in ({"DataType": "Float", "StringValue": "1"}, {"DataType": "String."}, {"StringValue": "1"},
                {"DataType": "Number", "StringValue": "one"}, {"DataType": "Binary", "StringValue": "x"}):
        with fails("InvalidParameterValue"):
            sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={"a": bad})
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={f"a{i}": good for i in range(10)})
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={f"a{i}": good for i in range(11)})


def test_trace_header(sqs, make):
    url = make()
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    sent = sqs.send_message(QueueUrl=url, MessageBody="x",
                            MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": trace}})
    assert "MD5OfMessageSystemAttributes" in sent and "MD5OfMessageAttributes" not in sent
    message, = receive(sqs, url, AttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": trace}
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes={"Other": {"DataType": "String", "StringValue": "x"}})


def test_bodies(sqs, make):
    url = make()
    with fails("MissingParameter", "The request must contain the parameter MessageBody."):
        sqs.send_message(QueueUrl=url, MessageBody="")
    for bad in ("\x00", "\x08", "\x1f", "\ufffe", "\uffff"):
        with fails("InvalidMessageContents"):
            sqs.send_message(QueueUrl=url, MessageBody="x" + bad)
    with fails("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."):
        sqs.send_message(QueueUrl=url, MessageBody="x" * 1048577)
    assert sqs.send_message(QueueUrl=url, MessageBody="x" * 1048576)["MessageId"]
    assert len(receive(sqs, url)[0]["Body"]) == 1048576
    small = make(MaximumMessageSize=1024)
    with fails("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."):
        sqs.send_message(QueueUrl=small, MessageBody="x" * 1025)
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=small, MessageBody="x" * 1016, MessageAttributes={"ab": {"DataType": "String", "StringValue": "x"}})
    sqs.send_message(QueueUrl=small, MessageBody="x" * 1015, MessageAttributes={"ab": {"DataType": "String", "StringValue": "x"}})


def test_visibility(sqs, make):
    url = make(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    first, = receive(sqs, url)
    assert receive(sqs, url) == []
    second, = receive(sqs, url, WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])
    assert second["ReceiptHandle"] != first["ReceiptHandle"] and second["Attributes"] == {"ApproximateReceiveCount": "2"}
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    third, = receive(sqs, url, VisibilityTimeout=600)
    for bad in (-1, 43201):
        with fails("InvalidParameterValue"):
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"], VisibilityTimeout=bad)
        with fails("InvalidParameterValue"):
            sqs.receive_message(QueueUrl=url, VisibilityTimeout=bad)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"], VisibilityTimeout=0)
    with fails("AWS.SimpleQueueService.MessageNotInflight"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"], VisibilityTimeout=0)


def test_an_old_handle_deletes_nothing(sqs, make):
    """A standard queue takes it, and the message that was received again stays."""
    url = make(VisibilityTimeout=600)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    old, = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=old["ReceiptHandle"], VisibilityTimeout=0)
    new, = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=old["ReceiptHandle"])
    assert attributes(sqs, url, "ApproximateNumberOfMessagesNotVisible") == {"ApproximateNumberOfMessagesNotVisible": "1"}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=new["ReceiptHandle"])
    assert attributes(sqs, url, "ApproximateNumberOfMessagesNotVisible") == {"ApproximateNumberOfMessagesNotVisible": "0"}


def test_a_change_of_visibility_is_for_once(sqs, make):
    url = make(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    first, = receive(sqs, url, VisibilityTimeout=600)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert len(receive(sqs, url)) == 1
    assert len(receive(sqs, url, WaitTimeSeconds=10)) == 1  # after the queue's own second


def test_twelve_hours_are_all(sqs, make):
    """They are counted from the receive."""
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    m, = receive(sqs, url)
    received = time.monotonic()
    until(lambda: time.monotonic() > received + 0.005, what="a few milliseconds")
    with fails("InvalidParameterValue", "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message "
               "is beyond the limit [43200 seconds]."):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=43200)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=43000)


def test_handles_that_are_none(sqs, make):
    url, other = make(), make()
    sqs.send_message(QueueUrl=other, MessageBody="x")
    foreign = receive(sqs, other)[0]["ReceiptHandle"]
    for bad in ("x", "AQQAAAAAAAAAAQAAAD4/dt/2gmn3", "====", "a" * 2000, foreign):
        with fails("ReceiptHandleIsInvalid", status=404):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=bad)
        with fails("ReceiptHandleIsInvalid", status=404):
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=bad, VisibilityTimeout=1)
    with fails("MissingParameter"):
        sqs.delete_message(QueueUrl=url)


def test_delay(sqs, make):
    url = make(DelaySeconds=1)
    sqs.send_message(QueueUrl=url, MessageBody="queue's")
    sqs.send_message(QueueUrl=url, MessageBody="own", DelaySeconds=0)
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    assert [m["Body"] for m in receive(sqs, url, MaxNumberOfMessages=10)] == ["own"]
    assert attributes(sqs, url, "ApproximateNumberOfMessagesDelayed") == {"ApproximateNumberOfMessagesDelayed": "2"}
    assert [m["Body"] for m in receive(sqs, url, WaitTimeSeconds=5)] == ["queue's"]
    for bad in (-1, 901):
        with fails("InvalidParameterValue", f"Value {bad} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 "
                   "and <= 900."):
            sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=bad)


def test_receive_limits(sqs, make):
    url = make()
    for bad in (0, 11):
        with fails("InvalidParameterValue",
                   f"Value {bad} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."):
            receive(sqs, url, MaxNumberOfMessages=bad)
    for bad in (-1, 21):
        with fails("InvalidParameterValue",
                   f"Value {bad} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."):
            receive(sqs, url, WaitTimeSeconds=bad)


def test_long_poll_ends_with_a_message(sqs, make):
    url = make()
    with ThreadPoolExecutor() as pool:
        waits = [pool.submit(receive, sqs, url, WaitTimeSeconds=20) for _ in range(3)]
        for i in range(3):
            sqs.send_message(QueueUrl=url, MessageBody=str(i))
        begin = time.monotonic()
        assert sorted(w.result(15)[0]["Body"] for w in waits) == ["0", "1", "2"]
        assert time.monotonic() - begin < 15
    begin = time.monotonic()
    assert receive(sqs, url, WaitTimeSeconds=1) == [] and time.monotonic() - begin > 0.9


def test_queue_that_waits_by_itself(sqs, make):
    url = make(ReceiveMessageWaitTimeSeconds=1)
    begin = time.monotonic()
    assert receive(sqs, url) == [] and time.monotonic() - begin > 0.9


def test_receiver_that_went_away_takes_nothing(sqs, up, make):
    """A message that comes after the client of a long poll has gone is there for the next one."""
    url = make(VisibilityTimeout=43200)
    host, port = up.url.removeprefix("http://").split(":")
    body = f"Action=ReceiveMessage&QueueUrl={url.rsplit('/', 1)[-1]}&WaitTimeSeconds=20".encode()
    gone = up.metric('leat_http_requests_total{route="aws",code="499"}')
    for _ in range(3):
        with socket.create_connection((host, int(port))) as s:
            s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 "
                      b"Credential=a/20261121/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=b\r\nX-Amz-Date: "
                      b"20261121T090000Z\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            assert not receive(sqs, url)  # by now the first one waits
    until(lambda: up.metric('leat_http_requests_total{route="aws",code="499"}') == gone + 3, what="news of their leaving")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(receive(sqs, url, WaitTimeSeconds=10)) == 1


def test_deleted_queue_ends_its_waits(sqs, make):
    url = make()
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(receive, sqs, url, WaitTimeSeconds=20)
        assert receive(sqs, url) == []
        sqs.delete_queue(QueueUrl=url)
        try:
            assert wait.result(15) == []
        except sqs.exceptions.ClientError as e:
            assert "NonExistentQueue" in str(e)


def test_retention_is_enforced(sqs, make):
    assert attributes(sqs, make(MessageRetentionPeriod=60), "MessageRetentionPeriod") == {"MessageRetentionPeriod": "60"}


def test_priority_and_schedule_beyond_sqs(sqs, make):
    url = make()

    def extra(**values):
        return {name: {"DataType": "Number", "StringValue": str(value)} for name, value in values.items()}
    sqs.send_message(QueueUrl=url, MessageBody="low")
    sqs.send_message(QueueUrl=url, MessageBody="high", MessageSystemAttributes=extra(LeatPriority=2))
    sqs.send_message(QueueUrl=url, MessageBody="next year", MessageSystemAttributes=extra(LeatDelaySeconds=31000000))
    assert [receive(sqs, url)[0]["Body"] for _ in range(2)] == ["high", "low"]
    assert attributes(sqs, url, "ApproximateNumberOfMessagesDelayed") == {"ApproximateNumberOfMessagesDelayed": "1"}
    with fails("InvalidParameterValue"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes=extra(LeatDelaySeconds=10**9))


def test_in_flight_limit(sqs, make):
    url = make(LeatMaxInFlight=2)
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(receive(sqs, url, MaxNumberOfMessages=10)) == 2
    with fails("OverLimit", re.compile("in flight"), status=403):
        receive(sqs, url)


def test_groups_of_a_standard_queue(sqs, make, drain):
    url = make(LeatMaxPerGroup=1)
    for i in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=f"a{i}", MessageGroupId="a")
    sqs.send_message(QueueUrl=url, MessageBody="b0", MessageGroupId="b")
    found = receive(sqs, url, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"])
    assert sorted(m["Attributes"]["MessageGroupId"] for m in found) == ["a", "b"]


def test_signatures_of_other_regions_see_other_queues(sqs, up, make):
    name = make().rsplit("/", 1)[-1]
    other = boto(up.url, region="us-west-1")
    other.create_queue(QueueName=name)
    other.send_message(QueueUrl=name, MessageBody="x")
    assert receive(sqs, name) == []
