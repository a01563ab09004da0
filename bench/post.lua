-- wrk script: one create a request, or LEAT_BENCH_BATCH of them as lines; items spread over 100,000 ids.
local n, batch = 0, tonumber(os.getenv("LEAT_BENCH_BATCH") or "1")
local headers = {["Content-Type"] = batch > 1 and "application/x-ndjson" or "application/json"}
local operation = os.getenv("LEAT_BENCH_OPERATION") or "create"

local function job()
   n = n + 1
   local id = (n * 7919) % 100000
   if operation == "read" then
      return '{"operation":"read","tableName":"lambda-apigateway","payload":{"Key":{"id":"' .. id .. '"}}}'
   end
   return '{"operation":"create","tableName":"lambda-apigateway","payload":{"Item":{"id":"' .. id .. '","number":5,"name":"Bob"}}}'
end

request = function()
   local body = job()
   for _ = 2, batch do
      body = body .. "\n" .. job()
   end
   return wrk.format("POST", os.getenv("LEAT_BENCH_PATH") or "/DynamoDBManager", headers, body)
end
