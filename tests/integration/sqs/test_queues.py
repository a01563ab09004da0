"""Queues: made, found, listed, described, changed, tagged, shared, emptied, removed."""
import json
import uuid

import pytest

from .conftest import ACCOUNT, NO_QUEUE, REGION, arn, attributes, boto, fails, redrive


def test_create_is_idempotent(sqs, up):
    name = "same-" + uuid.uuid4().hex
    url = sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "5"})["QueueUrl"]
    assert url == f"{up.url}/{ACCOUNT}/{name}"
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == url
    assert sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "5", "VisibilityTimeout": "30"})["QueueUrl"] == url
    with fails("QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute DelaySeconds"):
        sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "6"})
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url


def test_a_bare_name_is_a_url(sqs, make):
    name = make().rsplit("/", 1)[-1]
    sqs.send_message(QueueUrl=name, MessageBody="x")
    assert attributes(sqs, name, "ApproximateNumberOfMessages") == {"ApproximateNumberOfMessages": "1"}


@pytest.mark.parametrize("name", ["", "a b", "a.b", "x" * 81, "é", ".fifo", "x" * 76 + ".fifo"])
def test_names_that_cannot_be(sqs, name):
    with fails("InvalidParameterValue" if name else "InvalidParameterValue"):
        sqs.create_queue(QueueName=name)


def test_missing_queue(sqs, up):
    with fails("AWS.SimpleQueueService.NonExistentQueue", NO_QUEUE):
        sqs.get_queue_url(QueueName="nobody")
    for action in (sqs.delete_queue, sqs.purge_queue, sqs.receive_message, sqs.list_queue_tags, sqs.list_dead_letter_source_queues):
        with fails("AWS.SimpleQueueService.NonExistentQueue", NO_QUEUE):
            action(QueueUrl=f"{up.url}/{ACCOUNT}/nobody")


def test_fresh_queue_has_all_attributes(sqs, make):
    url = make()
    found = attributes(sqs, url)
    assert float(found.pop("CreatedTimestamp")) > 1.6e9 and float(found.pop("LastModifiedTimestamp")) > 1.6e9
    assert found == {
        "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "QueueArn": arn(url),
        "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true"}
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url)
    assert attributes(sqs, url, "QueueArn", "DelaySeconds") == {"QueueArn": arn(url), "DelaySeconds": "0"}
    with fails("InvalidAttributeName", "Unknown Attribute Colour."):
        attributes(sqs, url, "Colour")


def test_fifo_attributes(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true")
    found = attributes(sqs, url)
    assert [found[n] for n in ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")] == [
        "true", "true", "queue", "perQueue"]
    with fails("InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoQueue": "false"})
    standard = make()
    with fails("InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."):
        sqs.set_queue_attributes(QueueUrl=standard, Attributes={"ContentBasedDeduplication": "true"})
    with fails("InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true."):
        sqs.set_queue_attributes(QueueUrl=standard, Attributes={"DeduplicationScope": "queue"})
    with fails("InvalidAttributeName", "Unknown Attribute FifoQueue."):
        sqs.create_queue(QueueName="n" + uuid.uuid4().hex, Attributes={"FifoQueue": "false"})


LIMITS = {"DelaySeconds": (0, 900), "MaximumMessageSize": (1024, 1048576), "MessageRetentionPeriod": (60, 1209600),
          "ReceiveMessageWaitTimeSeconds": (0, 20), "VisibilityTimeout": (0, 43200)}


def test_limits_of_attributes(sqs, make):
    url = make()
    for name, (least, most) in LIMITS.items():
        for good in (least, most):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(good)})
            assert attributes(sqs, url, name) == {name: str(good)}
        for bad in (least - 1, most + 1, "x", "1.5", ""):
            with fails("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
                sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(bad)})
        assert attributes(sqs, url, name) == {name: str(most)}


def test_keys_that_encrypt(sqs, make):
    url = make(KmsMasterKeyId="alias/leat")
    found = attributes(sqs, url)
    assert (found["KmsMasterKeyId"], found["KmsDataKeyReusePeriodSeconds"], found["SqsManagedSseEnabled"]) == (
        "alias/leat", "300", "false")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": ""})
    found = attributes(sqs, url)
    assert "KmsMasterKeyId" not in found and "KmsDataKeyReusePeriodSeconds" not in found and found["SqsManagedSseEnabled"] == "true"


def test_policies_must_be_json(sqs, make):
    url = make()
    for name, bad in (("Policy", "{"), ("RedriveAllowPolicy", "{}"), ("RedriveAllowPolicy", '{"redrivePermission":"byQueue"}'),
                      ("RedriveAllowPolicy", '{"redrivePermission":"denyAll","sourceQueueArns":["%s"]}' % arn("a"))):
        with fails("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={name: bad})
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert attributes(sqs, url, "Policy") == {"Policy": policy}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert attributes(sqs, url, "Policy") == {}


def test_list_in_pages(sqs, up):
    client = boto(up.url, region="ap-south-1")
    names = [f"leat-page-{i}" for i in range(5)]
    for name in names:
        client.create_queue(QueueName=name)

    def named(found):
        return [url.rsplit("/", 1)[-1] for url in found.get("QueueUrls", [])]
    own = ["leat-jobs", "leat-jobs-dead"]
    assert named(client.list_queues()) == own + names
    assert named(client.list_queues(QueueNamePrefix="leat-p")) == names
    assert named(client.list_queues(QueueNamePrefix="leat")) == own + names
    assert named(client.list_queues(QueueNamePrefix="other")) == []
    for size in (1, 2, 3, 4):
        found, token = [], {}
        while True:
            page = client.list_queues(MaxResults=size, **token)
            assert len(named(page)) <= size
            found += named(page)
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert found == own + names
    assert "NextToken" not in client.list_queues()
    for bad in (0, 1001):
        with fails("InvalidParameterValue"):
            client.list_queues(MaxResults=bad)
    with fails("InvalidParameterValue", "Invalid or expired NextToken."):
        client.list_queues(MaxResults=1, NextToken="?")


def test_queues_live_in_regions(sqs, up, make):
    name = make().rsplit("/", 1)[-1]
    with fails("AWS.SimpleQueueService.NonExistentQueue"):
        boto(up.url, region="us-west-2").get_queue_url(QueueName=name)
    assert arn(name, REGION) == attributes(sqs, name, "QueueArn")["QueueArn"]


def test_tags(sqs, make):
    url = make(tags={"team": "red", "cost": ""})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "red", "cost": ""}
    sqs.tag_queue(QueueUrl=url, Tags={"team": "blue", "größe": "<1 & 2>"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue", "cost": "", "größe": "<1 & 2>"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["cost", "nothing", "größe"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue"}
    with fails("InvalidParameterValue"):
        sqs.tag_queue(QueueUrl=url, Tags={f"k{i}": "v" for i in range(50)})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)


def test_permissions(sqs, make):
    url = make()
    sqs.add_permission(QueueUrl=url, Label="first", AWSAccountIds=["111111111111"], Actions=["ReceiveMessage"])
    sqs.add_permission(QueueUrl=url, Label="second", AWSAccountIds=["111111111111", "222222222222"],
                       Actions=["SendMessage", "DeleteMessage"])
    policy = json.loads(attributes(sqs, url, "Policy")["Policy"])
    assert policy == {
        "Version": "2008-10-17", "Id": arn(url) + "/SQSDefaultPolicy", "Statement": [
            {"Sid": "first", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
             "Action": "SQS:ReceiveMessage", "Resource": arn(url)},
            {"Sid": "second", "Effect": "Allow",
             "Principal": {"AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]},
             "Action": ["SQS:SendMessage", "SQS:DeleteMessage"], "Resource": arn(url)}]}
    with fails("InvalidParameterValue", "Value first for parameter Label is invalid. Reason: Already exists."):
        sqs.add_permission(QueueUrl=url, Label="first", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    with fails("InvalidParameterValue", "Value third for parameter Label is invalid. Reason: can't find label."):
        sqs.remove_permission(QueueUrl=url, Label="third")
    with fails("InvalidParameterValue"):
        sqs.add_permission(QueueUrl=url, Label="third", AWSAccountIds=["1"], Actions=["SendMessage"])
    with fails("InvalidParameterValue", "Value SQS:CreateQueue for parameter ActionName is invalid. Reason: Only the queue owner is "
               "allowed to invoke this action."):
        sqs.add_permission(QueueUrl=url, Label="third", AWSAccountIds=["111111111111"], Actions=["CreateQueue"])
    with fails("OverLimit", "8 Actions were found, maximum allowed is 7.", status=403):
        sqs.add_permission(QueueUrl=url, Label="third", AWSAccountIds=["111111111111"], Actions=["SendMessage"] * 8)
    sqs.remove_permission(QueueUrl=url, Label="first")
    sqs.remove_permission(QueueUrl=url, Label="second")
    assert attributes(sqs, url, "Policy") == {}


def test_purge(sqs, make, drain):
    url = make(VisibilityTimeout=60)
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": "x", "DelaySeconds": i // 3} for i in range(6)])
    drain(url, 1)
    sqs.purge_queue(QueueUrl=url)
    counts = attributes(sqs, url, "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                        "ApproximateNumberOfMessagesDelayed")
    assert set(counts.values()) == {"0"}
    name = url.rsplit("/", 1)[-1]
    with fails("AWS.SimpleQueueService.PurgeQueueInProgress", f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.",
               status=403):
        sqs.purge_queue(QueueUrl=url)


def test_delete(sqs, make):
    url = make()
    sqs.delete_queue(QueueUrl=url)
    with fails("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    with fails("AWS.SimpleQueueService.QueueDeletedRecently"):
        sqs.create_queue(QueueName=url.rsplit("/", 1)[-1])


def test_leats_own_queues_keep_their_settings(sqs):
    with fails("AWS.SimpleQueueService.UnsupportedOperation"):
        sqs.set_queue_attributes(QueueUrl="leat-jobs", Attributes={"DelaySeconds": "1"})
    with fails("AWS.SimpleQueueService.UnsupportedOperation"):
        sqs.delete_queue(QueueUrl="leat-jobs-dead")
    assert attributes(sqs, "leat-jobs", "QueueArn") == {"QueueArn": arn("leat-jobs")}


def test_who_may_be_a_dead_letter_queue(sqs, make):
    dead, fifo = make("dead"), make("dead", fifo=True)
    with fails("InvalidParameterValue",
               f"Value {redrive('nobody', 3)} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."):
        make(RedrivePolicy=redrive("nobody", 3))
    with fails("InvalidParameterValue", f"Value {redrive(fifo, 3)} for parameter RedrivePolicy is invalid. Reason: Dead-letter queue "
               "must be same type of queue as the source queue."):
        make(RedrivePolicy=redrive(fifo, 3))
    for bad in ("{", "[]", "{}", redrive(dead, 0), redrive(dead, 1001), '{"deadLetterTargetArn":"x"}'):
        with fails("InvalidParameterValue"):
            make(RedrivePolicy=bad)
    first = make(RedrivePolicy=redrive(dead, 3))
    second = make()
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(
        {"redrivePermission": "byQueue", "sourceQueueArns": [arn(second)]})})
    with fails("InvalidParameterValue"):
        make(RedrivePolicy=redrive(dead, 3))
    sqs.set_queue_attributes(QueueUrl=second, Attributes={"RedrivePolicy": redrive(dead, 3)})
    found = sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]
    assert sorted(found) == sorted([first, second])
    sqs.set_queue_attributes(QueueUrl=second, Attributes={"RedrivePolicy": ""})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [first]
    assert sqs.list_dead_letter_source_queues(QueueUrl=fifo).get("queueUrls", []) == []
    assert [u.rsplit("/", 1)[-1] for u in sqs.list_dead_letter_source_queues(QueueUrl="leat-jobs-dead")["queueUrls"]] == ["leat-jobs"]
