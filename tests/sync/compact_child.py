"""A process that rewrites, compacts, shrinks and sweeps until it is killed: `compact_child.py FOLDER`."""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sync.embedded.engine import EmbeddedStore, Limits
from sync.embedded.updates import BlobGone
from sync.store import NewAttachment

#: Small slices, so that a kill falls between two of them or into one.
LIMITS = Limits(
    compact_revisions=5, compact_documents=3, compact_min_bytes=1, vacuum_pages=3, vacuum_share=0.01,
    sweep_seconds=0.001, abandoned_seconds=0.001,
)  # fmt: skip


def rewrite(store: EmbeddedStore, doc_id: str) -> None:
    for number in itertools.count():
        doc: dict[str, Any] = store.find("db", doc_id) or {"_id": doc_id}
        doc["n"] = number
        rev = store.put("db", doc)
        photo = NewAttachment("photo", "image/jpeg", io.BytesIO(f"{doc_id} {number}".encode() * 500))
        # Here a thousandth of a second is old: an upload may be swept away under way, and the next goes on.
        with contextlib.suppress(FileNotFoundError, BlobGone):
            store.put_attachment("db", doc_id, rev, photo)


def main() -> None:
    store = EmbeddedStore(Path(sys.argv[1]), limits=LIMITS)
    for name in ("x", "y"):
        threading.Thread(target=rewrite, args=(store, name), daemon=True).start()
    for number in itertools.count():
        freed = store.tidy(time.time())
        if number == 0 or freed.revisions:
            print(freed.revisions, flush=True)  # noqa: T201  the parent waits for it


if __name__ == "__main__":
    main()
