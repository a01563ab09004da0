"""CreateBackup, DescribeBackup, ListBackups, DeleteBackup, RestoreTableFromBackup."""
import pytest

from .conftest import fails
from up import until


@pytest.fixture
def filled(client, resource, new_table):
    name = new_table(Tags=[{"Key": "a", "Value": "b"}])
    with resource.Table(name).batch_writer() as batch:
        for i in range(200):
            batch.put_item(Item={"id": str(i), "v": "v" * 100, "n": i})
    return name


def backup_of(client, name, backup="first-backup"):
    arn = client.create_backup(TableName=name, BackupName=backup)["BackupDetails"]["BackupArn"]
    until(lambda: client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE", 20, "a backup")
    return arn


def test_a_table_comes_back(client, resource, filled):
    arn = backup_of(client, filled)
    resource.Table(filled).put_item(Item={"id": "after the backup"})
    described = client.describe_backup(BackupArn=arn)["BackupDescription"]
    assert described["SourceTableDetails"]["TableName"] == filled
    assert arn in [b["BackupArn"] for b in client.list_backups(TableName=filled)["BackupSummaries"]]
    target = filled + "-restored"
    try:
        client.restore_table_from_backup(TargetTableName=target, BackupArn=arn)
        until(lambda: client.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE", 20, "a restored table")
        assert sorted(int(item["id"]) for item in resource.Table(target).scan()["Items"]) == list(range(200))
        with fails("TableAlreadyExistsException"):
            client.restore_table_from_backup(TargetTableName=target, BackupArn=arn)
    finally:
        client.delete_table(TableName=target)
    client.delete_backup(BackupArn=arn)
    with fails("BackupNotFoundException"):
        client.describe_backup(BackupArn=arn)
    assert not client.list_backups(TableName=filled)["BackupSummaries"]


def test_errors(client):
    with fails("TableNotFoundException", "Table not found: nowhere"):
        client.create_backup(TableName="nowhere", BackupName="abc")
    with fails("ValidationException", "1 validation error detected: Value 'x' at 'backupName' failed to satisfy constraint: Member must have length greater than "
                                      "or equal to 3"):
        client.create_backup(TableName="things", BackupName="x")
    with fails("BackupNotFoundException"):
        client.describe_backup(BackupArn="arn:aws:dynamodb:eu-west-1:123456789012:table/things/backup/01489602797149-73d8d5bc")
