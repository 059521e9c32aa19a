"""Dated settings: the right number on the right day for the right organisation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from server.workflow.policy import PolicyError, load_policy

DAY = date(2026, 3, 2)


def test_defaults_hold_for_everybody() -> None:
    policy = load_policy().at(DAY, "xiangyang")
    assert [policy.notice_days(severity) for severity in ("critical", "major", "minor")] == [7, 15, 30]
    assert policy.two_person_critical
    assert policy.clock_future_tolerance_s == 600
    assert policy.fence_radius_m == 200.0


def test_every_setting_names_its_source() -> None:
    for key, setting in load_policy().settings.items():
        assert setting.source, key
        assert setting.type in {"text", "boolean"} or setting.unit, key


def test_a_value_holds_from_its_day_on() -> None:
    policies = load_policy().with_overrides([{"key": "notice_days_minor", "from": "2026-03-02", "value": 20}])
    assert policies.at(date(2026, 3, 1)).notice_days_minor == 30
    assert policies.at(DAY).notice_days_minor == 20


def test_an_organisations_own_value_goes_before_the_general_one_even_if_older() -> None:
    policies = load_policy().with_overrides(
        [
            {"key": "notice_days_minor", "from": "2026-01-01", "value": 10, "organisation": "xiangyang"},
            {"key": "notice_days_minor", "from": "2026-02-01", "value": 20},
        ]
    )
    assert policies.at(DAY, "xiangyang").notice_days_minor == 10
    assert policies.at(DAY, "elsewhere").notice_days_minor == 20
    assert policies.at(DAY).notice_days_minor == 20
    assert policies.at(date(2025, 12, 31), "xiangyang").notice_days_minor == 30


def test_of_two_values_from_one_day_the_last_given_holds() -> None:
    policies = load_policy()
    for value in (20, 21):
        policies = policies.with_overrides(
            [{"key": "notice_days_minor", "from": "2000-01-01", "value": value}]
        )
    assert policies.at(DAY).notice_days_minor == 21


@pytest.mark.parametrize(
    "override",
    [
        {"key": "notice_days_tiny", "from": "2026-01-01", "value": 1},
        {"key": "notice_days_minor", "from": "2026-01-01", "value": "1"},
        {"key": "notice_days_minor", "from": "2026-01-01", "value": True},
        {"key": "notice_days_minor", "from": "2026-01-01", "value": 0},
        {"key": "notice_days_minor", "from": "2026-01-01", "value": 2.5},
        {"key": "fence_radius_m", "from": "2026-01-01", "value": float("nan")},
        {"key": "two_person_critical", "from": "2026-01-01", "value": 0},
        {"key": "timezone", "from": "2026-01-01", "value": "Mars/Olympus"},
        {"key": "notice_days_minor", "from": "soon", "value": 3},
        {"key": "notice_days_minor", "from": "2026-01-01", "value": 3, "why": "x"},
        {"key": "notice_days_minor", "value": 3},
    ],
)
def test_a_setting_that_cannot_be_is_refused(override: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        load_policy().with_overrides([override])


def test_before_the_first_value_there_is_none() -> None:
    with pytest.raises(PolicyError, match="no value in force"):
        load_policy().at(date(1999, 12, 31))


def test_the_day_turns_where_the_organisation_works() -> None:
    policies = load_policy().with_overrides([{"key": "notice_days_minor", "from": "2026-03-02", "value": 20}])
    assert policies.at_moment(datetime(2026, 3, 1, 15, 59, tzinfo=UTC)).notice_days_minor == 30
    assert policies.at_moment(datetime(2026, 3, 1, 16, 0, tzinfo=UTC)).notice_days_minor == 20


def test_an_organisation_is_called_by_its_dated_name_and_else_by_its_id() -> None:
    house = {"from": "2026-02-01", "organisation": "xiangyang"}
    chinese = load_policy().with_overrides(
        [{**house, "key": "organisation_name_zh", "value": "向阳供电公司"}]
    )
    both = chinese.with_overrides([{**house, "key": "organisation_name_en", "value": "Xiangyang Power"}])
    named = [
        (one.name_of("xiangyang", "zh-CN"), one.name_of("xiangyang", "en"))
        for one in (
            chinese.at(date(2026, 1, 31), "xiangyang"),
            chinese.at(DAY, "xiangyang"),
            both.at(DAY, "xiangyang"),
        )
    ]
    assert named == [
        ("xiangyang", "xiangyang"),
        ("向阳供电公司", "向阳供电公司"),
        ("向阳供电公司", "Xiangyang Power"),
    ]
    assert both.at(DAY, "elsewhere").name_of("elsewhere", "en") == "elsewhere"
