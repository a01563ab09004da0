"""The everyday commands of the aws command line, with a region and made-up credentials, as in the README."""
import json
import os
import subprocess
from pathlib import Path

import pytest

AWS = "/usr/bin/aws"  # Debian's
pytestmark = pytest.mark.skipif(not Path(AWS).exists(), reason="the aws command line is not installed")


@pytest.fixture
def aws(up, tmp_path):
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "",
                   "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), "AWS_EC2_METADATA_DISABLED": "true"}
    for name in ("AWS_PROFILE", "PYTHONHOME", "PYTHONPATH"):
        environment.pop(name, None)

    def run(*arguments, fails=None):
        done = subprocess.run([AWS, "--endpoint-url", up.url, *arguments], env=environment, capture_output=True, text=True, timeout=60)
        if fails:
            assert done.returncode != 0 and fails in done.stderr, done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None
    return run


def test_everyday_commands(aws):
    table = ["--table-name", "Music"]
    made = aws("dynamodb", "create-table", *table, "--attribute-definitions", "AttributeName=Artist,AttributeType=S", "AttributeName=SongTitle,AttributeType=S",
               "--key-schema", "AttributeName=Artist,KeyType=HASH", "AttributeName=SongTitle,KeyType=RANGE", "--billing-mode", "PAY_PER_REQUEST")
    assert made["TableDescription"]["TableName"] == "Music"
    song = {"Artist": {"S": "Acme Band"}, "SongTitle": {"S": "Happy Day"}, "Awards": {"N": "10"}}
    aws("dynamodb", "put-item", *table, "--item", json.dumps(song))
    key = json.dumps({name: song[name] for name in ("Artist", "SongTitle")})
    assert aws("dynamodb", "get-item", *table, "--key", key, "--consistent-read") == {"Item": song}
    changed = aws("dynamodb", "update-item", *table, "--key", key, "--update-expression", "SET Awards = Awards + :one", "--expression-attribute-values",
                  '{":one":{"N":"1"}}', "--return-values", "UPDATED_NEW")
    assert changed == {"Attributes": {"Awards": {"N": "11"}}}
    found = aws("dynamodb", "query", *table, "--key-condition-expression", "Artist = :name", "--expression-attribute-values", '{":name":{"S":"Acme Band"}}')
    assert (found["Count"], found["Items"][0]["Awards"]) == (1, {"N": "11"})
    assert aws("dynamodb", "scan", *table, "--select", "COUNT")["Count"] == 1
    aws("dynamodb", "put-item", *table, "--item", json.dumps(song), "--condition-expression", "attribute_not_exists(Artist)",
        fails="ConditionalCheckFailedException")
    aws("dynamodb", "delete-item", *table, "--key", key)
    assert "Music" in aws("dynamodb", "list-tables")["TableNames"]
    aws("dynamodb", "delete-table", *table)
    aws("dynamodb", "describe-table", *table, fails="ResourceNotFoundException")
