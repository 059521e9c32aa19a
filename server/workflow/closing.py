"""What it takes to close an item of a notice beside a form that finds it good: who, where, with what photo.

Whatever is lacking is the utility's to bring, so it leads to another visit and not to another round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.model import Case, ItemRound, Notice, NoticeItem, Submission, Task
from server.workflow.policy import Policy
from server.workflow.rectification import Lack

#: The finding on an answer that was surely given outside the fence, from before presence was recorded.
AWAY = "presence_outside"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    specialties: dict[str, tuple[str, ...]]
    covered_unseen: tuple[str, ...]


@cache
def _table() -> _File:
    text = (resources.files(__package__) / "specialties.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), _File)


@cache
def _by_prefix() -> Mapping[str, str]:
    return {prefix: name for name, prefixes in _table().specialties.items() for prefix in prefixes}


def specialties() -> tuple[str, ...]:
    """Every specialty that a person may have."""
    return tuple(_table().specialties)


def specialty_of(code: str) -> str | None:
    """The specialty that an item belongs to, if any."""
    letters = re.match(r"[A-Z]+", code)
    return _by_prefix().get(letters[0]) if letters else None


def covered_unseen(code: str) -> bool:
    """Whether failing this item says that works were covered before anybody saw them."""
    return code in _table().covered_unseen


def may_close(limited: Mapping[str, tuple[str, ...]], name: str, code: str) -> bool:
    """Whether a person has the right for an item. `limited` holds the specialties of those who have some."""
    wanted = specialty_of(code)
    return wanted is None or wanted in limited.get(name, (wanted,))


def without_specialist(
    items: Iterable[str], people: Iterable[str], limited: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """The items that none of these people may close."""
    everybody = list(people)
    return [code for code in items if not any(may_close(limited, name, code) for name in everybody)]


def lacks(
    item: NoticeItem, seen: ItemRound, task: Task, submission: Submission, policy: Policy
) -> tuple[Lack, ...]:
    """What an item that was seen good lacks to be closed; nothing if it is."""
    return tuple(_lacks(item, seen, task, submission, policy))


def _lacks(
    item: NoticeItem, seen: ItemRound, task: Task, submission: Submission, policy: Policy
) -> Iterator[Lack]:
    critical = item.severity == "critical"
    if policy.two_person_critical and critical and seen.submitted_by in item.raisers:
        yield "second_person"
    if policy.closing_by_specialty and not may_close(
        task.specialties, seen.by or seen.submitted_by, item.code
    ):
        yield "specialty"
    if not task.by_photos and policy.after_photo_required and _unpaired(item, seen.photos):
        yield "after_photo"
    away = policy.critical_on_site and critical and not _on_site(item.code, submission)
    if away or (task.by_photos and item.severity != "minor"):
        yield "on_site"


def _on_site(code: str, submission: Submission) -> bool:
    """Whether an item counts as seen on site. What is open does not: nothing shows that it was."""
    if submission.presence is not None:
        return code in submission.presence.on_site
    return not any(found.item == code and found.code == AWAY for found in submission.findings)


def _unpaired(item: NoticeItem, photos: tuple[str, ...]) -> bool:
    """Whether there is a photo from before and none from after."""
    before = set(item.result.photos)
    return bool(before) and not set(photos) - before


def after_photos_wanted(case: Case, task: Task, policy: Policy) -> frozenset[str]:
    """The items of a re-inspection that are shown as they are now, if they are good: there is a photo of how
    they were."""
    notice = None if task.notice is None else case.notices.get(task.notice)
    if notice is None or task.by_photos or not policy.after_photo_required:
        return frozenset()
    return frozenset(
        item.code for item in notice.items if item.code in (task.items or ()) and item.result.photos
    )


def answered_in_photos(notice: Notice, code: str) -> bool:
    """Whether the customer's last answer to an item shows it."""
    given = [answer.items[code] for answer in notice.answers if code in answer.items]
    return bool(given and given[-1].photos)
