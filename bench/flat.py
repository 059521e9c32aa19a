"""Does a document cost the same in a database of a thousand documents and in one of a million?

    python bench/flat.py [--most N] [--plot docs/sync-flat.svg]

One database grows; at each size the same work is timed on it, in process, with fsync for each write. Prints
microseconds for a document and, for each kind of work, the cost at the end over that at the beginning.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kit.curves import plot, sizes

from sync.embedded.engine import EmbeddedStore

DATABASE = "flat"
LEAST = 1000
FILL = 500
BATCH = 100
#: Documents that one timing moves, and how often it is repeated.
WORK = 500
REPEATS = 9


def document(number: int) -> dict[str, object]:
    """About 1 KB, under an id that lands anywhere among the others."""
    scattered = f"{(number * 2_654_435_761) % 2**32:08x}"
    return {
        "_id": f"inspection:{scattered}-{number}",
        "type": "inspection",
        "note": "符合设计 " * 50,
        "n": number,
    }


class Growing:
    """A database that grows, and the work that is timed on it."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self._random = random.Random(1)
        self.size = 0
        store.create_database(DATABASE)

    def _fresh(self, count: int) -> list[dict[str, object]]:
        docs = [document(number) for number in range(self.size, self.size + count)]
        self.size += count
        return docs

    def grow(self, size: int) -> None:
        while self.size < size:
            self._store.bulk_docs(DATABASE, self._fresh(min(FILL, size - self.size)))

    def _known(self) -> list[str]:
        return [str(document(self._random.randrange(self.size))["_id"]) for _ in range(WORK)]

    def bulk(self) -> float:
        docs = self._fresh(WORK)
        return timed(
            lambda: [self._store.bulk_docs(DATABASE, docs[at : at + BATCH]) for at in range(0, WORK, BATCH)]
        )

    def put(self) -> float:
        docs = self._fresh(WORK)
        return timed(lambda: [self._store.put(DATABASE, doc) for doc in docs])

    def get(self) -> float:
        ids = self._known()
        return timed(lambda: [self._store.get(DATABASE, doc_id) for doc_id in ids])

    def update(self) -> float:
        docs = [self._store.get(DATABASE, doc_id) for doc_id in dict.fromkeys(self._known())]
        return timed(lambda: [self._store.put(DATABASE, doc) for doc in docs])

    def changes(self) -> float:
        since = str(self._random.randrange(self.size - WORK)) + self._mark()
        return timed(lambda: self._store.changes(DATABASE, since=since, limit=WORK))

    def winners(self) -> float:
        wanted = {doc_id: ["1-" + "0" * 32] for doc_id in self._known()}
        return timed(lambda: self._store.revs_diff(DATABASE, wanted))

    def _mark(self) -> str:
        """What makes a number a sequence of this database."""
        seq = self._store.info(DATABASE).update_seq
        return seq[seq.index("-") :]


def timed(work: Callable[[], object]) -> float:
    """Microseconds for each of WORK documents."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / WORK * 1e6


KINDS: dict[str, Callable[[Growing], float]] = {
    "_bulk_docs, batches of 100": Growing.bulk,
    "single PUT, new": Growing.put,
    "single PUT, next revision": Growing.update,
    "GET": Growing.get,
    "_changes, a page of 500": Growing.changes,
    "winner lookup (_revs_diff)": Growing.winners,
}


Found = dict[str, list[tuple[int, float]]]


def measure(growing: Growing, most: int) -> Found:
    found: Found = {kind: [] for kind in KINDS}
    for size in sizes(LEAST, most):
        growing.grow(size)
        for kind, work in KINDS.items():
            cost = statistics.median(work(growing) for _ in range(REPEATS))
            found[kind].append((size, cost))
        row = "".join(f"{points[-1][1]:>10.0f}" for points in found.values())
        print(f"{size:>9,}{row}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000, help="documents at the end [1,000,000]")
    parser.add_argument("--plot", type=Path, help="write the curves there, as SVG")
    asked = parser.parse_args()
    for number, kind in enumerate(KINDS, start=1):
        print(f"column {number}: {kind}, microseconds for a document")
    with tempfile.TemporaryDirectory(prefix="bench-flat-") as folder:
        store = EmbeddedStore(Path(folder))
        found = measure(Growing(store), asked.most)
        store.close()
    for kind, series in found.items():
        (least, first), (most, last) = series[0], series[-1]
        print(f"{kind}: {last / first:.2f} x from {least:,} to {most:,} documents")
    if asked.plot:
        title = "Cost of a document in the embedded engine by the size of its database"
        drawn = plot(found, title, unit="µs", of="documents in the database")
        asked.plot.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
