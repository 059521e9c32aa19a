"""Backup, verify, restore, doctor and salvage of one data folder, and kills of a server under load.

Prints seconds, and what that is by the document or megabyte. `python bench/durability.py [KILLS]`: with a
number, the test of kills kills that many times in place of its fifty.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety import backup
from sync.embedded.safety.check import check
from sync.embedded.safety.restore import restore
from sync.embedded.safety.salvage import salvage
from sync.embedded.safety.shelf import open_shelf
from sync.store import NewAttachment

DOCUMENTS = 20_000
DOCUMENT_BYTES = 1000
PHOTOS = 500
PHOTO_BYTES = 300_000
KILL_TEST = "tests/durability/test_kills.py"


def fill(folder: Path) -> None:
    store = EmbeddedStore(folder)
    store.create_database("db")
    for start in range(0, DOCUMENTS, 500):
        docs = [{"_id": f"doc:{n:06}", "pad": "x" * DOCUMENT_BYTES} for n in range(start, start + 500)]
        assert all(row.ok for row in store.bulk_docs("db", docs))
    random = Random(1)
    for number in range(PHOTOS):
        photo = NewAttachment("original", "image/jpeg", io.BytesIO(random.randbytes(PHOTO_BYTES)))
        store.put_attachment("db", f"photo:{number}", None, photo)
    store.close()


def timed(what: str, work: Callable[[], object]) -> None:
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    megabytes = (DOCUMENTS * DOCUMENT_BYTES + PHOTOS * PHOTO_BYTES) / 1e6
    each = seconds / (DOCUMENTS + PHOTOS) * 1e6
    print(f"{what:<28} {seconds:>7.2f} s  {megabytes / seconds:>7.0f} MB/s  {each:>6.0f} µs a document")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, shelf = folder / "data", folder / "shelf"
        fill(data)

        def make() -> object:
            return backup.make(data, shelf, made_by="bench", now=datetime.now(UTC))

        timed("backup, the first", make)
        timed("backup, nothing new", make)
        timed("backup verify", lambda: backup.verify(open_shelf(shelf)))
        timed("restore", lambda: restore(open_shelf(shelf), folder / "again"))
        timed("doctor's look at the store", lambda: check(data))
        timed("the same, --deep", lambda: check(data, deep=True))
        timed("salvage", lambda: salvage(data, folder / "saved"))
    kills = sys.argv[1] if len(sys.argv) > 1 else "50"
    start = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-s", KILL_TEST]
    done = subprocess.run(command, check=False, env=os.environ | {"HEZHA_TEST_KILLS": kills})
    print(
        f"{kills} kills: {'all acknowledged writes there' if done.returncode == 0 else 'FAILED'}, "
        f"{time.perf_counter() - start:.0f} s"
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
