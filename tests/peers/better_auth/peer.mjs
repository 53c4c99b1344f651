// Better Auth's API-key plugin, tuned: `node peer.mjs seed` makes the keys, `node peer.mjs PORT` serves with two processes.
import cluster from "node:cluster";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import Database from "better-sqlite3";

const KEYS = 100;
const PROCESSES = 2;
const DAYS_90 = 90 * 24 * 60 * 60;
const PERMISSIONS = { members: ["read"] };

function open() {
  const database = new Database("peer.db", { timeout: 5000 });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  return {
    database,
    // Run by its own programs alone, for as long as the bench takes.
    secret: "only-for-the-bench-and-nowhere-else",
    baseURL: "http://127.0.0.1",
    telemetry: { enabled: false },
    logger: { disabled: true },
    emailAndPassword: { enabled: true },
    // Ten requests a day by default: all of the bench's are to be let in, and still to be counted.
    plugins: [apiKey({ rateLimit: { enabled: true, maxRequests: 2_000_000_000 } })],
  };
}

async function seed() {
  const options = open();
  await (await getMigrations(options)).runMigrations();
  const { api } = betterAuth(options);
  const body = { email: "owner@example.com", password: "a long pass phrase", name: "Olivia Owner" };
  const { user } = await api.signUpEmail({ body });
  const keys = [];
  for (let number = 0; number < KEYS; number += 1) {
    const settings = { userId: user.id, name: `Key ${number}`, expiresIn: DAYS_90, permissions: PERMISSIONS };
    keys.push((await api.createApiKey({ body: settings })).key);
  }
  writeFileSync("keys.json", JSON.stringify(keys));
}

function serve(port) {
  const { api } = betterAuth(open());
  const answer = JSON.parse(readFileSync("answer.json", "utf8"));
  const server = createServer(async (request, response) => {
    const key = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const checked = key ? await api.verifyApiKey({ body: { key, permissions: PERMISSIONS } }) : { valid: false };
    const body = JSON.stringify(checked.valid ? answer : { error: "invalid_key" });
    response.writeHead(checked.valid ? 200 : 401, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
    });
    response.end(body);
  });
  server.listen(port, "127.0.0.1", () => console.log("listening"));
}

if (process.argv[2] === "seed") {
  await seed();
} else if (cluster.isPrimary) {
  for (let number = 0; number < PROCESSES; number += 1) cluster.fork();
} else {
  serve(Number(process.argv[2]));
}
