"""Bad input: each limit exceeded by one, what belongs to others or is gone, and requests that no SDK makes. The right error, and nothing is harmed."""
import json
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

from .conftest import ACCOUNT, NO_QUEUE, SIGNED, arn, attributes, fails, redrive

TEXT = {"DataType": "String", "StringValue": "v"}
NONE = "AWS.SimpleQueueService.NonExistentQueue"


def send(sqs, url, **more):
    return sqs.send_message(QueueUrl=url, MessageBody="x", **more)


# -- One more than the limit, and the limit itself ---------------------------------------------------------------------------
@pytest.mark.parametrize("name, text", ids=["long", "reserved", "empty"], argvalues=[
    ("n" * 257, "Message (user) attribute name must be shorter than 256 bytes."),
    ("AWS.x", "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for internal use."),
    ("", "The request must contain non-empty message (user) attribute names.")])
def test_names_of_attributes(sqs, make, name, text):
    url = make()
    send(sqs, url, MessageAttributes={"n" * 256: TEXT, "Amazon": TEXT})
    with fails("InvalidParameterValue", text):
        send(sqs, url, MessageAttributes={name: TEXT})


def test_types_and_values_of_attributes(sqs, make):
    url = make()
    send(sqs, url, MessageAttributes={"a": {"DataType": "String." + "t" * 249, "StringValue": "v"}})
    with fails("InvalidParameterValue", "Message (user) attribute type must be shorter than 256 bytes."):
        send(sqs, url, MessageAttributes={"a": {"DataType": "String." + "t" * 250, "StringValue": "v"}})
    with fails("InvalidParameterValue", "The type of message (user) attribute 'a' is invalid. You must use only the following supported type "
               "prefixes: Binary, Number, String."):
        send(sqs, url, MessageAttributes={"a": {"DataType": "Strings", "StringValue": "v"}})
    with fails("InvalidParameterValue", "Can't cast the value of message (user) attribute 'a' to a number."):
        send(sqs, url, MessageAttributes={"a": {"DataType": "Number", "StringValue": "world"}})
    with fails("InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."):
        send(sqs, url, MessageAttributes={f"a{i}": TEXT for i in range(11)})
    with fails("InvalidMessageContents"):
        send(sqs, url, MessageAttributes={"a": {"DataType": "String", "StringValue": "\x01"}})
    with fails("AWS.SimpleQueueService.UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported."):
        send(sqs, url, MessageAttributes={"a": {"DataType": "String", "StringListValues": ["v"]}})


def test_tags(sqs, make):
    url = make()
    sqs.tag_queue(QueueUrl=url, Tags={"ä" * 128: "ö" * 256})
    for bad in ({"k" * 129: "v"}, {"k": "v" * 257}, {"": "v"}, {f"k{i}": "v" for i in range(51)}):
        with fails("InvalidParameterValue"):
            sqs.tag_queue(QueueUrl=url, Tags=bad)
        with fails("InvalidParameterValue"):
            sqs.create_queue(QueueName="q" + uuid.uuid4().hex, tags=bad)
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"ä" * 128: "ö" * 256}
    with fails("MissingParameter", "The request must contain the parameter TagKeys."):
        sqs.untag_queue(QueueUrl=url, TagKeys=[])


def test_permissions(sqs, make):
    url = make()
    good = {"AWSAccountIds": ["111111111111"], "Actions": ["SendMessage"]}
    for i in range(20):
        sqs.add_permission(QueueUrl=url, Label=f"{'l' * 78}{i:02}", **good)
    with fails("OverLimit", status=403):
        sqs.add_permission(QueueUrl=url, Label="one-more", **good)
    other = make()
    with fails("InvalidParameterValue"):
        sqs.add_permission(QueueUrl=other, Label="l" * 81, **good)
    with fails("OverLimit", "51 principals were found, maximum allowed is 50.", status=403):
        sqs.add_permission(QueueUrl=other, Label="l", AWSAccountIds=[f"{i:012}" for i in range(51)], Actions=["SendMessage"])
    for bad in ("11111111111", "1111111111111", "11111111111x"):
        with fails("InvalidParameterValue", f"Value {bad} for parameter PrincipalId is invalid. Reason: Unable to verify."):
            sqs.add_permission(QueueUrl=other, Label="l", AWSAccountIds=[bad], Actions=["SendMessage"])
    for missing in ("AWSAccountIds", "Actions"):
        with fails("MissingParameter", f"The request must contain the parameter {missing}."):
            sqs.add_permission(QueueUrl=other, Label="l", **{**good, missing: []})
    assert attributes(sqs, other, "Policy") == {}


def test_policies(sqs, make):
    url = make()
    statement = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sqs:SendMessage", "Resource": arn(url)}

    def policy(*statements, **more):
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})
    long = policy(statement, Id="x" * 9000)
    cut = policy(statement, Id="x" * (8192 - len(policy(statement, Id=""))))
    assert len(cut) == 8192
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": cut})
    for bad in (long, cut.replace("xx", "xxx", 1), policy(*[statement] * 21), policy({**statement, "Effect": "Maybe"}), "[]", "{}", "null",
                policy({**statement, "Principal": {"AWS": [f"{i:012}" for i in range(51)]}}), policy({"Effect": "Allow"}), "\"x\""):
        with fails("InvalidAttributeValue", "Invalid value for the parameter Policy."):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": bad})
    assert attributes(sqs, url, "Policy") == {"Policy": cut}


def test_who_may_use_a_dead_letter_queue(sqs, make):
    url = make()

    def allow(count):
        return {"RedriveAllowPolicy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn(f"q{i}") for i in range(count)]})}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=allow(10))
    for bad in (0, 11):
        with fails("InvalidAttributeValue", "Invalid value for the parameter RedriveAllowPolicy."):
            sqs.set_queue_attributes(QueueUrl=url, Attributes=allow(bad))


@pytest.mark.parametrize("name, most", [("LeatMaxInFlight", 120000), ("LeatMaxPerGroup", 120000), ("LeatMaxLeaseSeconds", 1209600)])
def test_own_attributes(sqs, make, name, most):
    url = make()
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(most)})
    for bad in (0, most + 1, "x"):
        with fails("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(bad)})
    assert attributes(sqs, url, name) == {name: str(most)}


def test_pages(sqs):
    for bad in (0, 1001):
        with fails("InvalidParameterValue"):
            sqs.list_queues(MaxResults=bad)
    with fails("InvalidParameterValue"):
        sqs.list_queues(QueueNamePrefix="x" * 81)
    with fails("InvalidParameterValue", "Invalid or expired NextToken."):
        sqs.list_queues(MaxResults=1, NextToken="====")


def test_throughput_by_group_wants_its_scope(sqs, make):
    url = make(fifo=True)
    both = {"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}
    with fails("InvalidAttributeValue"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoThroughputLimit": "perMessageGroupId"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes=both)
    with fails("InvalidAttributeValue"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": "queue"})
    assert attributes(sqs, url, *both) == both
    with fails("InvalidAttributeValue"):
        make(fifo=True, FifoThroughputLimit="perMessageGroupId")


# -- Of others, or gone ------------------------------------------------------------------------------------------------------
def test_a_deleted_queue(sqs, make):
    url, other = make(), make()
    send(sqs, url)
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    sqs.delete_queue(QueueUrl=url)
    one = {"Id": "a", "ReceiptHandle": handle}
    for call in (lambda: send(sqs, url), lambda: sqs.receive_message(QueueUrl=url), lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=handle),
                 lambda: sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=1),
                 lambda: sqs.get_queue_url(QueueName=url.rsplit("/", 1)[-1]), lambda: attributes(sqs, url), lambda: sqs.purge_queue(QueueUrl=url),
                 lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"}), lambda: sqs.delete_queue(QueueUrl=url),
                 lambda: sqs.tag_queue(QueueUrl=url, Tags={"a": "b"}), lambda: sqs.untag_queue(QueueUrl=url, TagKeys=["a"]),
                 lambda: sqs.list_queue_tags(QueueUrl=url), lambda: sqs.list_dead_letter_source_queues(QueueUrl=url),
                 lambda: sqs.add_permission(QueueUrl=url, Label="a", AWSAccountIds=["111111111111"], Actions=["SendMessage"]),
                 lambda: sqs.remove_permission(QueueUrl=url, Label="a"),
                 lambda: sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": i, "MessageBody": "x"} for i in "ab"]),
                 lambda: sqs.delete_message_batch(QueueUrl=url, Entries=[one]),
                 lambda: sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{**one, "VisibilityTimeout": 1}])):
        with fails(NONE, NO_QUEUE):
            call()
    with fails("ReceiptHandleIsInvalid", status=404):
        sqs.delete_message(QueueUrl=other, ReceiptHandle=handle)
    with fails("AWS.SimpleQueueService.QueueDeletedRecently",
               "You must wait 60 seconds after deleting a queue before you can create another with the same name."):
        sqs.create_queue(QueueName=url.rsplit("/", 1)[-1])


def test_queues_of_another_account(sqs, make):
    name = make().rsplit("/", 1)[-1]
    assert sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"].endswith(name)
    with fails(NONE, NO_QUEUE):
        sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId="999999999999")


@pytest.mark.parametrize("bad", ["http://x/y/", "///", "http://x/1/a%20b", "a b", "../../etc", "x" * 81, "é", "a\x00b"])
def test_queue_urls_that_are_none(sqs, bad):
    with fails(NONE, NO_QUEUE):
        sqs.receive_message(QueueUrl=bad)


def test_a_changed_handle(sqs, make):
    """A handle is sealed: with any character changed it is none."""
    url = make(VisibilityTimeout=600)
    send(sqs, url)
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    for i in range(0, len(handle), 5):
        changed = handle[:i] + ("A" if handle[i] != "A" else "B") + handle[i + 1:]
        with fails("ReceiptHandleIsInvalid", status=404):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=changed)
    assert attributes(sqs, url, "ApproximateNumberOfMessagesNotVisible") == {"ApproximateNumberOfMessagesNotVisible": "1"}


def test_visibility_beyond_the_whole(sqs, make):
    url = make()
    send(sqs, url)
    handle = sqs.receive_message(QueueUrl=url, VisibilityTimeout=43200)["Messages"][0]["ReceiptHandle"]
    with fails("InvalidParameterValue", "Value 43201 for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer "
               "between 0 and 43200."):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43201)
    with fails("InvalidParameterValue", "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided."):
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=43201)
    failed, = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[
        {"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 43201}, {"Id": "b", "ReceiptHandle": handle, "VisibilityTimeout": 10}])["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("a", "InvalidParameterValue", True)


def test_dead_letters_of_a_queue_that_is_gone(sqs, make):
    """The redrive policy stays; messages stay too, and are received on and on."""
    dead = make("dead")
    url = make(RedrivePolicy=redrive(dead, 1), VisibilityTimeout=0)
    send(sqs, url)
    sqs.delete_queue(QueueUrl=dead)
    for _ in range(3):
        assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


# -- By hand -----------------------------------------------------------------------------------------------------------------
def parse(answer):
    root = ElementTree.fromstring(answer.content)  # which must be XML, whatever the client has sent
    return {element.tag.rsplit("}", 1)[-1]: element.text for element in root.iter()}


@pytest.mark.parametrize("form", [
    {"QueueName": "a\x01b"}, {"QueueName": "\ufffe"}, {"QueueName": "<&\">"}, {"QueueName": "x" * 5000}, {"QueueName": "ä" * 401}])
def test_errors_are_xml_whatever_they_say(raw, form):
    assert parse(raw({"Action": "CreateQueue", **form}))["Code"] == "InvalidParameterValue"
    assert "Code" in parse(raw({"Action": "SendMessage", "QueueUrl": form["QueueName"], "MessageBody": "x"}))
    assert "Code" in parse(raw({"Action": form["QueueName"]}))


def test_answers_are_xml_whatever_came_by_json(raw, make):
    url = make()
    json_headers = {"Content_Type": "application/x-amz-json-1.0"}
    tags = raw(json.dumps({"QueueUrl": url, "Tags": {"a": "\x01\uffff<"}}), X_Amz_Target="AmazonSQS.TagQueue",
               **SIGNED, **json_headers)
    assert tags.status_code == 200, tags.text
    listed = raw({"Action": "ListQueueTags", "QueueUrl": url},
                 **SIGNED)
    assert parse(listed)["Value"] == "\ufffd\ufffd<"


def test_bodies_beyond_all_bounds(raw):
    answer = raw("Action=SendMessage&MessageBody=" + "x" * (17 << 20))
    assert answer.status_code == 413 and parse(answer)["Code"] == "RequestEntityTooLarge"
    answer = raw('{"QueueUrl":"' + "x" * (17 << 20), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.SendMessage")
    assert answer.status_code == 413 and answer.headers["x-amzn-query-error"] == "RequestEntityTooLarge;Sender"


@pytest.mark.parametrize("form, code", [
    ({"Action": "SendMessage", "MessageBody": "x", "MessageAttribute.1.Value.DataType": "String", "MessageAttribute.1.Value.StringValue": "v"},
     "InvalidParameterValue"),
    ({"Action": "SendMessage", "MessageBody": "x", "MessageAttribute.1.Name": "a"}, "InvalidParameterValue"),
    ({"Action": "SetQueueAttributes", "Attribute.1.Value": "1"}, "InvalidAttributeName"),
    ({"Action": "SetQueueAttributes", "Attribute.Name": "DelaySeconds", "Attribute.Value": "1000"}, None),
    ({"Action": "TagQueue", "Tag.1.Value": "v"}, "InvalidParameterValue"),
    ({"Action": "SendMessageBatch", "SendMessageBatchRequestEntry.1": "x"}, "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ({"Action": "SendMessageBatch", "SendMessageBatchRequestEntry": "x"}, "AWS.SimpleQueueService.EmptyBatchRequest"),
    ({"Action": "ReceiveMessage", "MaxNumberOfMessages": "ten"}, "MalformedInput"),
    ({"Action": "ReceiveMessage", "MaxNumberOfMessages": "9" * 30}, "MalformedInput"),
    ({"Action": "ReceiveMessage", "VisibilityTimeout": " 1"}, "MalformedInput"),
    ({"Action": "DeleteMessage", "ReceiptHandle": "%"}, "ReceiptHandleIsInvalid")])
def test_forms_with_a_part_missing_or_wrong(raw, make, form, code):
    answer = raw({"QueueUrl": make(), "Version": "2012-11-05", **form},
                 **SIGNED)
    assert code is None or parse(answer)["Code"] == code, answer.text


@pytest.mark.parametrize("body", ['{"QueueUrl":"q","QueueUrl":"r"}', '{"Attributes":{"DelaySeconds":"1","DelaySeconds":"2"},"QueueUrl":"q"}',
                                  '{"Entries":"x","QueueUrl":"q"}', '{"QueueUrl":["q"]}', '{"Tags":null,"tags":[],"QueueUrl":"q"}',
                                  '{"MessageAttributeNames":"All","QueueUrl":"q"}', '{"MessageAttributes":{"a":"b"},"QueueUrl":"q"}',
                                  '{"QueueUrl":{"$binary":"aGk="}}', "[" * 100000, '{"a":' * 5000, "\ufeff{}", '{"QueueUrl":"\\ud800"}'])
def test_json_that_does_not_fit(raw, body):
    for action in ("SendMessage", "SetQueueAttributes", "CreateQueue", "SendMessageBatch"):
        answer = raw(body.encode(), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS." + action)
        assert answer.status_code == 400 and answer.json()["__type"].endswith("#SerializationException"), answer.text
        assert answer.headers["x-amzn-query-error"] == "MalformedInput;Sender"


def test_null_is_as_good_as_left_out(raw, make):
    url = make()
    answer = raw(json.dumps({"QueueUrl": url.rsplit("/", 1)[-1], "MessageBody": "x", "DelaySeconds": None, "MessageAttributes": None,
                             "MessageGroupId": None}), Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.SendMessage",
                 **SIGNED)
    assert answer.status_code == 200, answer.text
