"""SQS as clients speak it, in either of its wire protocols, over one Connection (clients.py).

    sqs = Sqs(connection, json_protocol=False)
    status, answer = sqs.call("SendMessageBatch", {"QueueUrl": "orders.fifo", "Entries": [...]})

Requests are given, and answers returned, in the form of the JSON protocol; the query protocol is translated. An error is {"code", "message"}."""
import json
import urllib.parse
import xml.etree.ElementTree as xml

LISTS = {"SendMessageBatch": "SendMessageBatchRequestEntry", "DeleteMessageBatch": "DeleteMessageBatchRequestEntry",
         "ChangeMessageVisibilityBatch": "ChangeMessageVisibilityBatchRequestEntry"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def flat(action, fields):
    """As pairs of the query protocol."""
    pairs = [("Action", action), ("Version", "2012-11-05")]
    for name, value in fields.items():
        if name == "Entries":
            pairs += [(f"{LISTS[action]}.{i}.{key}", text) for i, entry in enumerate(value, 1) for key, text in entry.items()]
        elif name == "AttributeNames":
            pairs += [(f"AttributeName.{i}", text) for i, text in enumerate(value, 1)]
        elif name == "Attributes":
            for i, (key, text) in enumerate(value.items(), 1):
                pairs += [(f"Attribute.{i}.Name", key), (f"Attribute.{i}.Value", text)]
        else:
            pairs.append((name, value))
    return pairs


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def members(element):
    """{name: text} of what has no children of its own; Attribute elements become one map."""
    found = {local(child): child.text or "" for child in element if len(child) == 0}
    attributes = [members(child) for child in element if local(child) == "Attribute"]
    return {**found, "Attributes": {a["Name"]: a["Value"] for a in attributes}} if attributes else found


def read_xml(text):
    root = xml.fromstring(text)
    if local(root) == "ErrorResponse":
        error = members(root[0])
        return {"code": error["Code"], "message": error["Message"]}
    result, answer = root[0], members(root[0])
    for child in result:
        if local(child) == "Message":
            answer.setdefault("Messages", []).append(members(child))
        elif local(child) == "BatchResultErrorEntry":
            answer.setdefault("Failed", []).append(members(child))
        elif local(child).endswith("ResultEntry"):
            answer.setdefault("Successful", []).append(members(child))
    return answer


def read_json(text):
    answer = json.loads(text) if text else {}
    if "__type" in answer:
        return {"code": answer["__type"].rsplit("#", 1)[-1], "message": answer.get("message", "")}
    return answer


class Sqs:
    def __init__(self, connection, json_protocol):
        self.connection, self.json = connection, json_protocol

    def call(self, action, fields, seconds=12):
        """(status, answer); OSError or HTTPException: cut."""
        if self.json:
            headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + action}
            status, _, text = self.connection.exchange("POST", "/", json.dumps(fields), headers, seconds)
            return status, read_json(text)
        status, _, text = self.connection.exchange("POST", "/", urllib.parse.urlencode(flat(action, fields)), FORM, seconds)
        return status, read_xml(text) if text.lstrip().startswith(b"<") else {"code": str(status), "message": text.decode("utf-8", "replace")}
