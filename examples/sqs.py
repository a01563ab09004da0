#!/usr/bin/python3
"""boto3 against leat instead of SQS: only the endpoint is another one. LEAT_URL: where leat answers."""
import os

import boto3

sqs = boto3.client("sqs", endpoint_url=os.environ.get("LEAT_URL", "http://127.0.0.1:8080"), region_name="us-east-1",
                   aws_access_key_id="leat", aws_secret_access_key="leat")
queue = sqs.create_queue(QueueName="examples")["QueueUrl"]

print(sqs.send_message(QueueUrl=queue, MessageBody="hello")["MessageId"])
for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", []):
    print(message["Body"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
