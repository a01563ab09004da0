"""TagResource, UntagResource, ListTagsOfResource."""
import re

from .conftest import fails


def test_tags_come_and_go(client, raw, new_table):
    arn = client.describe_table(TableName=new_table())["Table"]["TableArn"]

    def tags():
        return {tag["Key"]: tag["Value"] for tag in client.list_tags_of_resource(ResourceArn=arn)["Tags"]}
    assert tags() == {}
    assert raw("TagResource", {"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]}).content == b""
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert tags() == {"a": "2", "b": ""}
    assert raw("UntagResource", {"ResourceArn": arn, "TagKeys": ["a", "never"]}).content == b""
    assert tags() == {"b": ""}


def test_errors(client, new_table):
    arn = client.describe_table(TableName=new_table())["Table"]["TableArn"]
    with fails("ValidationException", re.compile("^2 validation errors detected: ")):
        client.tag_resource()
    with fails("ValidationException", re.compile("'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1")):
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": "", "Value": "x"}])
    with fails("ResourceNotFoundException"):
        client.list_tags_of_resource(ResourceArn=arn + "x")
    with fails("ValidationException"):
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": str(i), "Value": "x"} for i in range(51)])
