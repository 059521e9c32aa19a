"""When a notice is no matter of two people any more: specialists meet before anybody goes there again."""

from __future__ import annotations

from server.workflow.model import Notice
from server.workflow.policy import Policy
from server.workflow.rectification import SpecialistsCause


def specialists_wanted(notice: Notice, policy: Policy) -> dict[SpecialistsCause, tuple[str, ...]]:
    """Why specialists have to meet before the next re-inspection, and over which items; nothing if they need
    not, or have.

    Works that were covered unseen take a meeting over each of them, since it was found. From so many failed
    rounds on each round takes one over what is still open.
    """
    if not notice.open:
        return {}
    found: dict[SpecialistsCause, tuple[str, ...]] = {}
    unseen = [item for item in notice.items if not item.settled and item.covered is not None]
    covered = tuple(
        item.code
        for item in unseen
        if not any(
            item.code in one.items and item.covered is not None and one.recorded_at >= item.covered.at
            for one in notice.specialist_meetings
        )
    )
    if covered:
        found["covered_unseen"] = covered
    if notice.round > policy.rounds_to_specialists:
        met = {code for one in notice.specialist_meetings if one.round == notice.round for code in one.items}
        failed = tuple(item.code for item in notice.items if not item.settled and item.code not in met)
        if failed:
            found["rounds_failed"] = failed
    return found
