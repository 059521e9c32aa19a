"""Views without an index: every document is mapped when somebody asks, or the answer is a refusal.

Documents are read by the feed of changes, as CouchDB's indexer reads them: one that changes meanwhile comes
again, and its later rows replace the earlier. When nothing is left to read, the rows are those of one moment,
whose sequence the answer names, and no reading transaction was open while functions ran. Only what leaves no
change behind has to be looked for: a purge, and another database of the same name. Then all is read anew.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jsengine import Sandbox
from sync.embedded.engine import EmbeddedStore, FeedQuery, Show
from sync.embedded.filters import FilterFault, Functions
from sync.reduces import builtin, term_key
from sync.store import Change, Document, NotFound, NotOffered, Unavailable
from sync.views import Row

_DESIGN = "_design/"
#: From here on CouchDB looks whether a reduce function reduces at all: characters of its result.
_OVERFLOW = 4096


@dataclass(frozen=True)
class ViewLimits:
    """What one answer may use; beyond it is refused. `rows` and `bytes` are emitted, bytes as JSON.

    `at_once` answers are computed at the same time; one more waits up to `seconds` for its turn.
    Documents are read `page` at a time; a reduce function gets `reduced` rows at a time.
    """

    documents: int = 20_000
    rows: int = 50_000
    bytes: int = 8 * 1024 * 1024
    seconds: float = 10.0
    at_once: int = 2
    page: int = 20
    reduced: int = 1000


@dataclass(frozen=True)
class View:
    """A view of a design document, its functions loaded. `reduce` None: it has none."""

    map: Sandbox
    reduce: str | None
    design: Document
    name: str
    include_design: bool
    local_seq: bool


class Overflow(Exception):
    """A reduce function did not reduce. The message is CouchDB's."""


@dataclass(frozen=True)
class Turn:
    """Leave to compute, until `deadline` (of the monotonic clock)."""

    deadline: float
    seconds: float

    def check(self) -> None:
        """Raises NotOffered when the time is over."""
        if time.monotonic() > self.deadline:
            raise _too_much(f"{self.seconds:g} seconds")


class Views:
    """Computes views. Safe for use from many threads."""

    def __init__(self, functions: Functions, limits: ViewLimits) -> None:
        self._functions = functions
        self._limits = limits
        self._turns = threading.BoundedSemaphore(limits.at_once)

    def load(self, design: Document, name: str) -> View:
        """The view `name` of a design document.

        Raises NotFound, NotOffered, FilterFault (it does not compile).
        """
        views = design.get("views")
        view = views.get(name) if isinstance(views, dict) else None
        if not isinstance(view, dict) or "map" not in view:
            raise NotFound("missing_named_view")
        language = design.get("language", "javascript")
        if language != "javascript":
            raise NotOffered(f"Views in the language {language}: not offered by Hezha's embedded engine.")
        if _options(view).get("collation", "default") != "default":
            raise NotOffered("Raw collation: not offered by Hezha's embedded engine. Apache CouchDB has it.")
        reduce = view.get("reduce")
        if reduce is not None and not isinstance(reduce, str):
            raise FilterFault(f"views/{name}/reduce is not a function.", error="compilation_error")
        options = _options(design)
        return View(
            map=self._functions.prepare(design, ("views", name, "map")),
            reduce=reduce or None,
            design=design,
            name=name,
            include_design=options.get("include_design") is True,
            local_seq=options.get("local_seq") is True,
        )

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Compute within this. Raises Unavailable when too many others do."""
        limits = self._limits
        if not self._turns.acquire(timeout=limits.seconds):
            raise Unavailable("Too many views are being computed. Ask again later.")
        try:
            yield Turn(time.monotonic() + limits.seconds, limits.seconds)
        finally:
            self._turns.release()

    def rows(self, turn: Turn, store: EmbeddedStore, db: str, view: View) -> tuple[list[Row], str]:
        """All rows that the view has at one moment, in no order, and the sequence of that moment.

        Raises NotFound, FilterFault, NotOffered (too much for a view without an index).
        """
        while True:
            info = store.info_json(db)
            if info["doc_count"] > self._limits.documents:
                raise _too_much(f"{self._limits.documents} documents")
            walk = _Walk(self._functions, self._limits, view, turn)
            seq = walk.read(store, db)
            if store.info_json(db)["purge_seq"] == info["purge_seq"]:
                return [row for rows in walk.rows.values() for row in rows], seq

    def reducer(self, turn: Turn, view: View) -> Callable[[Sequence[Row]], Any]:
        """The view's reduce function, of rows. It raises FilterFault, and Overflow where it does not reduce.

        Raises NotOffered, FilterFault (it does not compile).
        """
        if view.reduce is not None and view.reduce.startswith("_"):
            return builtin(view.reduce)
        sandbox = self._functions.prepare(view.design, ("views", view.name, "reduce"))
        return lambda rows: self._reduced(turn, sandbox, rows)

    def _reduced(self, turn: Turn, sandbox: Sandbox, rows: Sequence[Row]) -> Any:
        size = self._limits.reduced
        parts = []
        for start in range(0, len(rows), size):
            turn.check()
            part = rows[start : start + size][::-1]  # CouchDB hands them over like this
            keys, values = [[row.key, row.id] for row in part], [row.value for row in part]
            result = self._functions.reduce(sandbox, keys, values, rereduce=False)
            _check_overflow([*zip(keys, values, strict=True)], result)
            parts.append(result)
        # Even of a single part, as on a cluster: a function that cannot do it would go wrong there only.
        return self._functions.reduce(sandbox, None, parts, rereduce=True)


class _Walk:
    """One reading of a database."""

    def __init__(self, functions: Functions, limits: ViewLimits, view: View, turn: Turn) -> None:
        self._functions = functions
        self._limits = limits
        self._view = view
        self._turn = turn
        self._mapped = self._emitted = self._bytes = 0
        self.rows: dict[str, list[Row]] = {}

    def read(self, store: EmbeddedStore, db: str) -> str:
        """Map every document; return the sequence at which nothing was left."""
        # What CouchDB lets a map function see.
        show = Show(conflicts=True, deleted_conflicts=True, local_seq=self._view.local_seq)
        since = "0"
        while True:
            query = FeedQuery(
                since=since, limit=self._limits.page, include_docs=True, count_pending=False, show=show
            )
            batch = store.read_changes(db, query)
            if _incarnation(batch.last_seq) != _incarnation(since) and since != "0":
                self.rows.clear()  # another database has the name now, and its feed began anew
            self._take(batch.results)
            since = batch.last_seq
            if not batch.pending:
                return since

    def _take(self, changes: Sequence[Change]) -> None:
        wanted = [c for c in changes if self._view.include_design or not c.id.startswith(_DESIGN)]
        for change in wanted:
            self.rows.pop(change.id, None)
        docs = [c.doc for c in wanted if c.doc is not None and not c.deleted]
        self._mapped += len(docs)
        self._check("documents", self._mapped, self._limits.documents)
        for doc, text in zip(docs, self._functions.map(self._view.map, docs), strict=True):
            self._emit(doc["_id"], text)
        self._turn.check()

    def _emit(self, doc_id: str, text: str) -> None:
        self._bytes += len(text)
        self._check("bytes of rows", self._bytes, self._limits.bytes)
        pairs = json.loads(text)
        self._emitted += len(pairs)
        self._check("rows", self._emitted, self._limits.rows)
        if pairs:
            rows = [Row(doc_id, key, value) for key, value in pairs]
            self.rows[doc_id] = sorted(rows, key=lambda row: term_key(row.value)) if len(rows) > 1 else rows

    def _check(self, what: str, count: int, limit: int) -> None:
        if count > limit:
            raise _too_much(f"{limit} {what}")


def linked(value: Any) -> tuple[str | None, str | None] | None:
    """The document, and its revision, that a row's value names in place of the row's own; None: it does not.

    A name that cannot be one is None, and so is a revision that is not given.
    """
    if not isinstance(value, dict) or "_id" not in value:
        return None
    doc_id, rev = value["_id"], value.get("_rev")
    well = isinstance(doc_id, str) and ("_rev" not in value or isinstance(rev, str))
    return (doc_id, rev) if well else (None, None)


def _options(of: Document) -> dict[str, Any]:
    options = of.get("options")
    return options if isinstance(options, dict) else {}


def _incarnation(seq: str) -> str:
    return seq.partition("-")[2]


def _check_overflow(given: Any, result: Any) -> None:
    size = len(json.dumps(result, separators=(",", ":")))
    if size <= _OVERFLOW:
        return
    before = len(json.dumps(given, separators=(",", ":")))
    if size * 2 > before:
        raise Overflow(f"Reduce output must shrink more rapidly: input size: {before} output size: {size}")


def _too_much(what: str) -> NotOffered:
    return NotOffered(
        f"The view takes more than {what}, and Hezha's embedded engine computes it anew for each request. "
        "Apache CouchDB has indexes."
    )
