"""Writers that remember what was acknowledged, and what must be there after a crash.

Each writer works on documents of its own, one request after the other, so that at most one request of it is
without an answer when the server dies. What that request would have made may be there whole or not at all;
everything before it has to be there.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import requests

from tests.durability.victim import ADMIN

JSON = dict[str, Any]
DATABASE = "db"
#: Small, around a page, and long enough to be written in several pieces.
SIZES = (10, 4000, 300_000)
REQUEST_SECONDS = 30


@dataclass(frozen=True)
class State:
    """One document as somebody may find it: its body's `v`, its photo's SHA-256, or that it is deleted.

    `rev` is None while nobody was told it.
    """

    v: int
    photo: str | None = None
    deleted: bool = False
    rev: str | None = None


@dataclass
class Known:
    """What is known of a document: the last acknowledged state, and the one that a lost answer may have made.

    None stands for a document that is not there. `leaves` are acknowledged revisions that were replicated in.
    """

    acknowledged: State | None = None
    pending: State | None = None
    unsure: bool = False
    leaves: set[str] = field(default_factory=set)
    pending_leaves: set[str] = field(default_factory=set)


class Crashed(Exception):
    """The server gave no answer."""


class Writer:
    """One client. `run` goes on until the server dies, `check` compares; `documents` is what it knows."""

    def __init__(self, name: str, url: str, seed: int) -> None:
        self.documents: dict[str, Known] = {}
        self.acknowledged = 0
        self.unanswered = 0
        self._name = name
        self._url = f"{url}/{DATABASE}"
        self._random = Random(seed)
        self._session = requests.Session()
        self._session.auth = ADMIN
        self._number = 0
        self._touched: list[str] = []

    def run(self, stop: threading.Event) -> None:
        """Write until the server is gone or `stop`. Raises AssertionError for any other refusal."""
        steps: list[Callable[[], None]] = [
            self._create,
            self._update,
            self._update,
            self._attach,
            self._inline,
            self._bulk,
            self._replicate,
            self._delete,
        ]
        while not stop.is_set():
            try:
                self._random.choice(steps)()
            except Crashed:
                self.unanswered += 1
                self._session.close()
                return

    def touched(self) -> list[str]:
        """Documents that were written since the last call."""
        found, self._touched = self._touched, []
        return list(dict.fromkeys(found))

    def forget(self) -> None:
        self._touched = []

    # -- what is written

    def _create(self) -> None:
        doc_id = self._fresh()
        self._put(doc_id, State(self._value()), {})

    def _update(self) -> None:
        doc_id = self._some()
        if doc_id is None:
            return
        known = self._acknowledged(doc_id)
        body: JSON = {"_rev": known.rev}
        if known.photo is not None:
            body["_attachments"] = {"photo": {"stub": True}}
        self._put(doc_id, replace(known, v=self._value()), body)

    def _inline(self) -> None:
        data = self._bytes()
        photo = {"content_type": "image/jpeg", "data": base64.b64encode(data).decode()}
        state = State(self._value(), hashlib.sha256(data).hexdigest())
        self._put(self._fresh(), state, {"_attachments": {"photo": photo}})

    def _attach(self) -> None:
        doc_id = self._some()
        if doc_id is None:
            return
        known, data = self._acknowledged(doc_id), self._bytes()
        state = replace(known, photo=hashlib.sha256(data).hexdigest(), rev=None)
        answer = self._ask(
            {doc_id: state},
            "PUT",
            f"{doc_id}/photo",
            params={"rev": known.rev},
            data=data,
            headers={"Content-Type": "image/jpeg"},
        )
        self._acknowledge(doc_id, state, answer["rev"])

    def _delete(self) -> None:
        doc_id = self._some()
        if doc_id is None or self._random.random() < 0.5:
            return
        known = self._acknowledged(doc_id)
        state = State(0, deleted=True)
        answer = self._ask({doc_id: state}, "DELETE", doc_id, params={"rev": known.rev})
        self._acknowledge(doc_id, state, answer["rev"])

    def _bulk(self) -> None:
        states = {self._fresh(): State(self._value()) for _ in range(5)}
        docs = [{"_id": doc_id, "v": state.v} for doc_id, state in states.items()]
        rows = self._ask(states, "POST", "_bulk_docs", json={"docs": docs})
        for row in rows:
            assert row.get("ok"), row
            self._acknowledge(row["id"], states[row["id"]], row["rev"])

    def _replicate(self) -> None:
        """Two branches of one document, as two tablets push them."""
        doc_id, value = self._fresh(), self._value()
        hashes = [f"{self._random.getrandbits(128):032x}" for _ in range(3)]
        docs = [
            {"_id": doc_id, "v": value, "_revisions": {"start": 2, "ids": [leaf, hashes[2]]}}
            for leaf in hashes[:2]
        ]
        known = self.documents.setdefault(doc_id, Known())
        known.pending_leaves = {f"2-{leaf}" for leaf in hashes[:2]}
        rows = self._ask({}, "POST", "_bulk_docs", json={"docs": docs, "new_edits": False})
        assert rows == []
        known.leaves, known.pending_leaves = known.pending_leaves, set()
        self.acknowledged += 2

    def _put(self, doc_id: str, state: State, body: JSON) -> None:
        state = replace(state, rev=None)
        answer = self._ask({doc_id: state}, "PUT", doc_id, json={"v": state.v, **body})
        self._acknowledge(doc_id, state, answer["rev"])

    # -- how

    def _ask(self, states: dict[str, State], method: str, path: str, **kwargs: Any) -> Any:
        for doc_id, state in states.items():
            known = self.documents.setdefault(doc_id, Known())
            known.pending, known.unsure = state, True
        try:
            response = self._session.request(method, f"{self._url}/{path}", timeout=REQUEST_SECONDS, **kwargs)
        except requests.RequestException as error:
            raise Crashed from error
        assert response.status_code in {200, 201}, (method, path, response.status_code, response.text)
        return response.json()

    def _acknowledge(self, doc_id: str, state: State, rev: str) -> None:
        self.documents[doc_id] = Known(replace(state, rev=rev))
        self.acknowledged += 1

    def _acknowledged(self, doc_id: str) -> State:
        state = self.documents[doc_id].acknowledged
        assert state is not None
        return state

    def _fresh(self) -> str:
        self._number += 1
        doc_id = f"{self._name}:{self._number}"
        self._touched.append(doc_id)
        return doc_id

    def _some(self) -> str | None:
        """A document that is certainly there."""
        there = [
            doc_id
            for doc_id, known in self.documents.items()
            if known.acknowledged is not None and not known.acknowledged.deleted and not known.unsure
        ]
        if not there:
            return None
        doc_id = self._random.choice(there[-20:])
        self._touched.append(doc_id)
        return doc_id

    def _value(self) -> int:
        return self._random.getrandbits(48)

    def _bytes(self) -> bytes:
        return self._random.randbytes(self._random.choice(SIZES))

    # -- what is found

    def check(self, doc_ids: Iterable[str]) -> None:
        """Compare these documents with the server's. An unsure one is settled by what is found."""
        wanted = list(doc_ids)
        for start in range(0, len(wanted), 100):
            for doc_id, leaves in self._leaves(wanted[start : start + 100]).items():
                known = self.documents[doc_id]
                if known.leaves or known.pending_leaves:
                    self._check_branches(doc_id, known, leaves)
                else:
                    self._check_line(doc_id, known, leaves)

    def _leaves(self, doc_ids: list[str]) -> dict[str, list[JSON]]:
        response = self._session.post(
            f"{self._url}/_bulk_get",
            params={"attachments": "true", "revs": "true"},
            json={"docs": [{"id": doc_id} for doc_id in doc_ids]},
            timeout=REQUEST_SECONDS,
        )
        assert response.status_code == 200, response.text
        return {
            row["id"]: [entry["ok"] for entry in row["docs"] if "ok" in entry]
            for row in response.json()["results"]
        }

    def _check_branches(self, doc_id: str, known: Known, leaves: list[JSON]) -> None:
        found = {leaf["_rev"] for leaf in leaves}
        assert known.leaves <= found <= known.leaves | known.pending_leaves, (doc_id, found, known)
        known.leaves, known.pending_leaves = found, set()

    def _check_line(self, doc_id: str, known: Known, leaves: list[JSON]) -> None:
        found = [_state_of(leaf) for leaf in leaves]
        assert len(found) <= 1, (doc_id, found)
        state = found[0] if found else None
        if state == known.acknowledged:
            pass
        else:
            assert known.unsure, (doc_id, "lost or changed", state, known)
            assert state is not None, (doc_id, "lost", known)
            assert replace(state, rev=None) == known.pending, (doc_id, "half", state, known)
            if known.acknowledged is not None:
                assert known.acknowledged.rev in _line(leaves[0]), (doc_id, "another line", leaves[0])
        self.documents[doc_id] = Known(state)


def _state_of(leaf: JSON) -> State:
    """A leaf as it was found; its photo's bytes are what counts, not what is said of them."""
    if leaf.get("_deleted"):
        return State(0, deleted=True, rev=leaf["_rev"])
    photo = leaf.get("_attachments", {}).get("photo")
    sha256 = None if photo is None else hashlib.sha256(base64.b64decode(photo["data"])).hexdigest()
    return State(leaf["v"], sha256, rev=leaf["_rev"])


def _line(leaf: JSON) -> list[str]:
    revisions = leaf["_revisions"]
    return [f"{revisions['start'] - depth}-{name}" for depth, name in enumerate(revisions["ids"])]
