# mypy: disable-error-code="untyped-decorator"
"""The file of a case 案卷: which papers are in, and which are owed."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import act, command, etag, plain, visible
from server.casework.cases import Loaded
from server.problems import language
from server.texts import text
from server.workflow import commands
from server.workflow.papers import owed_papers, paper_rules

blp = blueprint("case-file", "The papers of a case's file 案卷.")

_WORDS = ma.validate.Length(max=4000)


class PaperIn(Schema):
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["owed", "in"]))
    title = ma.fields.String(
        validate=_WORDS, load_default="", metadata={"description": "What it is, where the trade has no name."}
    )
    reference = ma.fields.String(
        validate=_WORDS, load_default="", metadata={"description": "Its number, or where it is kept."}
    )
    original = ma.fields.Boolean(load_default=False)
    due = ma.fields.Date(allow_none=True)
    note = ma.fields.String(validate=_WORDS, load_default="")


class PaperOut(ma.Schema):
    id = ma.fields.String()
    title = ma.fields.String()
    asked_for = ma.fields.Boolean(metadata={"description": "The case is not archived without it."})
    original_asked_for = ma.fields.Boolean()
    state = ma.fields.String(allow_none=True, metadata={"description": "owed, in, or null: not spoken of."})
    reference = ma.fields.String()
    original = ma.fields.Boolean()
    due = ma.fields.Date(allow_none=True)
    note = ma.fields.String()
    recorded_at = ma.fields.String(allow_none=True)
    recorded_by = ma.fields.String(allow_none=True)


class OwedOut(ma.Schema):
    code = ma.fields.String()
    text = ma.fields.String()
    refs = ma.fields.List(ma.fields.String())


class FileOut(ma.Schema):
    papers = ma.fields.List(ma.fields.Nested(PaperOut))
    owed = ma.fields.List(
        ma.fields.Nested(OwedOut), metadata={"description": "What keeps the case from the archive."}
    )


Answer = tuple[dict[str, Any], dict[str, str]]


def _file(known: Loaded) -> Answer:
    lang, case = language(), known.case
    papers = []
    for paper_id in dict.fromkeys((*paper_rules(), *case.papers)):
        rule, paper = paper_rules().get(paper_id), case.papers.get(paper_id)
        named = text(f"paper.{paper_id}", lang) if rule is not None else ""
        papers.append(
            {
                "reference": "",
                "original": False,
                "note": "",
                "recorded_at": None,
                "recorded_by": None,
                "state": None,
                **(plain(paper) if paper is not None else {}),
                "due": paper.due if paper is not None else None,
                "id": paper_id,
                "title": paper.title if paper is not None and paper.title else named,
                "asked_for": rule is not None and case.process in rule.processes,
                "original_asked_for": rule is not None and rule.original,
            }
        )
    owed = [
        {
            "code": reason.code,
            "text": text(f"gate_reason.{reason.code}", lang, **reason.params),
            "refs": list(reason.refs),
        }
        for reason in owed_papers(case)
    ]
    return {"papers": papers, "owed": owed}, etag(known)


@blp.route("/cases/<case_id>/file", methods=["GET"])
@roles()
@blp.response(200, FileOut)
def show_file(case_id: str) -> Answer:
    """Every paper that the trade or the case names, and what is still owed."""
    return _file(visible(case_id))


@blp.route("/cases/<case_id>/file/<paper_id>", methods=["PUT"])
@roles("manager", "admin")
@blp.arguments(PaperIn)
@blp.response(200, FileOut)
def record_paper(body: dict[str, Any], case_id: str, paper_id: str) -> Answer:
    """Note a paper as owed, or as handed in."""
    return _file(act(case_id, command(commands.RecordPaper, paper=paper_id, **body)))
