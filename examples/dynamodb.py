#!/usr/bin/python3
"""boto3 against leat instead of DynamoDB: only the endpoint is another one. LEAT_URL: where leat answers."""
import os

import boto3

dynamodb = boto3.resource("dynamodb", endpoint_url=os.environ.get("LEAT_URL", "http://127.0.0.1:8080"), region_name="us-east-1",
                          aws_access_key_id="leat", aws_secret_access_key="leat")
table = dynamodb.Table("lambda-apigateway")

table.put_item(Item={"id": "boto3", "name": "Bob", "visits": 0})
print(table.update_item(Key={"id": "boto3"}, UpdateExpression="ADD visits :one", ExpressionAttributeValues={":one": 1},
                        ReturnValues="UPDATED_NEW")["Attributes"])
print(table.get_item(Key={"id": "boto3"}, ConsistentRead=True)["Item"])
table.delete_item(Key={"id": "boto3"})
