"""What a replica holds, read over HTTP the same way from any server; documents of every sort to fill one."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

SMALL = "变压器台区".encode() * 20
PACKED = b"a line that repeats itself\n" * 2000


@dataclass(frozen=True)
class Remote:
    """A database's URL, and who asks there."""

    url: str
    auth: tuple[str, str]

    def ask(self, method: str, path: str = "", **kwargs: Any) -> requests.Response:
        """Raises requests.HTTPError."""
        slash = "/" if path else ""
        answer = requests.request(method, self.url + slash + path, auth=self.auth, timeout=60, **kwargs)
        answer.raise_for_status()
        return answer

    def get(self, path: str = "", **params: Any) -> Any:
        return self.ask("GET", path, params=params).json()

    def endpoint(self) -> dict[str, Any]:
        """As `_replicate` takes it."""
        return {"url": self.url, "auth": {"basic": {"username": self.auth[0], "password": self.auth[1]}}}

    def bulk(self, docs: list[dict[str, Any]], *, new_edits: bool = True) -> Any:
        return self.ask("POST", "_bulk_docs", json={"docs": docs, "new_edits": new_edits}).json()


@dataclass(frozen=True)
class Leaf:
    """One leaf of one document: its body, its ancestors, and each attachment with its decoded bytes.

    Encoding and digest (of the encoded bytes) are None for text: CouchDB compresses that as it comes.
    """

    body: str
    ancestry: tuple[int, tuple[str, ...]]
    attachments: dict[str, tuple[str, str | None, str | None, bytes]] = field(repr=False)


def contents(remote: Remote) -> dict[str, dict[str, Leaf]]:
    """Every document with all its leaves, tombstones too, by id and revision; the winner comes first."""
    held: dict[str, dict[str, Leaf]] = {}
    for row in remote.get("_changes", style="all_docs")["results"]:
        path = quote(row["id"], safe="")
        leaves = {leaf["ok"]["_rev"]: leaf["ok"] for leaf in _leaves(remote, path)}
        winner = row["changes"][0]["rev"]
        held[row["id"]] = {
            rev: _leaf(remote, path, leaves[rev])
            for rev in sorted(leaves, key=lambda rev: (rev != winner, rev))
        }
    return held


def _leaves(remote: Remote, path: str) -> list[dict[str, Any]]:
    params = {"open_revs": "all", "revs": "true", "att_encoding_info": "true"}
    found = remote.ask("GET", path, params=params, headers={"Accept": "application/json"}).json()
    assert isinstance(found, list)
    return found


def _leaf(remote: Remote, path: str, doc: dict[str, Any]) -> Leaf:
    body = {name: value for name, value in doc.items() if name not in {"_attachments", "_revisions"}}
    revisions = doc["_revisions"]
    attachments = {}
    for name, spec in doc.get("_attachments", {}).items():
        found = remote.ask("GET", f"{path}/{quote(name, safe='')}", params={"rev": doc["_rev"]})
        assert spec["length"] == len(found.content)
        text = spec["content_type"].startswith("text/")
        kept = (None, None) if text else (spec.get("encoding"), spec["digest"])
        attachments[name] = (spec["content_type"], *kept, found.content)
    return Leaf(json.dumps(body, sort_keys=True), (revisions["start"], tuple(revisions["ids"])), attachments)


def fill(remote: Remote, large: bytes) -> None:
    """Documents of every sort: edited, deleted, in conflict, with attachments small, `large` and encoded."""
    remote.bulk([{"_id": f"plain-{n:03}", "n": n, "text": "合闸" * n} for n in range(120)])
    remote.ask("PUT", "_design/own", json={"language": "javascript", "note": "rules of nobody"})
    for doc_id in ("a/b+c d", "票:一", "~!@$&'()*,;="):
        remote.ask("PUT", quote(doc_id, safe=""), json={"id": doc_id, "float": 1.5, "deep": [[[None, True]]]})
    rev = remote.ask("PUT", "edited", json={"n": 0}).json()["rev"]
    for n in range(1, 8):
        rev = remote.ask("PUT", "edited", json={"_rev": rev, "n": n}).json()["rev"]
    rev = remote.ask("PUT", "deleted", json={"n": 1}).json()["rev"]
    remote.ask("DELETE", "deleted", params={"rev": rev})
    _conflicts(remote)
    text = {"content_type": "text/plain", "data": base64.b64encode(SMALL).decode()}
    image = {"content_type": "image/png", "data": base64.b64encode(SMALL).decode()}
    rev = remote.ask("PUT", "photo", json={"_attachments": {"注 记.txt": text, "x/y": image}}).json()["rev"]
    headers = {"Content-Type": "image/jpeg"}
    remote.ask("PUT", "photo/large", params={"rev": rev}, data=large, headers=headers)
    _encoded(remote)


def _conflicts(remote: Remote) -> None:
    """Three leaves, one of them deleted; and a document of which every leaf is deleted."""

    def leaf(doc_id: str, name: str, **body: Any) -> dict[str, Any]:
        return {
            "_id": doc_id,
            "_rev": f"2-{name}",
            "_revisions": {"start": 2, "ids": [name, "aa"]},
            **body,
        }

    text = {"t": {"content_type": "text/plain", "data": base64.b64encode(b"of the loser").decode()}}
    remote.bulk(
        [
            leaf("conflict", "b1", n=1, _attachments=text),
            leaf("conflict", "b2", n=2),
            leaf("conflict", "b3", _deleted=True),
            leaf("gone", "b1", _deleted=True, why="kept in the tombstone"),
            leaf("gone", "b2", _deleted=True),
        ],
        new_edits=False,
    )


def _encoded(remote: Remote) -> None:
    """An attachment that arrives gzip-encoded and stays so, beside one that does not."""
    packed = gzip.compress(PACKED, mtime=0)
    specs = {
        "log.bin": {
            "content_type": "application/octet-stream",
            "follows": True,
            "encoding": "gzip",
            "length": len(PACKED),
            "encoded_length": len(packed),
        },
        "plain.bin": {"content_type": "application/octet-stream", "follows": True, "length": len(SMALL)},
    }
    head = json.dumps({"_id": "encoded", "_attachments": specs}).encode()
    parts = (b"Content-Type: application/json\r\n\r\n" + head, b"\r\n" + packed, b"\r\n" + SMALL)
    body = b"--half" + b"".join(b"\r\n" + part + b"\r\n--half" for part in parts) + b"--"
    headers = {"Content-Type": 'multipart/related; boundary="half"'}
    remote.ask("PUT", "encoded", data=body, headers=headers)
