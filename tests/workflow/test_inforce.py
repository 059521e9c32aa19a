"""What is kept at hand of settings is what they say themselves, on any day and for any organisation."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflow.inforce import InForce
from server.workflow.policy import load_policy

DAYS = st.integers(0, 400).map(lambda n: date(2025, 12, 1) + timedelta(days=n))
HOUSES = st.sampled_from([None, "north", "south"])
OVERRIDES = st.lists(
    st.builds(
        lambda since, value, house: {
            "key": "late_record_days",
            "from": since,
            "value": value,
            **({} if house is None else {"organisation": house}),
        },
        DAYS,
        st.integers(0, 30),
        HOUSES,
    ),
    max_size=5,
)
SHIPPED = load_policy()


@given(overrides=OVERRIDES, day=DAYS, house=st.sampled_from(["north", "south"]))
@settings(max_examples=60, deadline=None)
def test_the_settings_of_a_day_are_those_in_force_on_it(
    overrides: list[object], day: date, house: str
) -> None:
    policies = SHIPPED.with_overrides(overrides)  # type: ignore[arg-type]
    rules = InForce(policies)
    for near in (day - timedelta(days=1), day, day + timedelta(days=1)):
        assert rules.on(near, house) == policies.at(near, house)
