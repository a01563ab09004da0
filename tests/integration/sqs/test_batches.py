"""Batches: results by id, entries that fail alone, and what fails as a whole."""
import pytest

from .conftest import fails

CODE = "AWS.SimpleQueueService."


def entries(count, **more):
    return [{"Id": f"id-{i}", "MessageBody": f"body {i}", **more} for i in range(count)]


def test_send_receive_change_delete(sqs, make, drain):
    url = make()
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries(10))
    assert [e["Id"] for e in sent["Successful"]] == [f"id-{i}" for i in range(10)] and "Failed" not in sent
    found = drain(url, 10)
    assert sorted(m["Body"] for m in found) == sorted(f"body {i}" for i in range(10))
    handles = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(found)]
    changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{**h, "VisibilityTimeout": 0} for h in handles[:5]])
    assert [e["Id"] for e in changed["Successful"]] == list("01234")
    again = drain(url, 5)
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=handles[5:] + [
        {"Id": f"again{i}", "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(again)])
    assert len(deleted["Successful"]) == 10
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_entries_fail_alone(sqs, make):
    url = make()
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[*entries(1), {"Id": "bad", "MessageBody": "x", "DelaySeconds": 901},
                                                         {"Id": "worse", "MessageBody": "\x01"}])
    assert [e["Id"] for e in sent["Successful"]] == ["id-0"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in sent["Failed"]] == [
        ("bad", "InvalidParameterValue", True), ("worse", "InvalidMessageContents", True)]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": "nothing"}])
    assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid" and "Successful" not in deleted
    changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": "nothing", "VisibilityTimeout": 1}])
    assert changed["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"


def test_whole_batches_that_fail(sqs, make):
    url = make()
    with fails(CODE + "EmptyBatchRequest"):
        sqs.send_message_batch(QueueUrl=url, Entries=[])
    with fails(CODE + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."):
        sqs.send_message_batch(QueueUrl=url, Entries=entries(11))
    with fails(CODE + "BatchEntryIdsNotDistinct", "Id id-0 repeated."):
        sqs.send_message_batch(QueueUrl=url, Entries=entries(1) + entries(1))
    for bad in ("", "a b", "x" * 81, "ä"):
        with fails(CODE + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                   "It can be at most 80 letters long."):
            sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": bad, "MessageBody": "x"}])
    with fails(CODE + "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x" * 524288}, {"Id": "b", "MessageBody": "x" * 524289}])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x" * 524288}, {"Id": "b", "MessageBody": "x" * 524288}])
    assert len(sent["Successful"]) == 2


@pytest.mark.parametrize("action, more", [("delete_message_batch", {}), ("change_message_visibility_batch", {"VisibilityTimeout": 1})])
def test_the_others_check_ids_as_well(sqs, make, action, more):
    url = make()
    entry = {"Id": "a", "ReceiptHandle": "x", **more}
    with fails(CODE + "BatchEntryIdsNotDistinct"):
        getattr(sqs, action)(QueueUrl=url, Entries=[entry, entry])
    with fails(CODE + "TooManyEntriesInBatchRequest"):
        getattr(sqs, action)(QueueUrl=url, Entries=[{**entry, "Id": str(i)} for i in range(11)])
