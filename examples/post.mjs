// Posts jobs with fetch, in both forms (Node 18 or later). LEAT_URL: where leat answers.
const url = process.env.LEAT_URL ?? "http://127.0.0.1:8080";
const tableName = "lambda-apigateway";

async function send(job, headers = {}) {
  const answer = await fetch(`${url}/DynamoDBManager`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(job),
    signal: AbortSignal.timeout(30_000),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.type}: ${body.detail}`);
  return body;
}

// 202 and an id, as soon as the job is on disk.
const post = (job) => send(job, { "Idempotency-Key": crypto.randomUUID() });
// The operation's own answer.
const run = (job) => send(job, { Prefer: "wait=20" });

globalThis.crypto ??= (await import("node:crypto")).webcrypto;

await run({ operation: "create", tableName, payload: { Item: { id: "1", name: "Bob", visits: 0 } } });
console.log(await run({
  operation: "update",
  tableName,
  payload: { Key: { id: "1" }, UpdateExpression: "ADD visits :one", ExpressionAttributeValues: { ":one": 1 }, ReturnValues: "ALL_NEW" },
}));
console.log(await run({ operation: "read", tableName, payload: { Key: { id: "1" } } }));
const { jobId } = await post({ operation: "delete", tableName, payload: { Key: { id: "1" } } });
console.log(await (await fetch(`${url}/jobs/${jobId}?wait=10`)).json());
