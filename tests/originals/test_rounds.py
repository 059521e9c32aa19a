"""The worker goes round by itself: nothing that goes wrong ends it, and what moved is known everywhere."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import cast

import pytest

from server.casework.moving_rounds import keep_moving
from server.casework.projection import project_photo
from server.commands.store_health import store_findings
from server.intake.sharing import Sharing
from server.intake.worker import make_intake
from server.readmodel.originals import moved_by_case
from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety import backup
from tests.desk import Clock, Desk, open_desk
from tests.originals.conftest import POLICY, Ended


class Rounds:
    """A `stop` that lets so many rounds pass."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds

    def wait(self, _seconds: float) -> None:
        self.left -= 1

    def is_set(self) -> bool:
        return self.left == 0


def let(desk: Desk, rounds: int) -> None:
    keep_moving(desk.made, cast(threading.Event, Rounds(rounds)))


def test_it_goes_on_after_a_round_in_which_the_storage_was_gone(ended: Ended) -> None:
    bucket = ended.desk.made.bucket
    assert bucket is not None
    now = [0.0]
    bucket._monotonic = lambda: now[0]
    bucket._silent_until = 1.0
    let(ended.desk, 1)
    assert moved_by_case(ended.desk.made.readmodel, "demo") == {}
    now[0] = 1.0
    let(ended.desk, 1)
    assert moved_by_case(ended.desk.made.readmodel, "demo")[ended.id].originals == 2


def test_it_goes_on_after_a_case_that_cannot_be_read(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_case: str) -> None:
        raise ValueError("damaged")

    monkeypatch.setattr(ended.desk.made.cases, "load", unreadable)
    let(ended.desk, 2)
    monkeypatch.undo()
    let(ended.desk, 1)
    assert moved_by_case(ended.desk.made.readmodel, "demo")[ended.id].originals == 2


def test_without_an_object_storage_there_are_no_rounds(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        let(desk, 3)


def test_the_lists_of_another_server_learn_of_it(ended: Ended) -> None:
    made = ended.desk.made
    before = ended.document()
    ended.move()
    receipt = made.store.get(ended.media, "photo-receipt:p-0")
    project_photo(made.readmodel, ended.id, before, receipt)
    assert moved_by_case(made.readmodel, "demo")[ended.id].originals == 1
    sharing = Sharing(made, make_intake(made), threading.Event())
    sharing._show(ended.media, made.store.changes(ended.media))
    assert moved_by_case(made.readmodel, "demo")[ended.id].originals == 2


def held(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "blobs").rglob("*") if file.is_file())


def test_the_engines_own_housekeeping_frees_the_room_and_finds_nothing_wrong(
    tmp_path: Path, address: dict[str, str]
) -> None:
    own = tmp_path / "policy.yaml"
    own.write_text(POLICY, "utf-8")
    folder = tmp_path / "data"
    folder.mkdir()
    with open_desk(
        folder,
        clock=Clock(),
        policy_file=str(own),
        compact_min_bytes=1,
        compact_share=0.01,
        blob_sweep_seconds=0.001,
        blob_abandoned_seconds=0.001,
        **address,  # type: ignore[arg-type]
    ) as desk:
        case = Ended(desk).over()
        size = sum(map(len, case.data.values()))
        before = held(folder)
        case.move()
        assert held(folder) == before
        store = cast(EmbeddedStore, desk.made.store)
        for later in (1.0, 2.0, 3.0):
            store.tidy(time.time() + later)
        assert held(folder) == before - size
        assert {photo: case.read(photo) for photo in case.data} == case.data
        findings = list(store_findings(desk.made.settings, deep=True))
        assert [one for one in findings if one.level != "ok"] == []
        kept = backup.make(folder, tmp_path / "backup", made_by="test", now=desk.clock())
        assert kept.manifest.damaged == ()
        assert held(tmp_path / "backup") == before - size
