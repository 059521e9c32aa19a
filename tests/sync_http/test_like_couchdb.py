"""Hezha answers as CouchDB does: the same status, headers and body, wherever no difference is declared.

CouchDB's answers are recorded in `tests/vectors/couchdb_answers`; `python -m tests.sync_http.record_couchdb`
records them anew from HEZHA_TEST_COUCHDB_URL. Where that is set, this test asks CouchDB too, so that the
recording stays true.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.sync_http.conftest import Asker
from tests.sync_http.like import Ask, Raw, couchdb, play
from tests.sync_http.scenes import SCENES

RECORDED = Path(__file__).parents[1] / "vectors" / "couchdb_answers"


def hezha(client: FlaskClient) -> Ask:
    asker = Asker(client, "admin")

    def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Raw:
        response = asker.ask(method, path, data=body, headers=dict(headers))
        return Raw(response.status_code, dict(response.headers), response.get_data())

    return ask


@pytest.mark.parametrize("name", SCENES)
def test_answers_are_couchdbs(admin: Asker, name: str) -> None:
    recorded = json.loads((RECORDED / f"{name}.json").read_text())
    answers = play(SCENES[name], "like", hezha(admin.client))
    assert len(recorded) == len(answers)
    wrong = []
    for step, theirs, ours in zip(SCENES[name], recorded, answers, strict=True):
        if (theirs == ours) is bool(step.differs):
            wrong.append(f"{step.method} {step.path} {step.body!r:.200} {step.differs}\n  {theirs}\n  {ours}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SCENES)
def test_the_recorded_answers_are_still_couchdbs(name: str) -> None:
    url = os.environ.get("HEZHA_TEST_COUCHDB_URL")
    if not url:
        pytest.skip("HEZHA_TEST_COUCHDB_URL names no CouchDB to compare the recording with")
    recorded = json.loads((RECORDED / f"{name}.json").read_text())
    assert play(SCENES[name], f"hezha-like-{name}", couchdb(url)) == recorded
