-- wrk script: one job a request, or LEAT_BENCH_BATCH of them as lines; items spread over LEAT_BENCH_ITEMS ids (7919 is a prime: all of them come).
local n, batch, items = 0, tonumber(os.getenv("LEAT_BENCH_BATCH") or "1"), tonumber(os.getenv("LEAT_BENCH_ITEMS") or "100000")
local headers = {["Content-Type"] = batch > 1 and "application/x-ndjson" or "application/json"}
local operation, path = os.getenv("LEAT_BENCH_OPERATION") or "create", os.getenv("LEAT_BENCH_PATH") or "/DynamoDBManager"
local jobs = {}

local function job()
   n = n + 1
   local id = string.format("%d", (n * 7919) % items)
   if operation == "read" then
      return '{"operation":"read","tableName":"lambda-apigateway","payload":{"Key":{"id":"' .. id .. '"}}}'
   end
   return '{"operation":"create","tableName":"lambda-apigateway","payload":{"Item":{"id":"' .. id .. '","number":5,"name":"Bob"}}}'
end

request = function()
   for i = 1, batch do
      jobs[i] = job()
   end
   return wrk.format("POST", path, headers, table.concat(jobs, "\n"))
end
