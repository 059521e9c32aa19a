"""What the customer offers for inspection, on paper: 受电工程中间检查报验单, 竣工报验单."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checklists.model import Definition, Section, Text
from server.reports.conditions import in_words
from server.reports.heads import (
    blank,
    boxes,
    columns,
    customer_fields,
    entered,
    field,
    notice_stage,
    numbered,
    signers,
    supply_fields,
)
from server.reports.paper import (
    Blank,
    Block,
    Box,
    Cell,
    Field,
    Fields,
    Heading,
    Line,
    Passage,
    Table,
    number_of,
    own_line,
)
from server.reports.wording import Wording, breakable
from server.workflow.facts import known
from server.workflow.model import Case
from server.workflow.processes.called import standing_minutes
from server.workflow.rectification import last_contractor

__all__ = ["completion_blocks", "intermediate_blocks", "parts_of"]

_PART_WIDTHS = (9.0, 0.0, 44.0, 34.0, 30.0)
_EQUIPMENT_WIDTHS = (9.0, 0.0, 40.0, 40.0, 40.0)
#: Empty rows for what is written by hand.
_PART_ROWS, _EQUIPMENT_ROWS = 3, 6
#: Between what stands in a row.
_AND = {"zh-CN": "、", "en": ", "}


def parts_of(whole: Definition, others: Iterable[Definition]) -> tuple[Section, ...]:
    """The parts of the works that an intermediate inspection looks at: the sections of `whole` but those
    that every one of `others`, checklists of single parts, has too; they are about papers and signatures."""
    sections = [{section.id for section in one.sections} for one in others]
    common = set.intersection(*sections) if sections else set()
    return tuple(section for section in whole.sections if section.id not in common)


def intermediate_blocks(
    case: Case, definition: Definition | None, parts: tuple[Section, ...], notice_days: int, say: Wording
) -> Iterator[Block]:
    """Which hidden works are offered before they are covered, by which drawing, built by whom.

    `notice_days`: so many days before the cover the utility has to hear of it.
    """
    minutes = standing_minutes(case, "drawing_review")
    yield Fields(
        (
            *customer_fields(case, say),
            *supply_fields(case, say),
            field(say, "offered_on", say.day(entered(case, "intermediate"))),
            *blank(say, "wanted_on"),
            *_builder(case, say),
            *blank(say, "supervisor", "designer", "drawing_no"),
            field(say, "reviewed_on", say.day(None if minutes is None else minutes.held_at)),
        )
    )
    yield Heading(say.say("heading_parts"))
    rows = () if definition is None else tuple(_part_rows(definition, parts, say))
    head = columns(say, "no", "part", "place", "drawing_no", "cover_wanted")
    yield Table(head, _PART_WIDTHS, (*rows, *numbered(5, _PART_ROWS, start=len(rows) + 1)))
    if definition is not None and (handed_in := tuple(_documents(definition, say))):
        yield Heading(say.say("heading_documents"))
        yield Passage(handed_in, framed=True)
    yield Passage((*_open_notices(case, say), *_promises(case, notice_days, say)), framed=True)
    yield signers(say, "customer", "contractor", "supervisor", "received_by")


def _builder(case: Case, say: Wording) -> tuple[Field, ...]:
    """Who builds, as the case's last notice says."""
    builder = last_contractor(case.notices)
    told = (("contractor", builder.name), ("licence", builder.licence), ("site_lead", builder.site_lead))
    return tuple(field(say, code, own_line(words)) for code, words in told)


def _part_rows(
    definition: Definition, parts: tuple[Section, ...], say: Wording
) -> Iterator[tuple[Cell, ...]]:
    """A box for each part, with what is looked at there and when it is there at all."""
    for count, section in enumerate(parts, 1):
        names, looked_at = [], []
        for language in say.languages:
            names.append(_in(section.title, language) + _only_with(section, definition, language))
            looked_at.append(_AND[language].join(_in(item.text, language) for item in section.items))
        part = (Box(tuple(map(breakable, names))), Line(tuple(map(breakable, looked_at)), "small"))
        yield (Line((str(count),)),), part, (), (), ()


def _only_with(section: Section, definition: Definition, language: str) -> str:
    """What has to be there for a part to be, where all of its items depend on something."""
    conditions = {item.when for item in section.items}
    told = sorted(in_words(one, definition, language) for one in conditions if one is not None)
    return "" if None in conditions else f"（{_AND[language].join(told)}）"


def _in(words: Text, language: str) -> str:
    return words.zh if language == "zh-CN" else words.en


def _open_notices(case: Case, say: Wording) -> Iterator[Line]:
    """What an earlier look at hidden works found and nobody has seen good yet."""
    for notice in case.notices.values():
        if notice.stage == "intermediate" and notice.open and notice.state != "draft":
            yield Line(
                say.say(
                    "notice_raised",
                    no=number_of(case.no, "notice", notice.n),
                    stage=notice_stage(notice.stage, say),
                    count=len(notice.items),
                    state=say.catalogued(f"notice_state.{notice.state}"),
                )
            )


def _promises(case: Case, notice_days: int, say: Wording) -> Cell:
    not_asked = known(case, "mid_check_required") is False
    return (
        *boxes(say, ("self_checked", "not_covered"), None),
        Line(say.say("intermediate_ahead", days=notice_days)),
        Line(say.say("intermediate_no_cover"), "strong"),
        *((Line(say.say("intermediate_not_required")),) if not_asked else ()),
    )


def completion_blocks(case: Case, definition: Definition | None, say: Wording) -> Iterator[Block]:
    """Which works are finished, with the documents that `definition` asks for."""
    yield Fields(
        (
            *customer_fields(case, say),
            *supply_fields(case, say),
            *_builder(case, say),
            *blank(say, "designer", "tester", "finished_on", "wanted_on"),
        )
    )
    if definition is not None:
        yield Heading(say.say("heading_documents"))
        yield Passage(tuple(_documents(definition, say)), framed=True)
    yield Heading(say.say("heading_equipment"))
    head = columns(say, "no", "equipment", "rating", "serial", "maker")
    yield Table(head, _EQUIPMENT_WIDTHS, numbered(5, _EQUIPMENT_ROWS))
    yield Passage(
        (
            Blank(say.say("test_summary"), 3),
            *_self_checked(case, say),
            *boxes(say, ("mid_check_closed",), None),
            Line(say.say("completion_promise")),
        ),
        framed=True,
    )
    yield signers(say, "customer", "contractor", "received_by")


def _self_checked(case: Case, say: Wording) -> Iterator[Line | Box]:
    """The customer's last check of the works, ticked if by his word they stand it."""
    last = max(case.self_checks.values(), key=lambda one: (one.dated, one.id), default=None)
    yield Box(say.say("box_self_checked"), ticked=last is not None and last.finished)
    if last is not None:
        told = "  ".join((*say.moment(last.dated), last.by, last.evidence))
        yield Line(say.own(told), "small")


def _documents(definition: Definition, say: Wording) -> Iterator[Box]:
    """Each document that a checklist asks for, and when it does."""
    for item in definition.items:
        if item.type != "file":
            continue
        told = say.text(item.text)
        if item.when is not None:
            told = tuple(
                f"{words}（{in_words(item.when, definition, language)}）"
                for words, language in zip(told, say.languages, strict=False)
            )
        yield Box(tuple(f"{item.code}  {words}" if not at else words for at, words in enumerate(told)))
