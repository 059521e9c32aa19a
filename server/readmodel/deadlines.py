"""Which cases have a notice out whose deadline is near, or has passed."""

from __future__ import annotations

from sqlalchemy import select

from server.readmodel.database import ReadModel
from server.readmodel.tables import notices


def cases_with_notices_due(model: ReadModel, until: str) -> list[str]:
    """The ids of cases with a notice that is out and due on the day `until` or before."""
    query = (
        select(notices.c.case_id)
        .where(notices.c.status == "issued", notices.c.due <= until)
        .distinct()
        .order_by(notices.c.case_id)
    )
    with model.engine.connect() as connection:
        return list(connection.scalars(query))
