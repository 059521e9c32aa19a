"""Photos on paper: the contact sheet 现场影像一览表, and before beside after 整改前后对比影像.

Each photo stands with its time, its place and what was found of it; what a form wants and does not have is
said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from checklists.model import Verdict, split_code
from checklists.shots import ItemShots
from server.reports.heads import columns, customer_fields, notice_stage
from server.reports.heads import field as named
from server.reports.paper import (
    FORMS,
    Block,
    Cell,
    Fields,
    Heading,
    Line,
    Paper,
    Passage,
    Photos,
    Picture,
    Table,
    number_of,
)
from server.reports.wording import Wording, Words, breakable
from server.workflow.model import Case, Notice, Task
from server.workflow.pairs import After, ItemPairs

__all__ = ["MOST_ON_SHEET", "Group", "Seen", "contact_sheet", "on_sheet", "pairs_sheet", "sheet_number"]

#: Photos of one sheet, some twenty pages of twelve; the sheet says how many more there are.
MOST_ON_SHEET = 240
#: Photos to a row: many to look over, two to compare.
_COLUMNS, _PAIRED = 4, 2
#: Millimetres: code, item, verdict, how many photos, what they do not show.
_WIDTHS = (19.0, 0.0, 19.0, 22.0, 48.0)


@dataclass(frozen=True)
class Seen:
    """A photo as a sheet shows it: the name of its file if it may be shown, its state (a code of
    `paper.photo_*`), when, by whom and where it was taken, and what was noticed of it: codes of any catalogue
    with the values of their texts."""

    image: str | None = None
    state: str = "absent"
    taken_at: datetime | None = None
    by: str = ""
    place: str = ""
    flags: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True)
class Group:
    """Photos that belong together: the items of a form, and photos that no form names, each after the code of
    what it is of."""

    title: Words
    items: tuple[ItemShots, ...] = ()
    others: tuple[tuple[str, str], ...] = ()


def on_sheet(groups: Iterable[Group]) -> list[str]:
    """The ids of the photos that are printed, in their order."""
    named = (
        photo
        for group in groups
        for photo in (
            *(photo for item in group.items for photo in item.photos),
            *(photo for _, photo in group.others),
        )
    )
    return list(dict.fromkeys(named))[:MOST_ON_SHEET]


def sheet_number(case: Case, task: Task) -> str:
    """The number of an inspection's sheet: the sheet's code, then the inspection's own."""
    of_kind = [one for one in case.tasks.values() if one.kind == task.kind]
    return number_of(case.no, "contact_sheet", f"-{FORMS[task.kind].code}{of_kind.index(task) + 1}")


def contact_sheet(
    case: Case, no: str, groups: Sequence[Group], seen: Mapping[str, Seen], say: Wording
) -> Paper:
    """Photos of a case by item. `seen` holds those of `on_sheet`."""
    items = [item for group in groups for item in group.items if item.wanted]
    photos = {photo for group in groups for item in group.items for photo in item.photos}
    photos |= {photo for group in groups for _, photo in group.others}
    counted = {"complete": sum(item.complete for item in items), "wanted": len(items)}
    blocks: list[Block] = [
        Fields(
            (
                *customer_fields(case, say),
                named(say, "photos_in_all", (str(len(photos)),)),
                named(say, "items_shown", say.say("sheet_counted", **counted) if items else ()),
            )
        )
    ]
    for group in groups:
        blocks += _group(group, seen, say)
    if len(photos) > MOST_ON_SHEET:
        more = say.say("photos_more", count=len(photos) - MOST_ON_SHEET)
        blocks.append(Passage((Line(more, "small"),)))
    return Paper(
        form="contact_sheet",
        no=no,
        case_no=case.no,
        title=say.say("title_contact_sheet"),
        organisation=case.organisation,
        blocks=tuple(blocks),
    )


def _group(group: Group, seen: Mapping[str, Seen], say: Wording) -> Iterator[Block]:
    """What the items want and have, then all photos one after the other."""
    if group.title and (group.items or group.others):
        yield Heading(group.title)
    if group.items:
        head = columns(say, "code", "item", "verdict", "photos", "lacking")
        yield Table(head, _WIDTHS, tuple(_row(item, say) for item in group.items))
        yield Passage(())
    shown = [
        *(_of_item(item, photo, seen, say) for item in group.items for photo in item.photos if photo in seen),
        *(
            _picture((code,) if code else (), photo, seen[photo], say)
            for code, photo in group.others
            if photo in seen
        ),
    ]
    if shown:
        yield Photos(tuple(shown), columns=_COLUMNS)


def _name(item: ItemShots) -> str:
    own = split_code(item.code)[0]
    return f"{own} {item.label}" if item.label else own


def _row(item: ItemShots, say: Wording) -> tuple[Cell, ...]:
    counted = say.say("sheet_of_wanted", verified=len(item.verified), wanted=item.wanted)
    unasked = say.say("sheet_unasked", verified=len(item.verified))
    return (
        (Line(say.own(_name(item))),),
        (Line(say.text(item.text)),),
        (Line(say.say(f"verdict_{item.verdict}"), "alarm" if item.verdict == "fail" else "plain"),),
        (Line(counted if item.wanted else unasked),),
        tuple(_lacking(item, say)),
    )


def _lacking(item: ItemShots, say: Wording) -> Iterator[Line]:
    short = item.wanted - len(item.verified)
    if short > 0:
        yield Line(say.say("sheet_short", count=short), "alarm")
    for view in item.views:
        if not view.complete:
            short = view.min - len(view.photos)
            yield Line(say.say("sheet_view_short", view=view.text, count=short), "alarm")


def _of_item(item: ItemShots, photo: str, seen: Mapping[str, Seen], say: Wording) -> Picture:
    views = [view.text for view in item.views if photo in view.photos]
    shows: Words = (_name(item),)
    for view in views:
        shows = _joined(shows, say.text(view))
    return _picture(shows, photo, seen[photo], say, item.verdict)


def _picture(shows: Words, photo: str, seen: Seen, say: Wording, verdict: Verdict | None = None) -> Picture:
    """A photo with its caption: what of, when and by whom, where, what was found, which photo."""
    found = () if verdict is None else say.say(f"verdict_{verdict}")
    state = say.say(f"photo_{seen.state}")
    told = "  ".join([*say.moment(seen.taken_at), *say.person(seen.by)])
    caption: Cell = (
        *((Line(shows, "strong"),) if shows else ()),
        *((Line((breakable(told),)),) if told else ()),
        Line((seen.place,) if seen.place else say.say("no_place"), "small"),
        Line(_joined(found, state) if found else state, "plain" if seen.state == "verified" else "alarm"),
        *(Line(say.catalogued(code, **params), "small") for code, params in seen.flags),
        Line((breakable(photo),), "small"),
    )
    return Picture(seen.image, caption)


def _joined(one: Words, other: Words) -> Words:
    """Two texts beside each other in each language."""
    longest = max(len(one), len(other))
    return tuple(f"{one[min(at, len(one) - 1)]} · {other[min(at, len(other) - 1)]}" for at in range(longest))


def pairs_sheet(
    case: Case, notice: Notice, pairs: Sequence[ItemPairs], seen: Mapping[str, Seen], say: Wording
) -> Paper:
    """The items of a notice, each as it was found beside how it was shown since."""
    blocks: list[Block] = [
        Fields(
            (
                *customer_fields(case, say),
                named(say, "of_notice", (number_of(case.no, "notice", notice.n),)),
                named(say, "stage", notice_stage(notice.stage, say)),
                named(say, "inspected_on", say.day(notice.heading.inspected_on)),
                named(say, "state", say.catalogued(f"notice_state.{notice.state}")),
            )
        )
    ]
    for item in pairs:
        state = say.catalogued(f"item_state.{item.state}")
        title = say.say(
            "pairs_item",
            code=item.code,
            item=item.text,
            severity=say.catalogued(f"severity.{item.severity}"),
            state=state,
        )
        blocks.append(Heading(title))
        blocks.append(Photos(tuple(_sides(item, seen, say)), columns=_PAIRED))
    return Paper(
        form="pairs",
        no=number_of(case.no, "pairs", notice.n),
        case_no=case.no,
        title=say.say("title_pairs"),
        organisation=case.organisation,
        blocks=tuple(blocks),
    )


def _sides(item: ItemPairs, seen: Mapping[str, Seen], say: Wording) -> Iterator[Picture]:
    """Before on the left, after on the right, row by row; where there is none, that it is missing."""
    after = [(one, photo) for one in item.after for photo in one.photos]
    missing = {side: Picture(None, (Line(say.say(f"pairs_no_{side}"), "alarm"),)) for side in item.lacking}
    blank = Picture(None, ())
    for before, later in zip_longest(item.before, after) if item.before or after else [(None, None)]:
        if before is None:
            yield missing.get("before", blank)
        else:
            yield _picture(say.say("pairs_before"), before, seen.get(before, Seen()), say, "fail")
        if later is None:
            yield missing.get("after", blank)
        else:
            one, photo = later
            yield _picture(_of_round(one, say), photo, seen.get(photo, Seen()), say, one.verdict)


def _of_round(one: After, say: Wording) -> Words:
    return say.say(f"pairs_{one.kind}", round=one.round)
