"""What the gateway knows by itself: DescribeEndpoints, DescribeLimits, DescribeContinuousBackups."""
from .conftest import fails


def test_endpoints(up, client):
    (endpoint,) = client.describe_endpoints()["Endpoints"]
    assert endpoint["Address"] == up.url.removeprefix("http://") and endpoint["CachePeriodInMinutes"] > 0


def test_limits(client):
    limits = client.describe_limits()
    assert limits["AccountMaxReadCapacityUnits"] >= limits["TableMaxReadCapacityUnits"] >= 40000


def test_continuous_backups(client, new_table):
    name = new_table()
    description = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert description["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    with fails("TableNotFoundException", "Table not found: nowhere"):
        client.describe_continuous_backups(TableName="nowhere")
    with fails("ValidationException", "The parameter 'TableName' is required but was not present in the request"):
        client.describe_continuous_backups()
