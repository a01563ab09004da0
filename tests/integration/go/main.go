// main.go - a program of AWS's SDK for Go against a stack: each call is told, the first surprise ends it.
//
//	main URL
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const region, account = "eu-central-1", "123456789012"

func must(what string, err error) {
	if err != nil {
		fmt.Printf("FAIL %s: %v\n", what, err)
		os.Exit(1)
	}
	fmt.Println("ok  ", what)
}

func want(what string, got, expected any) {
	if got != expected {
		fmt.Printf("FAIL %s: %v instead of %v\n", what, got, expected)
		os.Exit(1)
	}
	fmt.Println("ok  ", what)
}

func main() {
	config := aws.Config{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider("test", "secret", ""),
		EndpointResolverWithOptions: aws.EndpointResolverWithOptionsFunc(func(string, string, ...any) (aws.Endpoint, error) {
			return aws.Endpoint{URL: os.Args[1], SigningRegion: region}, nil
		}),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	items := dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.EnableAcceptEncodingGzip = true })
	for _, part := range []func(*dynamodb.Client){tables, single, many, transactions} {
		part(items)
	}
	changes(dynamodbstreams.NewFromConfig(config))
	drop(items)
	queues(sqs.NewFromConfig(config))
}
