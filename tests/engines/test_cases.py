"""A case on every engine: forged leaves are settled, and on a cluster one writer at a time gets in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.casework.cases import SYSTEM, Cases
from server.names import Names
from server.readmodel.database import ReadModel
from server.settings import Settings
from server.workflow import commands as c
from server.workflow.branches import Leaf
from server.workflow.documents import case_to_document
from server.workflow.inforce import InForce
from server.workflow.log import verify_log
from server.workflow.model import Case
from sync.lease import Leases, Terms
from sync.store import DocumentStore, Security
from tests.desk import policies
from tests.forks import LOSES, WINS, as_read, decided_elsewhere
from tests.workflow.builders import HAZARD_CHECKLIST, INSPECTOR, MANAGER, START, ready_desk, text

NAMES = Names(Settings())
TERMS = Terms(seconds=30.0, skew=1.0, wait=30.0)
HAZARD = c.ReportHazard(
    hazard_id="h-1",
    description="An open cable pit.",
    at=START,
    by=INSPECTOR.name,
    checklist=HAZARD_CHECKLIST,
    text=text("hazard"),
)


def settled_in(store: DocumentStore, case: Case) -> None:
    """A case as it would be after its opening, with its people."""
    store.create_database(NAMES.registry)
    store.create_database(NAMES.inbox("manager"), Security(members=("manager",), kind="inbox"))
    for database in (NAMES.forms(case.id), NAMES.media(case.id)):
        store.create_database(database, Security(kind="case"))
    store.put(NAMES.forms(case.id), case_to_document(case))


def cases_on(store: DocumentStore, readmodel: ReadModel) -> Cases:
    def clock() -> datetime:
        return datetime.now(UTC)

    leases = None if store.exact_revisions else Leases(store, NAMES.registry, TERMS, clock)
    return Cases(store, NAMES, readmodel, InForce(policies()), clock, leases)


@pytest.fixture
def readmodel(tmp_path: Path) -> Iterator[ReadModel]:
    with closing(ReadModel(tmp_path / "readmodel.sqlite3")) as opened:
        yield opened


@pytest.fixture
def case(store: DocumentStore) -> Case:
    desk = ready_desk()
    desk.do(c.AmendCase(manager="manager", reason="so that there is an inbox"))
    settled_in(store, desk.case)
    return desk.case


def fork(store: DocumentStore, case: Case, digest: str) -> None:
    """An authorization here, and a notice elsewhere that has this hash."""
    forms = NAMES.forms(case.id)
    policy = policies().at(START.date())
    known = as_read(store, forms)
    here = LOSES if digest == WINS else WINS
    for command, actor, leaf in ((c.Authorize(), MANAGER, here), (HAZARD, SYSTEM, digest)):
        now = case.log[-1].at + timedelta(minutes=1)  # while what was said of the day still holds
        decided_elsewhere(store, forms, known, (command, actor), digest=leaf, now=now, policy=policy)


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_conflict_is_settled_before_anybody_decides(
    store: DocumentStore, readmodel: ReadModel, case: Case, digest: str
) -> None:
    fork(store, case, digest)
    known = cases_on(store, readmodel).load(case.id)
    assert known.case.hazards.keys() == {"h-1"}
    assert known.case.energization.status == "none"
    assert verify_log(known.case)
    assert [leaf["_rev"] for leaf in store.leaves(NAMES.forms(case.id), "case")] == [known.rev]
    [message] = store.all_docs(NAMES.inbox("manager"), prefix="message:")
    assert message["code"] == "case_conflict"


def test_servers_that_settle_the_same_leaves_write_one_revision(
    store: DocumentStore, other: DocumentStore, readmodel: ReadModel, case: Case
) -> None:
    """The same leaves on another replica; nothing of the result depends on who, or when."""
    fork(store, case, WINS)
    settled_in(other, case)
    leaves = store.leaves(NAMES.forms(case.id), "case")
    other.bulk_docs(NAMES.forms(case.id), leaves, new_edits=False)
    mine = cases_on(store, readmodel).load(case.id)
    theirs = cases_on(other, readmodel).load(case.id)
    assert Leaf(mine.rev, mine.case) == Leaf(theirs.rev, theirs.case)


def test_decisions_made_at_once_all_land_without_a_conflict(
    store: DocumentStore, readmodel: ReadModel, case: Case
) -> None:
    cases = cases_on(store, readmodel)
    failures: list[Exception] = []

    def note(number: int) -> None:
        try:
            cases.apply(case.id, c.AmendCase(reason=f"by {number}", title=f"title {number}"), MANAGER)
        except Exception as error:  # noqa: BLE001  whatever it is, the test looks at it
            failures.append(error)

    threads = [threading.Thread(target=note, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    log = cases.load(case.id).case.log[len(case.log) :]
    assert {entry.data["reason"] for entry in log} == {f"by {number}" for number in range(4)}
    assert len(store.leaves(NAMES.forms(case.id), "case")) == 1
