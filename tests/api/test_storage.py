"""An admin sees what the cases of the organisation take, to the byte that the databases have."""

from __future__ import annotations

import base64
import random

from tests.desk import Desk, refused

BYTES = 300_000


def fill(desk: Desk, case: str, size: int) -> None:
    data = base64.b64encode(random.Random(size).randbytes(size)).decode()
    attached = {"original": {"content_type": "image/jpeg", "data": data}}
    desk.made.store.put(desk.media(case), {"_id": "photo:big", "_attachments": attached})


def test_usage_is_told_by_case_and_together(desk: Desk) -> None:
    cases = [desk.open_case() for _ in range(3)]
    before = desk.get("/storage/usage", by="admin")
    assert before["cases"] == 3
    fill(desk, cases[1], BYTES)
    fill(desk, cases[2], 2 * BYTES)
    after = desk.get("/storage/usage?largest=2", by="admin")
    assert [one["id"] for one in after["largest"]] == [cases[2], cases[1]]
    assert 3 * BYTES <= after["media_bytes"] - before["media_bytes"] < 4 * BYTES
    assert after["documents"] == before["documents"] + 2
    assert after["forms_bytes"] == before["forms_bytes"] > 0
    sizes = desk.made.store.sizes([desk.media(cases[2])])
    assert after["largest"][0]["media_bytes"] == sizes[desk.media(cases[2])].bytes
    assert desk.get("/storage/usage?largest=0", by="admin")["largest"] == []
    refused(desk.ask("GET", "/storage/usage?largest=501", by="admin"), 422, "invalid_fields")


def test_another_organisations_cases_are_not_counted(desk: Desk) -> None:
    desk.open_case()
    desk.hire("stranger", "admin", organisation="north")
    told = desk.get("/storage/usage", by="stranger")
    assert (told["organisation"], told["cases"], told["media_bytes"], told["largest"]) == ("north", 0, 0, [])
