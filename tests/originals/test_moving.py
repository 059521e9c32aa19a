"""An original moves when its case is long over and nothing speaks against it; else it stays, and says why."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from server.casework.moving import Item, Mover, Step
from server.casework.moving_rounds import Rounds
from server.casework.usage import usage_of
from server.evidence.originals.bucket import Bucket, Held, Reply
from server.evidence.originals.document import ATTACHMENT, MOVED, has_original, moved
from sync.store import Document, Forbidden, NotFound, Unavailable
from tests.desk import Desk, picture, unsent_document
from tests.originals.conftest import DAYS, Ended, Shelf


def outcomes(items: list[Item]) -> list[tuple[str, str]]:
    return [(one.outcome, one.reason) for one in items]


def going_round(desk: Desk) -> list[Item]:
    return list(Rounds(desk.made).run_once())


def test_what_moved_is_read_as_before_and_lies_in_the_bucket_alone(ended: Ended, shelf: Shelf) -> None:
    assert outcomes(ended.move()) == [("moved", "")] * 2
    for photo, data in ended.data.items():
        document = ended.document(photo)
        assert ATTACHMENT not in (document.get("_attachments") or {})
        where = moved(document)
        assert where is not None
        assert (where.bytes, where.content_type) == (len(data), "image/jpeg")
        assert document["sha256"] == where.sha256 == hashlib.sha256(data).hexdigest()
        assert shelf.read(data) == data
        assert ended.read(photo) == data
    assert ended.move() == []


def test_the_room_is_given_back_although_nobody_writes_to_the_case_again(desk: Desk) -> None:
    case = Ended(desk, photos=1)
    before = case.document()["_rev"]
    assert [one.outcome for one in case.over().move()] == ["moved"]

    def kept() -> bool:
        try:
            desk.made.store.get(case.media, "photo:p-0", rev=before)
        except NotFound:
            return False
        return True

    deadline = time.monotonic() + 30
    while kept() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not kept()


def test_an_engine_that_compacts_nothing_takes_no_move_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_db: str) -> None:
        raise Unavailable("busy")

    case = Ended(desk).over()
    monkeypatch.setattr(desk.made.store, "request_compaction", refuse)
    assert [one.outcome for one in case.move()] == ["moved", "moved"]


def test_a_dry_run_names_what_would_move_and_writes_nothing(ended: Ended, shelf: Shelf) -> None:
    before = ended.document()
    found = list(Mover(ended.desk.made).move(ended.desk.case(ended.id), dry_run=True))
    assert outcomes(found) == [("would_move", "")] * 2
    assert {one.bytes for one in found} == {len(data) for data in ended.data.values()}
    assert (shelf.keys(), ended.document()) == (set(), before)


def test_nothing_moves_before_its_time(desk: Desk) -> None:
    case = Ended(desk)
    mover = Mover(desk.made)
    assert mover.waits_for(desk.case(case.id)) == "not_over"
    case.cancel()
    assert mover.waits_for(desk.case(case.id)) == "not_yet"
    desk.clock.forward(days=DAYS - 1)
    assert going_round(desk) == []
    desk.clock.forward(days=1, seconds=1)
    assert Counter(outcomes(going_round(desk))) == {("moved", ""): 2}
    assert going_round(desk) == []


def test_a_round_moves_no_more_than_its_bytes_and_the_next_goes_on(desk: Desk) -> None:
    cases = [Ended(desk, photos=1, seed=10 * number) for number in range(3)]
    for case in cases:
        case.cancel()
    desk.clock.forward(days=DAYS + 1)
    rounds = Rounds(desk.made)
    object.__setattr__(desk.made.settings, "originals_round_bytes", 1)
    moved_cases = [[item.case for item in rounds.run_once()] for _ in range(4)]
    assert sorted(map(len, moved_cases)) == [0, 1, 1, 1]
    assert {one for row in moved_cases for one in row} == {case.id for case in cases}


def test_a_round_leaves_cases_that_are_another_workers(ended: Ended) -> None:
    assert list(Rounds(ended.desk.made, lambda case: case != ended.id).run_once()) == []


def test_several_documents_of_the_same_bytes_share_one_object(desk: Desk, shelf: Shelf) -> None:
    one, two = Ended(desk, photos=1), Ended(desk, photos=1)
    assert one.data == two.data
    one.cancel()
    two.over()
    assert outcomes(one.move()) == outcomes(two.move()) == [("moved", "")]
    assert shelf.keys() == {shelf.key(one.data["p-0"])}
    list(Mover(desk.made).back(desk.case(one.id)))
    assert one.read() == two.read() == one.data["p-0"]


def conflict(ended: Ended) -> str:
    leaf = {**ended.document(), "note": "written elsewhere"}
    leaf.pop("_rev")
    revisions = {"start": 1, "ids": ["0" * 32]}
    branch = {**leaf, "_rev": "1-" + "0" * 32, "_revisions": revisions}
    branch["_attachments"] = {ATTACHMENT: {"content_type": "image/jpeg", "data": "aGV6aGE="}}
    [row] = ended.desk.made.store.bulk_docs(ended.media, [branch], new_edits=False)
    assert row.ok
    return "conflict"


def other_bytes(ended: Ended) -> str:
    store = ended.desk.made.store
    document = ended.document()
    document["_attachments"] = {ATTACHMENT: {"content_type": "image/jpeg", "data": "aGV6aGE="}}
    store.put(ended.media, document)
    return "digest_differs"


def other_claim(ended: Ended) -> str:
    ended.desk.made.store.put(ended.media, {**ended.document(), "sha256": "0" * 64})
    return "receipt_differs"


def no_digest(ended: Ended) -> str:
    ended.desk.made.store.put(ended.media, {**ended.document(), "sha256": "A" * 64})
    return "no_digest"


def no_receipt(ended: Ended) -> str:
    store = ended.desk.made.store
    receipt = store.get(ended.media, "photo-receipt:p-0")
    store.put(ended.media, {"_id": receipt["_id"], "_rev": receipt["_rev"], "_deleted": True})
    return "not_judged"


@pytest.mark.parametrize("spoil", [conflict, other_bytes, other_claim, no_digest, no_receipt])
def test_any_doubt_leaves_the_original_where_it_is_and_stops_no_other(
    ended: Ended, shelf: Shelf, spoil: object
) -> None:
    assert callable(spoil)
    reason = spoil(ended)
    before = ended.desk.made.store.leaves(ended.media, "photo:p-0")
    assert outcomes(ended.move()) == [("stays", reason), ("moved", "")]
    assert ended.desk.made.store.leaves(ended.media, "photo:p-0") == before
    assert shelf.keys() == {shelf.key(ended.data["p-1"])}


def test_a_document_that_changes_meanwhile_keeps_its_attachment(desk: Desk) -> None:
    case = Ended(desk, photos=1).over()

    def meanwhile(step: Step) -> None:
        if step == "verified":
            desk.made.store.put(case.media, {**case.document(), "seen": True})

    assert outcomes(case.move(step=meanwhile)) == [("stays", "changed")]
    assert ATTACHMENT in case.document()["_attachments"]
    assert outcomes(case.move()) == [("moved", "")]


def test_what_a_case_relies_on_must_be_what_its_document_names(desk: Desk) -> None:
    case = Ended(desk, photos=1)
    desk.submit(case.id, case.task, photo="p-0")
    desk.intake()
    relied = desk.case(case.id)
    assert relied.photos["p-0"].state == "verified"
    document = case.document()
    store = desk.made.store
    # Document, receipt and bytes changed together past Hezha still are not what the case knows.
    other = picture(9)
    sha256 = hashlib.sha256(other).hexdigest()
    receipt = store.get(case.media, "photo-receipt:p-0")
    store.put(case.media, {**receipt, "sha256": sha256})
    store.put(case.media, {**document, "sha256": sha256})
    [item] = case.move()
    assert outcomes([item]) == [("stays", "case_differs")]


def test_a_leaf_that_wins_later_does_not_lose_what_was_moved(ended: Ended) -> None:
    ended.move()
    data = ended.data["p-0"]
    sha256 = hashlib.sha256(data).hexdigest()
    longer = [f"{n}" * 32 for n in range(9, 0, -1)]
    other: Document = {
        **ended.document(),
        "sha256": "0" * 64,
        "_rev": f"9-{longer[0]}",
        "_revisions": {"start": 9, "ids": longer},
        "_attachments": {ATTACHMENT: {"content_type": "image/jpeg", "data": "aGV6aGE="}},
    }
    other.pop(MOVED)
    [row] = ended.desk.made.store.bulk_docs(ended.media, [other], new_edits=False)
    assert row.ok
    assert ended.document()["_rev"].startswith("9-")
    with ended.desk.made.originals.find(ended.media, "photo:p-0", sha256) as original:
        assert original.open().read() == data
    assert outcomes(list(Mover(ended.desk.made).back(ended.desk.case(ended.id)))) == [("back", "")]


def test_intake_takes_the_new_revision_in_and_changes_nothing(ended: Ended) -> None:
    before = ended.desk.case(ended.id)
    receipts = list(ended.desk.made.store.all_docs(ended.media, prefix="photo-receipt:"))
    ended.move()
    ended.desk.intake()
    assert ended.desk.case(ended.id) == before
    assert list(ended.desk.made.store.all_docs(ended.media, prefix="photo-receipt:")) == receipts


def test_usage_counts_what_was_moved_apart(ended: Ended) -> None:
    made = ended.desk.made
    ended.move()
    made.cases.project_all()
    used = usage_of(made.store, made.names, made.readmodel, "demo", 5)
    size = sum(map(len, ended.data.values()))
    assert (used.moved_originals, used.moved_bytes) == (2, size)
    assert used.largest[0].moved_bytes == size
    shown = ended.desk.get("/storage/usage", by="admin")
    assert (shown["moved_originals"], shown["moved_bytes"]) == (2, size)
    assert shown["largest"][0]["moved_bytes"] == size


def test_back_attaches_them_again_and_empties_nothing(ended: Ended, shelf: Shelf) -> None:
    ended.move()
    keys = shelf.keys()
    mover = Mover(ended.desk.made)
    assert outcomes(list(mover.back(ended.desk.case(ended.id)))) == [("back", "")] * 2
    for photo, data in ended.data.items():
        document = ended.document(photo)
        assert MOVED not in document
        with ended.desk.made.store.open_attachment(ended.media, f"photo:{photo}", ATTACHMENT) as found:
            assert found.stream.read() == data
    assert shelf.keys() == keys
    assert list(mover.back(ended.desk.case(ended.id))) == []
    assert outcomes(ended.move()) == [("moved", "")] * 2


def test_back_brings_no_other_bytes(ended: Ended, shelf: Shelf) -> None:
    ended.move()
    shelf.overwrite(ended.data["p-0"], bytes(len(ended.data["p-0"])))
    shelf.remove(ended.data["p-1"])
    found = list(Mover(ended.desk.made).back(ended.desk.case(ended.id)))
    assert outcomes(found) == [("lost", "lost_digest"), ("lost", "lost_missing")]
    assert moved(ended.document("p-0")) is not None


@pytest.fixture
def moved_away(ended: Ended) -> Ended:
    ended.move()
    return ended


def check(ended: Ended, *, deep: bool) -> list[tuple[str, str]]:
    return outcomes(list(Mover(ended.desk.made).check(ended.desk.case(ended.id), deep=deep)))


def test_a_check_finds_what_is_gone_short_or_other(moved_away: Ended, shelf: Shelf) -> None:
    first, second = moved_away.data.values()
    assert check(moved_away, deep=False) == check(moved_away, deep=True) == [("sound", "")] * 2
    shelf.overwrite(first, bytes(len(first)))
    shelf.remove(second)
    assert check(moved_away, deep=False) == [("sound", ""), ("lost", "lost_missing")]
    assert check(moved_away, deep=True) == [("lost", "lost_digest"), ("lost", "lost_missing")]
    shelf.overwrite(first, first[:-1])
    assert check(moved_away, deep=False)[0] == ("lost", "lost_length")


def test_wrong_bytes_under_the_key_are_written_over_before_anything_is_taken_away(
    ended: Ended, shelf: Shelf
) -> None:
    for data in ended.data.values():
        shelf.overwrite(data, bytes(len(data)))
    assert outcomes(ended.move()) == [("moved", "")] * 2
    for photo, data in ended.data.items():
        assert ended.read(photo) == data


class Watched:
    """A bucket that counts what was read of it, and may say something else of its objects."""

    def __init__(
        self, bucket: Bucket, says: Callable[[Held | None], Held | None] = lambda held: held
    ) -> None:
        self._bucket = bucket
        self._says = says
        self.attempts = bucket.attempts
        self.opened = 0

    def head(self, key: str, *, checksum: bool = False) -> Held | None:
        held = self._bucket.head(key, checksum=checksum)
        return self._says(held) if checksum else held

    def open(self, *part: Any) -> Reply:
        self.opened += 1
        return self._bucket.open(*part)

    def put(self, *given: Any) -> None:
        self._bucket.put(*given)

    def close(self) -> None:
        self._bucket.close()


def watched(ended: Ended, verify: str, says: Callable[[Held | None], Held | None]) -> Watched:
    made = ended.desk.made
    assert made.bucket is not None
    bucket = Watched(made.bucket, says)
    settings = replace(made.settings, originals_verify=verify)
    ended.desk.made = replace(made, bucket=cast(Bucket, bucket), settings=settings)
    return bucket


@pytest.mark.parametrize(
    ("verify", "says", "outcome", "read"),
    [
        ("read", lambda held: held, ("moved", ""), 2),
        ("checksum", lambda held: held, ("moved", ""), 0),
        ("checksum", lambda held: Held(held.bytes), ("moved", ""), 2),
        ("checksum", lambda held: Held(held.bytes, "0" * 64), ("stays", "not_there"), 0),
        ("checksum", lambda held: Held(held.bytes + 1, held.sha256), ("stays", "not_there"), 0),
    ],
    ids=["read back", "told", "told nothing", "told another", "another length"],
)
def test_a_digest_of_the_storages_own_is_believed_only_by_a_setting(
    ended: Ended, verify: str, says: Any, outcome: tuple[str, str], read: int
) -> None:
    bucket = watched(ended, verify, says)
    assert outcomes(ended.move()) == [outcome] * 2
    assert bucket.opened == read
    assert (MOVED in ended.document()) == (outcome[0] == "moved")


def test_where_an_original_went_is_never_a_tablets_word(desk: Desk) -> None:
    case = Ended(desk).over()
    case.move()
    forged = {**case.document(), "_id": "photo:forged", "by": "inspector"}
    forged.pop("_rev")
    with pytest.raises(Forbidden):
        desk.write("inspector", case.media, forged)
    # Nor by way of the outbox, from which Hezha itself brings documents in.
    outbox = desk.made.names.outbox("inspector")
    desk.write("inspector", outbox, unsent_document("u-1", case.media, forged))
    desk.intake()
    decision = {"decision": "accept", "reason": "spoken to"}
    desk.post(f"/cases/{case.id}/quarantine/u-1/settle", decision)
    desk.intake()
    brought = desk.document(case.media, "photo:forged")
    assert (MOVED in brought, has_original(brought)) == (False, False)
