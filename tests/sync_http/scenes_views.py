"""What is asked of views, of CouchDB and of Hezha alike. See `like.py` for how a step is written."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from tests.sync_http.like import Step

_ROWS = [
    {"_id": "a", "k": 1, "v": 2}, {"_id": "b", "k": [1, 2], "v": 3}, {"_id": "c", "k": [1, 3], "v": 4},
    {"_id": "d", "k": "x", "v": 5}, {"_id": "e", "link": "a"}, {"_id": "f", "k": None, "v": 1},
    {"_id": "g", "k": {"a": 1}, "v": 0.5}, {"_id": "B", "k": 1, "v": 7}, {"_id": "h", "k": [1, 2], "v": -1},
    {"_id": "i", "k": "é", "v": 1}, {"_id": "j", "k": "E", "v": 1}, {"_id": "k", "k": "f", "v": 1},
]  # fmt: skip
_ROW = "function(doc) { if ('k' in doc) emit(doc.k, doc.v); }"
_ALL = "function(doc) { emit(doc._id, doc.v); }"


def emitting(*pairs: str) -> str:
    """A map function that emits these for one document only."""
    return "function(doc) { if (doc._id === 'e') { " + " ".join(f"emit({pair});" for pair in pairs) + " } }"


_VIEWS: dict[str, dict[str, Any]] = {
    "rows": {"map": _ROW},
    "sum": {"map": _ROW, "reduce": "_sum"},
    "count": {"map": _ROW, "reduce": "_count"},
    "stats": {"map": _ROW, "reduce": "_stats"},
    "distinct": {"map": _ROW, "reduce": "_approx_count_distinct"},
    "sum-text": {"map": emitting("1, 'x'"), "reduce": "_sum"},
    "sum-lists": {"map": emitting("1, [1, 2]", "1, 5", "2, [1]"), "reduce": "_sum"},
    "sum-objects": {"map": emitting("1, {b: 1, c: [1]}", "1, {b: 2, a: {d: 1}}"), "reduce": "_sum"},
    "stats-lists": {"map": emitting("1, [1, 2]", "2, [3, 4]"), "reduce": "_stats"},
    "stats-made": {
        "map": emitting("1, {sum: 1, count: 1, min: 1, max: 1, sumsqr: 1}", "1, 4"), "reduce": "_stats"
    },
    "stats-text": {"map": emitting("1, 'x'"), "reduce": "_stats"},
    "own": {"map": _ROW, "reduce": "function(keys, values, again) { return [keys, values, again]; }"},
    "own-sum": {"map": _ROW, "reduce": "function(keys, values) { return sum(values); }"},
    "throws-reducing": {"map": _ROW, "reduce": "function() { throw new Error('x'); }"},
    "overflows": {"map": _ROW, "reduce": "function() { return new Array(5000).join('x'); }"},
    "several": {"map": "function(doc) { emit('s', 1); emit('s', 3); emit('s', 2); emit('S', 1); }"},
    "values": {
        "map": emitting("0, 'b'", "0, [2]", "0, {a: 1}", "0, 10", "0, true", "0, null", "0, 9", "0, []")
    },
    "odd": {"map": emitting("", "undefined, new Error('x')", "1, function() {}", "NaN, new Date(0)")},
    "linked": {
        "map": emitting(
            "0, {_id: 'a'}", "1, {_id: 'none'}", "2, {_id: null}", "3, null", "4, {_id: 'a', _rev: '1-aa'}",
            "5, {x: 1}", "6, {_id: 'gone'}", "7, {_id: 5}",
        )
    },
    "throws": {"map": "function(doc) { emit(doc._id); if (doc._id !== 'a') throw 'x'; }"},
    "bugs": {"map": "function(doc) { emit(doc.k.l.m); }"},
    "fatal": {"map": "function(doc) { throw 'fatal_error'; }"},
    "fatal-words": {"map": "function(doc) { throw ['fatal', 'word', 'reason']; }"},
    "changes-it": {"map": "function(doc) { doc.k = 'other'; doc.new = 1; emit(doc.k, doc.new); }"},
    "sees": {"map": "function(doc) { emit(Object.keys(doc).sort(), doc._conflicts || null); }"},
    "arrow": {"map": "(doc) => { emit(doc._id, sum([1, 2])); }"},
    "lib": {"map": "function(doc) { emit(doc._id, require('views/lib/one').n); }"},
}  # fmt: skip


def design(name: str, view: dict[str, Any], **members: Any) -> Step:
    """A design document of that name with one view of the same name."""
    lib = {"one": "exports.n = require('./two').n;", "two": "exports.n = 2;"}
    return Step("PUT", f"/@/_design/{name}", {"views": {"lib": lib, name: view}, **members})


def ask(name: str, more: str = "", /, differs: str = "", **params: Any) -> Step:
    """Ask the view `name` with parameters in JSON, and others as they are to be sent."""
    query = urlencode({key: json.dumps(value) for key, value in params.items()})
    query = "&".join(part for part in (query, more) if part)
    # CouchDB's is that of the last change for which it opened its index: it may be older than the database's.
    return Step("GET", f"/@/_design/{name}/_view/{name}?{query}", differs=differs, hide=("update_seq",))


def post(name: str, body: Any, below: str = "") -> Step:
    return Step("POST", f"/@/_design/{name}/_view/{name}{below}", body)


_ERLANG = "CouchDB renders a string in Erlang's form"
_BOTH = "CouchDB takes the later of the two in the URL; Hezha refuses to guess"
_METHODS = "Hezha lists the methods in the order of the alphabet"
_SIZES = "the sizes of what was given differ with the rows reduced at once"

_QUERIES = [
    ask("rows"),
    ask("rows", descending=True),
    ask("rows", "descending=FALSE", differs="Hezha takes lower case only"),
    ask("rows", key=1),
    ask("rows", key=None),
    ask("rows", key="zz"),
    ask("rows", key=3),
    ask("rows", key=1, skip=1),
    ask("rows", startkey=1, endkey=[1, 2]),
    ask("rows", start_key=1, end_key=[1, 2], inclusive_end=False),
    ask("rows", startkey=[1, 2], endkey=1, descending=True),
    ask("rows", startkey=[1, 2], endkey=1, descending=True, inclusive_end=False),
    ask("rows", startkey=[1], endkey=[1, {}]),
    ask("rows", startkey="e", endkey="e\ufff0"),
    ask("rows", "startkey_docid=b", startkey=1),
    ask("rows", "startkey_docid=b"),
    ask("rows", "endkey_docid=B", startkey=1, endkey=1),
    ask("rows", "end_key_doc_id=a", startkey=1, endkey=1, inclusive_end=False),
    ask("rows", "startkey_docid=B", startkey=1, descending=True),
    ask("rows", "endkey_docid=a", startkey=[1], endkey=1, descending=True),
    ask("rows", startkey="zz"),
    ask("rows", startkey={"z": 1}),
    ask("rows", startkey="zz", descending=True),
    ask("rows", startkey="x", endkey=1),
    ask("rows", startkey=1, endkey="x", descending=True),
    ask("rows", skip=2, limit=2),
    ask("rows", skip=100),
    ask("rows", limit=0),
    ask("rows", startkey=1, limit=0),
    ask("rows", keys=[1, "x", 1]),
    ask("rows", keys=["x", 1, "none"], descending=True),
    ask("rows", keys=["none", "x"]),
    ask("rows", keys=["x", 1], skip=1, limit=1),
    ask("rows", keys=["x"]),
    ask("rows", keys=[]),
    ask("rows", keys=["a", "x"], key=1),
    ask("rows", keys={}),
    ask("rows", "key=1&startkey=0", differs=_BOTH),
    ask("rows", limit=-1),
    ask("rows", "limit=x"),
    ask("rows", "descending=5", differs="Hezha names the parameter"),
    ask("rows", "key=x", differs="Hezha names the parameter"),
    ask("rows", group=True),
    ask("rows", group_level=1),
    ask("rows", reduce=True),
    ask("rows", reduce=False, limit=1),
    ask("rows", "stale=ok"),
    ask("rows", "stale=x"),
    ask("rows", "update=x"),
    ask("rows", "update=lazy", limit=1),
    ask("rows", "stable=x"),
    ask("rows", "sorted=true", limit=1),
    ask("rows", "partition=x"),
    ask("rows", "nonsense=1", limit=1),
    ask("rows", update_seq=True, limit=1),
    ask("rows", include_docs=True, limit=3),
    ask("rows", include_docs=True, conflicts=True, attachments=True, key="x"),
    post("rows", {"keys": ["x"]}),
    post("rows", {"keys": ["x", 1], "limit": 1}),
    post("rows", {"startkey": 1, "endkey": [1], "startkey_docid": "a", "descending": False}),
    post("rows", {"key": "x"}),
    post("rows", {}),
    post("rows", {"keys": 5}),
    post("rows", {"queries": []}),
    post("rows", []),
    Step("POST", "/@/_design/rows/_view/rows", b"{}", {"Content-Type": "text/plain"}),
    post("rows", {"queries": [{"limit": 1}, {"key": "x"}]}, "/queries"),
    post("rows", {"queries": [{}, {"key": "x"}]}, "/queries?limit=1"),
    post("rows", {"queries": 5}, "/queries"),
    post("rows", {"more": 5}, "/queries"),
    post("sum", {"queries": [{"reduce": False, "limit": 1}, {"group": True}, {"limit": 0}]}, "/queries"),
    post("sum", {"queries": [{"include_docs": True}]}, "/queries"),
    Step("GET", "/@/_design/rows/_view/rows/queries"),
    Step("GET", "/@/_design/rows/_view/none"),
    Step("GET", "/@/_design/none/_view/none"),
    Step("GET", "/@/_design/rows/_view", differs=_METHODS),
    Step("GET", "/@/_design/rows/_view/rows/more", differs=_METHODS),
    Step("DELETE", "/@/_design/rows/_view/rows", differs=_METHODS),
]  # fmt: skip

_REDUCING = [
    ask("sum"),
    ask("sum", group=True),
    ask("sum", group=True, descending=True),
    ask("sum", group_level=0),
    ask("sum", group_level=1),
    ask("sum", group_level=2),
    ask("sum", group=True, group_level=1),
    ask("sum", group=False, group_level=1),
    ask("sum", group=True, skip=1, limit=2),
    ask("sum", limit=0),
    ask("sum", key=1),
    ask("sum", key=77),
    ask("sum", startkey=[1], endkey=[1, {}], group_level=1),
    ask("sum", keys=[1, "x"]),
    ask("sum", keys=["x"]),
    ask("sum", keys=["x", 1, 7], group=True),
    ask("sum", keys=["x", 1, 1, 7], group=True, descending=True),
    ask("sum", include_docs=True),
    ask("sum", reduce=False, include_docs=True, limit=1),
    ask("sum", conflicts=True),
    ask("sum", update_seq=True),
    ask("sum", group_level=-1),
    ask("count"),
    ask("count", group=True),
    ask("count", startkey="zz", endkey="zzz"),
    ask("stats"),
    ask("stats", group_level=1),
    ask("distinct"),
    ask("distinct", key=1),
    ask("sum-text"),
    ask("sum-lists"),
    ask("sum-lists", group=True),
    ask("sum-objects"),
    ask("stats-lists"),
    ask("stats-made"),
    ask("stats-text", differs=_ERLANG),
    ask("own", group=True),
    ask("own", group_level=1),
    ask("own"),
    ask("own-sum", group_level=1),
    ask("throws-reducing", group=True),
    ask("overflows", differs=_SIZES),
]  # fmt: skip

_FUNCTIONS = [
    ask("several"),
    ask("several", descending=True, limit=20),
    ask("several", key="s"),
    ask("several", keys=["S", "s"], skip=10, limit=4),
    ask("values"),
    ask("odd"),
    ask("linked", include_docs=True),
    ask("linked"),
    ask("throws"),
    ask("bugs"),
    ask("fatal"),
    ask("fatal-words"),
    ask("changes-it", limit=3),
    ask("sees"),
    ask("arrow", limit=1),
    ask("lib", limit=1),
]  # fmt: skip

VIEWS = [
    Step("POST", "/@/_bulk_docs", {"docs": _ROWS}),
    Step("PUT", "/@/gone", {"k": 9}),
    Step("DELETE", "/@/gone?rev={rev:gone}"),
    Step(
        "POST", "/@/_bulk_docs", {"new_edits": False, "docs": [{"_id": "d", "_rev": "1-0", "k": "y", "v": 6}]}
    ),
    *(design(name, one) for name, one in _VIEWS.items()),
    *_QUERIES,
    *_REDUCING,
    *_FUNCTIONS,
    design("with-designs", {"map": _ALL}, options={"include_design": True}),
    ask("with-designs", limit=2),
    design("with-seq", {"map": "function(doc) { emit(doc._local_seq > 0); }"}, options={"local_seq": True}),
    ask("with-seq", limit=2),
    design("raw", {"map": _ALL, "options": {"collation": "raw"}}),
    ask("raw", limit=2, differs="Hezha has one collation"),
    design("erlang", {"map": "fun({Doc}) -> Emit(1, 2) end."}, language="erlang"),
    ask("erlang", differs="Hezha says 501 of another language"),
    Step("PUT", "/@/d", {"k": "new", "v": 8, "_rev": "{rev:d}"}),
    ask("rows", startkey="g"),
    Step("DELETE", "/@/d?rev={rev:d}"),
    ask("rows", startkey="g"),
    Step("DELETE", "/@/_design/rows?rev={rev:_design/rows}"),
    Step("GET", "/@/_design/rows/_view/rows"),
]  # fmt: skip
