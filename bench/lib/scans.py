"""Scans over DynamoDB's protocol, page by page as they come, by one client or one for each segment."""
import concurrent.futures
import http.client
import json
import re
import time
import urllib.parse

from .processes import Failed

HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.Scan", "X-Amz-Date": "20261121T000000Z",
           "Authorization": "AWS4-HMAC-SHA256 Credential=leat/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"}


def next_key(page):
    """The text of a page's LastEvaluatedKey; None at the end. Taken out of the bytes: decoding all items would measure Python."""
    at = page.rfind(b'"LastEvaluatedKey":')
    return json.JSONDecoder().raw_decode(page[at + len(b'"LastEvaluatedKey":'):].decode())[0] if at >= 0 else None


def scan(url, table, seconds, segment, segments):
    """Bytes of answers and items until the segment's end or the time's."""
    parts = urllib.parse.urlparse(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    body, end = {"TableName": table, "Segment": segment, "TotalSegments": segments}, time.monotonic() + seconds
    received, items = 0, 0
    while time.monotonic() < end:
        connection.request("POST", "/", json.dumps(body), HEADERS)
        answer = connection.getresponse()
        page = answer.read()
        if answer.status != 200:
            raise Failed(f"a scan was answered with {answer.status}: {page[:200]!r}")
        received += len(page)
        items += int(re.search(rb'"Count":(\d+)', page)[1])
        key = next_key(page)
        if not key:
            break
        body["ExclusiveStartKey"] = key
    connection.close()
    return received, items


def rate(url, table, seconds, segments=1):
    """Megabytes of answers and items a second; and how many items."""
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(segments) as pool:
        found = list(pool.map(lambda n: scan(url, table, seconds, n, segments), range(segments)))
    took, items = time.monotonic() - start, sum(f[1] for f in found)
    return sum(f[0] for f in found) / took / 1e6, items / took, items
