"""What two logs have in common, and never more than that."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sync.replication.ancestry import Session, common_ancestry, log_after, replication_id
from sync.replication.batching import Batch, halves, shown_ancestors

END = "2026-03-02T09:00:00+00:00"


def session(name: str, seq: int, start: int = 0) -> Session:
    return Session(name, END, str(start), str(seq), missing_checked=seq)


def log(*sessions: tuple[str, int]) -> dict[str, Any] | None:
    """A log as the sessions (oldest first) left it."""
    found = None
    for name, seq in sessions:
        found = log_after(found, session(name, seq), END, longest=50)
    return found


def test_without_both_logs_nothing_is_certain() -> None:
    assert common_ancestry(None, None) == "0"
    assert common_ancestry(log(("a", 5)), None) == "0"
    assert common_ancestry(None, log(("a", 5))) == "0"
    assert common_ancestry(log(("a", 5)), log(("b", 5))) == "0"


def test_equal_logs_agree_on_their_last_word() -> None:
    both = log(("a", 5), ("b", 9))
    assert common_ancestry(both, both) == "9"


def test_a_log_that_was_cut_off_or_set_back_is_believed() -> None:
    """Whichever side remembers less of a session has less, or was restored from a backup."""
    assert common_ancestry(log(("a", 5)), log(("a", 9))) == "5"
    assert common_ancestry(log(("a", 9)), log(("a", 5))) == "5"
    assert common_ancestry(log(("a", 5), ("b", 9)), log(("a", 5))) == "5"
    assert common_ancestry(log(("a", 5), ("b", 9)), log(("a", 3))) == "3"


def test_the_last_session_that_both_remember_counts() -> None:
    ours = log(("a", 5), ("b", 7), ("c", 9))
    theirs = log(("a", 5), ("b", 7), ("d", 11))
    assert common_ancestry(ours, theirs) == "7"


def test_what_is_no_log_is_no_log() -> None:
    strange: list[Any] = [{}, {"history": 7}, {"history": [7, {"session_id": "a"}]}]
    for one in strange:
        assert common_ancestry(one, log(("a", 5))) == "0"


def test_a_log_has_couchdbs_shape_and_forgets_its_oldest_sessions() -> None:
    made = log(*((f"s{number}", number) for number in range(60)))
    assert made is not None
    assert (made["session_id"], made["source_last_seq"]) == ("s59", "59")
    assert len(made["history"]) == 50
    assert made["history"][0] == {
        "session_id": "s59",
        "start_time": END,
        "end_time": END,
        "start_last_seq": "0",
        "end_last_seq": "59",
        "recorded_seq": "59",
        "missing_checked": 59,
        "missing_found": 0,
        "docs_read": 0,
        "docs_written": 0,
        "doc_write_failures": 0,
    }


def test_the_id_tells_pairs_and_directions_apart() -> None:
    ids = {replication_id("a", "b"), replication_id("b", "a"), replication_id("a", "bc")}
    assert len(ids) == 3
    assert replication_id("a", "b") in ids


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=25),
    st.integers(0, 25),
    st.integers(0, 25),
)
@example([(False, 1), (False, 1), (True, 4), (True, 4), (True, 4), (True, 1)], 3, 2)
@settings(max_examples=200, deadline=None)
def test_what_is_common_is_never_ahead_of_what_either_side_has(
    steps: list[tuple[bool, int]], source_at: int, target_at: int
) -> None:
    """Sessions that were cut off anywhere, then either side set back to any earlier state of its own."""
    source: list[Any] = [(None, 0)]
    target: list[Any] = [(None, 0)]
    seq, number = 0, 0
    for begin, more in steps:
        if begin or number == 0:
            number += 1
            seq = int(common_ancestry(source[-1][0], target[-1][0]))
        seq += more
        # Cut off between the two writes in one of four steps.
        for side in (target,) if more == 4 else (target, source):
            made = session(f"s{number}", seq)
            # A session that begins anew takes nothing away from what the side has.
            side.append((log_after(side[-1][0], made, END, longest=3), max(side[-1][1], seq)))
    here, there = source[min(source_at, len(source) - 1)], target[min(target_at, len(target) - 1)]
    assert int(common_ancestry(here[0], there[0])) <= min(here[1], there[1])


def test_a_batch_holds_what_it_may_and_a_large_document_travels_alone() -> None:
    batch = Batch(max_docs=2, max_bytes=10)
    assert batch.fits(99)
    batch.add({"_id": "a"}, 6)
    assert not batch.fits(5)
    assert batch.fits(4)
    batch.add({"_id": "b"}, 4)
    assert not batch.fits(0)
    assert batch.take() == [{"_id": "a"}, {"_id": "b"}]
    assert batch.take() == []
    assert batch.fits(99)


@given(st.lists(st.integers(), min_size=2))
@settings(max_examples=50)
def test_halves_are_smaller_and_lose_nothing(items: list[int]) -> None:
    one, other = halves(items)
    assert [*one, *other] == items
    assert 0 < len(one) < len(items)


def test_ancestors_of_the_highest_generation_are_named() -> None:
    assert shown_ancestors(["2-b", "10-a", "9-c"], 2) == ["10-a", "9-c"]
