"""A data folder as the embedded engine leaves it, with everything that a backup has to carry."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.values import blob_path
from sync.store import Document, NewAttachment, Security

DATABASE = "case-1"
OTHER = "media-1"


@dataclass
class Folder:
    """An open store on its folder."""

    path: Path
    store: EmbeddedStore

    def photo(self, doc_id: str, data: bytes, *, db: str = OTHER) -> str:
        attachment = NewAttachment("original", "image/jpeg", io.BytesIO(data))
        return self.store.put_attachment(db, doc_id, None, attachment)

    def blobs(self) -> list[Path]:
        return sorted(path for path in (self.path / "blobs").glob("??/*"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """Two databases: documents, a conflict and a tombstone in one, photos in the other, two of them alike."""
    store = EmbeddedStore(tmp_path / "data")
    made = Folder(tmp_path / "data", store)
    fill(made)
    yield made
    store.close()


def fill(made: Folder) -> None:
    store = made.store
    store.create_database(DATABASE, Security(members=("wang",), kind="case", writers=("wang",)))
    store.create_database(OTHER)
    for number in range(30):
        store.put(DATABASE, {"_id": f"form:{number}", "n": number, "pad": "x" * 200})
    gone = store.put(DATABASE, {"_id": "gone", "v": 1})
    store.put(DATABASE, {"_id": "gone", "_rev": gone, "_deleted": True})
    first = store.put(DATABASE, {"_id": "both", "v": "here"})
    other = {"_id": "both", "_rev": "1-" + "0" * 32, "v": "there"}
    assert store.bulk_docs(DATABASE, [other], new_edits=False)[0].ok
    store.put(DATABASE, {"_id": "both", "_rev": first, "v": "here again"})
    random = Random(7)
    for number in range(6):
        made.photo(f"photo:{number}", random.randbytes(1000 + number))
    made.photo("photo:same", Random(7).randbytes(1000))


def dump(store: EmbeddedStore) -> dict[str, dict[str, list[Document]]]:
    """Every leaf of every document of every database, with the attachments' bytes."""
    found: dict[str, dict[str, list[Document]]] = {}
    for db in store.database_names():
        ids = [change.id for change in store.changes(db).results]
        found[db] = {doc_id: store.leaves(db, doc_id, deleted=True) for doc_id in sorted(ids)}
        for leaves in found[db].values():
            for leaf in leaves:
                for name, entry in leaf.get("_attachments", {}).items():
                    with store.open_attachment(db, leaf["_id"], name, rev=leaf["_rev"]) as attachment:
                        entry["bytes"] = attachment.stream.read()
    return found


def lose(folder: Path, sha256: str) -> None:
    blob_path(folder, sha256).unlink()


def sha256_of(blob: Path) -> str:
    return blob.parent.name + blob.name
