"""Server-owned documents that were written in two places: the worker settles them by their rule, unasked."""

from __future__ import annotations

import itertools

import pytest

from server.casework.cases import SYSTEM
from server.casework.claims import first_claim
from server.casework.numbers import NumberTaken, claim_number
from server.intake.intake import FOLLOWER
from server.intake.leaves import RULES
from server.intake.photos import merged_verdict
from server.workflow import commands
from server.workflow.model import ChecklistRef
from server.workflow.vocabulary import Text
from sync.follow import checkpoint_id
from sync.store import Document
from tests.desk import START, Desk
from tests.forks import LOSES, WINS, as_read, decided_elsewhere, one_leaf, written_elsewhere


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_receipt_says_again_what_the_case_says(desk: Desk, digest: str) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task, PF_01=desk.answer("fail", note="loose"))
    desk.intake()
    *_, receipt = desk.receipts(case, task)
    forged = {**receipt, "failed": [], "status": "returned"}
    written_elsewhere(desk.made.store, desk.forms(case), forged, digest)
    desk.intake()
    settled = one_leaf(desk.made.store, desk.forms(case), receipt["_id"])
    assert (settled["status"], settled["failed"]) == ("accepted", ["PF-01"])


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_verified_photo_stays_verified(desk: Desk, digest: str) -> None:
    """The tablet may have let go of its copy, and the case of its doubts."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task)
    desk.intake()
    receipt = desk.document(desk.media(case), "photo-receipt:p-1")
    written_elsewhere(
        desk.made.store, desk.media(case), {**receipt, "status": "refused", "sha256": None}, digest
    )
    desk.intake()
    assert one_leaf(desk.made.store, desk.media(case), receipt["_id"])["status"] == "verified"
    assert desk.case(case).photos["p-1"].state == "verified"


def test_no_verdict_depends_on_the_order_of_leaves() -> None:
    leaves: list[Document] = [
        {"status": "refused", "at": "2026-01-01", "sha256": None},
        {"status": "verified", "at": "2026-01-03", "sha256": "b"},
        {"status": "verified", "at": "2026-01-02", "sha256": "a"},
    ]
    for order in itertools.permutations(leaves):
        assert merged_verdict(order) == leaves[2]


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_of_two_claims_to_a_number_the_first_stands(desk: Desk, digest: str) -> None:
    store, registry = desk.made.store, desk.made.names.registry
    claim_number(store, registry, "demo", "YK-9", "late", START)
    [claim] = [doc for doc in store.all_docs(registry, prefix="case-no:") if doc["no"] == "YK-9"]
    written_elsewhere(
        desk.made.store, registry, {**claim, "case": "early", "at": "2026-11-02T07:00:00+00:00"}, digest
    )
    desk.intake()
    assert one_leaf(desk.made.store, registry, claim["_id"])["case"] == "early"
    claim_number(store, registry, "demo", "YK-9", "early", START)
    with pytest.raises(NumberTaken):
        claim_number(store, registry, "demo", "YK-9", "late", START)


def test_the_first_claim_is_the_same_whoever_looks() -> None:
    leaves: list[Document] = [{"at": "2", "case": "a"}, {"at": "1", "case": "c"}, {"at": "1", "case": "b"}]
    assert {first_claim(order)["case"] for order in itertools.permutations(leaves)} == {"b"}


def test_every_type_of_the_registry_has_a_rule(desk: Desk) -> None:
    """Leases settle themselves; a new type must not be forgotten."""
    desk.open_case()
    desk.signed_in("manager")
    desk.ask("POST", "/cases", json=desk.application(), headers={"Idempotency-Key": "k"})
    documents = desk.made.store.all_docs(desk.made.names.registry)
    kinds = {doc["type"] for doc in documents if not doc["_id"].startswith("_design/")}
    assert {"user", "device", "signin", "idempotency", "case-no"} <= kinds
    assert kinds - {"lease", "workers"} <= RULES["registry"].keys()


def test_what_an_old_log_cannot_repeat_is_taken_in_again(desk: Desk) -> None:
    """A hazard that another server's worker took in, on a branch that lost and kept no commands."""
    case = desk.open_case()
    store, forms = desk.made.store, desk.forms(case)
    desk.assign(case)
    desk.intake()
    before = as_read(store, forms)
    document = {"_id": "hazard:h-1", "type": "hazard", "schema": 1, "by": "inspector", "description": "a pit"}
    desk.write("inspector", forms, {**document, "at": desk.clock().isoformat()})
    store.put_local(forms, checkpoint_id(FOLLOWER), {"seq": store.info(forms).update_seq})
    desk.patch(f"/cases/{case}", {"title": "b", "reason": "x"})
    heard = commands.ReportHazard(
        hazard_id="h-1",
        description="a pit",
        at=desk.clock(),
        by="inspector",
        checklist=ChecklistRef("hazard-recheck", 1),
        text=Text("隐患", "hazard"),
    )
    decided_elsewhere(
        store,
        forms,
        before,
        (heard, SYSTEM),
        digest=LOSES,
        now=desk.clock(),
        policy=desk.made.cases.policy("demo"),
        causes=False,
    )
    assert desk.get(f"/cases/{case}/energization")["hold"]["cause"] == "conflict_unclear"
    assert desk.case(case).hazards == {}
    desk.intake()
    known = desk.case(case)
    assert known.hazards.keys() == {"h-1"}
    assert known.title == "b"
    released = desk.post(f"/cases/{case}/energization/release", {"reason": "compared by hand"})
    assert released["status"] == "none"
