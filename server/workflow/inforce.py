"""What holds when, and for whom: dated settings and working days together, as one organisation has them.

An installation sets its own in one file, `{schema, settings, calendar}`: overrides of policy.yaml and of the
limits of clocks/limits.yaml, and rows of the calendar table.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
import yaml

from server.workflow.log import digest
from server.workflow.policy import Policies, Policy, PolicyError
from server.workflow.workdays import LAST_ANNOUNCED, Calendar, Workdays, calendar_rows

#: How many different settings are kept at hand: of some hundred organisations, from each of the days on which
#: one of theirs began.
_KEPT = 4096


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    settings: tuple[Mapping[str, Any], ...] = ()
    calendar: tuple[Mapping[str, Any], ...] = ()


class InForce:
    """Settings through time and the calendar of every organisation. A value: it never changes."""

    def __init__(self, policies: Policies, workdays: Workdays | None = None) -> None:
        self.policies = policies
        self.workdays = workdays or Workdays()
        #: The same for the same rules: what was computed with another digest is out of date.
        self.digest = digest([policies.settings, policies.overrides, self.workdays.rows, LAST_ANNOUNCED])
        self._begins = policies.begins
        self._at = lru_cache(_KEPT)(policies.at)

    def on(self, day: date, organisation: str) -> Policy:
        """The settings in force on a day. Raises PolicyError."""
        # They are those of the day on which one of them last began: a year of days has few such.
        begun = bisect_right(self._begins, day)
        return self._at(self._begins[begun - 1] if begun else day, organisation)

    def at(self, moment: datetime, organisation: str) -> Policy:
        """The settings in force at an aware moment, by the day it is where the organisation works."""
        nearly = self.on(moment.date(), organisation)
        day = nearly.day(moment)
        return nearly if day == moment.date() else self.on(day, organisation)

    def calendar(self, organisation: str) -> Calendar:
        """The organisation's working days."""
        return self.workdays.of(organisation)


def with_own(policies: Policies, text: str) -> InForce:
    """What holds once an installation's own file is laid over the defaults.

    Raises PolicyError and CalendarError, which name the entry.
    """
    try:
        own = msgspec.convert(yaml.safe_load(text), _File)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise PolicyError(f"not a file of settings: {error}") from error
    return InForce(policies.with_overrides(own.settings), Workdays(calendar_rows(own.calendar)))
