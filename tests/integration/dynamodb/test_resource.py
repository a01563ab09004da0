"""boto3's resource layer, as applications use it."""
from decimal import Decimal

from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary


def test_the_life_of_a_table(resource, key):
    table = resource.create_table(TableName="films-" + key, BillingMode="PAY_PER_REQUEST",
                                  KeySchema=[{"AttributeName": "year", "KeyType": "HASH"}, {"AttributeName": "title", "KeyType": "RANGE"}],
                                  AttributeDefinitions=[{"AttributeName": "year", "AttributeType": "N"}, {"AttributeName": "title", "AttributeType": "S"}])
    table.wait_until_exists()
    assert table.table_status == "ACTIVE" and table in list(resource.tables.all())
    with table.batch_writer() as batch:
        for year in (1999, 2013):
            for i in range(40):
                batch.put_item(Item={"year": year, "title": f"film {i:02}", "info": {"rating": Decimal(i) / 4, "genres": ["Drama"]}})
    page = table.query(KeyConditionExpression=Key("year").eq(2013) & Key("title").between("film 10", "film 19"),
                       FilterExpression=Attr("info.rating").gte(Decimal("3")), ProjectionExpression="#t, info.rating", ExpressionAttributeNames={"#t": "title"})
    assert [item["info"]["rating"] for item in page["Items"]] == [Decimal(i) / 4 for i in range(12, 20)]
    answer = table.update_item(Key={"year": 1999, "title": "film 00"}, UpdateExpression="SET info.rating = :r, info.genres = list_append(info.genres, :g)",
                               ExpressionAttributeValues={":r": Decimal("5.5"), ":g": ["Comedy"]}, ReturnValues="UPDATED_NEW")
    assert answer["Attributes"] == {"info": {"rating": Decimal("5.5"), "genres": ["Drama", "Comedy"]}}
    table.delete()
    table.wait_until_not_exists()


def test_python_values(things, key):
    item = {"id": key, "binary": Binary(b"\0\1"), "set": {"a", "b"}, "numbers": {Decimal("1.5"), Decimal("2")}, "bytes": {Binary(b"x")}, "none": None,
            "true": True, "list": [Decimal("1"), "x", [None]], "map": {"nested": {"deep": "value"}}}
    things.put_item(Item=item)
    assert things.get_item(Key={"id": key})["Item"] == item


def test_many_at_once(resource, things, key):
    for i in range(5):
        things.put_item(Item={"id": f"{key}{i}", "i": i})
    page = resource.batch_get_item(RequestItems={"things": {"Keys": [{"id": f"{key}{i}"} for i in range(5)]}})
    assert sorted(int(item["i"]) for item in page["Responses"]["things"]) == list(range(5))


def test_paginators(client, new_table):
    name = new_table()
    for i in range(30):
        client.put_item(TableName=name, Item={"id": {"S": str(i)}})
    pages = list(client.get_paginator("scan").paginate(TableName=name, PaginationConfig={"PageSize": 7}))
    assert sum(page["Count"] for page in pages) == 30 and len(pages) >= 5
    names = [n for page in client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2}) for n in page["TableNames"]]
    assert name in names
