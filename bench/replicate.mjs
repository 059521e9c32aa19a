// A tablet in Node: pushes COUNT documents with one attachment of SIZE bytes each to URL, and pulls them back.
//
//   node bench/replicate.mjs URL COUNT SIZE
//
// Prints {"push": seconds, "pull": seconds}. Its own databases are in memory, so that the server's disk is the
// only one that counts.

import { randomBytes } from "node:crypto";
import PouchDB from "pouchdb";
import memory from "pouchdb-adapter-memory";

PouchDB.plugin(memory);
const BATCH = 50; // documents made at once
const [url, count, size] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const login = new URL(url);
const headers = login.username
  ? { Authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}` }
  : {};
login.username = login.password = "";

/** As in a browser: connections are kept open. */
async function radio(address, options = {}) {
  const all = new Headers(options.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  const response = await fetch(address, { ...options, headers: all });
  response.buffer = async () => Buffer.from(await response.arrayBuffer());
  return response;
}

async function timed(replication) {
  const started = performance.now();
  const result = await replication;
  if (result.docs_written !== count || result.doc_write_failures) {
    throw new Error(`replicated ${result.docs_written} of ${count}: ${JSON.stringify(result.errors)}`);
  }
  return (performance.now() - started) / 1000;
}

const full = new PouchDB("full", { adapter: "memory" });
const empty = new PouchDB("empty", { adapter: "memory" });
const remote = new PouchDB(login.href, { fetch: radio, skip_setup: true });
for (let first = 0; first < count; first += BATCH) {
  const docs = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => ({
    _id: `photo:${String(first + n).padStart(8, "0")}`,
    type: "photo",
    _attachments: { original: { content_type: "image/jpeg", data: randomBytes(size) } },
  }));
  await full.bulkDocs(docs);
}
const push = await timed(full.replicate.to(remote));
const pull = await timed(empty.replicate.from(remote));
console.log(JSON.stringify({ push, pull }));
process.exit(0);
