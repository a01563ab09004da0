"""The envelope: headers, checksum, compression, targets, sizes, signatures, what is broken. Bodies are told of in the operations' tests."""
import gzip
import http.client
import json
import re
import socket
import zlib

import pytest

from .conftest import AUTHORIZATION, fails
from up import Up

MEGABYTE = 1024 * 1024
SERIALIZATION = {"__type": "com.amazon.coral.service#SerializationException"}
UNKNOWN = {"__type": "com.amazon.coral.service#UnknownOperationException"}


def connect(up):
    host, port = re.match(r"http://([^:]+):(\d+)", up.url).groups()
    return http.client.HTTPConnection(host, int(port), timeout=60)


def assert_envelope(response):
    assert re.fullmatch(r"[0-9A-Z]{52}", response.headers["x-amzn-RequestId"])
    assert int(response.headers["x-amz-crc32"]) == zlib.crc32(response.content)


# -- Headers ----------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("media", ["application/x-amz-json-1.0", "application/json", "application/x-amz-json-1.0; charset=utf-8"])
def test_every_answer_has_an_id_a_checksum_and_the_clients_type(raw, media):
    for action, body in [("ListTables", {}), ("ListTables", "{"), ("Nothing", {}), ("GetItem", {})]:
        response = raw(action, body, Content_Type=media)
        assert_envelope(response)
        assert response.headers["Content-Type"] == media.split(";")[0]


def test_request_ids_differ(raw):
    assert len({raw("ListTables", {}).headers["x-amzn-RequestId"] for _ in range(50)}) == 50


def test_a_connection_lives_on(up):
    connection = connect(up)
    connection.connect()
    own = connection.sock.getsockname()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables", "Authorization": AUTHORIZATION,
               "X-Amz-Date": "20261121T090000Z"}
    for body in [b"{}", b"{", b"{}"]:
        connection.request("POST", "/", body, headers)
        assert connection.getresponse().read()
        assert connection.sock.getsockname() == own
    connection.close()


def test_expect_100_continue(up):
    connection = connect(up)
    connection.connect()
    s, body = connection.sock, b'{"Limit":1}'
    s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Type: application/x-amz-json-1.0\r\n"
              b"Authorization: " + AUTHORIZATION.encode() + b"\r\nX-Amz-Date: 20261121T090000Z\r\nExpect: 100-continue\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body))
    assert s.recv(100).startswith(b"HTTP/1.1 100 Continue")
    s.sendall(body)
    assert s.recv(1000).startswith(b"HTTP/1.1 200")
    connection.close()


# -- GET, OPTIONS and others ------------------------------------------------------------------------------------------------------
def test_health(up):
    response = up.session.get(up.url + "/")
    assert (response.status_code, response.text) == (200, "healthy: dynamodb.us-east-1.amazonaws.com ")
    assert_envelope(response)
    assert up.session.head(up.url + "/").headers["Content-Length"] == str(len(response.content))


def test_preflight(up):
    url = up.url + "/"
    response = up.session.options(url, headers={"Origin": "http://example.com", "Access-Control-Request-Headers": "a, b, c",
                                                "Access-Control-Request-Method": "dog"})
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Headers"] == "a, b, c"
    assert response.headers["Access-Control-Allow-Methods"] == "dog"
    assert response.headers["Access-Control-Max-Age"] == "172800"
    for method in (up.session.get, up.session.post):
        response = method(url, headers={"Origin": "http://example.com", "Access-Control-Request-Method": "dog"})
        assert response.headers["Access-Control-Allow-Origin"] == "*" and response.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Max-Age" not in response.headers and "Access-Control-Allow-Methods" not in response.headers
    assert not [name for name in up.session.get(url).headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("method,path,headers,body", [
    ("OPTIONS", "/", {}, None),
    ("PUT", "/", {}, b"x"),
    ("DELETE", "/", {}, None),
    ("POST", "/", {}, b"hi"),
    ("POST", "/", {"Content-Type": "whatever"}, b"hi"),
    ("POST", "/", {"Content-Type": "application/x-amz-json-1.1"}, b"hi"),
    ("POST", "/", {"Content-Type": "application/jsonasdf"}, b"hi"),
    ("POST", "/no/such/path", {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}, b"{}"),
])
def test_what_is_no_request_of_aws(up, method, path, headers, body):
    response = up.session.request(method, up.url + path, headers=headers, data=body)
    assert (response.status_code, response.text) == (404, "<UnknownOperationException/>\n")
    assert_envelope(response)
    assert response.headers["x-amz-crc32"] == "3552371480"


# -- Targets, signatures, JSON, in the order in which they are looked at ----------------------------------------------------------
@pytest.mark.parametrize("body", ["hi", "{", "}{", "", "[", '{"a":1,}', '{"TableName":"' + "\\ud800" + '"}', "{" * 10000 + "}" * 10000, b"\xff\xfe"])
def test_broken_json(raw, body):
    response = raw("PutItem", body)
    assert (response.status_code, response.json()) == (400, SERIALIZATION)
    if body:
        assert raw("Nothing", body).json() == SERIALIZATION
        assert raw("PutItem", body, Authorization=None).json() == SERIALIZATION


@pytest.mark.parametrize("target", [None, "whatever", "DynamoDB_20120810", "DynamoDB_20120810.", "DynamoDB_20120810.ListTable",
                                    "DynamoDB_20120810.listTables", "DynamoDBStreams_20120810.ListTables", "DynamoDB_20111205.ListTables"])
def test_unknown_targets(raw, target):
    response = raw("x", {}, X_Amz_Target=target)
    assert (response.status_code, response.json()) == (400, UNKNOWN)
    assert raw("x", {}, X_Amz_Target=target, Authorization=None).json() == UNKNOWN


def test_missing_signatures(raw):
    missing = {"__type": "com.amazon.coral.service#MissingAuthenticationTokenException", "message": "Request is missing Authentication Token"}
    for authorization in (None, "AWS4", "Basic eDp5"):
        response = raw("ListTables", {}, Authorization=authorization)
        assert (response.status_code, response.json()) == (400, missing)
    response = raw("ListTables", {}, Authorization="AWS4- Signature=b,Credential=a", X_Amz_Date=None, Date="x")
    assert response.json() == {"__type": "com.amazon.coral.service#IncompleteSignatureException",
                               "message": "Authorization header requires 'SignedHeaders' parameter. "
                                          "Authorization=AWS4- Signature=b,Credential=a"}


def test_credentials_are_checked_where_they_are_set():
    with Up("--credentials", "AKID:right", workers=1) as up:
        def lister(key, secret):
            import boto3
            return boto3.client("dynamodb", endpoint_url=up.url, region_name="eu-west-1", aws_access_key_id=key,
                                aws_secret_access_key=secret)
        assert lister("AKID", "right").list_tables()["TableNames"]
        lister("AKID", "right").put_item(TableName="name", Item={"id": {"S": "ä"}, "b": {"B": b"\0" * 3000}})
        with fails("InvalidSignatureException", re.compile("^The request signature we calculated does not match")):
            lister("AKID", "wrong").list_tables()
        with fails("UnrecognizedClientException", "The security token included in the request is invalid."):
            lister("NOBODY", "right").list_tables()


# -- Compression ------------------------------------------------------------------------------------------------------------------
def put_body(key, value="x"):
    return json.dumps({"TableName": "things", "Item": {"id": {"S": key}, "v": {"S": value}}}).encode()


def test_compressed_requests(raw, things, key):
    body = put_body(key, "long " * 5000)
    for packed in (gzip.compress(body), gzip.compress(body[:10]) + gzip.compress(body[10:])):
        things.delete_item(Key={"id": key})
        assert raw("PutItem", packed, Content_Encoding="gzip").status_code == 200
        assert things.get_item(Key={"id": key})["Item"] == {"id": key, "v": "long " * 5000}


def test_broken_compressed_requests(raw, things, key):
    packed = gzip.compress(put_body(key))
    for body, coding in [(packed[:-1], "gzip"), (packed + b"junk", "gzip"), (put_body(key), "gzip"), (b"", "gzip"), (packed, "br")]:
        response = raw("PutItem", body, Content_Encoding=coding)
        assert (response.status_code, response.json()["__type"]) == (500, "com.amazonaws.dynamodb.v20120810#InternalServerError")
    blown_up = gzip.compress(put_body(key)[:-1] + b" " * 20 * MEGABYTE + b"}")
    assert raw("PutItem", blown_up, Content_Encoding="gzip").status_code == 413
    assert "Item" not in things.get_item(Key={"id": key})


def test_compressed_answers(raw, key):
    raw("PutItem", put_body(key, "x" * 5000))
    get = {"TableName": "things", "Key": {"id": {"S": key}}}
    plain = raw("GetItem", get, Accept_Encoding="identity")
    assert "Content-Encoding" not in plain.headers
    for coding in ("gzip", "deflate"):
        response = raw("GetItem", get, Accept_Encoding=coding)
        assert response.headers["Content-Encoding"] == coding
        assert response.json() == plain.json()
        assert int(response.headers["Content-Length"]) < len(plain.content) / 10
    small = raw("GetItem", {**get, "ProjectionExpression": "id"}, Accept_Encoding="gzip")
    assert "Content-Encoding" not in small.headers


def test_the_checksum_is_of_what_is_sent(up, raw, key):
    raw("PutItem", put_body(key, "x" * 5000))
    connection = connect(up)
    connection.request("POST", "/", json.dumps({"TableName": "things", "Key": {"id": {"S": key}}}),
                       {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem",
                        "Authorization": AUTHORIZATION, "X-Amz-Date": "x", "Accept-Encoding": "gzip"})
    response = connection.getresponse()
    assert response.headers["Content-Encoding"] == "gzip"
    assert int(response.headers["x-amz-crc32"]) == zlib.crc32(response.read())
    connection.close()


# -- Sizes ------------------------------------------------------------------------------------------------------------------------
def test_a_request_of_sixteen_megabytes(raw):
    body = b'{"TableName":"things","Item":{"id":{"S":"x"}}' + b" " * (16 * MEGABYTE - 46) + b"}"
    assert len(body) == 16 * MEGABYTE
    assert raw("PutItem", body).status_code == 200
    response = raw("PutItem", body + b" ")
    assert response.status_code == 413
    assert response.json()["__type"] == "com.amazon.coral.service#RequestEntityTooLargeException"


def test_a_chunked_request_that_is_too_large(up):
    connection = connect(up)
    connection.connect()
    s = connection.sock
    s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(40):  # what nobody wants any more is taken and thrown away: the client shall see the answer
        s.sendall(b"100000\r\n" + b" " * MEGABYTE + b"\r\n")
    assert s.recv(100).startswith(b"HTTP/1.1 413")
    connection.close()


def test_the_largest_item_travels(things, key):
    item = {"id": key, "v": "v" * (400 * 1024 - 35)}
    things.put_item(Item=item)
    assert things.get_item(Key={"id": key})["Item"] == item
    with fails("ValidationException", "Item size has exceeded the maximum allowed size"):
        things.put_item(Item={**item, "w": ""})


def test_a_table_named_by_its_arn(client, key):
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/things"
    client.put_item(TableName=arn, Item={"id": {"S": key}})
    assert client.get_item(TableName=arn, Key={"id": {"S": key}})["Item"] == {"id": {"S": key}}
    assert "Item" in client.get_item(TableName="things", Key={"id": {"S": key}})


def test_a_slow_sender_is_cut_off_and_others_are_served(up, client):
    connections = []
    for _ in range(20):
        c = connect(up)
        c.connect()
        c.sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
        connections.append(c)
    assert client.list_tables()["TableNames"]
    for c in connections:
        c.sock.shutdown(socket.SHUT_RDWR)
        c.close()


def test_metrics_count_it(up, raw):
    before = up.metric('leat_http_requests_total{route="aws",code="400"}')
    raw("Nothing", {})
    assert up.metric('leat_http_requests_total{route="aws",code="400"}') == before + 1
