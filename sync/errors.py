"""What a store refuses, in CouchDB's shape, and what it raises where it cannot be used at all."""

from __future__ import annotations

__all__ = [
    "BadRequest",
    "BytesMissing",
    "Conflict",
    "Damaged",
    "DatabaseExists",
    "DigestMismatch",
    "Forbidden",
    "NoSpace",
    "NotFound",
    "NotOffered",
    "ReadOnly",
    "StoreError",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "Unusable",
]


class StoreError(Exception):
    """A refusal in CouchDB's shape: an HTTP `status`, an `error` word, and a `reason` for people."""

    status = 500
    error = "internal_server_error"

    def __init__(self, reason: str, *, error: str | None = None, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        if error is not None:
            self.error = error
        if status is not None:
            self.status = status


class Unusable(RuntimeError):
    """A data folder that must not be opened; the message says why, and what would change that."""


class BadRequest(StoreError):
    status = 400
    error = "bad_request"


class Unauthorized(StoreError):
    status = 401
    error = "unauthorized"


class Forbidden(StoreError):
    status = 403
    error = "forbidden"


class NotFound(StoreError):
    """No such database, document, revision or attachment."""

    status = 404
    error = "not_found"


class Conflict(StoreError):
    """The `_rev` given is not a leaf that may be extended."""

    status = 409
    error = "conflict"

    def __init__(self, reason: str = "Document update conflict.") -> None:
        super().__init__(reason)


class DatabaseExists(StoreError):
    status = 412
    error = "file_exists"


class DigestMismatch(StoreError):
    """Bytes that are not those of their digest, or a stub of an attachment that is not there."""

    status = 412
    error = "missing_stub"


class TooLarge(StoreError):
    status = 413
    error = "too_large"


class NoSpace(StoreError):
    """The disk is full, and nothing was written."""

    status = 507
    error = "insufficient_storage"


class ReadOnly(StoreError):
    """The data folder cannot be written; nothing was. It may be in a while, when somebody has seen to it."""

    status = 503
    error = "service_unavailable"


class Damaged(StoreError):
    """What is on disk is not what was written there. Nothing was changed; an operator has to mend it."""

    status = 500
    error = "file_corrupt"


class BytesMissing(StoreError):
    """An attachment whose document is here and whose bytes are not. It is no 404: they ought to be here."""

    status = 500
    error = "attachment_missing"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The bytes of attachment {name} are missing on this server; its document is whole. "
            "An operator can put them back from a backup."
        )


class Unavailable(StoreError):
    """The store cannot be reached, or is too busy, though it was tried again and again.

    Of a write nobody knows whether it was stored: read before writing anew.
    """

    status = 503
    error = "service_unavailable"


class NotOffered(StoreError):
    """CouchDB has it and Hezha's embedded engine does not. Never a wrong result instead."""

    status = 501
    error = "not_implemented"
