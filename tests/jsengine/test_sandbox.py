"""The sandbox returns values, reports what was thrown, and survives whatever a script does."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from jsengine import JSFault, JSLimitExceeded, JSThrown, Limits, Sandbox

SCRIPT = """
function add(a, b) { return a + b; }
function refuse() { throw({forbidden: "不行"}); }
function bug() { return missing.name; }
function spin() { while (true) {} }
function swallow() { try { while (true) {} } catch (e) { return "caught"; } }
function bloat() { const a = []; while (true) a.push("x".repeat(10000) + a.length); }
function dive() { return 1 + dive(); }
function redos() { return /^(a+)+$/.test("a".repeat(40) + "b"); }
"""
TIGHT = Limits(seconds=0.3, memory_bytes=16 * 1024 * 1024)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(SCRIPT, limits=TIGHT)


def test_values_cross_as_json(sandbox: Sandbox) -> None:
    assert sandbox.call("add", "接", "地") == "接地"
    assert sandbox.call("add", 0.1, 0.2) == 0.1 + 0.2


def test_what_is_json_already_crosses_as_it_is(sandbox: Sandbox) -> None:
    assert sandbox.call_json("add", '["接", "\\u0000"]') == "接\0"
    with pytest.raises(JSThrown):
        sandbox.call_json("add", "[1, ")


def test_a_lone_surrogate_survives(sandbox: Sandbox) -> None:
    assert sandbox.call("add", "\ud800", "") == "\ud800"


def test_a_thrown_object_arrives_whole(sandbox: Sandbox) -> None:
    with pytest.raises(JSThrown) as caught:
        sandbox.call("refuse")
    assert caught.value.value == {"forbidden": "不行"}


def test_a_bug_in_a_script_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(JSThrown) as caught:
        sandbox.call("bug")
    assert caught.value.name == "ReferenceError"


@pytest.mark.parametrize("function", ["spin", "swallow", "bloat", "dive", "redos"])
def test_a_runaway_is_an_error_and_the_next_call_works(sandbox: Sandbox, function: str) -> None:
    with pytest.raises(JSFault):
        sandbox.call(function)
    assert sandbox.call("add", 1, 1) == 2


def test_a_runaway_is_told_apart_from_a_refusal(sandbox: Sandbox) -> None:
    with pytest.raises(JSLimitExceeded):
        sandbox.call("spin")


def test_a_broken_script_is_refused_at_once() -> None:
    with pytest.raises(JSFault):
        Sandbox("function (")


def test_many_threads_share_few_contexts(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: sandbox.call("add", n, 1), range(200))) == list(range(1, 201))
