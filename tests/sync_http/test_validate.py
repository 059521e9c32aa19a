"""CouchDB's meaning of a validation function, and what happens to a write when the function is broken."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jsengine import Limits
from sync.embedded.validate import RuleFault, Validator
from sync.store import Forbidden, StoreError, Unauthorized

USER: dict[str, Any] = {"db": "d", "name": "wang", "roles": []}


def run(*sources: str, doc: dict[str, Any] | None = None, validator: Validator | None = None) -> None:
    (validator or Validator())(sources, doc or {"_id": "a"}, None, USER, {})


def test_a_function_that_returns_lets_the_write_through_whatever_it_returns() -> None:
    run("function(n, o, u, s) { return false; }", "function() {}")


def test_what_is_thrown_becomes_couchdbs_answer() -> None:
    with pytest.raises(Forbidden) as forbidden:
        run("function(n, o, u) { throw({forbidden: '不行 ' + u.name}); }")
    assert forbidden.value.reason == "不行 wang"
    with pytest.raises(Unauthorized) as unauthorized:
        run("function() { throw({unauthorized: 'sign in'}); }")
    assert (unauthorized.value.status, unauthorized.value.reason) == (401, "sign in")
    with pytest.raises(Forbidden, match=r"^1$"):
        run("function() { throw({forbidden: 1}); }")


def test_every_function_must_agree() -> None:
    with pytest.raises(Forbidden, match="second"):
        run("function() {}", "function() { throw({forbidden: 'second'}); }")


def test_the_function_sees_all_four_arguments() -> None:
    source = "function(n, o, u, s) { throw({forbidden: [n._id, o._rev, u.roles[0], s.hezha.kind].join()}); }"
    with pytest.raises(Forbidden, match=r"^a,1-x,inspector,case$"):
        Validator()(
            [source],
            {"_id": "a"},
            {"_id": "a", "_rev": "1-x"},
            {"name": "wang", "roles": ["inspector"]},
            {"hezha": {"kind": "case"}},
        )


def test_a_first_write_sees_null_as_the_old_document() -> None:
    run("function(n, o) { if (o !== null) { throw({forbidden: 'old'}); } }")


@pytest.mark.parametrize(
    "source",
    [
        "function( {",
        "42",
        "function() { return missing.field; }",
        "function() { throw 'just text'; }",
        "function() { throw null; }",
        "function() { throw {error: 'x'}; }",
        "function() { while (true) {} }",
        "function() { var a = []; while (true) { a.push(new Array(1000).join('x')); } }",
        "function f(n) { return f(n) + 1; }",
    ],
)
def test_a_broken_or_runaway_function_refuses_the_write_without_judging_it(source: str) -> None:
    """A 500 and not a 403: a replicator that hears 403 skips the document and moves its checkpoint on."""
    validator = Validator(limits=Limits(seconds=0.3, memory_bytes=16 * 1024 * 1024))
    with pytest.raises(RuleFault) as fault:
        run(source, validator=validator)
    assert fault.value.status == 500
    assert fault.value.reason.startswith("validate_doc_update ")
    run("function() {}", validator=validator)


def test_a_document_nested_too_deeply_for_json_is_refused() -> None:
    doc: dict[str, Any] = {"_id": "a"}
    inner = doc
    for _ in range(5000):
        inner["x"] = {}
        inner = inner["x"]
    with pytest.raises(StoreError, match="nested too deeply"):
        run("function() {}", doc=doc)


def test_many_threads_and_more_sources_than_are_kept_get_their_own_answers() -> None:
    validator = Validator(kept=2, contexts=1)
    wrong: list[str] = []

    def work(n: int) -> None:
        for i in range(20):
            k = (n + i) % 5
            try:
                run(f"function(n) {{ throw({{forbidden: n._id + {k}}}); }}", validator=validator)
            except Forbidden as refusal:
                if refusal.reason != f"a{k}":
                    wrong.append(refusal.reason)
            else:
                wrong.append("let through")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
