"""Events are kept once and in order, for as long as the setting says, and a gap is never silent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from server.live.backlog import Backlog, Gap
from server.workflow import commands as c
from server.workflow.model import Case
from tests.workflow.branches import branch, rebased
from tests.workflow.builders import START, Desk


@pytest.fixture
def backlog(tmp_path: Path) -> Iterator[Backlog]:
    made = Backlog(tmp_path / "live.sqlite3", keep=20, now=START)
    yield made
    made.close()


def told(backlog: Backlog, seq: int = 0) -> list[str]:
    return [event.event for event in backlog.after(seq, 1000)]


def tell(backlog: Backlog, case: Case, generation: int) -> int:
    return backlog.tell([(case, f"{generation}-a")])


def test_each_entry_is_told_once_and_in_order(backlog: Backlog) -> None:
    desk = Desk()
    opened = len(desk.case.log)
    assert tell(backlog, desk.case, 1) == opened
    before = desk.case
    desk.do(c.SetFacts(facts={"dual": True}))
    desk.do(c.SetFacts(facts={"gen": True}))
    assert tell(backlog, desk.case, 3) == 2
    assert tell(backlog, desk.case, 3) == 0
    assert tell(backlog, before, 1) == 0
    assert told(backlog) == [entry.event for entry in desk.case.log]
    found = backlog.after(opened, 1)
    assert [(one.entry, one.case_id, one.organisation) for one in found] == [
        (opened + 1, desk.case.id, desk.case.organisation)
    ]


def test_what_is_no_longer_kept_is_a_gap(backlog: Backlog) -> None:
    desk = Desk()
    for n in range(40):
        desk.do(c.SetFacts(facts={"dual": bool(n % 2)}))
        tell(backlog, desk.case, n + 1)
    latest = backlog.latest()
    assert len(backlog.after(latest - 20, 1000)) == 20
    for seq in (0, latest - 21, latest + 1):
        with pytest.raises(Gap):
            backlog.after(seq, 1)
    assert backlog.after(latest, 1) == []


def test_a_case_from_before_the_backlog_tells_only_what_is_new(tmp_path: Path) -> None:
    desk = Desk()
    later = Backlog(tmp_path / "live.sqlite3", keep=20, now=desk.now + timedelta(days=1))
    assert tell(later, desk.case, 1) == 0
    desk.do(c.SetFacts(facts={"dual": True}), at=desk.now + timedelta(days=2))
    assert tell(later, desk.case, 2) == 1
    later.close()


def test_a_case_that_was_made_one_again_tells_what_came_of_it(backlog: Backlog) -> None:
    desk = Desk()
    winner, loser = branch(desk), branch(desk)
    loser.do(c.SetFacts(facts={"gen": True}))
    tell(backlog, loser.case, 2)
    seq = backlog.latest()
    winner.do(c.SetFacts(facts={"dual": True}))
    case = rebased(winner, loser).case
    tell(backlog, case, 5)
    assert told(backlog, seq)[-1] == case.log[-1].event
    assert "conflict_rebased" in told(backlog, seq)


def test_numbers_go_on_after_a_restart_and_begin_anew_with_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "live.sqlite3"
    first = Backlog(path, keep=20, now=START)
    tell(first, Desk().case, 1)
    epoch, latest = first.epoch, first.latest()
    first.close()
    again = Backlog(path, keep=20, now=START)
    assert (again.epoch, again.latest()) == (epoch, latest)
    again.close()
    path.write_bytes(b"not a database, and large enough to be taken for one" * 100)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    anew = Backlog(path, keep=20, now=START)
    assert (anew.epoch != epoch, anew.latest()) == (True, 0)
    anew.close()


def test_another_process_sees_what_was_told(tmp_path: Path, backlog: Backlog) -> None:
    other = Backlog(tmp_path / "live.sqlite3", keep=20, now=START)
    version = other.version()
    tell(backlog, Desk().case, 1)
    assert other.version() != version
    assert told(other) == told(backlog)
    assert tell(other, Desk().case, 1) == 0
    other.close()


def test_a_case_without_a_log_tells_nothing(backlog: Backlog) -> None:
    assert tell(backlog, replace(Desk().case, log=()), 1) == 0
