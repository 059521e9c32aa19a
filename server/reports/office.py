"""Papers of the office that a case fills in part: what it holds is printed, the rest is written by hand.

供电方案答复单, 设计审核意见单, 中间检查报验单, 竣工报验单, 保护定值单, 电能计量装接单, 案卷目录.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from checklists.model import Definition, Section
from server.reports.applications import completion_blocks, intermediate_blocks
from server.reports.design import design_blocks
from server.reports.heads import (
    blank,
    boxes,
    columns,
    customer_fields,
    entered,
    evidence,
    field,
    notice_stage,
    numbered,
    reading_rows,
    signers,
    supply_fields,
)
from server.reports.paper import (
    Blank,
    Block,
    Box,
    Cell,
    Fields,
    FormName,
    Heading,
    Line,
    Paper,
    Passage,
    Table,
    number_of,
    own_line,
)
from server.reports.wording import Wording, Words
from server.workflow.model import Case
from server.workflow.papers import paper_rules

__all__ = ["OFFICE_PAPERS", "office_paper"]

_SETTING_WIDTHS = (9.0, 34.0, 0.0, 24.0, 24.0, 24.0, 30.0)
_METER_WIDTHS = (30.0, 0.0, 34.0, 26.0, 26.0, 34.0)
_READING_WIDTHS = (60.0, 50.0, 0.0)
_INDEX_WIDTHS = (9.0, 0.0, 50.0, 24.0, 16.0, 20.0)
_COMMON_INSTRUMENTS = ("meter", "ct", "ct", "ct", "pt", "terminal")
#: Rows for instruments of one kind; more of them are counted.
_MOST_INSTRUMENTS = 12
#: Empty rows for what is written by hand.
_SETTING_ROWS, _METER_ROWS, _INDEX_ROWS = 12, 4, 5


@dataclass(frozen=True)
class OfficeFacts:
    """What an office paper may say beside the case itself.

    `scheme_until`: the last day on which the scheme holds; `next_stages`: where the process goes from there;
    `documents`: the checklist whose file items a completion application hands in; `hidden_works`: the one of
    an intermediate inspection, and its `parts`; `notice_days`: so long before the cover it is asked for.
    """

    scheme_until: date | None = None
    next_stages: tuple[str, ...] = ()
    documents: Definition | None = None
    hidden_works: Definition | None = None
    parts: tuple[Section, ...] = ()
    notice_days: int = 0


def office_paper(form: FormName, case: Case, facts: OfficeFacts, say: Wording) -> Paper:
    """One of OFFICE_PAPERS. Raises KeyError for another form."""
    return Paper(
        form=form,
        no=number_of(case.no, form),
        case_no=case.no,
        title=say.say(f"title_{form}"),
        organisation=case.organisation,
        blocks=tuple(OFFICE_PAPERS[form](case, facts, say)),
    )


def _scheme_reply(case: Case, facts: OfficeFacts, say: Wording) -> Iterator[Block]:
    yield Fields((*customer_fields(case, say), *supply_fields(case, say)))
    yield Heading(say.say("heading_scheme"))
    asked = ("source", "line", "boundary", "metering", "metering_mode", "ct_pt", "tariff", "protection")
    yield Fields(
        (
            *(field(say, name, _settled(case, name, say)) for name in _SCHEME_FACTS),
            *blank(say, *asked, "compensation"),
            field(say, "fees", wide=True),
            field(say, "fees_basis", wide=True),
        )
    )
    yield Heading(say.say("heading_validity"))
    stages = tuple(say.catalogued(f"stage.{stage}") for stage in facts.next_stages)
    following = tuple(
        "、".join(one[min(at, len(one) - 1)] for one in stages) for at in range(len(say.languages))
    )
    yield Fields(
        (
            field(say, "replied_on", say.day(entered(case, "reply"))),
            field(say, "valid_until", say.day(facts.scheme_until)),
            field(say, "next_step", following if stages else ()),
            field(say, "next_limit"),
        )
    )
    yield Passage(
        (Line(say.say("scheme_extension")), *boxes(say, ("scheme_agreed", "scheme_objection"), None))
    )
    yield signers(say, "manager", "customer")


#: Facts that the reply tells of: whether there are two sources, a line of the customer's own, HV metering.
_SCHEME_FACTS = ("dual", "dedicated", "gen", "hv_meter", "important", "design_review_required")


def _settled(case: Case, name: str, say: Wording) -> Words:
    fact = case.facts.get(name)
    if fact is None or not isinstance(fact.value, bool):
        return ()
    return say.say("yes" if fact.value else "no_word")


def _design_review(case: Case, _facts: OfficeFacts, say: Wording) -> Iterator[Block]:
    return design_blocks(case, say)


def _intermediate(case: Case, facts: OfficeFacts, say: Wording) -> Iterator[Block]:
    return intermediate_blocks(case, facts.hidden_works, facts.parts, facts.notice_days, say)


def _completion(case: Case, facts: OfficeFacts, say: Wording) -> Iterator[Block]:
    return completion_blocks(case, facts.documents, say)


def _settings(case: Case, facts: OfficeFacts, say: Wording) -> Iterator[Block]:
    yield Fields(
        (
            *customer_fields(case, say),
            *supply_fields(case, say),
            *blank(say, "station", "device", "device_model", "program"),
            field(say, "ct_ratio"),
            field(say, "pt_ratio"),
            field(say, "settings_basis", evidence(case, "settings-applied"), wide=True),
        )
    )
    head = columns(say, "no", "protection", "setting", "old", "new", "measured_setting", "remark")
    yield Table(head, _SETTING_WIDTHS, numbered(7, _SETTING_ROWS))
    yield Passage((*boxes(say, ("print_out", "trip_tried"), None), Blank(say.say("remarks"), 2)), framed=True)
    yield signers(say, "calculator", "checker", "approver", "executor")


def _metering(case: Case, facts: OfficeFacts, say: Wording) -> Iterator[Block]:
    record = case.energization.record
    yield Fields(
        (
            *customer_fields(case, say),
            *supply_fields(case, say),
            field(say, "metering_evidence", evidence(case, "metering-fitted")),
            field(say, "terminal_evidence", evidence(case, "terminal-online")),
            *blank(say, "metering_point", "multiplier"),
        )
    )
    head = columns(say, "instrument", "serial", "model", "ratio", "accuracy", "seal")
    yield Table(head, _METER_WIDTHS, tuple(_instruments(case, say)))
    yield Heading(say.say("heading_readings"))
    head = columns(say, "register", "reading", "remark")
    yield Table(head, _READING_WIDTHS, reading_rows({} if record is None else record.readings, _METER_ROWS))
    yield Passage((Blank(say.say("remarks"), 2),), framed=True)
    yield signers(say, "fitter_1", "fitter_2", "customer")


def _instruments(case: Case, say: Wording) -> Iterator[tuple[Cell, ...]]:
    """A row for each instrument of the case's plan, its number and seal to be filled in; without a plan, one
    for each that is common."""
    if case.metering is None:
        for kind in _COMMON_INSTRUMENTS:
            yield ((Line(say.say(f"instrument_{kind}")),), *((),) * 5)
        return
    for line in case.metering.lines:
        one = line.instrument
        cells = (own_line(one.type), own_line(one.ratio), own_line(one.accuracy))
        shown = min(line.quantity, _MOST_INSTRUMENTS)
        for _ in range(shown):
            yield (Line(say.say(f"instrument_{one.kind}")),), (), *cells, ()
        if more := line.quantity - shown:
            yield (Line(say.say("instruments_more", count=more), "small"),), (), *cells, ()


def _index(case: Case, facts: OfficeFacts, say: Wording) -> Iterator[Block]:
    yield Fields((*customer_fields(case, say), *supply_fields(case, say)))
    head = columns(say, "no", "paper", "reference", "day", "pages", "kept")
    rows = tuple(((Line((str(count),)),), *row) for count, row in enumerate(_contents(case, say), 1))
    yield Table(head, _INDEX_WIDTHS, (*rows, *numbered(6, _INDEX_ROWS, start=len(rows) + 1)))
    yield Passage((Line(say.say("index_originals")), Line(say.say("index_photos", count=len(case.photos)))))
    yield signers(say, "archivist", "manager")


def _contents(case: Case, say: Wording) -> Iterator[tuple[Cell, ...]]:
    """What the file holds and should hold: paper, reference, day, pages (by hand), where it is kept."""
    opened = say.day(case.history[0].begun) if case.history else ()
    yield (Line(say.say("paper_application")),), own_line(case.no), _line(opened), (), ()
    yield from _filed(case, say)
    counted: Counter[str] = Counter()
    for task in case.tasks.values():
        counted[task.kind] += 1
        if task.status != "accepted" or not task.submissions:
            continue
        form: FormName = task.kind
        day = say.day(task.submissions[-1].submitted_at)
        no = number_of(case.no, form, counted[task.kind])
        yield (Line(say.say(f"title_{form}")),), own_line(no), _line(day), (), ()
    for notice in case.notices.values():
        if notice.state == "draft":
            continue
        title = (Line(say.say("title_notice")), Line(notice_stage(notice.stage, say), "small"))
        no = number_of(case.no, "notice", notice.n)
        yield title, own_line(no), _line(say.day(notice.issues[0].at if notice.issues else None)), (), ()
    for gate in ("settings-applied", "metering-fitted", "outage-approved", "tests-complete"):
        entries = case.entries.get(gate, ())
        if entries and entries[-1].status == "met":
            day = say.day(entries[-1].at)
            yield (Line(say.catalogued(f"gate.{gate}")),), evidence(case, gate), _line(day), (), ()
    if case.energization.authorized_at is not None:
        day = say.day(case.energization.authorized_at)
        yield (Line(say.say("title_order")),), own_line(number_of(case.no, "order")), _line(day), (), ()


def _filed(case: Case, say: Wording) -> Iterator[tuple[Cell, ...]]:
    """Papers from elsewhere: those that are in or owed, and those that the trade asks for of such a case."""
    rules = paper_rules()
    asked = [rule.id for rule in rules.values() if case.process in rule.processes]
    for name in dict.fromkeys((*asked, *case.papers)):
        paper = case.papers.get(name)
        original = Box(say.say("original"), ticked=paper is not None and paper.original)
        kept: Cell = (original,) if original.ticked or (name in rules and rules[name].original) else ()
        if paper is None:
            yield (Line(say.catalogued(f"paper.{name}")),), (), (), (), kept
            continue
        title = say.own(paper.title) or say.catalogued(f"paper.{name}")
        day = _line(say.day(paper.recorded_at)) if paper.state == "in" else ()
        if paper.state == "owed":
            kept = (*kept, Line(say.say("owed"), "alarm"), *_line(say.day(paper.due)))
        yield (Line(title),), own_line(paper.reference), day, (), kept


def _line(words: Words) -> tuple[Line, ...]:
    return (Line(words),) if words else ()


#: Papers that any case has, by the name in their address.
OFFICE_PAPERS: Mapping[FormName, Callable[[Case, OfficeFacts, Wording], Iterator[Block]]] = {
    "scheme_reply": _scheme_reply,
    "design_review": _design_review,
    "intermediate_application": _intermediate,
    "completion_application": _completion,
    "settings": _settings,
    "metering": _metering,
    "index": _index,
}
