"""The tables of what surrounds a case."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, String

from server.readmodel.tables import numbered

#: What the office owes, from the day `since` on, and by which day. In the order in which a list shows it.
duties = numbered(
    "duties",
    Column("kind", String, nullable=False),
    Column("since", String, nullable=False),
    Column("due", String, nullable=False),
    Column("who", String, nullable=False),
    Column("params", JSON, nullable=False),
    Column("refs", JSON, nullable=False),
    Index("duties_by_due", "organisation", "due", "key", "n", "since"),
    Index("duties_by_kind", "organisation", "kind", "due", "key", "n", "since"),
    Index("duties_by_who", "organisation", "who", "due", "key", "n", "since"),
)

#: Instruments that are planned and not fitted, by the month in which their case is to connect.
metering_needs = numbered(
    "metering_needs",
    Column("month", String, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("instrument", JSON, nullable=False),
    Index("metering_needs_by_month", "organisation", "month"),
)
