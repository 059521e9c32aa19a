// What users of nano do with CouchDB, against the server of argv[2] (its URL, with name and password).
// Prints one JSON object: what each step got. Whoever started it judges.

import { Buffer } from "node:buffer";
import { setTimeout as pause } from "node:timers/promises";
import nano from "nano";

const [, , url, name] = process.argv;
const server = nano({ url, parseUrl: false }); // the server is not at the root of its host
const got = {};

/** The status and CouchDB's words of a refusal. */
async function refusal(promise) {
  try {
    return { unexpected: await promise };
  } catch (error) {
    return { status: error.statusCode, error: error.error, reason: error.reason };
  }
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

got.info = (await server.info()).couchdb;
got.uuids = (await server.uuids(3)).uuids.length;
got.made = await server.db.create(name);
got.madeAgain = await refusal(server.db.create(name));
got.listed = (await server.db.list()).includes(name);

const db = server.use(name);
const first = await db.insert({ n: 1 }, "rabbit");
got.conflict = await refusal(db.insert({ n: 2 }, "rabbit"));
got.second = await db.insert({ _id: "rabbit", _rev: first.rev, n: 2 });
got.read = await db.get("rabbit", { revs: true });
got.old = (await db.get("rabbit", { rev: first.rev })).n;
got.head = (await db.head("rabbit")).etag;
got.missing = await refusal(db.get("nobody"));
got.named = (await db.insert({ own: true })).id.length;

// Ids that no id made by a server falls between.
got.bulk = await db.bulk({ docs: ["x", "y", "c/d", "é"].map((_id, n) => ({ _id, n })) });
got.list = (await db.list({ startkey: "x", endkey: "y", include_docs: true })).rows.map((row) => row.doc.n);
got.fetch = (await db.fetch({ keys: ["y", "none"] })).rows.map((row) => row.doc?.n ?? row.error);
got.fetchRevs = (await db.fetchRevs({ keys: ["x"] })).rows[0].value.rev === got.bulk[0].rev;

const picture = Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * 7) % 251));
const attached = await db.attachment.insert("photo", "现场.png", picture, "image/png");
got.attachment = picture.equals(await db.attachment.get("photo", "现场.png"));
got.streamed = picture.equals(await collect(db.attachment.getAsStream("photo", "现场.png")));
const many = await db.multipart.insert(
  { of: "two" },
  [
    { name: "one.txt", data: "one", content_type: "text/plain" },
    { name: "two.bin", data: picture, content_type: "application/octet-stream" },
  ],
  "several",
);
got.several = (await db.multipart.get("several")).toString("latin1").includes("one");
got.stubs = Object.keys((await db.get("several"))._attachments).sort();
got.unattached = (await db.attachment.destroy("photo", "现场.png", { rev: attached.rev })).ok;
got.destroyed = (await db.destroy("several", many.rev)).ok;

got.changes = (await db.changes({ limit: 3 })).results.length;
got.since = (await db.changes({ since: "now" })).results;
const reader = db.changesReader;
const seen = [];
const feed = reader.start({ since: "now", includeDocs: true, timeout: 2000 });
feed.on("change", (change) => seen.push(change.doc?.n));
feed.on("error", () => {}); // nano tells of its own stop so
await pause(300);
await db.insert({ n: 41 }, "seen");
for (let tries = 0; !seen.includes(41) && tries < 100; tries += 1) await pause(100);
reader.stop();
got.seen = seen;
const { doc_count: alive, doc_del_count: deleted } = await db.info();
got.rows = alive + deleted;
got.batches = await new Promise((resolve, reject) => {
  const ids = [];
  server
    .use(name)
    .changesReader.get({ since: 0, batchSize: 2 })
    .on("batch", (rows) => ids.push(...rows.map((row) => row.id)))
    .on("end", () => resolve(ids.length))
    .on("error", reject);
});

await db.bulk({
  docs: ["x", "y"].map((hash) => ({ _id: "split", _rev: `2-${hash}`, _revisions: { start: 2, ids: [hash, "0"] } })),
  new_edits: false,
});
got.conflicts = await db.get("split", { conflicts: true });

got.secured = await db.insert(
  { admins: { names: [], roles: ["_admin"] }, members: { names: ["wang"], roles: [] } },
  "_security",
);
got.security = (await db.get("_security")).members.names;

await db.insert({ views: { n: { map: "function(doc) { emit(doc.n, 1); }", reduce: "_count" } } }, "_design/own");
got.view = (await db.view("own", "n")).rows;
got.viewed = (await db.view("own", "n", { reduce: false, keys: [2, 41] })).rows.map((row) => row.key);
got.queried = await refusal(db.view("own", "n", { queries: [{}] })); // CouchDB 3 wants them at another path

const open = new URL(url);
open.username = open.password = "";
const signing = nano({ url: open.href, parseUrl: false });
got.refusedSession = await refusal(signing.auth("admin", "guess"));
got.signedIn = await signing.auth("admin", "admin");
got.session = await signing.session();
got.byCookie = (await signing.use(name).info()).db_name === name;

got.find = await refusal(db.find({ selector: { n: 1 } }));
got.index = await refusal(db.createIndex({ index: { fields: ["n"] } }));
got.replicator = await refusal(server.db.replicate(name, `${name}-copy`));
got.gone = await server.db.destroy(name);
got.after = await refusal(db.info());
process.stdout.write(JSON.stringify(got));
