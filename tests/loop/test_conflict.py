"""A cluster that let two decisions on one case pass: neither is lost, and the breaker stays open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from checklists.loader import fact_definitions
from server.names import Names
from server.settings import load
from server.storage import open_store
from server.workflow import commands
from server.workflow.model import Actor, ChecklistRef
from server.workflow.policy import load_policy
from server.workflow.vocabulary import Text
from sync.store import DocumentStore
from tests.forks import LOSES, WINS, as_read, decided_elsewhere
from tests.loop.conftest import MakeInspector
from tests.loop.house import House
from tests.loop.office import Office
from tests.loop.shortcuts import ready_case

pytestmark = pytest.mark.loop


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def replica(house: House) -> Iterator[DocumentStore]:
    """The house's store, as another server of the cluster has it before it."""
    with closing(open_store(load(house.environment), now)) as store:
        yield store


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_notice_that_another_server_drafted_withdraws_the_breaker_order(
    house: House, office: Office, inspector: MakeInspector, case_no: str, replica: DocumentStore, digest: str
) -> None:
    """Nobody asks for the case: the worker finds the leaves, and the tablet reads of it in its inbox."""
    names = Names(load(house.environment))
    wang = inspector("wang")
    case = ready_case(house, office, wang, case_no)
    before = as_read(replica, names.forms(case))
    assert office.authorize(case)["status"] == "authorized"
    hazard = commands.ReportHazard(
        hazard_id="h-elsewhere",
        description="电缆沟内有积水",
        at=now(),
        by=wang.name,
        checklist=ChecklistRef("hazard-recheck", 1),
        text=Text("隐患已消除", "hazard removed"),
    )
    policy = load_policy(fact_names=fact_definitions().keys()).at(now().date())
    intake = Actor("hezha", ("system",))
    decided_elsewhere(
        replica, names.forms(case), before, (hazard, intake), digest=digest, now=now(), policy=policy
    )
    assert len(replica.leaves(names.forms(case), "case")) == 2
    [message] = office.until(wang.messages, what="a message in the inbox")
    assert (message["code"], message["case"]) == ("case_conflict", case)
    assert office.energization(case)["status"] == "none"
    [notice] = office.notices(case)
    assert (notice["hazard_id"], notice["state"]) == ("h-elsewhere", "draft")
    assert office.refused(case) == {"notices-closed"}
    assert office.get(f"/cases/{case}/log")["verified"] is True
    assert len(replica.leaves(names.forms(case), "case")) == 1
