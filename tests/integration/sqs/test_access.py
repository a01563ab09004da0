"""Who may do what, where signatures are checked: the owner everything that no policy denies, other accounts what a policy allows."""
import json
import time
import urllib.parse

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from .conftest import REGION, arn, attributes, fails
from up import Up

SECRETS = {"OWNER": "owner/secret+1", "CLERK": "clerk@secret:2", "GUEST": "guest"}
GUEST = "222222222222"


@pytest.fixture(scope="module")
def guarded():
    keys = f"OWNER:{SECRETS['OWNER']} CLERK@123456789012:{SECRETS['CLERK']} GUEST@{GUEST}:{SECRETS['GUEST']}"
    with Up("--credentials", keys, workers=1, tables=["things:id"]) as up:
        yield up


def client(up, key, secret=None, service="sqs"):
    config = Config(retries={"max_attempts": 0}, parameter_validation=False, read_timeout=60)
    return boto3.client(service, endpoint_url=up.url, region_name=REGION, aws_access_key_id=key,
                        aws_secret_access_key=secret or SECRETS[key], config=config)


@pytest.fixture
def owner(guarded):
    return client(guarded, "OWNER")


@pytest.fixture
def guest(guarded):
    return client(guarded, "GUEST")


@pytest.fixture
def url(owner, request):
    name = f"guarded-{abs(hash(request.node.name)) % 10**9}-{time.monotonic_ns()}"
    return owner.create_queue(QueueName=name)["QueueUrl"]


def denied(url, action, user="GUEST", account=GUEST, explicit=False):
    reason = "with an explicit deny in a resource-based policy" if explicit else f"because no resource-based policy allows the sqs:{action} action"
    return (f"User: arn:aws:iam::{account}:user/{user} is not authorized to perform: sqs:{action} on resource: {arn(url) if url else arn('*')} "
            f"{reason}")


def set_policy(owner, url, *statements):
    owner.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Resource": arn(url), **s} for s in statements]})})


def test_signatures_are_checked(guarded, owner, url):
    owner.send_message(QueueUrl=url, MessageBody="x y&z=ä")
    with fails("SignatureDoesNotMatch", status=403):
        client(guarded, "OWNER", "wrong").send_message(QueueUrl=url, MessageBody="x")
    with fails("InvalidClientTokenId", "The security token included in the request is invalid.", status=403):
        client(guarded, "NOBODY", "x").send_message(QueueUrl=url, MessageBody="x")
    answer = requests.post(guarded.url, data={"Action": "ListQueues"}, timeout=20)
    assert answer.status_code == 403 and "<Code>MissingAuthenticationToken</Code>" in answer.text
    answer = requests.post(guarded.url, data="{}", headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"},
                           timeout=20)
    assert answer.status_code == 403 and answer.json()["__type"].endswith("#MissingAuthenticationTokenException")


@pytest.mark.parametrize("method, path, form, query", [
    ("GET", "/", "", {"Action": "SendMessage", "QueueUrl": None, "MessageBody": "a b+c/ä~*"}),
    ("GET", "own", "", {"Action": "SendMessage", "MessageBody": "x=y&z"}),
    ("POST", "own", "Action=SendMessage&MessageBody=a%20b%2Bc", {}),
    ("POST", "own", "", {"Action": "ReceiveMessage", "AttributeName.1": "All", "Version": "2012-11-05"})])
def test_signatures_of_forms_and_query_strings(guarded, url, method, path, form, query):
    """As botocore signs them: every byte of path, query string and body counts."""
    query = {name: value or url for name, value in query.items()}
    target = guarded.url + ("/" if path == "/" else url.removeprefix(guarded.url))
    target += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else ""
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}

    def send(change=lambda target, form: (target, form)):
        request = AWSRequest(method, target, headers, form.encode())
        SigV4Auth(Credentials("OWNER", SECRETS["OWNER"]), "sqs", REGION).add_auth(request)
        changed, body = change(target, form)
        return requests.request(method, changed, data=body.encode(), headers=dict(request.headers), timeout=20)
    assert send().status_code == 200, send().text
    answer = send(lambda target, form: (target, form + "&x=y") if form else (target + "&x=y", form))
    assert answer.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in answer.text


def test_everybody_of_the_account_is_its_owner(guarded, owner, url):
    clerk = client(guarded, "CLERK")
    clerk.send_message(QueueUrl=url, MessageBody="x")
    message, = owner.receive_message(QueueUrl=url, AttributeNames=["SenderId"])["Messages"]
    assert message["Attributes"]["SenderId"] == "CLERK"
    clerk.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"})
    clerk.delete_queue(QueueUrl=url)


def test_others_need_a_policy(owner, guest, url):
    name = url.rsplit("/", 1)[-1]
    with fails("AccessDenied", denied(url, "sendmessage"), status=403):
        guest.send_message(QueueUrl=url, MessageBody="x")
    with fails("AccessDenied", denied(url, "sendmessage"), status=403):
        guest.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}])
    with fails("AccessDenied", denied(url, "receivemessage"), status=403):
        guest.receive_message(QueueUrl=url)
    with fails("AccessDenied", denied(url, "getqueueurl"), status=403):
        guest.get_queue_url(QueueName=name)
    owner.add_permission(QueueUrl=url, Label="senders", AWSAccountIds=[GUEST], Actions=["SendMessage", "GetQueueUrl"])
    assert guest.get_queue_url(QueueName=name)["QueueUrl"] == url
    guest.send_message(QueueUrl=url, MessageBody="x" * 100000)
    assert len(guest.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "y"}, {"Id": "b", "MessageBody": ""}])["Successful"]) == 1
    with fails("AccessDenied", denied(url, "receivemessage"), status=403):
        guest.receive_message(QueueUrl=url)
    with fails("AccessDenied", denied(url, "purgequeue"), status=403):
        guest.purge_queue(QueueUrl=url)
    assert attributes(owner, url, "ApproximateNumberOfMessages") == {"ApproximateNumberOfMessages": "2"}
    owner.remove_permission(QueueUrl=url, Label="senders")
    with fails("AccessDenied", denied(url, "sendmessage"), status=403):
        guest.send_message(QueueUrl=url, MessageBody="x")


def test_all_that_can_be_shared(owner, guest, url):
    owner.add_permission(QueueUrl=url, Label="all", AWSAccountIds=[GUEST], Actions=["*"])
    sent = guest.send_message(QueueUrl=url, MessageBody="x")
    message, = guest.receive_message(QueueUrl=url)["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    guest.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=60)
    assert guest.change_message_visibility_batch(QueueUrl=url, Entries=[
        {"Id": "a", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 60}])["Successful"]
    guest.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert attributes(guest, url, "QueueArn") == {"QueueArn": arn(url)}
    assert guest.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls", []) == []
    guest.purge_queue(QueueUrl=url)


def test_what_is_the_owners_alone(owner, guest, url):
    owner.add_permission(QueueUrl=url, Label="all", AWSAccountIds=[GUEST], Actions=["*"])
    for action, call in {
            "deletequeue": lambda: guest.delete_queue(QueueUrl=url),
            "setqueueattributes": lambda: guest.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"}),
            "addpermission": lambda: guest.add_permission(QueueUrl=url, Label="b", AWSAccountIds=[GUEST], Actions=["*"]),
            "removepermission": lambda: guest.remove_permission(QueueUrl=url, Label="all"),
            "tagqueue": lambda: guest.tag_queue(QueueUrl=url, Tags={"a": "b"}),
            "untagqueue": lambda: guest.untag_queue(QueueUrl=url, TagKeys=["a"]),
            "listqueuetags": lambda: guest.list_queue_tags(QueueUrl=url)}.items():
        with fails("AccessDenied", denied(url, action), status=403):
            call()
    with fails("AccessDenied", denied(None, "listqueues"), status=403):
        guest.list_queues()
    with fails("AccessDenied", denied(None, "createqueue"), status=403):
        guest.create_queue(QueueName="guests-own")


def test_a_queue_that_is_not_there(owner, guest):
    for one in (owner, guest):
        with fails("AWS.SimpleQueueService.NonExistentQueue"):
            one.send_message(QueueUrl="nobody", MessageBody="x")


def test_denials(guarded, owner, guest, url):
    set_policy(owner, url, {"Effect": "Allow", "Principal": "*", "Action": "sqs:*"},
               {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::123456789012:user/CLERK"}, "Action": "sqs:SendMessage"},
               {"Effect": "Deny", "Principal": {"AWS": GUEST}, "Action": "sqs:PurgeQueue"})
    clerk = client(guarded, "CLERK")
    guest.send_message(QueueUrl=url, MessageBody="x")
    owner.send_message(QueueUrl=url, MessageBody="x")
    with fails("AccessDenied", denied(url, "sendmessage", "CLERK", "123456789012", explicit=True), status=403):
        clerk.send_message(QueueUrl=url, MessageBody="x")
    with fails("AccessDenied", denied(url, "purgequeue", explicit=True), status=403):
        guest.purge_queue(QueueUrl=url)
    set_policy(owner, url, {"Effect": "Deny", "Principal": "*", "Action": "sqs:*"})
    with fails("AccessDenied", denied(url, "receivemessage", "OWNER", "123456789012", explicit=True), status=403):
        owner.receive_message(QueueUrl=url)
    owner.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})  # the owner can always mend it
    assert len(owner.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]) == 1


def test_conditions(owner, guest, url):
    set_policy(owner, url, {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                            "Condition": {"StringEquals": {"aws:PrincipalAccount": GUEST}}},
               {"Effect": "Allow", "Principal": "*", "Action": "sqs:ReceiveMessage",
                "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}})
    guest.send_message(QueueUrl=url, MessageBody="x")
    with fails("AccessDenied", denied(url, "receivemessage"), status=403):
        guest.receive_message(QueueUrl=url)


def test_jobs_have_a_policy_too(guarded, owner, guest):
    body = json.dumps({"operation": "echo", "payload": "guest"})
    with fails("AccessDenied", denied("leat-jobs", "sendmessage"), status=403):
        guest.send_message(QueueUrl="leat-jobs", MessageBody=body)
    owner.add_permission(QueueUrl="leat-jobs", Label="guests", AWSAccountIds=[GUEST], Actions=["SendMessage"])
    assert guarded.wait_job(guest.send_message(QueueUrl="leat-jobs", MessageBody=body)["MessageId"])["result"] == "guest"
    owner.remove_permission(QueueUrl="leat-jobs", Label="guests")


def test_tables_are_the_owners(guarded):
    with fails("AccessDeniedException"):
        client(guarded, "GUEST", service="dynamodb").list_tables()
    assert "things" in client(guarded, "CLERK", service="dynamodb").list_tables()["TableNames"]
