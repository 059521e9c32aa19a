"""The write rules say the same of every vector, whichever engine runs them; and nothing but they says it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sync.rules import DESIGN_ID, design_document, validate_doc_update
from tests.write_rules.couch import Couch
from tests.write_rules.embedded import Embedded, security
from tests.write_rules.vectors import ADMIN, Verdict, expected, vectors

COUCHDB_URL = os.environ.get("HEZHA_TEST_COUCHDB_URL", "")
VECTORS = vectors()
KINDS = {"case", "media", "outbox", "inbox", "library", "registry"}
#: A database that lets everybody in: the rules alone decide.
NO_RULES = {"_id": DESIGN_ID, "language": "javascript", "validate_doc_update": "function () {}"}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    made = Embedded(tmp_path_factory.mktemp("rules"), design_document())
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def without_rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    made = Embedded(tmp_path_factory.mktemp("none"), NO_RULES)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def couch() -> Iterator[Couch]:
    with Couch(COUCHDB_URL, [vector for vector in VECTORS if ADMIN not in vector["roles"]]) as couch:
        yield couch


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_embedded_engine_says_what_the_vector_says(embedded: Embedded, vector: dict[str, Any]) -> None:
    assert embedded.judge(vector) == expected(vector)


def test_without_the_rules_nobody_has_an_opinion(without_rules: Embedded) -> None:
    """Nothing in Python decides who may write what: what the rules refuse, they alone refuse."""
    refused = [vector for vector in VECTORS if vector["verdict"] != "ok"]
    assert refused
    for vector in refused:
        assert without_rules.judge(vector) == Verdict("ok"), vector["name"]


@pytest.mark.skipif(not COUCHDB_URL, reason="HEZHA_TEST_COUCHDB_URL names no CouchDB to run the rules")
def test_couchdb_says_what_the_vectors_say(couch: Couch) -> None:
    wrong = []
    for vector in VECTORS:
        said = couch.judge(vector, security(vector))
        if said != expected(vector):
            wrong.append((vector["name"], said))
    assert wrong == []


def test_every_type_meets_every_kind_of_writer() -> None:
    """Vectors that leave a type or a situation out would prove little."""
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS) >= 150
    types = {vector["id"].split(":")[0] for vector in VECTORS}
    tablets = {"inspection", "track", "signature", "hazard", "photo", "unsent"}
    assert tablets | {"case", "receipt", "photo-receipt", "assignment"} <= types
    for one in tablets:
        ours = [vector for vector in VECTORS if vector["id"].split(":")[0] == one]
        assert {vector["verdict"] for vector in ours} == {"ok", "forbidden", "unauthorized"}, one
        assert {vector.get("how", "edit") for vector in ours} == {"edit", "grown", "branch", "long"}, one
        assert {vector["kind"] for vector in ours} >= KINDS


def test_every_reason_of_the_rules_has_a_vector() -> None:
    reasons = re.findall(r"(?:refuse\(|unauthorized: )'([a-z_]+)", validate_doc_update())
    assert set(reasons) == {vector["reason"] for vector in VECTORS if "reason" in vector}
