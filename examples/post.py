#!/usr/bin/python3
"""Posts jobs with requests, in both forms. The payloads are the keyword arguments of boto3's Table methods, so code that calls
table.put_item(**arguments) posts {"operation": "create", "tableName": ..., "payload": arguments}. LEAT_URL: where leat answers."""
import os
import uuid

import requests

URL = os.environ.get("LEAT_URL", "http://127.0.0.1:8080")
OPERATIONS = {"put_item": "create", "get_item": "read", "update_item": "update", "delete_item": "delete", "scan": "list"}


class Table:
    """boto3's Table, as far as leat's operations go, over the waiting form."""

    def __init__(self, name, session=None):
        self.name = name
        self.session = session or requests.Session()

    def __getattr__(self, method):
        operation = OPERATIONS.get(method)
        if operation is None:
            raise AttributeError(method)
        return lambda **arguments: self.run(operation, arguments)

    def run(self, operation, payload, wait=20):
        job = {"operation": operation, "tableName": self.name, "payload": payload}
        answer = self.session.post(f"{URL}/DynamoDBManager", json=job, headers={"Prefer": f"wait={wait}"}, timeout=wait + 5)
        if answer.status_code == 202:
            raise TimeoutError(f"job {answer.json()['jobId']} goes on, but took longer than {wait} s")
        if not answer.ok:
            problem = answer.json()
            raise RuntimeError(f"{problem.get('type')}: {problem.get('detail')}")
        return answer.json()


def post(job):
    """The asynchronous form, repeated until it is accepted; the key makes the repetition harmless. Returns the job's id."""
    key = str(uuid.uuid4())
    for _ in range(10):
        try:
            answer = requests.post(f"{URL}/DynamoDBManager", json=job, headers={"Idempotency-Key": key}, timeout=10)
        except requests.ConnectionError:
            continue
        if answer.status_code == 202:
            return answer.json()["jobId"]
        if answer.status_code < 500:
            raise RuntimeError(answer.text)
    raise TimeoutError("not accepted")


def main():
    table = Table("lambda-apigateway")
    table.put_item(Item={"id": "1", "name": "Bob", "visits": 0})
    print(table.update_item(Key={"id": "1"}, UpdateExpression="ADD visits :one", ExpressionAttributeValues={":one": 1},
                            ReturnValues="ALL_NEW"))
    print(table.get_item(Key={"id": "1"}))
    print(table.scan(Limit=5))
    job_id = post({"operation": "delete", "tableName": "lambda-apigateway", "payload": {"Key": {"id": "1"}}})
    print(requests.get(f"{URL}/jobs/{job_id}", params={"wait": 10}, timeout=15).json())


if __name__ == "__main__":
    main()
