"""What no SDK would send: forms, query strings and JSON by hand."""
import json
import re
import uuid

import pytest

from .conftest import SIGNED


def test_a_form_and_its_answer(raw, make):
    name = make().rsplit("/", 1)[-1]
    answer = raw("Action=SendMessage&MessageBody=a%20b%2Bc+d", path="/123456789012/" + name, **SIGNED)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/xml"
    assert re.fullmatch(r'<\?xml version="1.0"\?><SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">'
                        r"<SendMessageResult><MD5OfMessageBody>[0-9a-f]{32}</MD5OfMessageBody><MessageId>[0-9a-f-]{36}</MessageId>"
                        r"</SendMessageResult><ResponseMetadata><RequestId>\w+</RequestId></ResponseMetadata></SendMessageResponse>",
                        answer.text)
    received = raw(None, path=f"/123456789012/{name}?Action=ReceiveMessage&AttributeName.1=All", method="GET", **SIGNED)
    assert "<Body>a b+c d</Body>" in received.text and "<Attribute><Name>SenderId</Name>" in received.text


@pytest.mark.parametrize("body", ["Action=SendMessage&MessageBody=%", "Action=SendMessage&MessageBody=%4", "Action=SendMessage&MessageBody=%zz",
                                  "Action=SendMessage&MessageBody=%ff", "Action=Fly", "", "Action=&x=1", "Action=SendMessage&a..b=1",
                                  "Action=SendMessage&" + ".".join("a" * 40) + "=1",
                                  "Action=SendMessage&" + "&".join(f"x{i}=1" for i in range(20000)),
                                  "Action=TagQueue&Tag.1.Key=a&Tag.1.Value", "Action=TagQueue&Tag=a"])
def test_malformed_forms(raw, make, body):
    answer = raw(body, path="/123456789012/" + make().rsplit("/", 1)[-1], **SIGNED)
    if body.startswith("Action=TagQueue&Tag.1"):
        assert answer.status_code == 200
    else:
        assert answer.status_code == 400 and "<Type>Sender</Type>" in answer.text, answer.text


def test_errors_in_both_protocols(up, raw):
    answer = raw({"Action": "GetQueueUrl", "QueueName": "nobody"}, **SIGNED)
    assert answer.status_code == 400
    assert ("<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist "
            "for this wsdl version.</Message><Detail/></Error>") in answer.text
    answer = raw(json.dumps({"QueueName": "nobody"}), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.GetQueueUrl", **SIGNED)
    assert answer.status_code == 400 and answer.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert answer.json() == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}


@pytest.mark.parametrize("body", ["", "{", "[]", "1", '{"QueueUrl":1}', '{"QueueUrl":"q","MaxNumberOfMessages":"x"}', "{}", '{"QueueUrl":null}',
                                  '{"QueueUrl":"q","MaxNumberOfMessages":1e99}', '{"QueueUrl":"' + "x" * 100000 + '"}'])
def test_malformed_json(raw, body):
    answer = raw(body, Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.ReceiveMessage", **SIGNED)
    assert answer.status_code == 400 and "__type" in answer.json()


@pytest.mark.parametrize("action, body", [
    ("SendMessageBatch", {"Entries": {}}), ("SendMessageBatch", {"Entries": [1]}), ("SendMessageBatch", {"Entries": [{"Id": 1}]}),
    ("SendMessage", {"MessageBody": "x", "MessageAttributes": []}), ("SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": 1}}),
    ("SendMessage", {"MessageBody": {"a": 1}}), ("TagQueue", {"Tags": ["a"]}), ("TagQueue", {"Tags": {"a": 1}}),
    ("SetQueueAttributes", {"Attributes": {"DelaySeconds": 1}}), ("SetQueueAttributes", {"Attributes": "x"}),
    ("GetQueueAttributes", {"AttributeNames": [1]}), ("UntagQueue", {"TagKeys": {}}), ("AddPermission", {"Label": 1}),
    ("AddPermission", {"Label": "a", "AWSAccountIds": [1], "Actions": [1]}), ("DeleteMessage", {"ReceiptHandle": []}),
    ("DeleteMessageBatch", {"Entries": [{"Id": "a", "ReceiptHandle": 1}]}),
    ("SendMessage", {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "?"}}}),
    ("CancelMessageMoveTask", {"TaskHandle": "AAAA"}), ("StartMessageMoveTask", {"SourceArn": 1}), ("Fly", {})])
def test_wrong_types(raw, make, action, body):
    answer = raw(json.dumps({"QueueUrl": make(), **body}), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS." + action, **SIGNED)
    failed = answer.json().get("Failed") if answer.status_code == 200 else None
    assert failed or answer.status_code == 400, answer.text


def test_get_and_post_on_both_paths(raw, make):
    """A form in the body or in the query string, on "/" or on the queue's own path: the same."""
    url = make()
    name = url.rsplit("/", 1)[-1]
    query = "Action=SendMessage&MessageBody=a%2Bb&Version=2012-11-05"
    for path, more in (("/", f"&QueueUrl={url}"), ("/", f"&QueueUrl={name}"), (f"/123456789012/{name}", ""), (f"/queue/{name}", "")):
        for answer in (raw(query + more, path=path, **SIGNED), raw(None, path=f"{path}?{query}{more}", method="GET", **SIGNED),
                       raw("", path=f"{path}?{query}{more}", **SIGNED)):
            assert answer.status_code == 200 and "<SendMessageResult><MD5OfMessageBody>" in answer.text, answer.text
    counts = raw(None, path=f"/123456789012/{name}?Action=GetQueueAttributes&AttributeName.1=ApproximateNumberOfMessages", method="GET", **SIGNED)
    assert "<Attribute><Name>ApproximateNumberOfMessages</Name><Value>12</Value></Attribute>" in counts.text


def test_urls_have_the_host_that_the_client_used(up, raw, make):
    name = make().rsplit("/", 1)[-1]
    answer = raw({"Action": "GetQueueUrl", "QueueName": name}, Host="queues.example:99", **SIGNED)
    assert f"<QueueUrl>http://queues.example:99/123456789012/{name}</QueueUrl>" in answer.text
    listed = raw(json.dumps({"QueueNamePrefix": name}), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.ListQueues",
                 Host="[::1]:8080", **SIGNED)
    assert listed.json() == {"QueueUrls": [f"http://[::1]:8080/123456789012/{name}"]}


def test_a_request_without_a_signature_is_for_the_first_region(raw):
    name = "unsigned-" + uuid.uuid4().hex
    assert "<QueueUrl>" in raw({"Action": "CreateQueue", "QueueName": name}).text
    answer = raw({"Action": "GetQueueAttributes", "QueueUrl": name, "AttributeName.1": "QueueArn"})
    assert f"<Value>arn:aws:sqs:us-east-1:123456789012:{name}</Value>" in answer.text


ACTIONS = ["AddPermission", "CancelMessageMoveTask", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "CreateQueue", "DeleteMessage",
           "DeleteMessageBatch", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListMessageMoveTasks",
           "ListQueues", "ListQueueTags", "PurgeQueue", "ReceiveMessage", "RemovePermission", "SendMessage", "SendMessageBatch",
           "SetQueueAttributes", "StartMessageMoveTask", "TagQueue", "UntagQueue"]


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_in_both_protocols(raw, action):
    """Without any parameter each of the 23 says what it misses; all but the one that needs none."""
    form = raw({"Action": action, "Version": "2012-11-05"}, **SIGNED)
    answer = raw("{}", Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS." + action, **SIGNED)
    if action == "ListQueues":
        assert form.status_code == answer.status_code == 200
        return
    missing = re.search("<Message>The request must contain the parameter (QueueUrl|QueueName|SourceArn|TaskHandle).</Message>", form.text)
    assert form.status_code == answer.status_code == 400 and missing and "<Code>MissingParameter</Code>" in form.text, form.text
    assert answer.json() == {"__type": "com.amazon.coral.service#MissingRequiredParameterException",
                             "message": f"The request must contain the parameter {missing[1]}."}
    assert answer.headers["x-amzn-query-error"] == "MissingParameter;Sender"
