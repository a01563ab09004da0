#!/bin/sh
# Posts jobs with curl, in both forms. LEAT_URL: where leat answers.
set -eu
url=${LEAT_URL:-http://127.0.0.1:8080}
table=lambda-apigateway

say() { printf '\n# %s\n' "$1"; }
post() { curl -sS --fail-with-body "$url/DynamoDBManager$1" -H 'Content-Type: application/json' -d "$2"; echo; }

say "asynchronous: 202 and an id as soon as it is on disk"
post "" '{"operation":"create","tableName":"'$table'","payload":{"Item":{"id":"1","name":"Bob","visits":0}}}'

say "waiting: the operation's own answer"
post "?wait=10" '{"operation":"update","tableName":"'$table'","payload":{"Key":{"id":"1"},
    "UpdateExpression":"ADD visits :one","ExpressionAttributeValues":{":one":1},"ReturnValues":"ALL_NEW"}}'
post "?wait=10" '{"operation":"read","tableName":"'$table'","payload":{"Key":{"id":"1"}}}'
post "?wait=10" '{"operation":"list","tableName":"'$table'","payload":{"Limit":5}}'
post "?wait=10" '{"operation":"echo","payload":{"hello":"world"}}'
post "?wait=10" '{"operation":"ping"}'

say "many at once: one object a line"
printf '{"operation":"create","tableName":"%s","payload":{"Item":{"id":"n%d"}}}\n' $table 1 $table 2 $table 3 |
    curl -sS --fail-with-body "$url/DynamoDBManager" -H 'Content-Type: application/x-ndjson' --data-binary @-
echo

say "safe to repeat: the same key and body is the same job"
key=$(date +%s)-$$
for _ in 1 2; do
    curl -sS --fail-with-body "$url/DynamoDBManager" -H "Idempotency-Key: $key" -H 'Content-Type: application/json' \
        -d '{"operation":"delete","tableName":"'$table'","payload":{"Key":{"id":"1"}}}'
    echo
done
