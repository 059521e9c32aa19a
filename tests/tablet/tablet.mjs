// A tablet: real PouchDB databases on disk, driven by JSON lines on stdin, answered by JSON lines on stdout.
//
// Request:  {"id": 1, "do": "push", ...arguments}     Answer: {"id": 1, "ok": value} or {"id": 1, "error": {...}}
// Only what the driver asks for happens here; nothing is mocked but the radio (see `offline`).

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import PouchDB from "pouchdb";

const folder = process.argv[2];
const state = { headers: {}, offline: false, requests: [] };
const locals = new Map();
const lives = new Map();

class Offline extends Error {
  constructor() {
    super("the tablet is out of coverage");
    this.name = "offline";
  }
}

/** Every request to the server passes here: it bears today's credentials and needs coverage. */
async function radio(url, options = {}) {
  if (state.offline) throw new Offline();
  const headers = new Headers(options.headers);
  for (const [name, value] of Object.entries(state.headers)) headers.set(name, value);
  // As in a browser. PouchDB's own choice in Node waits for ever for a body whose server was killed.
  const response = await fetch(url, { ...options, headers });
  response.buffer = async () => Buffer.from(await response.arrayBuffer()); // what PouchDB asks of that one
  const { pathname, search } = new URL(url);
  state.requests.push({ method: options.method ?? "GET", path: pathname + search, status: response.status });
  return response;
}

function local(name) {
  if (!locals.has(name)) locals.set(name, new PouchDB(join(folder, encodeURIComponent(name))));
  return locals.get(name);
}

function remote(url) {
  return new PouchDB(url, { fetch: radio, skip_setup: true });
}

/** What an error is, as JSON; PouchDB's errors carry status, name and reason. */
function told(error) {
  const { status, name, reason, id, result } = error;
  return { status, name, message: error.message ?? String(error), reason, id, result: result && summary(result) };
}

function summary(result, denied = []) {
  return {
    ok: result.ok,
    status: result.status,
    docs_read: result.docs_read,
    docs_written: result.docs_written,
    doc_write_failures: result.doc_write_failures,
    errors: (result.errors ?? []).map(told),
    last_seq: result.last_seq,
    denied,
  };
}

function refusal(event) {
  const said = event.doc ?? event; // `sync` wraps what `replicate` emits
  return { id: said.id, name: said.name, reason: said.reason };
}

/** One replication from start to end; a refused document is no failure of the whole. */
function once(replication) {
  const denied = [];
  return new Promise((resolve, reject) => {
    replication.on("denied", (event) => denied.push(refusal(event)));
    replication.on("complete", (result) => resolve({ result, denied }));
    replication.on("error", reject);
  });
}

/** What tablets sign with, as `npm run build` made it; loaded by the first who signs. */
const signing = () => import("../../build/signing/index.js");

/** The digests of what a form names, as it lies on the tablet: photos by their files, signatures by their documents. */
async function evidenceOf(form, forms, media, { named, signatureDigest }) {
  const { photos, signatures } = named(form);
  const digest = async (db, id, name) => {
    const data = await local(db).getAttachment(id, name);
    return createHash("sha256").update(data).digest("hex");
  };
  const evidence = { photos: {}, signatures: {} };
  for (const id of photos) evidence.photos[id] = await digest(media, `photo:${id}`, "original");
  for (const id of signatures) {
    const document = await local(forms).get(`signature:${id}`);
    const pictures = {};
    for (const name of Object.keys(document._attachments ?? {})) {
      pictures[name] = await digest(forms, document._id, name);
    }
    evidence.signatures[id] = await signatureDigest(document, pictures);
  }
  return evidence;
}

async function inlined(doc, files = {}) {
  const attachments = { ...doc._attachments };
  for (const [name, { path, content_type }] of Object.entries(files)) {
    attachments[name] = { content_type, data: await readFile(path) };
  }
  return Object.keys(attachments).length ? { ...doc, _attachments: attachments } : doc;
}

const commands = {
  headers: ({ headers }) => void (state.headers = headers),
  offline: ({ offline }) => void (state.offline = offline),
  requests: () => state.requests.splice(0),

  put: async ({ db, doc, files }) => (await local(db).put(await inlined(doc, files))).rev,
  bulk: async ({ db, docs }) => local(db).bulkDocs(docs),
  get: ({ db, doc_id, options }) => local(db).get(doc_id, options ?? {}),
  remove: async ({ db, doc_id, rev }) => (await local(db).remove(doc_id, rev)).rev,
  all_docs: async ({ db, options }) => (await local(db).allDocs(options ?? {})).rows,
  changes: async ({ db, options }) => (await local(db).changes(options ?? {})).results,
  info: ({ db }) => local(db).info(),
  put_attachment: async ({ db, doc_id, name, rev, path, content_type }) =>
    (await local(db).putAttachment(doc_id, name, rev, await readFile(path), content_type)).rev,
  attachment: async ({ db, doc_id, name, options }) => {
    const data = await local(db).getAttachment(doc_id, name, options ?? {});
    return {
      length: data.length,
      sha256: createHash("sha256").update(data).digest("hex"),
      base64: data.toString("base64"),
    };
  },
  destroy: async ({ db }) => {
    await local(db).destroy();
    locals.delete(db);
  },

  push: async ({ db, url, options }) => {
    const { result, denied } = await once(local(db).replicate.to(remote(url), options ?? {}));
    return summary(result, denied);
  },
  pull: async ({ db, url, options }) => {
    const { result, denied } = await once(local(db).replicate.from(remote(url), options ?? {}));
    return summary(result, denied);
  },
  sync: async ({ db, url, options }) => {
    const { result, denied } = await once(local(db).sync(remote(url), options ?? {}));
    return { push: summary(result.push, denied), pull: summary(result.pull) };
  },
  live_start: ({ name, db, url, pull_only, options }) => {
    const denied = [];
    const both = { live: true, retry: true, ...options };
    const replication = pull_only
      ? local(db).replicate.from(remote(url), both)
      : local(db).sync(remote(url), both);
    const ended = new Promise((resolve) => replication.once("complete", resolve).once("error", resolve));
    replication.on("denied", (event) => denied.push(refusal(event)));
    lives.set(name, { replication, ended, denied });
  },
  live_stop: async ({ name }) => {
    const live = lives.get(name);
    lives.delete(name);
    live.replication.cancel();
    await live.ended;
    return live.denied;
  },

  make_key: async () => {
    state.key = await (await signing()).makeKey();
    return { kid: state.key.kid, extractable: state.key.privateKey.extractable };
  },
  enrolment: async ({ device, user }) => (await signing()).enrolment(state.key, device, user),
  form_digest: async ({ form }) => (await signing()).formDigest(form),
  sign_form: async ({ form, forms, media }) => {
    const module = await signing();
    return module.signForm(form, await evidenceOf(form, forms, media, module), state.key);
  },

  remote_get: ({ url, doc_id, options }) => remote(url).get(doc_id, options ?? {}),
  remote_put: async ({ url, doc, files }) => (await remote(url).put(await inlined(doc, files))).rev,
  remote_info: ({ url }) => remote(url).info(),
  remote_changes: async ({ url, options }) => (await remote(url).changes(options ?? {})).results,

  close: async () => {
    for (const { replication } of lives.values()) replication.cancel();
    await Promise.all([...locals.values()].map((db) => db.close()));
  },
};

function answer(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

async function handle(line) {
  const { id, do: command, ...rest } = JSON.parse(line);
  try {
    if (!Object.hasOwn(commands, command)) throw new Error(`unknown command ${command}`);
    answer({ id, ok: (await commands[command](rest)) ?? null });
  } catch (error) {
    answer({ id, error: told(error) });
  }
}

const input = createInterface({ input: process.stdin });
input.on("line", handle);
input.on("close", () => process.exit(0));
answer({ id: 0, ok: "ready" });
