"""What is pending in a feed is counted exactly, and without walking over the whole database."""

from __future__ import annotations

import tempfile
from pathlib import Path

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.embedded.engine import EmbeddedStore
from sync.embedded.pending import Pending


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.sampled_from("abcdefgh")),
            st.tuples(st.just("page"), st.integers(0, 12)),
        ),
        max_size=25,
    )
)
def test_the_count_is_that_of_a_walk_whatever_was_written_and_asked_before(
    steps: list[tuple[str, str | int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder))
        store.create_database("db")
        for kind, value in steps:
            if kind == "write":
                known = store.find("db", str(value))
                store.put("db", {"_id": str(value)} if known is None else known)
                continue
            start = store.changes("db", limit=int(value)).last_seq
            every = store.changes("db", since=start).results
            for limit in (1, 2, 3):
                batch = store.changes("db", since=start, limit=limit)
                assert batch.pending == len(every) - len(batch.results)
        store.close()


def test_a_client_that_reads_page_by_page_has_one_page_counted_at_a_time(store: EmbeddedStore) -> None:
    store.bulk_docs("db", [{"_id": f"{number:04}"} for number in range(1000)])
    counted: list[int] = []

    class Watched(Pending):
        def after(self, conn: apsw.Connection, db: object, seq: int) -> int:
            place, _ = self._nearest(db, seq)  # type: ignore[arg-type]
            counted.append(abs(place - seq))
            return super().after(conn, db, seq)  # type: ignore[arg-type]

    store._pending = Watched()
    since, pages = "0", 0
    while (batch := store.changes("db", since=since, limit=50)).pending:
        since, pages = batch.last_seq, pages + 1
    assert pages == 19
    assert max(counted) <= 50
