"""Any sequence of commands by anybody: what must never happen does not."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.workflow import commands as c
from tests.workflow.histories.__main__ import tally
from tests.workflow.histories.history import History
from tests.workflow.histories.moves.every import MOVES

_SHARES = 20
_HISTORIES = 10_000


@pytest.mark.parametrize("share", range(_SHARES))
def test_ten_thousand_histories_keep_every_promise(share: int) -> None:
    """No red gate is energized over, no defect is lost, a log replayed gives the same case; see `books`."""
    count = _HISTORIES // _SHARES
    found = tally(share * count, count, records_of_each=5)
    assert found["histories"] == count
    # Such histories would show nothing if they came to nothing.
    assert min(found["authorizations"], found["breakers closed"], found["failures heard of"]) > count / 50


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_the_shortest_history_that_breaks_a_promise_is_not_found(random: Random) -> None:
    History(random).run(MOVES)


def test_histories_give_every_kind_of_command_and_carry_it_out() -> None:
    """But for a case's opening, which is behind each of them, and the end of a conflict that none has."""
    kinds = {kind.__name__ for kind in get_args(c.Command)} - {"OpenCase", "SettleConflict"}
    done = Counter[str]()
    for number in range(4_000):
        history = History(Random(number))
        history.run(MOVES, records=False)
        done += history.done
        if done.keys() >= kinds:
            break
    assert kinds - done.keys() == set()


def test_a_history_is_the_same_whenever_its_number_is_drawn() -> None:
    first, second = History(Random(7)), History(Random(7))
    first.run(MOVES)
    second.run(MOVES)
    assert first.case == second.case
