"""Tables are seen from all regions; the ARNs of an answer are of the region and account of whoever asks."""
import uuid

import boto3
from .conftest import config
from up import Up


def connect(up, service, region):
    return boto3.client(service, endpoint_url=up.url, region_name=region, aws_access_key_id="a", aws_secret_access_key="b", config=config())


def create(client, **more):
    name = "t" + uuid.uuid4().hex
    client.create_table(TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], **more)
    return name


def arns(value):
    """All texts in an answer that are ARNs."""
    if isinstance(value, dict):
        return [arn for each in value.values() for arn in arns(each)]
    if isinstance(value, list):
        return [arn for each in value for arn in arns(each)]
    return [value] if isinstance(value, str) and value.startswith("arn:") else []


def test_a_table_is_in_every_region_under_an_arn_of_each(up):
    here, there = connect(up, "dynamodb", "eu-central-1"), connect(up, "dynamodb", "ap-south-1")
    name = create(here, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, SSESpecification={"Enabled": True})
    here.put_item(TableName=name, Item={"id": {"S": "a"}})
    assert there.get_item(TableName=name, Key={"id": {"S": "a"}})["Item"] == {"id": {"S": "a"}}
    for client, region in [(here, "eu-central-1"), (there, "ap-south-1")]:
        table = client.describe_table(TableName=name)["Table"]
        assert table["TableArn"] == f"arn:aws:dynamodb:{region}:123456789012:table/{name}"
        assert table["LatestStreamArn"].startswith(table["TableArn"] + "/stream/")
        assert table["SSEDescription"]["KMSMasterKeyArn"] == "arn:aws:kms:eu-central-1:123456789012:alias/aws/dynamodb"
    assert there.describe_table(TableName=f"arn:aws:dynamodb:eu-central-1:123456789012:table/{name}")["Table"]["TableName"] == name


def test_all_arns_of_an_answer_are_of_its_region(up):
    client, streams = connect(up, "dynamodb", "us-gov-west-1"), connect(up, "dynamodbstreams", "us-gov-west-1")
    name = create(client, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
                  GlobalSecondaryIndexes=[{"IndexName": "all", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                                           "Projection": {"ProjectionType": "ALL"}}])
    client.put_item(TableName=name, Item={"id": {"S": "a"}})
    stream = streams.list_streams(TableName=name)["Streams"][0]["StreamArn"]
    described = streams.describe_stream(StreamArn=stream)
    iterator = streams.get_shard_iterator(StreamArn=stream, ShardId=described["StreamDescription"]["Shards"][0]["ShardId"],
                                          ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])
    assert records["Records"][0]["awsRegion"] == "us-gov-west-1"
    answers = [client.describe_table(TableName=name), client.create_backup(TableName=name, BackupName="first"), client.list_backups(TableName=name),
               {"StreamArn": stream}, described, iterator, records]
    for answer in answers:
        found = arns({key: value for key, value in answer.items() if key != "ResponseMetadata"})
        assert found and all(arn.startswith("arn:aws:dynamodb:us-gov-west-1:123456789012:table/" + name) for arn in found), found


def test_the_account_is_a_setting_for_queues_and_tables(tmp_path):
    with Up("--account-id", "999999999999", workers=1, tables=["things:id"]) as up:
        table = connect(up, "dynamodb", "eu-west-3").describe_table(TableName="things")["Table"]
        assert table["TableArn"] == "arn:aws:dynamodb:eu-west-3:999999999999:table/things"
        sqs = connect(up, "sqs", "eu-west-3")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] == "arn:aws:sqs:eu-west-3:999999999999:q"


def test_what_cannot_be_a_region_is_none(raw):
    for region in ["", "x" * 41, "eu west", "eu-west-1:1", "\u00e9".encode().decode("latin-1"), '"']:
        answer = raw("DescribeTable", {"TableName": "things"},
                     Authorization=f"AWS4-HMAC-SHA256 Credential=a/20261121/{region}/dynamodb/aws4_request, SignedHeaders=host, Signature=b")
        assert answer.json()["Table"]["TableArn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/things", region
