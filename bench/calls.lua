-- wrk script: GetItem or PutItem (LEAT_BENCH_OPERATION) as DynamoDB's clients send them; items spread over LEAT_BENCH_ITEMS ids. The
-- signature is none: servers of this kind look at its scope only.
local n, items = 0, tonumber(os.getenv("LEAT_BENCH_ITEMS") or "10000")
local operation = os.getenv("LEAT_BENCH_OPERATION") or "GetItem"
local headers = {
   ["Content-Type"] = "application/x-amz-json-1.0",
   ["X-Amz-Target"] = "DynamoDB_20120810." .. operation,
   ["X-Amz-Date"] = "20261121T000000Z",
   ["Authorization"] = "AWS4-HMAC-SHA256 Credential=leat/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
}

request = function()
   n = n + 1
   local key = '"id":{"S":"' .. string.format("%d", (n * 7919) % items) .. '"}'
   local rest = operation == "GetItem" and '"Key":{' .. key .. '}' or '"Item":{' .. key .. ',"number":{"N":"5"},"name":{"S":"Bob"}}'
   return wrk.format("POST", "/", headers, '{"TableName":"lambda-apigateway",' .. rest .. '}')
end
