"""What one request may use. Every limit is answered with 413 (or less of the same), never with silence."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.embedded.views import ViewLimits


@dataclass(frozen=True)
class HttpLimits:
    """Bounds of requests to `/sync`. Sizes are bytes after decoding, times seconds.

    `max_request_bytes` bounds a body of JSON with the attachments it may hold inline. A document without
    them is bounded by the store; `max_document_bytes` is for the other small bodies, as `_security`.
    `max_parked_polls` counts feeds that wait in this process; one more is answered at once with what there
    is, so that waiting tablets never take the last thread. A feed that has waited `max_feed_timeout` ends
    and its client asks again, which is also when its credentials are looked at again. `heartbeat` is sent on
    feeds whose client asked for none, because writing is the only way to notice that a client is gone.
    A function of a design document gets a few documents at a time and `filter_seconds` for them, a `$regex`
    `regex_seconds` for one.
    Lists and feeds are read `changes_page` rows at a time, `docs_page` if they carry documents.
    """

    max_request_bytes: int = 64 * 1024 * 1024
    max_document_bytes: int = 8 * 1024 * 1024
    max_attachment_bytes: int = 1024 * 1024 * 1024
    max_bulk_docs: int = 10_000
    max_parked_polls: int = 80
    max_feed_timeout: float = 60.0
    default_feed_timeout: float = 60.0
    heartbeat: float = 15.0
    min_heartbeat: float = 1.0
    changes_page: int = 500
    docs_page: int = 20
    max_queries: int = 100
    filter_seconds: float = 2.0
    filter_memory_bytes: int = 64 * 1024 * 1024
    regex_seconds: float = 0.5
    #: Bytes of documents that are read at once when many are asked for.
    page_bytes: int = 1024 * 1024
    max_uuids: int = 1000
    views: ViewLimits = field(default_factory=ViewLimits)
