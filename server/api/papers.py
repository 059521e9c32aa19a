# mypy: disable-error-code="untyped-decorator"
"""Papers of a case as PDF 单据: which there are, and each of them."""

from __future__ import annotations

from typing import Any, cast, get_args

import marshmallow as ma
from flask import Response

from server.api.base import Schema, blueprint, roles
from server.api.casework import visible
from server.api.paper_evidence import found, gather, signatures_of, wording
from server.api.pdf import ANSWERS, pdf
from server.problems import Problem, language
from server.reports.applications import parts_of
from server.reports.contact_sheet import sheet_number
from server.reports.energization import order_paper, record_paper, record_signatures
from server.reports.inspection import inspection_paper, item_photos
from server.reports.notice import notice_paper, notice_photos, notice_signatures
from server.reports.office import OFFICE_PAPERS, OfficeFacts, office_paper
from server.reports.paper import Copies, FormName, number_of
from server.reports.surroundings import minutes_paper, receipt_paper
from server.reports.wording import Printed, Wording
from server.services import services
from server.texts import text
from server.workflow.model import Case
from server.workflow.processes import CANCELLED, process
from server.workflow.processes.preconditions import scheme_expiry
from server.workflow.sheet import gate_sheet, switching_sheet

blp = blueprint("papers", "Printed forms 单据.")

#: The checklist whose documents are handed in with a completion application.
_DOCUMENTS = {"lv": "acceptance-lv"}
_DOCUMENTS_HV = "acceptance-hv"
#: The checklist of all hidden works, whose parts an application for the intermediate inspection offers.
_HIDDEN_WORKS = "intermediate-hv"
_OF_NOTICES: tuple[FormName, ...] = ("notice", "pairs")
#: When the papers of energization may be printed: a red gate leaves nothing to carry to the switch.
_AUTHORIZED = ("authorized", "energized")


class PaperQuery(Schema):
    language = ma.fields.String(
        validate=ma.validate.OneOf(get_args(Printed)),
        metadata={"description": "The language that it is printed in; left out, by Accept-Language."},
    )
    copies = ma.fields.String(
        load_default="both",
        validate=ma.validate.OneOf(get_args(Copies)),
        metadata={
            "description": "The customer's copy, the one for the file, or first the one, then the other."
        },
    )


class PaperRow(ma.Schema):
    form = ma.fields.String()
    no = ma.fields.String()
    title = ma.fields.String()
    href = ma.fields.String()
    ready = ma.fields.Boolean(metadata={"description": "Whether it can be printed now."})


class PaperList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PaperRow))


@blp.route("/cases/<case_id>/papers", methods=["GET"])
@roles()
@blp.response(200, PaperList)
def list_papers(case_id: str) -> dict[str, Any]:
    """Every paper of a case with its number and where it is, in the order of the process."""
    case = visible(case_id).case
    return {"items": [_row(case, *one) for one in _papers(case)]}


def _papers(case: Case) -> list[tuple[FormName, str, str, bool]]:
    """Form, number, address below the case, and whether it can be printed."""
    tasks: list[tuple[FormName, str, str, bool]] = []
    counted: dict[str, int] = {}
    for task in case.tasks.values():
        counted[task.kind] = counted.get(task.kind, 0) + 1
        no = number_of(case.no, task.kind, counted[task.kind])
        if task.status != "cancelled":
            handed_in, below = bool(task.submissions), f"inspections/{task.id}"
            tasks.append((task.kind, no, f"{below}/report.pdf", handed_in))
            sheet = sheet_number(case, task)
            tasks.append(("contact_sheet", sheet, f"{below}/contact-sheet.pdf", handed_in))
    notices: list[tuple[FormName, str, str, bool]] = [
        (form, number_of(case.no, form, n), f"notices/{n}/{form}.pdf", True)
        for n in case.notices
        for form in _OF_NOTICES
    ]
    authorized = case.energization.status in _AUTHORIZED
    office: list[tuple[FormName, str, str, bool]] = [
        (form, number_of(case.no, form), f"papers/{_path(form)}.pdf", True) for form in OFFICE_PAPERS
    ]
    energization: list[tuple[FormName, str, str, bool]] = [
        ("order", number_of(case.no, "order"), "energization/order.pdf", authorized),
        ("record", number_of(case.no, "record"), "energization/record.pdf", authorized),
    ]
    around: list[tuple[FormName, str, str, bool]] = [
        ("contact_sheet", number_of(case.no, "contact_sheet"), "contact-sheet.pdf", True),
        *(
            ("minutes", number_of(case.no, "minutes", n), f"meetings/{one}/minutes.pdf", True)
            for n, one in enumerate(case.meetings, 1)
        ),
        *(
            ("receipt", number_of(case.no, "receipt", n), f"handovers/{one}/receipt.pdf", True)
            for n, one in enumerate(case.handovers, 1)
        ),
    ]
    return [*tasks, *notices, *around, *office, *energization]


def _row(case: Case, form: FormName, no: str, path: str, ready: bool) -> dict[str, Any]:
    href = f"/api/v1/cases/{case.id}/{path}"
    return {
        "form": form,
        "no": no,
        "title": text(f"paper.title_{form}", language()),
        "href": href,
        "ready": ready,
    }


def _path(form: str) -> str:
    return form.replace("_", "-")


@blp.route("/cases/<case_id>/notices/<int:n>/notice.pdf", methods=["GET"])
@roles()
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
def print_notice(query: dict[str, Any], case_id: str, n: int) -> Response:
    """A rectification notice 缺陷整改通知单 with its photos; a draft is stamped as one."""
    case = visible(case_id).case
    notice = case.notices.get(n)
    if notice is None:
        raise Problem(404, "not_found")
    gathered = gather(case, notice_photos(notice), notice_signatures(notice))
    say = printed_wording(case, query)
    return pdf(notice_paper(case, n, gathered.beside, say), say, query["copies"], gathered.images)


@blp.route("/cases/<case_id>/inspections/<task_id>/report.pdf", methods=["GET"])
@roles()
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
@blp.alt_response(409, description="No form was handed in yet.")
def print_inspection(query: dict[str, Any], case_id: str, task_id: str) -> Response:
    """What an inspection found 现场勘查单、中间检查意见单、竣工检验意见单、复验记录. 409 until a form was
    handed in."""
    case = visible(case_id).case
    task = case.tasks.get(task_id)
    if task is None:
        raise Problem(404, "not_found")
    form = found(case, task) if task.submissions else None
    if form is None:
        raise Problem(409, "paper_no_form", task=task_id)
    gathered = gather(case, item_photos(form), signatures_of(form))
    say = printed_wording(case, query)
    return pdf(
        inspection_paper(case, task, form, gathered.beside, say), say, query["copies"], gathered.images
    )


@blp.route("/cases/<case_id>/energization/order.pdf", methods=["GET"])
@roles()
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
@blp.alt_response(409, description="Not authorized, or a gate is shut.")
def print_order(query: dict[str, Any], case_id: str) -> Response:
    """The order to energize 送电任务单 with its gate sheet. 409 unless it is authorized, or was done."""
    case = _authorized(case_id)
    made = services()
    policy = made.cases.policy(case.organisation)
    gates = gate_sheet(case, policy, made.clock())
    shut = [line for line in gates if line.status.status == "unmet"]
    if shut and case.energization.record is None:
        # A gate that has aged since the authorization leaves nothing to carry to the switch.
        raise Problem(409, "paper_gates_unmet", names="、".join(line.status.code for line in shut))
    say = printed_wording(case, query)
    return pdf(order_paper(case, gates, switching_sheet(case, policy), say), say, query["copies"])


@blp.route("/cases/<case_id>/energization/record.pdf", methods=["GET"])
@roles()
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
@blp.alt_response(409, description="Not authorized.")
def print_record(query: dict[str, Any], case_id: str) -> Response:
    """The record that the customer signs 新装（增容）送电单. 409 unless it is authorized or done."""
    case = _authorized(case_id)
    gathered = gather(case, (), record_signatures(case))
    say = printed_wording(case, query)
    return pdf(record_paper(case, gathered.beside, say), say, query["copies"], gathered.images)


@blp.route("/cases/<case_id>/meetings/<meeting_id>/minutes.pdf", methods=["GET"])
@roles()
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
def print_minutes(query: dict[str, Any], case_id: str, meeting_id: str) -> Response:
    """The minutes of a meeting 会议纪要; before it was held, a sheet to take them on."""
    case = visible(case_id).case
    meeting = case.meetings.get(meeting_id)
    if meeting is None:
        raise Problem(404, "not_found")
    say = printed_wording(case, query)
    return pdf(minutes_paper(case, meeting, say), say, query["copies"])


@blp.route("/cases/<case_id>/handovers/<handover_id>/receipt.pdf", methods=["GET"])
@roles()
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
def print_receipt(query: dict[str, Any], case_id: str, handover_id: str) -> Response:
    """That a paper reached the customer 资料移交签收单."""
    case = visible(case_id).case
    handover = case.handovers.get(handover_id)
    if handover is None:
        raise Problem(404, "not_found")
    say = printed_wording(case, query)
    return pdf(receipt_paper(case, handover, say), say, query["copies"])


@blp.route("/cases/<case_id>/papers/<form>.pdf", methods=["GET"])
@roles()
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
def print_office_paper(query: dict[str, Any], case_id: str, form: str) -> Response:
    """One of scheme-reply, design-review, intermediate-application, completion-application, settings,
    metering, index, as far as the case fills it.
    """
    case = visible(case_id).case
    name = next((one for one in OFFICE_PAPERS if _path(one) == form), None)
    if name is None:
        raise Problem(404, "not_found")
    say = printed_wording(case, query)
    return pdf(office_paper(name, case, _office_facts(case), say), say, query["copies"])


def _authorized(case_id: str) -> Case:
    case = visible(case_id).case
    status = case.energization.status
    if status not in _AUTHORIZED:
        shown_status = text(f"authorization.{status}", language())
        raise Problem(409, "paper_not_authorized", status=shown_status)
    return case


def _office_facts(case: Case) -> OfficeFacts:
    made = services()
    table, policy = process(case.process), made.cases.policy(case.organisation)
    newest = {one.id: one for one in made.library.newest()}
    hidden_works = newest.get(_HIDDEN_WORKS)
    intermediate = [one for one in newest.values() if one.stage == "intermediate"]
    return OfficeFacts(
        scheme_until=scheme_expiry(case, table, policy),
        next_stages=tuple(stage for stage in table.stages[table.scheme_replied].moves if stage != CANCELLED),
        documents=newest.get(_DOCUMENTS.get(case.process, _DOCUMENTS_HV)),
        hidden_works=hidden_works,
        parts=() if hidden_works is None else parts_of(hidden_works, intermediate),
        notice_days=policy.mid_check_notice_days,
    )


def printed_wording(case: Case, query: dict[str, Any]) -> Wording:
    """How a paper speaks: as it was asked for, or by Accept-Language."""
    return wording(case.organisation, cast("Printed", query.get("language") or language()))
