"""Before anything is stored every `validate_doc_update` of the database is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sync.embedded.engine import EmbeddedStore, Limits
from sync.store import BadRequest, Document, Forbidden, NotFound, Security, Unauthorized, UserCtx

USER = UserCtx("li.wei", ("inspector",))
DESIGN: Document = {"_id": "_design/hezha", "validate_doc_update": "RULE 1"}


class Judge:
    """Stands for the JavaScript engine: notes what it is shown, and says what a test wants."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.verdict: Callable[[Document], None] = lambda _: None

    def __call__(
        self, sources: Sequence[str], new_doc: bytes, old_doc: bytes | None, user_ctx: bytes, sec_obj: bytes
    ) -> None:
        shown = [json.loads(value or b"null") for value in (new_doc, old_doc, user_ctx, sec_obj)]
        self.calls.append((list(sources), *shown))
        self.verdict(shown[0])


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def store(tmp_path: Path, judge: Judge) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path, validator=judge, design=DESIGN)
    opened.create_database("db", Security(kind="case", writers=("li.wei",)))
    yield opened
    opened.close()


def test_a_new_database_has_the_write_rules(store: EmbeddedStore) -> None:
    assert store.get("db", "_design/hezha")["validate_doc_update"] == "RULE 1"


def test_a_new_document_is_shown_without_a_revision(store: EmbeddedStore, judge: Judge) -> None:
    store.put("db", {"_id": "a", "v": 1}, user=USER)
    sources, new, old, context, security = judge.calls[-1]
    assert (sources, old) == (["RULE 1"], None)
    assert new == {"_id": "a", "v": 1}
    assert context == {"db": "db", "name": "li.wei", "roles": ["inspector"]}
    assert security["hezha"] == {"kind": "case", "writers": ["li.wei"]}


def test_an_edit_is_shown_with_the_revision_it_replaces(store: EmbeddedStore, judge: Judge) -> None:
    first = store.put("db", {"_id": "a", "v": 1, "_attachments": {"p": {"data": "aGk="}}})
    stubs = store.get("db", "a")["_attachments"]
    store.put("db", {"_id": "a", "_rev": first, "_attachments": {"p": {"stub": True}}, "v": 2}, user=USER)
    _, new, old, _, _ = judge.calls[-1]
    line = {"start": 1, "ids": [first[2:]]}
    assert old == {"_id": "a", "_rev": first, "v": 1, "_revisions": line, "_attachments": stubs}
    assert new == {"_id": "a", "_rev": first, "v": 2, "_revisions": line, "_attachments": stubs}
    store.put("db", {"_id": "a", "_rev": store.get("db", "a")["_rev"], "_deleted": True}, user=USER)
    assert judge.calls[-1][1]["_deleted"] is True


def test_a_replicated_edit_is_judged_against_the_nearest_ancestor_on_disk(
    store: EmbeddedStore, judge: Judge
) -> None:
    def replicate(*ids: str) -> tuple[Document, Any]:
        """The new and the old document that the last question showed."""
        doc = {"_id": "a", "_revisions": {"start": len(ids), "ids": list(ids)}, "v": ids[0]}
        assert store.bulk_docs("db", [doc], new_edits=False, user=USER)[0].ok
        return judge.calls[-1][1], judge.calls[-1][2]

    new, old = replicate("a")
    assert (new["_rev"], old) == ("1-a", None)
    assert replicate("d", "c", "b", "a")[1]["_rev"] == "1-a"
    assert replicate("e", "c", "b", "a")[1]["_rev"] == "1-a"
    new, old = replicate("f", "d", "c", "b", "a")
    assert old["_rev"] == "4-d"
    assert new["_revisions"] == {"start": 5, "ids": ["f", "d", "c", "b", "a"]}
    asked = len(judge.calls)
    replicate("d", "c", "b", "a")
    assert len(judge.calls) == asked, "what is known already is not judged again"


def test_a_document_made_anew_after_deletion_has_no_old_one(store: EmbeddedStore, judge: Judge) -> None:
    first = store.put("db", {"_id": "a"})
    store.put("db", {"_id": "a", "_rev": first, "_deleted": True})
    store.put("db", {"_id": "a"}, user=USER)
    assert judge.calls[-1][2] is None


def test_a_refusal_stores_nothing_and_lets_the_others_through(store: EmbeddedStore, judge: Judge) -> None:
    def verdict(doc: Document) -> None:
        if doc["_id"] == "b":
            raise Forbidden("not_a_writer: b")
        if doc["_id"] == "c":
            raise Unauthorized("sign in")

    judge.verdict = verdict
    before = store.info("db").update_seq
    with pytest.raises(Forbidden):
        store.put("db", {"_id": "b"}, user=USER)
    assert store.info("db").update_seq == before
    rows = store.bulk_docs("db", [{"_id": name} for name in "abcd"], user=USER)
    assert [(row.error, row.reason) for row in rows] == [
        (None, None),
        ("forbidden", "not_a_writer: b"),
        ("unauthorized", "sign in"),
        (None, None),
    ]
    assert [doc["_id"] for doc in store.all_docs("db")] == ["_design/hezha", "a", "d"]


def test_local_documents_are_not_judged(store: EmbeddedStore, judge: Judge) -> None:
    store.put("db", {"_id": "_local/x"}, user=USER)
    assert judge.calls == []


def test_new_rules_hold_from_the_next_write_on(store: EmbeddedStore, judge: Judge) -> None:
    """Beside Hezha's own, a database may carry more; a database of nobody's carries what it is given."""
    store.create_database("free")
    store.put("free", {"_id": "_design/own", "validate_doc_update": "RULE 2"})
    design = store.get("free", "_design/own")
    store.bulk_docs("free", [{**design, "validate_doc_update": "RULE 3"}, {"_id": "b"}])
    assert judge.calls[-1][0] == ["RULE 3"]
    for db, held in (("free", ["MORE", "RULE 3"]), ("db", ["MORE", "RULE 1"])):
        store.put(db, {"_id": "_design/extra", "validate_doc_update": "MORE"})
        store.put(db, {"_id": "c"})
        assert judge.calls[-1][0] == held
    for name in ("_design/extra", "_design/own"):
        store.put("free", {"_id": name, "_rev": store.get("free", name)["_rev"], "_deleted": True})
    asked = len(judge.calls)
    store.put("free", {"_id": "d"})
    assert len(judge.calls) == asked


def test_the_rules_in_force_hold_whatever_lies_in_a_database(store: EmbeddedStore, judge: Judge) -> None:
    """Older rules, none, or words under their id that are no rules: no write passes by them."""
    design = store.get("db", "_design/hezha")
    for stand_in in ({"validate_doc_update": "OLDER"}, {"language": "javascript"}, {"_deleted": True}):
        design["_rev"] = store.put("db", {"_id": design["_id"], "_rev": design["_rev"], **stand_in})
        asked = len(judge.calls)
        store.bulk_docs("db", [{"_id": f"a{asked}"}], user=USER)
        assert [call[0] for call in judge.calls[asked:]] == [["RULE 1"]]
    store.create_database("tool")
    store.put("tool", {"_id": "_design/hezha", "validate_doc_update": "OLDER"})
    store.put("tool", {"_id": "a"})
    assert judge.calls[-1][0] == ["RULE 1"], "who carries them is held to them"


def test_an_upgrade_holds_before_any_database_was_rewritten(
    store: EmbeddedStore, judge: Judge, tmp_path: Path
) -> None:
    store.put("db", {"_id": "a"}, user=USER)
    newer = EmbeddedStore(tmp_path, validator=judge, design={**DESIGN, "validate_doc_update": "RULE 9"})
    newer.put("db", {"_id": "b"}, user=USER)
    assert judge.calls[-1][0] == ["RULE 9"]
    assert newer.get("db", "_design/hezha")["validate_doc_update"] == "RULE 1"
    newer.create_database("born", Security(kind="case"))
    assert newer.refresh_design_documents() == ["db"]
    newer.close()


def test_a_rule_written_by_another_process_holds_here(
    store: EmbeddedStore, judge: Judge, tmp_path: Path
) -> None:
    store.put("db", {"_id": "a"})
    neighbour = EmbeddedStore(tmp_path)
    neighbour.put("db", {"_id": "_design/more", "validate_doc_update": "RULE 3"})
    neighbour.close()
    store.put("db", {"_id": "b"})
    assert judge.calls[-1][0] == ["RULE 1", "RULE 3"]


def test_rules_without_an_engine_shut_the_database(store: EmbeddedStore, tmp_path: Path) -> None:
    """Never let a write through because nobody was there to judge it."""
    blind = EmbeddedStore(tmp_path)
    with pytest.raises(Forbidden):
        blind.put("db", {"_id": "a"})
    blind.close()


def test_a_database_that_is_not_hezhas_own_is_as_empty_as_couchdb_makes_it(
    store: EmbeddedStore,
) -> None:
    """Made by a tool over HTTP: no rules, and admins only; it keeps no rules by a restart either."""
    store.create_database("foreign")
    assert store.info("foreign").doc_count == 0
    assert store.security("foreign") == {
        "members": {"roles": ["_admin"]},
        "admins": {"roles": ["_admin"]},
    }
    assert store.refresh_design_documents() == []
    store.put_security("foreign", Security(kind="case").to_json())
    assert store.refresh_design_documents() == ["foreign"], "it is one of Hezha's now"


def test_existing_databases_get_new_rules_once(store: EmbeddedStore, judge: Judge, tmp_path: Path) -> None:
    store.create_database("untouched", Security(kind="media"))
    store.close()
    newer = EmbeddedStore(tmp_path, validator=judge, design={**DESIGN, "validate_doc_update": "RULE 9"})
    assert newer.refresh_design_documents() == ["db", "untouched"]
    assert newer.refresh_design_documents() == []
    assert newer.get("db", "_design/hezha")["validate_doc_update"] == "RULE 9"
    gone = newer.get("db", "_design/hezha")
    newer.put("db", {**gone, "_deleted": True})
    assert newer.refresh_design_documents() == ["db"]
    newer.close()


def test_the_present_rules_are_compared_once_and_written_where_they_are_not(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round must not take a turn of the writer for each of a county's two hundred thousand databases."""
    for n in range(20):
        store.create_database(f"own{n}", Security(kind="media"))
    store.create_database("foreign")
    edited = store.get("own7", "_design/hezha")
    store.put("own7", {**edited, "validate_doc_update": "RULE 9"})
    gone = store.get("own8", "_design/hezha")
    store.put("own8", {**gone, "_deleted": True})
    write = Mock(side_effect=store._io.write)
    monkeypatch.setattr(store._io, "write", write)
    assert store.refresh_design_documents() == ["own7", "own8"]
    assert write.call_count == 1, "what is right is seen by reading, what is not goes together"
    assert store.refresh_design_documents() == []
    assert write.call_count == 1
    for n in range(20):
        assert store.get(f"own{n}", "_design/hezha")["validate_doc_update"] == DESIGN["validate_doc_update"]


def test_a_round_goes_in_turns_and_goes_on_where_it_was_left(
    store: EmbeddedStore, judge: Judge, tmp_path: Path
) -> None:
    for n in range(4):
        store.create_database(f"own{n}", Security(kind="media"))
    store.close()
    newer = EmbeddedStore(
        tmp_path,
        validator=judge,
        design={**DESIGN, "validate_doc_update": "RULE 9"},
        limits=Limits(rules_per_turn=2),
    )
    asked = iter([False, False, True])
    assert newer.refresh_design_documents(lambda: next(asked)) == ["db", "own0", "own1", "own2"]
    assert newer.get("own3", "_design/hezha")["validate_doc_update"] == "RULE 1"
    assert newer.refresh_design_documents() == ["own3"]
    newer.close()


def test_a_design_document_whose_rule_is_no_text_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(BadRequest):
        store.put("db", {"_id": "_design/x", "validate_doc_update": 1})


def test_security_and_limits_are_for_admins(store: EmbeddedStore) -> None:
    for call in (
        lambda user: store.put_security("db", {}, user=user),
        lambda user: store.set_revs_limit("db", 5, user=user),
        lambda user: store.put("db", {"_id": "_design/x"}, user=user),
    ):
        with pytest.raises(Forbidden):
            call(USER)
        with pytest.raises(Unauthorized):
            call(UserCtx(None))
        call(UserCtx("root", ("_admin",)))
    store.put_security("db", {"admins": {"names": ["li.wei"]}})
    store.put_security("db", {"admins": {"names": ["li.wei"]}, "x": 1}, user=USER)
    assert store.security("db")["x"] == 1


@pytest.mark.parametrize(
    "security", [[], {"admins": []}, {"members": {"names": "li.wei"}}, {"members": {"roles": [1]}}]
)
def test_a_malformed_security_object_is_refused(store: EmbeddedStore, security: object) -> None:
    with pytest.raises(BadRequest):
        store.put_security("db", security)
    with pytest.raises(NotFound):
        store.put_security("none", {})
