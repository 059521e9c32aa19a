"""Functions of design documents judge documents, and only that."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jsengine import Limits
from sync.embedded.filters import FilterFault, Functions
from sync.store import NotFound

LIMITS = Limits(seconds=0.3, memory_bytes=16 * 1024 * 1024)
DOCS: list[dict[str, Any]] = [{"_id": f"d{n}", "n": n} for n in range(50)]
REQ = {"query": {"n": "3"}}


@pytest.fixture(scope="module")
def functions() -> Functions:
    return Functions(limits=LIMITS, batch=7)


def judge(functions: Functions, source: str, ddoc: dict[str, Any] | None = None) -> list[bool]:
    whole = {"_id": "_design/x", "filters": {"f": source}, **(ddoc or {})}
    return functions.filter(functions.prepare(whole, ("filters", "f")), DOCS, REQ)


def test_every_document_is_judged_in_order(functions: Functions) -> None:
    assert judge(functions, "(doc, req) => doc.n == req.query.n") == [n == 3 for n in range(50)]
    assert judge(functions, "function (doc) { return doc.n > 40 ? 'yes' : 0; }") == [
        n > 40 for n in range(50)
    ]


def test_modules_of_the_design_document_can_be_required(functions: Functions) -> None:
    modules = {
        "lib": {
            "a": "exports.even = (doc) => { return require('./deep/b').two === 2 && doc.n % 2 === 0; };",
            "deep": {"b": "exports.two = require('../c').one + 1;"},
            "c": "module.exports = {one: 1};",
        }
    }
    found = judge(functions, "function (doc) { return require('lib/a').even(doc); }", modules)
    assert found == [n % 2 == 0 for n in range(50)]
    with pytest.raises(FilterFault, match="Must require"):
        judge(functions, "function () { return require('lib/none'); }", modules)


def test_a_map_function_passes_what_it_emits_for(functions: Functions) -> None:
    ddoc = {"views": {"v": {"map": "function (doc) { if (doc.n < 2) { emit(doc.n); emit(1, 2); } }"}}}
    loaded = functions.prepare(ddoc, ("views", "v", "map"))
    assert functions.emits(loaded, DOCS) == [n < 2 for n in range(50)]


def test_what_is_not_there_is_missing(functions: Functions) -> None:
    with pytest.raises(NotFound, match="missing json key: filters"):
        functions.prepare({"_id": "_design/x"}, ("filters", "f"))
    with pytest.raises(NotFound, match=r"missing json key: f$"):
        functions.prepare({"filters": {}}, ("filters", "f"))


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("function (", "compilation_error"),
        ("5", "compilation_error"),
        ("function (doc) { return doc.no.such; }", "TypeError"),
        ("function () { throw({forbidden: 'no'}); }", "forbidden"),
        ("function () { throw 'x'; }", "unknown_error"),
        ("function () { while (true); }", "unknown_error"),
        ("function () { const l = []; while (true) l.push(new Array(1e5).fill(0)); }", "unknown_error"),
        ("function f() { return f(); }", "unknown_error"),
        ("(() => { while (true); })()", "compilation_error"),
    ],
)
def test_a_function_that_fails_is_an_error_and_the_next_one_runs(
    functions: Functions, source: str, error: str
) -> None:
    with pytest.raises(FilterFault) as raised:
        judge(functions, source)
    assert (raised.value.status, raised.value.error) == (500, error)
    assert judge(functions, "() => true") == [True] * 50


def test_a_function_cannot_reach_the_machine(functions: Functions) -> None:
    for name in ("process", "std", "os", "fetch", "XMLHttpRequest", "Deno", "load", "print"):
        assert judge(functions, f"() => typeof globalThis.{name} === 'undefined'") == [True] * 50, name


def test_many_threads_share_a_function(functions: Functions) -> None:
    wrong: list[Any] = []

    def work(n: int) -> None:
        found = judge(functions, f"doc => doc.n == {n % 3}")
        if found != [m == n % 3 for m in range(50)]:
            wrong.append(found)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
