"""What was found on site, as paper: 现场勘查单, 中间检查意见单, 竣工检验意见单, 复验记录, 用电检查记录."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from checklists.evaluate import ItemJudgement
from checklists.loader import fact_definitions
from checklists.model import Definition, split_code
from checklists.overrides import Override
from checklists.reasons import number
from server.reports.answers import source_words, value_words
from server.reports.beside import Beside, Signed, photo_blocks
from server.reports.heads import boxes, columns, customer_fields, notice_stage, signers, supply_fields
from server.reports.heads import field as named
from server.reports.paper import (
    Blank,
    Block,
    Cell,
    Field,
    Fields,
    FormName,
    Heading,
    Line,
    Paper,
    Passage,
    Room,
    Signature,
    Signatures,
    Style,
    Table,
    number_of,
    own_line,
)
from server.reports.wording import Wording, Words, breakable
from server.workflow.model import Case, Notice, Submission, Task, TaskKind

__all__ = ["Found", "inspection_paper", "item_photos"]

#: The form of each kind of task.
_FORMS: Mapping[TaskKind, FormName] = {
    "survey": "survey",
    "intermediate": "intermediate",
    "acceptance": "acceptance",
    "reinspection": "reinspection",
    "customer_inspection": "customer_inspection",
}
#: What the opinion may be, good first, by kind of task; a survey's stands in its own answers.
_OPINIONS: Mapping[TaskKind, tuple[str, str]] = {
    "intermediate": ("cover", "mend_first"),
    "acceptance": ("passed", "failed"),
    "reinspection": ("all_passed", "next_round"),
    "customer_inspection": ("passed", "failed"),
}
#: Who signs where the form itself asked for no signature.
_SIGNERS: Mapping[TaskKind, tuple[str, ...]] = {
    "survey": ("surveyor_1", "surveyor_2", "customer"),
    "intermediate": ("inspector_1", "inspector_2", "customer", "contractor", "supervisor"),
    "acceptance": ("marketing", "maintenance", "dispatch", "metering", "safety", "customer"),
    "reinspection": ("inspector_1", "inspector_2", "customer", "contractor"),
    "customer_inspection": ("inspector_1", "inspector_2", "customer"),
}
#: Millimetres: code, what is asked, what was found, verdict.
_WIDTHS = (19.0, 0.0, 62.0, 19.0)
_LIMIT_WIDTHS = (19.0, 30.0, 0.0, 24.0)
_STYLES: Mapping[str, Style] = {"fail": "alarm", "warning": "strong"}
#: Letters of a key's name: enough to find it among a tablet's keys.
_KID_SHOWN = 12
#: Millimetres of room for a sketch of the site.
_SKETCH = 70.0


@dataclass(frozen=True)
class Found:
    """A task's form, merged and judged. `answers` are the merged ones by item code, `superseded` those that
    a safer one stands before, `visit` when it was filled in, `limits` the organisation's own that held then.
    """

    definition: Definition
    answers: Mapping[str, Any]
    items: tuple[ItemJudgement, ...]
    superseded: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    visit: tuple[datetime, datetime] | None = None
    limits: tuple[Override, ...] = ()

    @property
    def shown(self) -> tuple[ItemJudgement, ...]:
        return tuple(item for item in self.items if item.shown)


def inspection_paper(case: Case, task: Task, found: Found, beside: Beside, say: Wording) -> Paper:
    """The paper of one task. What was not accepted yet is stamped so: its verdicts may still change."""
    form = _FORMS[task.kind]
    of_kind = [one for one in case.tasks.values() if one.kind == task.kind]
    final = task.status == "accepted" and task.open_branch is None
    return Paper(
        form=form,
        no=number_of(case.no, form, of_kind.index(task) + 1),
        case_no=case.no,
        title=say.say(f"title_{form}"),
        organisation=case.organisation,
        stamp=() if final else say.say("stamp_not_final"),
        blocks=(
            Fields(tuple(_about(case, task, found, say))),
            *(_survey(case, say) if task.kind == "survey" else ()),
            *_sections(found, say),
            *_limits(found, say),
            *_conclusion(case, task, found, say, final=final),
            *_signatures(task, found, beside, say),
            *photo_blocks(say.say("photos"), item_photos(found), beside, say),
        ),
    )


def item_photos(found: Found) -> list[tuple[str, tuple[str, ...]]]:
    """By item code, the photos that its answer names."""
    return [(_name(item), item.photos) for item in found.shown]


def _name(item: ItemJudgement) -> str:
    """An item's code as people know it: of an entry, its label and not its key."""
    own = split_code(item.code)[0]
    return f"{own} {item.label}" if item.label else own


def _about(case: Case, task: Task, found: Found, say: Wording) -> Iterator[Field]:
    yield from customer_fields(case, say)
    yield from supply_fields(case, say)
    definition = found.definition
    title = f"{say.text(definition.title)[0]}  {definition.id}@{definition.version}"
    yield named(say, "checklist", own_line(title), wide=True)
    begun, ended = found.visit or (None, None)
    yield named(say, "time_in", say.moment(begun))
    yield named(say, "time_out", say.moment(ended))
    yield named(say, "assignees", say.persons(task.assignees))
    if task.submissions:
        last = task.submissions[-1]
        params = {"n": last.n, "at": say.moment(last.submitted_at)[0], "by": say.person(last.submitted_by)}
        yield named(say, "submitted", say.say("submitted", **params))
        yield named(say, "device_signature", _device_signature(last, say))
    there = next((one.presence for one in reversed(task.submissions) if one.presence is not None), None)
    if there is not None:
        numbers = {"supported": len(there.on_site), "open": there.open, "contradicted": len(there.off_site)}
        verdict = say.catalogued(f"attendance_{there.standing}")
        words = say.catalogued("intake.presence", verdict=verdict, **numbers)
        yield named(say, "presence", words, wide=True)
    yield named(say, "task_status", say.catalogued(f"task_status.{task.status}"))
    if task.notice is not None:
        yield named(say, "notice", (number_of(case.no, "notice", task.notice),))
    if task.kind in ("intermediate", "acceptance"):
        yield from (named(say, code) for code in ("contractor", "licence", "drawing_no", "supervisor"))


def _device_signature(submission: Submission, say: Wording) -> Words:
    """Which tablets signed the form, by the beginning of their keys' names; what none signed says so."""
    if submission.signed != "signed":
        return say.say(f"device_{submission.signed or 'unsigned'}")
    keys = (f"{one.device} ({one.kid[:_KID_SHOWN]}…)" for one in submission.device_signatures)
    return say.say("device_signed", keys=breakable(", ".join(dict.fromkeys(keys))))


def _survey(case: Case, say: Wording) -> Iterator[Block]:
    """The facts that are settled, and room for what only a pen can draw."""
    known = fact_definitions()
    told = []
    for name, fact in case.facts.items():
        if name not in known or fact.value is None:
            continue
        option = next((one for one in known[name].options if one.value == fact.value), None)
        if option is not None:
            value = say.text(option.text)
        elif isinstance(fact.value, bool):
            value = say.say("yes" if fact.value else "no_word")
        else:
            value = value_words(fact.value, None, None, say)
        told.append(Field(say.text(known[name].title), (Line(value),)))
    if told:
        yield Heading(say.say("heading_facts"))
        yield Fields(tuple(told))
    yield Heading(say.say("heading_sketch"))
    yield Passage((Room(_SKETCH),), framed=True)


def _sections(found: Found, say: Wording) -> Iterator[Block]:
    head = columns(say, "code", "item", "found", "verdict")
    for section in found.definition.sections:
        codes = {inner.code for item in section.items for inner in (item, *item.items)}
        rows = tuple(_row(item, found, say) for item in found.shown if split_code(item.code)[0] in codes)
        if rows:
            yield Heading(say.text(section.title))
            yield Table(head, _WIDTHS, rows)


def _row(item: ItemJudgement, found: Found, say: Wording) -> tuple[Cell, ...]:
    own = split_code(item.code)[0]
    sources = source_words(item.source, say)
    graver = item.verdict == "fail"
    return (
        (
            Line(say.own(_name(item))),
            *((Line(say.catalogued(f"severity.{item.severity}"), "small"),) if graver else ()),
        ),
        (
            Line(say.text(item.text)),
            Line(say.say("standard", source=sources), "small"),
        ),
        tuple(_finding(item, own, found, say)),
        (Line(say.say(f"verdict_{item.verdict}"), _STYLES.get(item.verdict, "plain")),),
    )


def _finding(item: ItemJudgement, own: str, found: Found, say: Wording) -> Iterator[Line]:
    asked = found.definition.by_code.get(own)
    raw = found.answers.get(item.code)
    raw = raw if isinstance(raw, Mapping) else {}
    value = value_words(item.value, item.unit, asked, say)
    if value:
        yield Line(value, "strong")
    if item.verdict in ("fail", "warning"):
        yield Line(say.text(item.reason))
    if item.note:
        yield Line(say.own(item.note))
    instrument = raw.get("instrument")
    if isinstance(instrument, Mapping):
        told = "  ".join(str(one) for one in instrument.values())
        yield Line(say.say("instrument", instrument=breakable(told)), "small")
    if item.type == "signature" and isinstance(item.value, list):
        yield Line(say.say("signed_by_count", count=len(item.value)))
    if item.photos:
        yield Line(say.say("photos_taken", count=len(item.photos)), "small")
    for other in found.superseded.get(item.code, ()):
        if isinstance(other, Mapping):
            also = value_words(other.get("value"), item.unit, asked, say) or say.own(
                str(other.get("note") or "")
            )
            yield Line(say.say("superseded", value=also, by=say.person(str(other.get("by") or ""))), "small")


def _limits(found: Found, say: Wording) -> Iterator[Block]:
    """The organisation's own limits that the form was judged with."""
    if not found.limits:
        return
    head = columns(say, "item", "limit", "basis", "since")
    rows = []
    for one in found.limits:
        low = f"≥ {number(one.min, one.unit)}" if one.min is not None else ""
        high = f"≤ {number(one.max, one.unit)}" if one.max is not None else ""
        rows.append(
            (
                own_line(one.item),
                (Line((" ".join(filter(None, (low, high))),)),),
                (Line(say.text(one.basis)), Line(say.own(one.source), "small")),
                (Line(say.day(one.since)),),
            )
        )
    yield Heading(say.say("heading_limits"))
    yield Table(head, _LIMIT_WIDTHS, tuple(rows))


def _conclusion(case: Case, task: Task, found: Found, say: Wording, *, final: bool) -> Iterator[Block]:
    counted = Counter(item.verdict for item in found.shown if item.type not in ("signature", "photo"))
    told = {name: counted.get(name, 0) for name in ("pass", "fail", "warning", "not_judged")}
    lines: list[Any] = [Line(say.say("counts", **{f"of_{name}": value for name, value in told.items()}))]
    if (opinions := _OPINIONS.get(task.kind)) is not None:
        good, bad = opinions
        failed = bool(task.failed) or told["fail"] > 0
        lines += boxes(say, opinions, (bad if failed else good) if final else None)
    for notice in _raised(case, task):
        lines.append(Line(_told_of(case, notice, say)))
    yield Heading(say.say("heading_opinion"))
    yield Passage((*lines, Blank(say.say("opinion_by_hand"), 2)), framed=True)


def _raised(case: Case, task: Task) -> list[Notice]:
    """The notices that follow from a task, or that it looks at again."""
    return [
        notice for notice in case.notices.values() if task.id == notice.task_id or notice.n == task.notice
    ]


def _told_of(case: Case, notice: Notice, say: Wording) -> tuple[str, ...]:
    state = say.catalogued(f"notice_state.{notice.state}")
    no, stage = number_of(case.no, "notice", notice.n), notice_stage(notice.stage, say)
    return say.say("notice_raised", no=no, stage=stage, state=state, count=len(notice.items))


def _signatures(task: Task, found: Found, beside: Beside, say: Wording) -> Iterator[Block]:
    """Those given on the tablet, and places for the parties of the form if it asked for none."""
    given = []
    for item in found.shown:
        asked = found.definition.by_code.get(split_code(item.code)[0])
        roles = {role.role: role for role in asked.roles} if asked is not None else {}
        for entry in item.value if item.type == "signature" and isinstance(item.value, list) else ():
            signed = beside.signatures.get(entry["signature"], Signed())
            label = say.text(roles[entry["role"]].text) if entry["role"] in roles else say.own(entry["role"])
            name = say.person(str(entry.get("person") or signed.signer))
            given.append(Signature(label, name, say.moment(signed.at), signed.picture))
    yield Heading(say.say("heading_signatures"))
    if given:
        yield Signatures(tuple(given))
    else:
        yield signers(say, *_SIGNERS[task.kind])
