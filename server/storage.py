"""Where documents are kept: one setting decides, and nothing else here knows which engine it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from server.settings import Settings
from sync.embedded.engine import EmbeddedStore, Limits
from sync.embedded.validate import Validator
from sync.rules import design_document
from sync.store import DocumentStore


def open_store(settings: Settings, clock: Callable[[], datetime]) -> DocumentStore:
    """The store of this installation. Raises SettingsError, and what the embedded engine raises.

    `clock` has to tell CouchDB's time: it dates tokens that CouchDB looks at.
    """
    if settings.couchdb_url:
        from server.couch_storage import open_couch  # noqa: PLC0415  what it imports takes memory

        return open_couch(settings, clock)
    return EmbeddedStore(
        settings.data_dir,
        validator=Validator(),
        design=design_document(),
        limits=Limits(
            document_bytes=settings.max_document_bytes,
            compact_share=settings.compact_share,
            compact_min_bytes=settings.compact_min_bytes,
            sweep_seconds=settings.blob_sweep_seconds,
            abandoned_seconds=settings.blob_abandoned_seconds,
        ),
    )
