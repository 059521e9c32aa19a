"""Dated settings: what a rule's number is on a day, for an organisation.

Numbers of the trade differ by province and year, so none stands in code. `policy.yaml` says what holds by
default and from when; an organisation's overrides are data of the same shape, merged over it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from importlib import resources
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml
from msgspec import Struct, field

from server.workflow.clocks.tables import dated, limits
from server.workflow.gate_rows import find_gate, waivable_gates
from server.workflow.model import Severity
from server.workflow.workdays import day_in

#: The keys of settings that are limits begin with it.
_LIMIT = "limit."
#: The keys of settings that allow to waive a gate begin with it.
_WAIVER = "waiver."
_LONGEST_LIMIT_DAYS = 1000


class PolicyError(ValueError):
    """A setting that is unknown, out of its bounds, or not in force."""


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings in force on one day for one organisation. Units stand in `policy.yaml`.

    `fact_names` are the facts a case may settle besides those that gates and stages ask for. `limits` are
    days by `<profile>.<limit>` of clocks/limits.yaml; one that is missing or 0 is not in force. `waivers` are
    the gates that two persons may waive.
    """

    timezone: str
    organisation_name_zh: str
    organisation_name_en: str
    notice_days_critical: int
    notice_days_major: int
    notice_days_minor: int
    two_person_critical: bool
    notice_issuers: int
    notice_stated_days: int
    notice_extension_days: int
    delivery_stops_clock: bool
    closing_by_specialty: bool
    after_photo_required: bool
    critical_on_site: bool
    minor_by_photos: bool
    rounds_to_specialists: int
    specialists_people: int
    reminder_before_days: int
    reminder_manager_days: int
    reminder_head_days: int
    reminder_waiting_days: int
    centre_head: str
    site_clear_signatures: int
    site_clear_valid_days: int
    tests_valid_days: int
    customer_time_valid_days: int
    waiver_max_days: int
    energization_min_people: int
    energization_readings: bool
    energization_signatures: int
    impulse_closings: int
    impulse_closings_dry: int
    impulse_interval_minutes: int
    on_load_check_days: int
    clock_future_tolerance_s: int
    link_days: int
    link_max_days: int
    link_acts_a_day: int
    link_photos: int
    wish_ahead_days: int
    fence_radius_m: float
    presence_max_accuracy_m: float
    presence_min_percent: int
    presence_near_percent: int
    presence_fresh_s: int
    presence_walk_m_s: float
    presence_indoor_minutes: int
    presence_indoor_percent: int
    presence_track_s: int
    presence_jump_s: int
    presence_doubt_m: float
    presence_echo_m: float
    presence_max_speed_m_s: float
    presence_apart_m: float
    route_day_begins_minute: int
    route_day_ends_minute: int
    route_speed_kmh: float
    route_detour_percent: int
    route_stay_survey_minutes: int
    route_stay_intermediate_minutes: int
    route_stay_acceptance_minutes: int
    route_stay_reinspection_minutes: int
    route_stay_customer_inspection_minutes: int
    route_wish_minutes: int
    route_soon_days: int
    photo_max_bytes: int
    photo_max_pixels: int
    photo_max_side: int
    photo_time_skew_s: int
    photo_place_skew_m: float
    photo_alike_percent: int
    max_answers: int
    max_photos_per_item: int
    unsigned_forms: str
    lv_max_kv: float
    complex_from_kv: float
    scheme_review_kva: float
    meeting_minutes_required: bool
    self_check_required: bool
    scheme_approval_required: bool
    change_approval_required: bool
    approval_remind_days: int
    approval_substitute_days: int
    rating_low: int
    follow_up_days: int
    handover_days: int
    metering_lead_days: int
    customer_inspection_kva: float
    customer_inspection_months: int
    customer_inspection_lead_days: int
    scheme_extension_kva: float
    joint_drawing_review_kva: float
    large_customer_kva: float
    dedicated_line_kva: float
    growth_years: int
    dedicated_first_kva: float
    dedicated_full_months: int
    dedicated_use_months: int
    unused_months: int
    unused_lead_days: int
    design_review_scope: str
    mid_check_scope: str
    mid_check_notice_days: int
    scheme_valid_months_hv: int
    scheme_valid_months_lv: int
    scheme_extension_notice_days: int
    backdate_days: int
    outage_notice_days: int
    outage_short_notice_hours: int
    outage_look_back_days: int
    outage_interruptions: int
    rendition_days: int
    originals_days: int
    work_approvals: str
    plan_approvals: str
    outage_deviation_minutes: int
    plan_freeze_weekday: int
    plan_freeze_hour: int
    plan_freeze_days: int
    plan_freeze_roles: str
    due_soon_days: int
    floor_reply_minutes: int
    floor_inspection_minutes: int
    floor_lv_minutes: int
    late_record_days: int
    visit_people: int
    watch_due_soon: int
    watch_over_internal: int
    watch_over_promise: int
    watch_over_legal: int
    watch_too_short: int
    watch_time_order: int
    watch_one_person: int
    watch_small_firm: int
    watch_use: int
    explanation_days: int
    ledger_weight_category: int
    ledger_weight_capacity: int
    ledger_weight_time: int
    ledger_weight_rating: int
    ledger_category_lv: int
    ledger_category_hv: int
    ledger_category_hv_complex: int
    ledger_capacity_full_kva: int
    ledger_points_internal: int
    ledger_points_promise: int
    ledger_points_legal: int
    ledger_points_fault: int
    small_firm_kva: int
    clock_first_percent: int
    clock_second_percent: int
    internal_profile: str
    promise_profile: str
    legal_profile: str
    fact_names: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    waivers: frozenset[str] = frozenset()

    def notice_days(self, severity: Severity) -> int:
        """Calendar days from issue until an item of this severity is due."""
        return {
            "critical": self.notice_days_critical,
            "major": self.notice_days_major,
            "minor": self.notice_days_minor,
        }[severity]

    def name_of(self, organisation: str, language: str) -> str:
        """What an organisation is called in `zh-CN` or `en`; its id if no name is set."""
        chinese = self.organisation_name_zh or organisation
        return self.organisation_name_en or chinese if language == "en" else chinese

    def __hash__(self) -> int:
        # A few of what tells settings apart will do: what is kept by them is asked for at every case.
        return hash((self.timezone, self.internal_profile, self.promise_profile, self.legal_profile))

    def day(self, moment: datetime) -> date:
        """The calendar day of a moment where the customers live."""
        return day_in(self.timezone, moment)


class DatedValue(Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """A value that holds from a day on."""

    since: date
    value: Any


class Setting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a setting may be, and what it is by default."""

    type: Literal["integer", "number", "boolean", "text"]
    values: tuple[DatedValue, ...]
    source: str
    unit: str = ""
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    #: Names of which the value lists some, with commas between.
    parts: tuple[str, ...] = ()


class Override(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """A value set over the default: everywhere, or for one organisation."""

    key: str
    since: date
    value: Any
    organisation: str | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    settings: dict[str, Setting]


_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "text": (str,),
}


def _check(key: str, setting: Setting, value: Any) -> None:
    if not isinstance(value, _TYPES[setting.type]) or (isinstance(value, bool) and setting.type != "boolean"):
        raise PolicyError(f"{key}: {value!r} is not of type {setting.type}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Written so that NaN fails as well.
        low = setting.min is None or value >= setting.min
        high = setting.max is None or value <= setting.max
        if not (low and high):
            raise PolicyError(f"{key}: {value!r} is not within {setting.min} and {setting.max}")
    if setting.choices and value not in setting.choices:
        raise PolicyError(f"{key}: {value!r} is none of {', '.join(setting.choices)}")
    if setting.parts and isinstance(value, str) and not set(listed(value)) <= set(setting.parts):
        raise PolicyError(f"{key}: {value!r} lists more than {', '.join(setting.parts)}")
    if key == "timezone" and isinstance(value, str):
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise PolicyError(f"{key}: {value!r} is not a time zone") from error


def listed(value: str) -> tuple[str, ...]:
    """The names that a setting lists with commas between."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


class Policies(Struct, frozen=True):
    """Every setting through time. Values of an organisation go before those that hold for all."""

    settings: Mapping[str, Setting]
    overrides: tuple[Override, ...] = ()
    fact_names: frozenset[str] = field(default_factory=frozenset)

    def with_overrides(self, overrides: Iterable[Override | Mapping[str, Any]]) -> Policies:
        """These settings with `{key, from, value, organisation?}` set over them.

        Where several values begin on one day, the last given holds. Raises PolicyError.
        """
        added = []
        for given in overrides:
            try:
                override = given if isinstance(given, Override) else msgspec.convert(dict(given), Override)
            except msgspec.ValidationError as error:
                raise PolicyError(str(error)) from error
            setting = self.settings.get(override.key)
            if setting is None:
                raise PolicyError(f"{override.key}: {_unknown(override.key)}")
            _check(override.key, setting, override.value)
            added.append(override)
        return msgspec.structs.replace(self, overrides=(*self.overrides, *added))

    @property
    def begins(self) -> tuple[date, ...]:
        """Every day on which a value begins to hold, sorted."""
        dated = (one.since for setting in self.settings.values() for one in setting.values)
        return tuple(sorted({*dated, *(override.since for override in self.overrides)}))

    def at(self, day: date, organisation: str | None = None) -> Policy:
        """The settings in force on `day`. Raises PolicyError if one has no value yet."""
        values: dict[str, Any] = {}
        days: dict[str, int] = {}
        waivers = set()
        for key in self.settings:
            if key.startswith(_WAIVER):
                if self._find(key, day, organisation):
                    waivers.add(key.removeprefix(_WAIVER))
            elif not key.startswith(_LIMIT):
                values[key] = self._value(key, day, organisation)
            elif (value := self._find(key, day, organisation)) is not None:
                days[key.removeprefix(_LIMIT)] = value
        named = {"fact_names": self.fact_names, "limits": days, "waivers": waivers}
        return msgspec.convert({**values, **named}, Policy)

    def at_moment(self, moment: datetime, organisation: str | None = None) -> Policy:
        """The settings in force at an aware moment, by the day it is where the organisation works."""
        timezone = self.at(moment.date(), organisation).timezone
        return self.at(moment.astimezone(ZoneInfo(timezone)).date(), organisation)

    def _value(self, key: str, day: date, organisation: str | None) -> Any:
        value = self._find(key, day, organisation)
        if value is None:
            raise PolicyError(f"{key}: no value in force on {day.isoformat()}")
        return value

    def _find(self, key: str, day: date, organisation: str | None) -> Any:
        """The value in force, or None."""
        default = [(dated.since, dated.value) for dated in self.settings[key].values]
        own = [] if organisation is None else self._overriding(key, organisation)
        for layer in (own, [*default, *self._overriding(key, None)]):
            # max() keeps the first of equals, so the last given must come first.
            begun = [entry for entry in reversed(layer) if entry[0] <= day]
            if begun:
                return max(begun, key=lambda entry: entry[0])[1]
        return None

    def _overriding(self, key: str, organisation: str | None) -> list[tuple[date, Any]]:
        return [(o.since, o.value) for o in self.overrides if (o.key, o.organisation) == (key, organisation)]


def _limit_settings() -> dict[str, Setting]:
    """A setting for each limit of each profile."""
    return {
        f"{_LIMIT}{name}.{limit_name}": Setting(
            type="integer",
            unit=f"{limit.unit} days; 0 for no limit",
            min=0,
            max=_LONGEST_LIMIT_DAYS,
            values=tuple(DatedValue(since, days) for since, days in dated(profile, limit)),
            source=limit.source,
        )
        for name, profile in limits().profiles.items()
        for limit_name, limit in profile.limits.items()
    }


def _waiver_settings() -> dict[str, Setting]:
    """A setting for each gate that may be waived at all; none may unless it says so."""
    never = DatedValue(date(2000, 1, 1), value=False)
    return {
        f"{_WAIVER}{gate}": Setting(type="boolean", values=(never,), source="EJ")
        for gate in sorted(waivable_gates())
    }


def _unknown(key: str) -> str:
    """Why there is no setting of this name."""
    gate = find_gate(key.removeprefix(_WAIVER)) if key.startswith(_WAIVER) else None
    if gate is not None and not gate.waivable:
        return "this condition is never waived, whatever a setting says"
    return "no such setting"


def load_policy(*, fact_names: Collection[str] = ()) -> Policies:
    """The default settings. `fact_names`: facts that checklists know, which a case may settle as well."""
    text = (resources.files(__package__) / "policy.yaml").read_text("utf-8")
    settings = msgspec.convert(yaml.safe_load(text), _File).settings
    if set(settings) != set(Policy.__struct_fields__) - {"fact_names", "limits", "waivers"}:
        raise PolicyError("policy.yaml and Policy name different settings")
    settings |= _limit_settings() | _waiver_settings()
    for key, setting in settings.items():
        for one in setting.values:
            _check(key, setting, one.value)
    return Policies(settings=settings, fact_names=frozenset(fact_names))
