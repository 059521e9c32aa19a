function (newDoc, oldDoc, userCtx, secObj) {
  // Who may write what in Hezha's databases. This file is the only place that says so: CouchDB runs it from
  // each database's `_design/hezha`, and so does the embedded engine. It sees one document and its ancestor,
  // so it can hold what is true of every single write: who, which type, which shape, and "never again".
  // Whatever needs another document (is the task assigned, is the photo there) the server judges afterwards.
  //
  // Plain ECMAScript 5 without any engine's helpers. A reason starts with a stable word and a colon: tablets
  // match the word, people read the rest.

  var KINDS = {
    'case': {
      inspection: checkInspection, track: checkTrack, signature: checkSignature, hazard: checkHazard
    },
    media: { photo: checkPhoto },
    outbox: { unsent: checkUnsent }
  };
  var SERVER_KINDS = { inbox: true, library: true, registry: true };
  var MAX_FIXES = 500; // of one track document: some minutes of walking, and a small document still
  var SEVERITIES = { critical: true, major: true, minor: true };
  var TAIL = /^[0-9A-Za-z._\-]{1,100}$/; // ids end up in URLs, in the ids of receipts and in the case
  var MAX_REV = 100; // characters; ours have 34 or so, but replication takes any
  var TIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+\-]([01]\d|2[0-3]):[0-5]\d)$/;
  var SHA256 = /^[0-9a-f]{64}$/;

  function refuse(code, text) {
    throw { forbidden: code + ': ' + text };
  }

  function has(object, key) {
    return Object.prototype.hasOwnProperty.call(object, key);
  }

  function given(value) {
    return value !== undefined && value !== null;
  }

  function isObject(value) {
    return typeof value === 'object' && value !== null && !isList(value);
  }

  function isList(value) {
    return Object.prototype.toString.call(value) === '[object Array]';
  }

  function isText(value) {
    return typeof value === 'string' && value.length > 0;
  }

  function isNumber(value) {
    return typeof value === 'number' && isFinite(value);
  }

  function isInteger(value) {
    return isNumber(value) && Math.floor(value) === value;
  }

  function isTime(value) {
    return typeof value === 'string' && TIME.test(value);
  }

  function isPosition(value) {
    return isObject(value) &&
      isNumber(value.lon) && value.lon >= -180 && value.lon <= 180 &&
      isNumber(value.lat) && value.lat >= -90 && value.lat <= 90 &&
      (!given(value.accuracy_m) || (isNumber(value.accuracy_m) && value.accuracy_m >= 0));
  }

  function isIdList(value) {
    if (!isList(value)) { return false; }
    for (var i = 0; i < value.length; i++) {
      if (!isText(value[i])) { return false; }
    }
    return true;
  }

  function need(holds, field, wanted) {
    if (!holds) { refuse('bad_field', field + ' must be ' + wanted + '.'); }
  }

  function maybe(value, test, field, wanted) {
    if (given(value)) { need(test(value), field, wanted); }
  }

  function names(object) {
    return isObject(object) ? Object.keys(object) : [];
  }

  function noAttachments(doc) {
    if (names(doc._attachments).length > 0) {
      refuse('attachments_not_allowed', doc.type + ' documents carry no attachments; photos have a database of their own.');
    }
  }

  function byMyself(doc) {
    if (doc.by !== userCtx.name) {
      refuse('not_yours', 'by must be the signed-in user "' + userCtx.name + '".');
    }
  }

  function immutable(doc) {
    if (oldDoc) {
      refuse('immutable', doc._id + ' is there already and cannot be changed; write a new document.');
    }
  }

  function checkAnswer(code, answer) {
    var at = 'answers["' + code + '"]';
    need(isText(code), 'answers', 'keyed by item codes');
    need(isObject(answer), at, 'an object');
    need(isText(answer.by), at + '.by', 'the name of whoever answered');
    maybe(answer.note, function (v) { return typeof v === 'string'; }, at + '.note', 'text');
    maybe(answer.photos, isIdList, at + '.photos', 'a list of photo ids');
    maybe(answer.at, isTime, at + '.at', 'an RFC 3339 time with offset');
    maybe(answer.location, isPosition, at + '.location', 'a position {lon, lat, accuracy_m}');
  }

  function checkInspection(doc, tail) {
    // An old status the tablet does not know was set by the server: not open to tablets.
    if (oldDoc && oldDoc.status !== 'draft' && oldDoc.status !== 'returned') {
      refuse('already_submitted', doc._id + ' is ' + oldDoc.status + '; only a return by the server reopens it.');
    }
    noAttachments(doc);
    need(doc.task === tail, 'task', '"' + tail + '", as in _id');
    need(isObject(doc.checklist), 'checklist', '{id, version}');
    need(isText(doc.checklist.id), 'checklist.id', 'text');
    need(isText(doc.checklist.version) || isInteger(doc.checklist.version), 'checklist.version', 'text or an integer');
    need(isObject(doc.answers), 'answers', 'an object of objects');
    var codes = names(doc.answers);
    for (var i = 0; i < codes.length; i++) { checkAnswer(codes[i], doc.answers[codes[i]]); }
    maybe(doc.digest, isText, 'digest', 'text');
    need(doc.status === 'draft' || doc.status === 'submitted', 'status', '"draft" or "submitted"');
    if (doc.status === 'submitted') { checkSubmitted(doc.submitted); }
  }

  function checkSubmitted(submitted) {
    need(isObject(submitted), 'submitted', '{by, at, device}');
    need(isTime(submitted.at), 'submitted.at', 'an RFC 3339 time with offset');
    need(isText(submitted.device), 'submitted.device', 'text');
    maybe(submitted.clock_skew_ms, isNumber, 'submitted.clock_skew_ms', 'a number');
    if (submitted.by !== userCtx.name) {
      refuse('not_yours', 'submitted.by must be the signed-in user "' + userCtx.name + '".');
    }
  }

  function checkTrack(doc) {
    immutable(doc);
    byMyself(doc);
    noAttachments(doc);
    need(isText(doc.datum), 'datum', 'the name of the datum of the fixes');
    need(isList(doc.fixes) && doc.fixes.length >= 1 && doc.fixes.length <= MAX_FIXES,
      'fixes', 'a list of 1 to ' + MAX_FIXES);
    for (var i = 0; i < doc.fixes.length; i++) {
      var fix = doc.fixes[i];
      need(isPosition(fix) && isNumber(fix.accuracy_m) && isTime(fix.at),
        'fixes[' + i + ']', '{lon, lat, accuracy_m, at}');
    }
  }

  function checkSignature(doc) {
    immutable(doc);
    byMyself(doc);
    if (names(doc._attachments).length > 1) {
      refuse('attachments_not_allowed', 'a signature carries at most one attachment, its picture.');
    }
    need(isTime(doc.at), 'at', 'an RFC 3339 time with offset');
    maybe(doc.task, isText, 'task', 'text');
    maybe(doc.signer, isText, 'signer', 'the name of whoever signed');
  }

  function checkHazard(doc) {
    immutable(doc);
    byMyself(doc);
    noAttachments(doc);
    need(isTime(doc.at), 'at', 'an RFC 3339 time with offset');
    need(isText(doc.description), 'description', 'text');
    maybe(doc.severity, function (v) { return isText(v) && has(SEVERITIES, v); },
      'severity', 'critical, major or minor');
    maybe(doc.photos, isIdList, 'photos', 'a list of photo ids');
    maybe(doc.location, isPosition, 'location', 'a position {lon, lat, accuracy_m}');
  }

  function checkPhoto(doc) {
    immutable(doc);
    byMyself(doc);
    need(isText(doc.task), 'task', 'text');
    need(isText(doc.item), 'item', 'text');
    need(isText(doc.device), 'device', 'text');
    need(isTime(doc.taken_at), 'taken_at', 'an RFC 3339 time with offset');
    need(typeof doc.sha256 === 'string' && SHA256.test(doc.sha256), 'sha256', '64 lower-case hex digits');
    need(isInteger(doc.width) && doc.width > 0, 'width', 'a positive integer');
    need(isInteger(doc.height) && doc.height > 0, 'height', 'a positive integer');
    maybe(doc.location, isPosition, 'location', 'a position {lon, lat, accuracy_m}');
    var attached = names(doc._attachments);
    if (attached.length !== 1 || attached[0] !== 'original') {
      refuse('original_missing', 'a photo carries exactly one attachment, named "original".');
    }
    if (has(doc, 'original_moved')) {
      refuse('server_only', 'only the server says where an original was moved ("original_moved").');
    }
  }

  function checkUnsent(doc) {
    immutable(doc);
    byMyself(doc);
    need(isText(doc.database), 'database', 'the name of the database that refused the document');
    need(isObject(doc.doc) && isText(doc.doc._id), 'doc', 'the unsent document with its _id');
    need(isText(doc.reason), 'reason', 'text');
    need(isTime(doc.at), 'at', 'an RFC 3339 time with offset');
    maybe(doc.atts, function (v) { return typeof v === 'object'; }, 'atts', 'an object or a list');
  }

  var roles = isList(userCtx.roles) ? userCtx.roles : [];
  if (roles.indexOf('_admin') !== -1) { return; }
  if (!isText(userCtx.name)) {
    throw { unauthorized: 'not_signed_in: sign in before you write.' };
  }

  var hezha = isObject(secObj) && isObject(secObj.hezha) ? secObj.hezha : {};
  var kind = isText(hezha.kind) ? hezha.kind : '';
  if (has(SERVER_KINDS, kind)) {
    refuse('server_only', 'only the server writes in databases of the kind "' + kind + '".');
  }
  if (!has(KINDS, kind)) {
    refuse('unknown_kind', 'no rule lets users write in databases of the kind "' + kind + '".');
  }
  if (!isList(hezha.writers) || hezha.writers.indexOf(userCtx.name) === -1) {
    refuse('not_a_writer', '"' + userCtx.name + '" may not write in this database.');
  }

  var colon = newDoc._id.indexOf(':');
  var type = colon === -1 ? '' : newDoc._id.slice(0, colon);
  var tail = newDoc._id.slice(colon + 1);
  if (!has(KINDS[kind], type)) {
    refuse('server_only', 'tablets do not write "' + newDoc._id + '" in databases of the kind "' + kind + '".');
  }
  if (newDoc._deleted) {
    refuse('not_deletable', 'only the server deletes ' + type + ' documents.');
  }
  if (oldDoc && oldDoc._deleted) {
    refuse('deleted', newDoc._id + ' was deleted by the server, and only the server brings it back.');
  }
  if (!TAIL.test(tail)) {
    refuse('bad_id', 'after "' + type + ':" an _id has 1 to 100 letters, digits, dots, hyphens and underscores.');
  }
  if (isText(newDoc._rev) && newDoc._rev.length > MAX_REV) {
    refuse('bad_rev', 'a revision has at most ' + MAX_REV + ' characters.');
  }
  need(newDoc.type === type, 'type', '"' + type + '", as in _id');
  need(isInteger(newDoc.schema) && newDoc.schema >= 1, 'schema', 'a positive integer');
  KINDS[kind][type](newDoc, tail);
}
