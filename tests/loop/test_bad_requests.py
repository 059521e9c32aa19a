"""Requests that break off, are too long, or are not what they say: an answer, and nothing half-kept."""

from __future__ import annotations

import json
import socket
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import requests

from tests.loop import paper
from tests.loop.camera import shoot
from tests.loop.conftest import SMALL_LIMITS, MakeInspector
from tests.loop.couch import COUCHDB_URL, embedded_only
from tests.loop.house import House
from tests.loop.inspector import Inspector
from tests.loop.office import JSON, Office
from tests.loop.paper import Form
from tests.loop.shortcuts import survey

pytestmark = pytest.mark.loop


def hazard(who: Inspector, description: str) -> JSON:
    at = datetime.now(UTC).isoformat()
    return paper.document("hazard", by=who.name, at=at, description=description)


@pytest.fixture
def at_work(office: Office, inspector: MakeInspector, case_no: str) -> tuple[Inspector, str]:
    """An inspector with a case; the name of its forms' database."""
    wang = inspector("wang")
    case, _ = survey(office, wang, case_no)
    return wang, wang.databases(case)["forms"]


def test_half_a_bulk_request_stores_nothing(house: House, at_work: tuple[Inspector, str]) -> None:
    """The link breaks in the middle of a body that is valid so far; all of it comes with the next try."""
    wang, forms = at_work
    docs = [hazard(wang, f"第{number}处") for number in range(20)]
    body = json.dumps({"docs": docs}).encode()
    target = urlsplit(wang.url(f"{forms}/_bulk_docs"))
    before = stored_ids(wang, forms)
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Authorization: Bearer {house.token(wang.name)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((target.hostname, target.port), timeout=30) as link:
        link.sendall(head.encode() + body[: len(body) // 2])
    assert stored_ids(wang, forms) == before
    # Had any of them been stored since, this would find a conflict.
    answer = wang.send("POST", f"{forms}/_bulk_docs", {"docs": docs})
    assert [row.get("ok") for row in answer.json()] == [True] * len(docs)


@embedded_only
def test_documents_over_their_limit_are_413_and_stop_nobody_else(at_work: tuple[Inspector, str]) -> None:
    """A document, a request; a tablet that holds one such goes on with the rest."""
    wang, forms = at_work
    big = hazard(wang, "x" * int(SMALL_LIMITS["MAX_DOCUMENT_BYTES"]))
    assert wang.send("PUT", f"{forms}/{big['_id']}", big).status_code == 413
    flood = [hazard(wang, "x" * 400_000) for _ in range(11)]
    assert wang.send("POST", f"{forms}/_bulk_docs", {"docs": flood}).status_code == 413
    assert not any(key in stored_ids(wang, forms) for key in (big["_id"], *(one["_id"] for one in flood)))

    small = hazard(wang, "门锁损坏")
    wang.tablet.bulk(forms, [big, small])
    pushed = wang.tablet.push(forms, wang.url(forms))
    assert [row["id"] for row in pushed["denied"]] == [big["_id"]]
    assert small["_id"] in stored_ids(wang, forms)


def test_bodies_over_their_limit_are_413(office: Office, at_work: tuple[Inspector, str]) -> None:
    """A JSON body, an upload."""
    _, forms = at_work
    case = forms.rsplit("case-", 1)[1]
    words = "x" * int(SMALL_LIMITS["MAX_JSON_BYTES"])
    problem = office.post(f"/cases/{case}/transitions", {"to": "survey", "note": words}, status=413)
    assert problem["code"] == "too_large"
    picture = {"photo": ("a.jpg", bytes(int(SMALL_LIMITS["MAX_UPLOAD_BYTES"]) + 1), "image/jpeg")}
    problem = office.call("POST", f"/cases/{case}/photos", status=413, files=picture)
    assert problem["code"] == "too_large"
    assert office.get(f"/cases/{case}/photos")["items"] == []


def test_a_stale_token_is_heard_of_however_much_was_to_be_sent(
    house: House, office: Office, at_work: tuple[Inspector, str]
) -> None:
    """Refused before it was read, a long body must not turn the answer into a broken link."""
    wang, forms = at_work
    bulk = json.dumps({"docs": [hazard(wang, "x" * 400_000) for _ in range(9)]}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer stale"}
    with requests.Session() as link:
        for _ in range(5):
            answer = link.post(wang.url(f"{forms}/_bulk_docs"), data=bulk, headers=headers, timeout=30)
            # To CouchDB a token that is none is a bad request.
            assert answer.status_code == (400 if COUCHDB_URL else 401)
            picture = {"photo": ("a.jpg", bytes(900_000), "image/jpeg")}
            answer = link.post(
                f"{house.url}/api/v1/cases/x/photos",
                files=picture,
                headers={"Authorization": "Bearer stale"},
                timeout=30,
            )
            assert answer.status_code == 401
            assert office.get("/me")["name"] == office.name


def stored_ids(who: Inspector, database: str) -> set[str]:
    return {row["id"] for row in who.send("GET", f"{database}/_all_docs", None).json()["rows"]}


def test_an_attachment_that_is_not_what_its_digest_says_is_refused(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Bytes damaged on the way are noticed before anything is stored."""
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    media = wang.databases(case)["media"]
    data = shoot(datetime.now(UTC), 121.55, 29.88)
    photo = str(uuid.uuid4())
    document = wang.photo_document(Form(case, task, ""), "SH-08", photo, data)
    boundary = uuid.uuid4().hex
    promised = {
        "content_type": "image/jpeg",
        "follows": True,
        "length": len(data),
        "digest": "md5-1B2M2Y8AsgTpgAmY7PhCfg==",
    }
    parts = (
        (
            b"Content-Type: application/json",
            json.dumps({**document, "_attachments": {"original": promised}}).encode(),
        ),
        (b"Content-Type: image/jpeg", data),
    )
    mark = f"--{boundary}".encode()
    body = (
        b"".join(mark + b"\r\n" + head + b"\r\n\r\n" + part + b"\r\n" for head, part in parts) + mark + b"--"
    )
    answer = requests.put(
        wang.url(f"{media}/photo:{photo}"),
        data=body,
        headers={
            "Authorization": f"Bearer {wang.house.token(wang.name)}",
            "Content-Type": f'multipart/related; boundary="{boundary}"',
        },
        timeout=30,
    )
    if COUCHDB_URL:  # 3.5 answers 500, without a word of the digest
        assert answer.status_code >= 400, answer.text
    else:
        assert answer.status_code == 412, answer.text
        assert answer.json()["error"] == "content_md5_mismatch"
    assert wang.send("GET", f"{media}/photo:{photo}", None).status_code == 404
