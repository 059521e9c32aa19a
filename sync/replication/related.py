"""Documents with their attachments as multipart: written to a replica behind HTTP, and read from one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sync.checks import parse_digest
from sync.multipart import Part, Parts, Stream, boundary_of, new_boundary, quoted, write_parts
from sync.replication.replica import Opened, Transient
from sync.store import DigestMismatch, Document

_CHUNK = 64 * 1024


class Related:
    """A document and its attachments as multipart/related, whose length is known before they are read."""

    def __init__(self, opened: Opened) -> None:
        self.boundary = new_boundary()
        self._opened = opened
        self._specs: dict[str, dict[str, Any]] = opened.doc.get("_attachments", {})

    def __len__(self) -> int:
        following = [(name, _size(spec)) for name, spec in self._specs.items() if spec.get("follows")]
        empty = write_parts(self.boundary, self._parts((name, ()) for name, _ in following))
        return sum(map(len, empty)) + sum(size for _, size in following)

    def __iter__(self) -> Iterator[bytes]:
        attachments = ((name, self._bytes(name, stream)) for name, stream in self._opened.attachments)
        return write_parts(self.boundary, self._parts(attachments))

    def _parts(self, attachments: Any) -> Iterator[tuple[Mapping[str, str], Any]]:
        doc = json.dumps(self._opened.doc, ensure_ascii=False, separators=(",", ":")).encode()
        yield {"Content-Type": "application/json"}, (doc,)
        for name, chunks in attachments:
            yield self._headers(name), chunks

    def _headers(self, name: str) -> dict[str, str]:
        spec = self._specs[name]
        headers = {
            "Content-Disposition": f"attachment; filename={quoted(name)}",
            "Content-Type": str(spec.get("content_type", "application/octet-stream")),
            "Content-Length": str(_size(spec)),
        }
        if spec.get("encoding"):
            headers["Content-Encoding"] = str(spec["encoding"])
        return headers

    def _bytes(self, name: str, stream: Stream) -> Iterator[bytes]:
        """Raises DigestMismatch if these are not the bytes that the document speaks of. The body then never
        ends, so nothing is stored, by whoever does not look at digests himself."""
        left, md5 = _size(self._specs[name]), hashlib.md5(usedforsecurity=False)
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            md5.update(chunk)
            yield chunk
        if left:
            raise DigestMismatch(f"Attachment {name} is not as long as its document says.")
        if parse_digest(self._specs[name].get("digest")) not in {None, md5.digest()}:
            raise DigestMismatch(f"The bytes of {name} are not those of its digest.")


def read_opened(parts: Parts) -> Iterator[Opened]:
    """The documents of an `open_revs` answer; what is missing there is left out."""
    for part in parts:
        if part.content_type == "multipart/related":
            yield _related(Parts(part.stream, boundary_of(part.headers["content-type"])))
            continue
        doc = parse_json(_whole(part))
        if "_id" in doc:
            yield Opened(doc, iter(()))


def _related(parts: Parts) -> Opened:
    walk = iter(parts)
    first = next(walk, None)
    if first is None:
        raise Transient("The answer holds a part without a document.")
    doc: Document = parse_json(_whole(first))

    def attachments() -> Iterator[tuple[str, Stream]]:
        for name, spec in doc["_attachments"].items():
            if spec.get("follows"):
                # By their order, as CouchDB's replicator: it does not quote the names in its headers. The
                # target holds the bytes to the digest.
                part = next(walk, None)
                if part is None:
                    raise Transient(f"The answer does not hold attachment {name}.")
                yield name, part.stream

    return Opened(doc, attachments())


def _whole(part: Part) -> bytes:
    body = bytearray()
    while chunk := part.stream.read(_CHUNK):
        body += chunk
    return bytes(body)


def _size(spec: Mapping[str, Any]) -> int:
    return int(spec.get("encoded_length", spec["length"]))


def parse_json(content: bytes) -> Any:
    """What an answer says. Raises Transient if it is not JSON: it was cut off, or a proxy spoke."""
    # Not orjson: it rounds integers beyond 64 bits, and a document must arrive as it was.
    try:
        return json.loads(content)
    except ValueError as error:
        raise Transient(f"The answer is not JSON: {error}") from error
