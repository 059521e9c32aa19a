"""The tables of the read model."""

from __future__ import annotations

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
SCHEMA_VERSION = 6

metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("id", String, primary_key=True),
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
    Column("open_tasks", Integer, nullable=False),
    Column("open_notices", Integer, nullable=False),
    Column("next_due", String),
    # Of all its clocks: the first day due, past a limit, and at risk; and whether one stands still.
    Column("clock_due", String),
    Column("clock_over_on", String),
    Column("clock_risk_on", String),
    Column("clock_paused", Boolean, nullable=False),
    Column("lon", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("opened_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Index("cases_by_organisation", "organisation", "updated_at"),
    Index("cases_by_no", "no"),
    Index("cases_by_manager", "manager"),
    Index("cases_by_stage", "stage"),
    Index("cases_by_place", "lon", "lat"),
    Index("cases_by_clock", "organisation", "clock_due"),
    Index("cases_by_over", "organisation", "clock_over_on"),
    Index("cases_by_risk", "organisation", "clock_risk_on"),
    Index("cases_by_pause", "organisation", "clock_paused"),
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

case_inspectors = Table(
    "case_inspectors",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Index("case_inspectors_by_name", "name"),
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
anomalies = Table(
    "anomalies",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("organisation", String, nullable=False),
    Column("monitor", String, nullable=False),
    Column("code", String, nullable=False),
    Column("watch", Integer, nullable=False),
    Column("since", String, nullable=False),
    Column("until", String),
    Column("params", JSON, nullable=False),
    Column("refs", JSON, nullable=False),
    Index("anomalies_by_watch", "organisation", text("watch DESC"), "since", "case_id", "n", "until"),
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
