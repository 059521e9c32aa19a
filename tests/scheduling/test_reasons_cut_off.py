"""A plan is not lost to reasons that take too long."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import server.outages.reasons
from server.scheduling.solver import _reasons
from tests.outages.demo import demo, demo_plan


def test_reasons_that_take_too_long_are_told_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    held, ended, explain = threading.Event(), threading.Event(), server.outages.reasons.explain

    def endless(*given: Any, **more: Any) -> Any:
        held.wait()
        return explain(*given, **more)

    in_time, left = _reasons(*demo(), demo_plan(), 60.0, threading.Event())
    assert "T-13" in {one.work for one in in_time}
    assert left == ()
    monkeypatch.setattr(server.outages.reasons, "explain", endless)
    none, all_of_them = _reasons(*demo(), demo_plan(), 0.05, ended)
    assert none == ()
    assert set(all_of_them) == {one.work for one in in_time}
    ended.set()
    held.set()
