"""The embedded engine against the bare library below it: batches of 1 KB documents, one thread.

Prints the median of the runs as documents a second, and the ratio. Both sides commit each batch with fsync;
the engine parses, hashes and keeps revision trees besides, and runs the write rules in JavaScript.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import orjson
from kit.forms import form

from sync.embedded.engine import EmbeddedStore
from sync.embedded.validate import Validator
from sync.rules import design_document
from sync.store import SERVER, Security, UserCtx

RUNS = 5
BATCHES = 20
BATCH = 100
INSPECTOR = UserCtx("inspector", ("inspector",))


def bare(folder: Path) -> Callable[[list[dict[str, object]]], None]:
    connection = apsw.Connection(str(folder / "bare.sqlite3"))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE docs (id TEXT PRIMARY KEY, body BLOB) STRICT")

    def write(docs: list[dict[str, object]]) -> None:
        rows = [(doc["_id"], orjson.dumps(doc)) for doc in docs]
        with connection:
            connection.executemany("INSERT INTO docs VALUES (?, ?)", rows)  # type: ignore[arg-type]

    return write


def engine(folder: Path, user: UserCtx) -> Callable[[list[dict[str, object]]], None]:
    store = EmbeddedStore(folder, validator=Validator(), design=design_document())
    store.create_database("case-bench", Security(members=("inspector",), kind="case", writers=("inspector",)))

    def write(docs: list[dict[str, object]]) -> None:
        assert all(result.ok for result in store.bulk_docs("case-bench", docs, user=user))

    return write


def rate(write: Callable[[list[dict[str, object]]], None], first: int) -> float:
    batches = [
        [form(first + batch * BATCH + number, by="inspector") for number in range(BATCH)]
        for batch in range(BATCHES)
    ]
    start = time.perf_counter()
    for batch in batches:
        write(batch)
    return BATCHES * BATCH / (time.perf_counter() - start)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = {
            "bare apsw": bare(folder),
            "engine, as the server": engine(folder / "server", SERVER),
            "engine, as an inspector": engine(folder / "inspector", INSPECTOR),
        }
        rates: dict[str, list[float]] = {side: [] for side in sides}
        for run in range(RUNS):
            # In turns, so that a busy neighbour slows all sides alike.
            for side, write in sides.items():
                rates[side].append(rate(write, run * BATCHES * BATCH))
    base = statistics.median(rates["bare apsw"])
    for side, found in rates.items():
        median = statistics.median(found)
        print(f"{side:<24} {median:>9,.0f} docs/s  {median / base:.2f} of bare")


if __name__ == "__main__":
    main()
