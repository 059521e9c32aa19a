"""A plan is not lost to reasons that take too long."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import server.outages.reasons
from server.scheduling.solver import _reasons
from tests.outages.demo import demo, demo_plan


def test_reasons_that_take_too_long_are_told_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    def endless(*given: Any, **more: Any) -> Any:
        told.wait()
        raise SystemExit

    in_time, left = _reasons(*demo(), demo_plan(), 60.0, threading.Event())
    assert "T-13" in {one.work for one in in_time}
    assert left == ()
    monkeypatch.setattr(server.outages.reasons, "explain", endless)
    none, all_of_them = _reasons(*demo(), demo_plan(), 0.05, threading.Event())
    assert none == ()
    assert set(all_of_them) == {one.work for one in in_time}
    told.set()
