"""What is asked of CouchDB and of Hezha alike, scene by scene. See `like.py` for how a step is written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.sync_http.like import Step
from tests.sync_http.scenes_views import VIEWS

VECTORS = Path(__file__).parents[1] / "vectors"
JSON = {"Content-Type": "application/json"}
MIXED = {"Accept": "multipart/mixed"}
RELATED = {"Accept": "multipart/related"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
TEXT = b"hello, hello, hello, hello\n" * 20
ZIPPED = gzip.compress(TEXT, mtime=0)


def get(path: str, **more: Any) -> Step:
    return Step("GET", path, **more)


def put(path: str, body: Any = None, **more: Any) -> Step:
    return Step("PUT", path, body, **more)


def post(path: str, body: Any = None, **more: Any) -> Step:
    return Step("POST", path, body, **more)


def query(**params: Any) -> str:
    """JSON values as CouchDB takes them in a URL; strings as they are."""
    plain = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
    return "?" + urlencode(plain)


def key(**params: Any) -> str:
    """All values as JSON, strings too."""
    return "?" + urlencode({name: json.dumps(value) for name, value in params.items()})


def path_of(doc_id: str, start: int, *hashes: str, **more: Any) -> dict[str, Any]:
    """A revision with its ancestry, newest first."""
    history = {"start": start, "ids": list(hashes)}
    return {"_id": doc_id, "_rev": f"{start}-{hashes[0]}", "_revisions": history, **more}


def replicated(*docs: dict[str, Any]) -> Step:
    return post("/@/_bulk_docs", {"new_edits": False, "docs": list(docs)})


#: One request each: CouchDB gives the edits of a batch an order of its own.
CONFLICT = [
    replicated(path_of("a", 3, "c", "b", "a", n=1)),
    replicated(path_of("a", 3, "d", "b", "a", n=2)),
    replicated(path_of("a", 2, "e", "a", n=3, _deleted=True)),
    replicated(path_of("b", 1, "x", n=4)),
    replicated(path_of("_design/one", 1, "y", language="javascript")),
]
TOGETHER = (
    b"--bound\r\nContent-Type: application/json\r\n\r\n"
    + json.dumps(
        {
            "n": 1,
            "_attachments": {
                "one.txt": {"follows": True, "content_type": "application/x-one", "length": 3},
                "two": {"follows": True, "content_type": "application/x-two", "length": 4},
            },
        }
    ).encode()
    + b'\r\n--bound\r\nContent-Disposition: attachment; filename="one.txt"\r\n\r\nabc'
    + b"\r\n--bound\r\n\r\nwxyz\r\n--bound--"
)

DOCUMENTS = [
    put("/@/a", {"n": 1}),
    get("/@/a"),
    Step("HEAD", "/@/a"),
    get("/@/a", headers={"If-None-Match": '"{rev:a}"'}),
    get("/@/a", headers={"If-None-Match": '"other"'}),
    put("/@/a", {"n": 2}),
    put("/@/a", {"n": 2, "_rev": "1-aa"}),
    put("/@/a?rev={rev:a}", {"n": 2}),
    put("/@/a", {"n": 3}, headers={"If-Match": "{rev:a}"}),
    put("/@/a?rev=1-aa", {"n": 3, "_rev": "1-bb"}),
    get("/@/a?revs=true"),
    get("/@/a?revs_info=true"),
    get("/@/a?local_seq=true"),
    get("/@/a?meta=true"),
    get("/@/none"),
    get("/@/a?rev=7-x"),
    get("/@/a?rev=nonsense"),
    Step("DELETE", "/@/none"),
    Step("DELETE", "/@/a"),
    Step("DELETE", "/@/a?rev={rev:a}"),
    get("/@/a"),
    get("/@/a?rev={rev:a}"),
    put("/@/a", {"n": 4}),
    post("/@", {"_id": "b", "n": 1}),
    post("/@", {"_id": "b", "n": 1}),
    put("/@/_local/l", {"n": 1}),
    get("/@/_local/l"),
    put("/@/_local/l", {"n": 2, "_rev": "0-1"}),
    Step("DELETE", "/@/_local/l?rev=0-2"),
    get("/@/_local/l"),
    put("/@/_design/d", {"views": {}}),
    get("/@/_design/d"),
    get("/@/_design%2Fd", differs="CouchDB redirects to the other spelling; Hezha answers at once"),
    put("/@/_x", {}),
    put("/@/c", [1]),
    put("/@/c", b"{", headers=JSON),
    put("/@/c", {"_foo": 1}),
    put("/@/c", {"_deleted": "x"}),
    put("/@/c", {"_attachments": 5}),
    post("/@", {"_id": 5}),
    post("/@", b"{}", headers={"Content-Type": "text/plain"}),
    Step("PATCH", "/@/a", differs="Hezha offers neither forms nor COPY"),
]

TREES = [
    *CONFLICT,
    get("/@/a"),
    get("/@/a?conflicts=true&deleted_conflicts=true"),
    get("/@/a?meta=true"),
    get("/@/a?open_revs=all"),
    get("/@/a" + key(open_revs=["3-c", "1-a", "9-z"])),
    get("/@/a" + query(open_revs=["1-a"], latest="true")),
    get("/@/a?open_revs=all", headers=MIXED),
    get("/@/a" + query(open_revs=["3-c", "9-z"], revs="true"), headers=MIXED),
    get("/@/a?rev=2-b"),
    get("/@/a?rev=2-b&latest=true"),
    get("/@/a?rev=2-e&latest=true", differs="CouchDB takes the winner, Hezha the best leaf below"),
    get("/@/none?open_revs=all"),
    get("/@/none" + key(open_revs=["1-a"])),
    get("/@/a?open_revs=nonsense", differs="Hezha names the parameter"),
    post("/@/_revs_diff", {"a": ["3-c", "4-z", "2-zz"], "none": ["1-a"]}),
    post("/@/_missing_revs", {"a": ["3-c", "4-z"], "none": ["1-a"]}),
    post("/@/_revs_diff", {"a": 5}, differs="CouchDB fails with a 500"),
    post("/@/_bulk_get", {"docs": [{"id": "a"}, {"id": "b", "rev": "1-x"}, {"id": "b", "rev": "2-x"}]}),
    post("/@/_bulk_get?revs=true", {"docs": [{"id": "a", "rev": "3-c"}]}),
    post("/@/_bulk_get", {}),
    put("/@/a?new_edits=false", {"_rev": "4-f", "n": 9, "_revisions": {"start": 4, "ids": ["f", "c"]}}),
    get("/@/a?revs=true&conflicts=true"),
    put("/@/a", {"_rev": "3-d", "n": 5}),
    put("/@/a", {"_rev": "2-b", "n": 5}),
    get("/@/_revs_limit"),
    put("/@/_revs_limit", 2),
    get("/@/_revs_limit"),
    put("/@/a", {"_rev": "4-f", "n": 10}),
    get("/@/a?revs=true"),
]

BULK = [
    post("/@/_bulk_docs", {"docs": [{"_id": "a", "n": 1}, {"_id": "b"}, {"_id": "a", "n": 2}]}),
    post("/@/_bulk_docs", {"docs": [{"_id": "a", "_rev": "1-zz"}]}),
    post("/@/_bulk_docs", {"docs": []}),
    post("/@/_bulk_docs", {}),
    post("/@/_bulk_docs", {"docs": 5}),
    post("/@/_bulk_docs", {"docs": [5]}),
    post("/@/_bulk_docs", {"docs": [{"_id": "c"}], "new_edits": "x"}, differs="CouchDB fails with a 500"),
    post("/@/_bulk_docs", {"docs": [{"_id": "_x"}]}),
    replicated(path_of("r", 2, "b", "a"), path_of("r", 2, "b", "a")),
    get("/@/_all_docs"),
]

ATTACHMENTS = [
    put("/@/a/one.txt", b"hello", headers={"Content-Type": "text/plain"}),
    get(
        "/@/a/one.txt",
        headers={"Accept": "*/*"},
        differs="CouchDB compresses text",
    ),
    put("/@/a/pic.png?rev={rev:a}", PNG, headers={"Content-Type": "image/png"}),
    get("/@/a/pic.png", headers={"Accept": "*/*"}),
    Step("HEAD", "/@/a/pic.png", headers={"Accept": "*/*"}),
    get("/@/a/pic.png", headers={"Range": "bytes=0-9"}),
    get("/@/a/pic.png", headers={"Range": "bytes=10-"}),
    get("/@/a/pic.png", headers={"Range": "bytes=-5"}),
    get("/@/a/pic.png", headers={"Range": "bytes=5000-6000"}),
    get("/@/a/pic.png", headers={"Range": "lines=1-2"}),
    get("/@/a/pic.png", headers={"If-None-Match": '"q5kZlN+6LcXnXCRyHsNXWw=="'}),
    put(
        "/@/a/x?rev=1-aa",
        b"x",
        headers={"Content-Type": "text/x"},
        differs="CouchDB answers 404",
    ),
    put("/@/a/x", b"x", headers={"Content-Type": "text/x"}),
    put("/@/a/_x?rev={rev:a}", b"x", headers={"Content-Type": "text/x"}),
    get("/@/a/none"),
    get("/@/none/x"),
    put(
        "/@/a/z?rev={rev:a}",
        ZIPPED,
        headers={"Content-Type": "application/x-zipped", "Content-Encoding": "gzip"},
    ),
    get("/@/a", differs="CouchDB counts the encoded bytes as `length`; Hezha the decoded ones"),
    get("/@/a/z", headers={"Accept-Encoding": "gzip"}),
    get("/@/a/z", headers={"Accept-Encoding": "identity"}),
    Step("DELETE", "/@/a/one.txt?rev={rev:a}"),
    Step("DELETE", "/@/a/one.txt", differs="CouchDB looks for the attachment first, Hezha for the revision"),
    Step("DELETE", "/@/a/one.txt?rev=3-aa", differs="CouchDB makes a revision like the one before"),
    put("/@/b", TOGETHER, headers={"Content-Type": 'multipart/related; boundary="bound"'}),
    get("/@/b"),
    get("/@/b?attachments=true"),
    get("/@/b?attachments=true", headers=RELATED),
    get("/@/b?atts_since=[%22{rev:b}%22]"),
    get("/@/b?atts_since=[%22{rev:b}%22]", headers=RELATED),
    put(
        "/@/c",
        {
            "_attachments": {
                "i": {"data": "aGVsbG8=", "content_type": "x/i"},
                "j": {"data": "eA=="},
            }
        },
    ),
    get("/@/c"),
    get("/@/c?att_encoding_info=true"),
    put("/@/c", {"_rev": "{rev:c}", "_attachments": {"i": {"stub": True}}}),
    get("/@/c?attachments=true"),
    put("/@/c", {"_rev": "{rev:c}", "_attachments": {"new": {"stub": True}}}),
    put("/@/d", {"_attachments": {"i": {"data": "!!"}}}),
    put("/@/d", {"_attachments": {"_i": {"data": "eA=="}}}),
    put("/@/d/x/y", b"deep", headers={"Content-Type": "application/x-deep"}),
    get("/@/d/x/y", headers={"Accept": "*/*"}),
    get("/@/d/x%2Fy", headers={"Accept": "*/*"}),
    post("/@/_bulk_get?attachments=true", {"docs": [{"id": "b"}]}),
    put("/@/_local/l/x", b"x", headers={"Content-Type": "text/x"}),
]

LISTS = [
    post("/@/_bulk_docs", {"docs": [{"_id": name, "n": name} for name in "abcde"]}),
    replicated(path_of("_design/x", 1, "x"), path_of("dead", 2, "b", "a", _deleted=True)),
    put("/@/_local/l1", {"n": 1}),
    put("/@/_local/l2", {"n": 2}),
    *(
        get(f"/@/{name}{params}")
        for name in ("_all_docs", "_design_docs", "_local_docs")
        for params in (
            "",
            "?include_docs=true",
            "?descending=true",
            "?limit=2",
            "?skip=1&limit=1",
            "?limit=0",
            "?skip=99",
            key(startkey="b"),
            key(startkey="b", endkey="d"),
            key(start_key="b", end_key="d", inclusive_end=False),
            key(startkey="e", endkey="b", descending=True),
            key(key="c"),
            key(key="dead"),
            key(keys=["c", "dead", "none", "_design/x", "_local/l2"]),
        )
        if not (name == "_design_docs" and "descending" in params)
    ),
    get("/@/_all_docs" + query(keys=["c", "a", "c"], include_docs="true")),
    get("/@/_all_docs" + query(keys=["c", "a", "b"], skip=1, limit=1)),
    get("/@/_all_docs?update_seq=true&limit=1"),
    get("/@/_design_docs?descending=true", differs="CouchDB counts the offset from the other end"),
    get("/@/_all_docs" + query(keys=["a"], key='"a"'), differs="CouchDB ignores `key`, Hezha refuses"),
    get("/@/_all_docs?keys=5", differs="Hezha also says what of"),
    get("/@/_all_docs?startkey=nonsense", differs="Hezha names the parameter"),
    get("/@/_all_docs?limit=-1"),
    post("/@/_all_docs", {"keys": ["b", "none"]}),
    post("/@/_all_docs?limit=1", {}),
    post("/@/_all_docs", {"limit": 2, "descending": True}),
    post("/@/_all_docs", {"keys": 5}, differs="Hezha also says what of"),
    post("/@/_all_docs/queries", {"queries": [{"keys": ["a", "x"]}, {"limit": 1, "skip": 1}]}),
    post("/@/_all_docs/queries", {}),
    post("/@/_all_docs/queries", {"queries": 5}),
    get("/@/_all_docs/queries"),
    post("/@/_design_docs/queries", {"queries": [{}]}),
    Step("DELETE", "/@/_all_docs"),
]

FUNCTIONS = {
    "filters": {
        "n": "function (doc, req) { return doc.n == req.query.n; }",
        "user": "function (doc, req) { return req.userCtx.roles.indexOf('_admin') >= 0 && !!req.secObj; }",
        "module": "function (doc) { return require('lib/m').odd(doc); }",
        "revisions": "function (doc) { return doc._revisions.ids.length > 1; }",
        "live": "function (doc) { return !doc._deleted; }",
        "ddoc": "function () { return this.filters !== undefined; }",
        "number": "function () { return 1; }",
        "nothing": "function () {}",
        "throws": "function () { throw({forbidden: 'no'}); }",
        "bug": "function (doc) { return doc.no.such.thing; }",
        "broken": "function (",
    },
    "lib": {"m": "exports.odd = function (doc) { return doc.n % 2 === 1; };"},
    "views": {
        "v": {"map": "function (doc) { if (doc.n > 2) emit(doc.n, null); }"},
        "t": {"map": "function () { throw 1; }"},
    },
}

_TOLD = "both answer 500; CouchDB's reason is its own stack"
CHANGES = [
    *CONFLICT,
    put("/@/_design/x", FUNCTIONS),
    put("/@/c", {"n": 5}),
    *(
        get("/@/_changes" + params)
        for params in (
            "",
            "?limit=2",
            "?limit=0",
            "?descending=true",
            "?descending=true&limit=1",
            "?since=now",
            "?style=all_docs",
            "?include_docs=true",
            "?include_docs=true&conflicts=true&style=all_docs",
            "?include_docs=true&attachments=true",
            "?seq_interval=2",
            "?seq_interval=3&limit=4",
            "?feed=continuous&timeout=1",
            "?feed=live&timeout=1&limit=2",
            "?feed=longpoll&timeout=1",
            "?feed=longpoll&timeout=1&since=now",
            "?feed=eventsource&timeout=1",
            "?feed=eventsource&timeout=1&include_docs=true&limit=1",
            "?filter=x/n&n=5",
            "?filter=x/n&n=5&limit=1",
            "?filter=x/n",
            "?filter=x/user",
            "?filter=x/module",
            "?filter=x/module&style=all_docs",
            "?filter=x/module&style=all_docs&include_docs=true",
            "?filter=x/revisions",
            "?filter=x/live&style=all_docs",
            "?filter=x/ddoc",
            "?filter=x/number",
            "?filter=x/nothing",
            "?filter=x/none",
            "?filter=none/n",
            "?filter=x",
            "?filter=x/n/m",
            "?filter=_none",
            "?filter=_view&view=x/v",
            "?filter=_view&view=x/none",
            "?filter=_view",
            "?filter=_view&view=none/v",
            "?filter=x/n&n=5&feed=continuous&timeout=1",
            "?filter=x/n&n=5&feed=longpoll&timeout=1",
            "?feed=none",
            "?heartbeat=0",
            "?heartbeat=x",
            "?heartbeat=-5",
            "?seq_interval=0",
            "?seq_interval=x",
            "?filter=_doc_ids",
            "?filter=_doc_ids&doc_ids=5",
            "?filter=_selector",
            "?since=nonsense",
        )
    ),
    *(
        get(f"/@/_changes?{params}", differs=_TOLD)
        for params in ("filter=x/throws", "filter=x/bug", "filter=x/broken", "filter=_view&view=x/t")
    ),
    get("/@/_changes?filter=_design", differs="CouchDB counts what its filter leaves out as pending"),
    get("/@/_changes" + query(filter="_doc_ids", doc_ids=["a", "none"]), differs="as above"),
    post("/@/_changes?filter=_doc_ids", {"doc_ids": ["b", "c"]}, differs="as above"),
    post("/@/_changes", {}),
    post("/@/_changes", [1]),
    post("/@/_changes", b"{}", headers={"Content-Type": "text/plain"}),
    get("/@/_changes?limit=x", differs="CouchDB fails with a 500"),
    get("/@/_changes?style=x", differs="CouchDB fails with a 500"),
    get("/@/_changes?timeout=x", differs="CouchDB fails with a 500"),
    get("/@/_changes?include_docs=x", differs="CouchDB takes what is not true for false; Hezha refuses it"),
    Step("DELETE", "/@/_changes", differs="the same methods in another order"),
]

#: Values of a field `v`, selectors of them, and such as nobody understands.
SELECTORS: dict[str, list[Any]] = json.loads((VECTORS / "selectors.json").read_text())


def selecting(selector: Any, **more: Any) -> Step:
    return post("/@/_changes?filter=_selector", {"selector": selector}, **more)


SELECTING = [
    post(
        "/@/_bulk_docs",
        {"docs": [{"_id": f"v{n:02}", "v": value} for n, value in enumerate(SELECTORS["values"])]},
    ),
    *(selecting(selector) for selector in SELECTORS["selectors"]),
    *(selecting(selector) for selector in SELECTORS["refused"]),
    *(
        selecting(selector, differs=why)
        for selector, why in (
            ({"a..b": 1}, "CouchDB fails with a 500"),
            ({"v": {"$mod": [0, 1]}}, "CouchDB takes the divisor 0 and then fails on every integer"),
            ({"v": {"$regex": 5}}, "CouchDB fails with a 500"),
            ({"v": {"$regex": "("}}, "CouchDB shows the pattern as Erlang would"),
            ({"v": {"$size": "x"}}, "CouchDB shows strings as Erlang would"),
            ({"v": {"$text": "x"}}, "neither has a text index here"),
            ({"v": {"$beginsWith": 5}}, "CouchDB calls the operator invalid"),
        )
    ),
    post(
        "/@/_changes?filter=_selector&include_docs=true",
        {"selector": {"_id": "v22"}, "fields": ["_id", "v.k"]},
    ),
    post("/@/_changes?filter=_selector&include_docs=true", {"selector": {"_id": "v22"}, "fields": []}),
    post("/@/_changes?filter=_selector", {"selector": {}, "fields": 5}),
    post("/@/_changes?filter=_selector&limit=1", {"selector": {"v": {"$type": "string"}}}),
    post("/@/_changes?filter=_selector&feed=continuous&timeout=1", {"selector": {"v": 7}}),
    post("/@/_changes?filter=_selector", {}),
    *CONFLICT,
    post("/@/_changes?filter=_selector&style=all_docs", {"selector": {"n": {"$gt": 1}}}),
    post("/@/_changes?filter=_selector&style=all_docs&include_docs=true", {"selector": {"n": 1}}),
    post("/@/_changes?filter=_selector", {"selector": {"_deleted": True}}),
]

PURGING = [
    *CONFLICT,
    post("/@/_purge", {"a": ["2-b", "9-z"], "none": ["1-a"]}),
    post("/@/_purge", {"a": ["3-d"]}),
    get("/@/a?revs=true&conflicts=true&deleted_conflicts=true"),
    get("/@/_changes", differs="CouchDB gives a partly purged document as many numbers as it has leaves"),
    post("/@/_purge", {"a": ["3-d"]}),
    post("/@/_purge", {"a": ["2-e", "3-c"]}),
    get("/@/a"),
    get("/@/_purged_infos", differs="CouchDB lists them by hash"),
    get("/@/_purged_infos_limit"),
    put("/@/_purged_infos_limit", 5),
    get("/@/_purged_infos_limit"),
    put("/@/_purged_infos_limit", 0),
    put("/@/_purged_infos_limit", "x"),
    post("/@/_purge", {"a": "x"}),
    post("/@/_purge", {"a": ["x"]}),
    post("/@/_purge", []),
    post("/@/_purge", {}),
    post("/@/_purge", {f"d{n}": ["1-a"] for n in range(101)}),
    post("/@/_purge", {"a": [f"1-{n}" for n in range(1001)]}),
    get("/@/_purge"),
    post("/@/_compact", {}),
    post("/@/_compact", b"", headers={"Content-Type": "text/plain"}),
    get("/@/_compact"),
    put("/@/_revs_limit", 0, differs="CouchDB fails with a 500"),
]

DATABASES = [
    get("/@"),
    Step("HEAD", "/@"),
    put("/@"),
    get("/@-none"),
    Step("DELETE", "/@-none"),
    Step("HEAD", "/@-none"),
    put("/UPPER"),
    put("/@/_security", {"admins": {"names": ["x"], "roles": []}, "members": {"names": [], "roles": ["r"]}}),
    get("/@/_security"),
    put("/@/_security", 5, differs="CouchDB fails with a 500"),
    put("/@/_security", {"admins": 5}, differs="CouchDB's message says less"),
    post("/@/_ensure_full_commit", {}),
    Step("DELETE", "/@?rev=1-a"),
    Step("PATCH", "/@", differs="CouchDB forgets that PUT is allowed"),
    get("/_uuids?count=0", differs="CouchDB gives random numbers an ETag"),
    get("/_up"),
    get("/_db_updates?feed=nonsense"),
    get("/_db_updates?limit=x"),
    get("/_db_updates?since=nonsense"),
    get("/_db_updates?limit=0&since=now", hide=("last_seq",)),
    post("/_db_updates", {}, differs="CouchDB forgets that HEAD is allowed"),
]

SCENES: dict[str, list[Step]] = {
    "documents": DOCUMENTS,
    "trees": TREES,
    "bulk": BULK,
    "attachments": ATTACHMENTS,
    "lists": LISTS,
    "changes": CHANGES,
    "selectors": SELECTING,
    "purging": PURGING,
    "databases": DATABASES,
    "views": VIEWS,
}
