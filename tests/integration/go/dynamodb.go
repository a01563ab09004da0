// dynamodb.go - the calls of an everyday program to DynamoDB and its streams.
package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const table = "gophers"

var ctx = context.Background()

type item = map[string]types.AttributeValue

// Gopher has a field of each type.
type Gopher struct {
	Owner  string            `dynamodbav:"owner"`
	At     int               `dynamodbav:"at"`
	Team   string            `dynamodbav:"team,omitempty"`
	Bytes  []byte            `dynamodbav:"bytes"`
	Digs   bool              `dynamodbav:"digs"`
	Weight float64           `dynamodbav:"weight"`
	Holes  []string          `dynamodbav:"holes"`
	Names  []string          `dynamodbav:"names,stringset"`
	Sizes  []int             `dynamodbav:"sizes,numberset"`
	Prints [][]byte          `dynamodbav:"prints,binaryset"`
	Notes  map[string]string `dynamodbav:"notes"`
	Count  int               `dynamodbav:"count,omitempty"`
}

func gopher(at int) Gopher {
	return Gopher{Owner: "ann", At: at, Team: "red", Bytes: []byte{0, 255, 7}, Digs: true, Weight: -1.5e-7, Holes: []string{"", "é\n\"\\"},
		Names: []string{"a", "b"}, Sizes: []int{1, 2}, Prints: [][]byte{{0}, {1}}, Notes: map[string]string{"x😀": "y"}}
}

func keyOf(at int) item {
	return item{"owner": &types.AttributeValueMemberS{Value: "ann"}, "at": &types.AttributeValueMemberN{Value: fmt.Sprint(at)}}
}

func schema(names ...string) (out []types.KeySchemaElement) {
	for i, name := range names {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	return
}

func tables(c *dynamodb.Client) {
	created, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(table), KeySchema: schema("owner", "at"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("owner"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("at"), AttributeType: types.ScalarAttributeTypeN},
			{AttributeName: aws.String("team"), AttributeType: types.ScalarAttributeTypeS}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("byteam"), KeySchema: schema("team"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
		SSESpecification:    &types.SSESpecification{Enabled: aws.Bool(true)},
		Tags:                []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	must("CreateTable", err)
	arn := created.TableDescription.TableArn
	want("the ARN is of the client's region", *arn, "arn:aws:dynamodb:"+region+":"+account+":table/"+table)
	want("created now", time.Since(*created.TableDescription.CreationDateTime) < time.Minute, true)
	must("TableExistsWaiter", dynamodb.NewTableExistsWaiter(c).Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)}, 10*time.Second))
	_, err = c.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: aws.String(table), KeySchema: schema("owner"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("owner"), AttributeType: types.ScalarAttributeTypeS}}})
	var inUse *types.ResourceInUseException
	want("CreateTable again is ResourceInUse", errors.As(err, &inUse), true)

	tags, err := c.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: arn})
	must("ListTagsOfResource", err)
	want("tags", len(tags.Tags), 1)
	_, err = c.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: aws.String(table),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{Enabled: aws.Bool(true), AttributeName: aws.String("ends")}})
	must("UpdateTimeToLive", err)
	names := []string{}
	for pages := dynamodb.NewListTablesPaginator(c, &dynamodb.ListTablesInput{Limit: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must("ListTables", err)
		names = append(names, page.TableNames...)
	}
	want("tables are listed in order", sort.StringsAreSorted(names) && len(names) >= 2, true)
	limits, err := c.DescribeLimits(ctx, &dynamodb.DescribeLimitsInput{})
	must("DescribeLimits", err)
	want("limits", *limits.AccountMaxReadCapacityUnits > 0, true)
}

func single(c *dynamodb.Client) {
	given, err := attributevalue.MarshalMap(gopher(1))
	must("MarshalMap", err)
	put, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: given, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
	must("PutItem", err)
	want("units by index", *put.ConsumedCapacity.GlobalSecondaryIndexes["byteam"].CapacityUnits, 1.0)
	got, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(table), Key: keyOf(1), ConsistentRead: aws.Bool(true)})
	must("GetItem", err)
	var back Gopher
	must("UnmarshalMap", attributevalue.UnmarshalMap(got.Item, &back))
	sort.Strings(back.Names)
	want("what was put is there", reflect.DeepEqual(back, gopher(1)), true)
	none, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(table), Key: keyOf(1000)})
	must("GetItem of nothing", err)
	want("nothing is nil", none.Item == nil, true)

	_, err = c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: given, ConditionExpression: aws.String("attribute_not_exists(#o)"),
		ExpressionAttributeNames: map[string]string{"#o": "owner"}})
	var failed *types.ConditionalCheckFailedException
	want("a failed condition has its type", errors.As(err, &failed) && failed.ErrorMessage() == "The conditional request failed", true)
	_, err = c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("nothere"), Key: keyOf(1)})
	var missing *types.ResourceNotFoundException
	want("a missing table has its type", errors.As(err, &missing), true)

	built, err := expression.NewBuilder().WithUpdate(expression.Set(expression.Name("count"), expression.Plus(expression.IfNotExists(expression.Name("count"),
		expression.Value(0)), expression.Value(1))).Delete(expression.Name("names"), expression.Value(&types.AttributeValueMemberSS{Value: []string{"a"}}))).
		WithCondition(expression.Name("digs").Equal(expression.Value(true)).And(expression.AttributeExists(expression.Name("notes")))).Build()
	must("expression", err)
	updated, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String(table), Key: keyOf(1), UpdateExpression: built.Update(),
		ConditionExpression: built.Condition(), ExpressionAttributeNames: built.Names(), ExpressionAttributeValues: built.Values(),
		ReturnValues: types.ReturnValueUpdatedNew})
	must("UpdateItem", err)
	var changed Gopher
	must("UnmarshalMap", attributevalue.UnmarshalMap(updated.Attributes, &changed))
	want("changed", fmt.Sprint(changed.Count, changed.Names), "1 [b]")
}

func many(c *dynamodb.Client) {
	var writes []types.WriteRequest
	for at := 2; at <= 26; at++ {
		given, _ := attributevalue.MarshalMap(gopher(at))
		given["pad"] = &types.AttributeValueMemberS{Value: strings.Repeat("pad ", 500)} // so that answers are compressed
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: given}})
	}
	wrote, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: writes}})
	must("BatchWriteItem", err)
	want("all were processed", wrote.UnprocessedItems != nil && len(wrote.UnprocessedItems) == 0, true)
	read, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: []map[string]types.AttributeValue{keyOf(2), keyOf(1000)}}}})
	must("BatchGetItem", err)
	want("one of two is there", len(read.Responses[table]), 1)

	built, err := expression.NewBuilder().WithKeyCondition(expression.Key("owner").Equal(expression.Value("ann")).And(
		expression.Key("at").Between(expression.Value(3), expression.Value(20)))).WithProjection(expression.NamesList(expression.Name("at"))).Build()
	must("expression", err)
	var ats []int
	for pages := dynamodb.NewQueryPaginator(c, &dynamodb.QueryInput{TableName: aws.String(table), KeyConditionExpression: built.KeyCondition(), ProjectionExpression: built.Projection(),
		ExpressionAttributeNames: built.Names(), ExpressionAttributeValues: built.Values(), Limit: aws.Int32(4), ScanIndexForward: aws.Bool(false)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must("Query", err)
		var found []Gopher
		must("UnmarshalListOfMaps", attributevalue.UnmarshalListOfMaps(page.Items, &found))
		for _, each := range found {
			ats = append(ats, each.At)
		}
	}
	want("queried backward", fmt.Sprint(ats), "[20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3]")
	count := int32(0)
	for pages := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: aws.String(table), IndexName: aws.String("byteam"), Limit: aws.Int32(7)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must("Scan", err)
		count += page.Count
	}
	want("scanned the index", count, int32(26))
}

func transactions(c *dynamodb.Client) {
	put, _ := attributevalue.MarshalMap(Gopher{Owner: "bob", At: 1})
	_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String(table), Item: put}},
		{ConditionCheck: &types.ConditionCheck{TableName: aws.String(table), Key: keyOf(1), ConditionExpression: aws.String("attribute_not_exists(digs)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}}}})
	var canceled *types.TransactionCanceledException
	want("a canceled transaction has its type", errors.As(err, &canceled), true)
	reasons := canceled.CancellationReasons
	want("reasons", *reasons[0].Code+" "+*reasons[1].Code+" "+fmt.Sprint(len(reasons[1].Item) > 5), "None ConditionalCheckFailed true")
	_, err = c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: aws.String(table), Item: put}}}})
	must("TransactWriteItems (the SDK makes the token)", err)
	read, err := c.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: aws.String(table), Key: keyOf(1)}}, {Get: &types.Get{TableName: aws.String(table), Key: keyOf(1000)}}}})
	must("TransactGetItems", err)
	want("one of two is there", len(read.Responses) == 2 && read.Responses[0].Item != nil && read.Responses[1].Item == nil, true)

	selected, err := c.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: aws.String(`SELECT "at" FROM "` + table + `" WHERE owner = ? AND "at" < 4`),
		Parameters: []types.AttributeValue{&types.AttributeValueMemberS{Value: "ann"}}})
	must("ExecuteStatement", err)
	want("selected", len(selected.Items), 3)
	both, err := c.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{
		{Statement: aws.String(`SELECT * FROM "` + table + `" WHERE owner = 'bob' AND "at" = 1`)}, {Statement: aws.String(`SELECT * FROM nothere WHERE owner = 'bob'`)}}})
	must("BatchExecuteStatement", err)
	want("one item and one error", both.Responses[0].Item != nil && both.Responses[1].Error.Code == types.BatchStatementErrorCodeEnumResourceNotFound, true)
	_, err = c.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(table), Key: keyOf(26), ReturnValues: types.ReturnValueAllOld})
	must("DeleteItem", err)
}

func changes(c *dynamodbstreams.Client) {
	listed, err := c.ListStreams(ctx, &dynamodbstreams.ListStreamsInput{TableName: aws.String(table)})
	must("ListStreams", err)
	arn := listed.Streams[0].StreamArn
	described, err := c.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	must("DescribeStream", err)
	iterator, err := c.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: described.StreamDescription.Shards[0].ShardId,
		ShardIteratorType: streams.ShardIteratorTypeTrimHorizon})
	must("GetShardIterator", err)
	read, err := c.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	must("GetRecords", err)
	records := read.Records
	want("a record of each change", len(records), 1+1+25+1+1)
	want("the first and the last", string(records[0].EventName)+" "+string(records[len(records)-1].EventName)+" "+*records[0].AwsRegion, "INSERT REMOVE "+region)
	image := records[1].Dynamodb.NewImage["count"].(*streams.AttributeValueMemberN)
	want("an image", image.Value, "1")
	_, err = c.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: aws.String(*arn + "0"), ShardId: described.StreamDescription.Shards[0].ShardId,
		ShardIteratorType: streams.ShardIteratorTypeTrimHorizon})
	var missing *streams.ResourceNotFoundException
	want("a missing stream has its type", errors.As(err, &missing), true)
}

func drop(c *dynamodb.Client) {
	_, err := c.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(table)})
	must("DeleteTable", err)
	must("TableNotExistsWaiter", dynamodb.NewTableNotExistsWaiter(c).Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)}, 10*time.Second))
}
