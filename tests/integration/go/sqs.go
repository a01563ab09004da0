// sqs.go - the calls of an everyday program to SQS.
package main

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	messages "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func queues(c *sqs.Client) {
	created, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("burrow"), Attributes: map[string]string{"VisibilityTimeout": "5"}})
	must("CreateQueue", err)
	url := created.QueueUrl
	want("the queue's URL", strings.HasSuffix(*url, "/"+account+"/burrow"), true)
	_, err = c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("é & <b>"), MessageAttributes: map[string]messages.MessageAttributeValue{
		"n": {DataType: aws.String("Number"), StringValue: aws.String("1")}, "b": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}}}})
	must("SendMessage (the SDK checks the digest)", err)
	_, err = c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []messages.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("second")}}})
	must("SendMessageBatch", err)
	for seen := 0; seen < 2; {
		got, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, MessageAttributeNames: []string{"All"},
			AttributeNames: []messages.QueueAttributeName{"All"}})
		must("ReceiveMessage", err)
		want("something came", len(got.Messages) > 0, true)
		for _, each := range got.Messages {
			_, err = c.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: each.ReceiptHandle, VisibilityTimeout: 9})
			must("ChangeMessageVisibility", err)
			_, err = c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: each.ReceiptHandle})
			must("DeleteMessage", err)
		}
		seen += len(got.Messages)
	}
	attributes, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []messages.QueueAttributeName{"All"}})
	must("GetQueueAttributes", err)
	want("the queue's ARN", attributes.Attributes["QueueArn"], "arn:aws:sqs:"+region+":"+account+":burrow")
	_, err = c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("nothere")})
	var missing *messages.QueueDoesNotExist
	want("a missing queue has its type", errors.As(err, &missing), true)
	listed, err := c.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("burr")})
	must("ListQueues", err)
	want("listed", len(listed.QueueUrls), 1)
	_, err = c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url})
	must("DeleteQueue", err)
}
