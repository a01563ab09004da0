-- wrk script: GetItem, Query or PutItem (LEAT_BENCH_OPERATION) as DynamoDB's clients send them; items spread over LEAT_BENCH_ITEMS ids. The
-- signature is none: servers of this kind look at its scope only.
local n, items = 0, tonumber(os.getenv("LEAT_BENCH_ITEMS") or "10000")
local operation = os.getenv("LEAT_BENCH_OPERATION") or "GetItem"
local headers = {
   ["Content-Type"] = "application/x-amz-json-1.0",
   ["X-Amz-Target"] = "DynamoDB_20120810." .. operation,
   ["X-Amz-Date"] = "20261121T000000Z",
   ["Authorization"] = "AWS4-HMAC-SHA256 Credential=leat/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
}

local shapes = {
   GetItem = '"Key":{"id":{"S":"%d"}}',
   Query = '"KeyConditionExpression":"id = :i","ExpressionAttributeValues":{":i":{"S":"%d"}}',
   PutItem = '"Item":{"id":{"S":"%d"},"number":{"N":"5"},"name":{"S":"Bob"}}',
}

request = function()
   n = n + 1
   return wrk.format("POST", "/", headers, '{"TableName":"lambda-apigateway",' .. string.format(shapes[operation], (n * 7919) % items) .. '}')
end
