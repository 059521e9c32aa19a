"""The tables of the read model."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

#: Grows when a table changes; a file of another version is dropped and built again.
SCHEMA_VERSION = 15

metadata = MetaData()


def numbered(name: str, *parts: Column[Any] | Index) -> Table:
    """A table that says several things of a case, in the order of `n`."""
    return Table(
        name,
        metadata,
        Column("key", ForeignKey("cases.key", ondelete="CASCADE"), primary_key=True),
        Column("n", Integer, primary_key=True),
        Column("organisation", String, nullable=False),
        *parts,
    )


#: Every organisation by a number of its own, and how many cases it has.
organisations = Table(
    "organisations",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("cases", Integer, nullable=False),
)

#: `key` is a number for the tables that speak of many cases at once; it is not the same after a rebuild.
#: `words`: what is searched, as `search.folded` has it. Every order of a list is an index with the id at its
#: end, so that a page is read and not sorted; what lists are filtered by lies side by side, to be counted.
cases = Table(
    "cases",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("generation", Integer, nullable=False),
    Column("no", String, nullable=False),
    Column("organisation", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("address", String, nullable=False),
    Column("process", String, nullable=False),
    Column("voltage_kv", Float, nullable=False),
    Column("capacity_kva", Float, nullable=False),
    Column("manager", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("energization", String, nullable=False),
    Column("ready", Boolean, nullable=False),
    # The last day of it, where a condition ages; see gates.ready.
    Column("ready_until", String),
    Column("open_tasks", Integer, nullable=False),
    Column("open_notices", Integer, nullable=False),
    Column("next_due", String),
    # Of all its clocks, the first day due.
    Column("clock_due", String),
    Column("lon", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("opened_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    # Since when it has stood in a stage that nothing follows, UTC.
    Column("ended_at", String),
    Column("words", String, nullable=False),
    Index("cases_by_updated", "organisation", "updated_at", "id"),
    Index("cases_by_opened", "organisation", "opened_at", "id"),
    Index("cases_by_no", "organisation", "no", "id"),
    Index("cases_by_customer", "organisation", "customer", "id"),
    Index("cases_by_capacity", "organisation", "capacity_kva", "id"),
    Index("cases_by_due", "organisation", "next_due", "id"),
    Index("cases_by_clock", "organisation", "clock_due", "id"),
    Index("cases_by_manager", "organisation", "manager", "stage", "energization", "next_due", "lon", "lat"),
    Index("cases_by_place", "organisation", "lon", "lat"),
    Index("cases_by_stage", "organisation", "stage", "energization", "next_due", "lon", "lat"),
    Index("cases_by_energization", "organisation", "energization"),
    Index("cases_by_ended", "organisation", "ended_at", sqlite_where=text("ended_at IS NOT NULL")),
)

#: Clocks that have not ended, with the days on which they came, or will come, to each mark: so their level is
#: known on any day without a write. One that stands still has only the marks that it has passed.
clocks = Table(
    "clocks",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String, primary_key=True),
    Column("clock", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("limit", Integer, nullable=False),
    Column("unit", String, nullable=False),
    Column("due", String),
    Column("first_on", String),
    Column("second_on", String),
    Column("full_on", String),
    Column("over_on", String),
    Column("unknown_from", String),
)

#: From which day on and before which other a case has a clock of a kind (`any`: of whichever) in a state. The
#: spans of one case, state and kind do not touch each other, so that a day lies in one of them at most.
clock_spans = Table(
    "clock_spans",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("state", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("since", String, primary_key=True),
    Column("until", String, primary_key=True),
    Column("key", ForeignKey("cases.key", ondelete="CASCADE"), primary_key=True),
    Index("clock_spans_by_case", "key", "state", "kind"),
    sqlite_with_rowid=False,
)

case_inspectors = Table(
    "case_inspectors",
    metadata,
    Column("key", ForeignKey("cases.key", ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("organisation", String, nullable=False),
    Index("case_inspectors_by_name", "organisation", "name", "key"),
    sqlite_with_rowid=False,
)

#: What bulletins count of a case, packed; `first` and `last` are the days on which it began and ended.
case_records = Table(
    "case_records",
    metadata,
    Column("key", ForeignKey("cases.key", ondelete="CASCADE"), primary_key=True),
    Column("organisation", String, nullable=False),
    Column("first", String, nullable=False),
    Column("last", String),
    Column("record", LargeBinary, nullable=False),
    Index("case_records_by_days", "organisation", "last", "first"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    Column("due", String),
    Column("assignees", JSON, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("status", String, nullable=False),
    Column("round", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("due", String),
)

#: What monitors tell of a case, from a day on and before another; what will come about by itself as well.
#: Each index has the order of the list and the days behind what it is filtered by: it is counted there.
anomalies = numbered(
    "anomalies",
    Column("manager", String, nullable=False),
    Column("monitor", String, nullable=False),
    Column("code", String, nullable=False),
    Column("watch", Integer, nullable=False),
    Column("since", String, nullable=False),
    Column("until", String, nullable=False),
    Column("params", JSON, nullable=False),
    Column("refs", JSON, nullable=False),
    Column("anomaly", String, nullable=False),
    Column("standing", String, nullable=False),
    *(
        Index(
            f"anomalies_by_{name}",
            *("organisation", *first, text("watch DESC"), "since", "key", "n", "until"),
            *(
                column
                for column in ("code", "monitor", "standing", "manager")
                if wide and column not in first
            ),
        )
        for name, first, wide in (
            ("watch", (), True),
            ("manager", ("manager",), True),
            ("monitor", ("monitor",), False),
            ("code", ("code",), False),
            ("standing", ("standing",), False),
        )
    ),
)

#: What the rows were computed with (`name` is "rules"): other settings or holidays make them out of date.
made_with = Table(
    "made_with",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

photos = Table(
    "photos",
    metadata,
    # Tablets choose a photo's id, so it is one of its own case only.
    Column("case_id", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("task", String, nullable=False),
    Column("item", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("status", String, nullable=False),
    Column("taken_at", String, nullable=False),
    Column("by", String, nullable=False),
    # Of the original, and whether it lies in object storage.
    Column("bytes", Integer, nullable=False),
    Column("moved", Boolean, nullable=False),
    Index("photos_by_id", "id"),
    Index("photos_by_digest", "sha256"),
)

#: What verified photos look like. `seq` is never given twice, so that who knows the rows up to one has missed
#: none of them; `word` is the fingerprint, its 64 bits read as a signed number.
looks = Table(
    "looks",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("case_id", String, nullable=False),
    Column("photo", String, nullable=False),
    Column("task", String, nullable=False),
    Column("item", String, nullable=False),
    Column("word", Integer, nullable=False),
    Column("look", LargeBinary, nullable=False),
    Column("compared", Boolean, nullable=False, default=False),
    UniqueConstraint("case_id", "photo"),
    Index("looks_by_compared", "compared", "seq"),
    sqlite_autoincrement=True,
)

#: Pairs of looks that were found alike, the earlier first.
lookalikes = Table(
    "lookalikes",
    metadata,
    Column("first", ForeignKey("looks.seq", ondelete="CASCADE"), primary_key=True),
    Column("second", ForeignKey("looks.seq", ondelete="CASCADE"), primary_key=True),
    Column("percent", Integer, nullable=False),
    Index("lookalikes_by_second", "second"),
)

#: Tracks that can be read: the box around the fixes that count, WGS-84, and from when to when (UTC).
tracks = Table(
    "tracks",
    metadata,
    # As of photos: tablets choose the id.
    Column("case_id", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("by", String, nullable=False),
    Column("west", Float, nullable=False),
    Column("south", Float, nullable=False),
    Column("east", Float, nullable=False),
    Column("north", Float, nullable=False),
    Column("started_at", String, nullable=False),
    Column("ended_at", String, nullable=False),
    Column("fixes", Integer, nullable=False),
    Column("length_m", Float, nullable=False),
    Index("tracks_by_place", "west", "east", "south", "north", "case_id"),
)

#: Works that need an outage, whole as they are kept (`request`); each order and filter of their list is an
#: index with the id at its end.
works = Table(
    "works",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("network", String, nullable=False),
    Column("kind", String, nullable=False),
    # Of the published plan that it is in; empty.
    Column("plan", String, nullable=False),
    # In which it is planned, else wanted; unknown.
    Column("month", String),
    Column("requested_at", String, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Index("works_by_requested", "organisation", "requested_at", "id"),
    *(Index(f"works_by_{name}", "organisation", name, "id") for name in ("network", "plan")),
    *(
        Index(f"works_by_{name}", "organisation", name, "id", *rest)
        for name, *rest in (
            ("state", "month", "kind", "network", "requested_at"),
            ("month", "state", "kind", "network"),
            ("kind", "state", "month", "network"),
        )
    ),
)

work_cases = Table(
    "work_cases",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("work", String, primary_key=True),
    Index("work_cases_by_work", "organisation", "work"),
    sqlite_with_rowid=False,
)

work_feeders = Table(
    "work_feeders",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("work", String, primary_key=True),
    Index("work_feeders_by_work", "organisation", "work"),
    sqlite_with_rowid=False,
)

#: Month plans, whole as they are kept without what they plan (`record`).
plans = Table(
    "plans",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("month", String, nullable=False),
    Column("network", String, nullable=False),
    Column("state", String, nullable=False),
    Column("requested_at", String, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Index("plans_by_requested", "organisation", "requested_at", "id"),
    Index("plans_by_month", "organisation", "month", "id"),
    *(Index(f"plans_by_{name}", "organisation", name, "requested_at", "id") for name in ("state", "network")),
)

plan_works = Table(
    "plan_works",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("work", String, primary_key=True),
    Column("plan", String, primary_key=True),
    Index("plan_works_by_plan", "organisation", "plan"),
    sqlite_with_rowid=False,
)
