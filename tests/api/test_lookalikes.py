"""Photos used twice are told to whoever may see both, with both pictures; they are refused to nobody."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from PIL import Image

from server.evidence.sample import Kind, draw, make_exif
from server.intake.lookalikes import Lookalikes
from server.readmodel.looks import looks_to_compare
from tests.desk import SITE, START, Desk, open_desk, photo_document, refused

SIZE = (320, 240)


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("alike")) as desk:
        desk.hire("stranger", "manager", organisation="north")
        desk.hire("colleague", "inspector")
        yield desk


def shot(kind: Kind, *, quality: int = 85, crop: float = 0.0) -> bytes:
    image = draw(kind, seed=4, size=SIZE)
    image = image.crop((int(crop * SIZE[0]), 0, SIZE[0], SIZE[1]))
    exif = make_exif(START, lon=SITE["lon"], lat=SITE["lat"])  # type: ignore[arg-type]
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, exif=exif.tobytes())
    return out.getvalue()


def send(
    desk: Desk, case: str, task: str, photo: str, data: bytes, *, item: str = "PH-01", by: str = "inspector"
) -> None:
    width, height = Image.open(io.BytesIO(data)).size
    document = photo_document(photo, task, item, by=by)
    document |= {"sha256": hashlib.sha256(data).hexdigest(), "width": width, "height": height}
    document["_attachments"]["original"]["data"] = base64.b64encode(data).decode()
    desk.write(by, desk.media(case), document)


def pairs(desk: Desk, case: str, **asked: Any) -> list[dict[str, Any]]:
    return list(desk.get(f"/cases/{case}/lookalikes", **asked)["items"])


def test_a_photo_reused_in_another_case_is_told_from_both_sides(desk: Desk) -> None:
    first, second = desk.open_case(), desk.open_case()
    send(desk, first, desk.assign(first), "pa-1", shot("weld"))
    send(desk, second, desk.assign(second), "pb-1", shot("weld", quality=40, crop=0.06))
    send(desk, second, desk.assign(second), "pb-2", shot("door"))
    desk.intake()
    assert {row["status"] for row in desk.get(f"/cases/{second}/photos")["items"]} == {"verified"}
    [found] = pairs(desk, second)
    no = desk.get(f"/cases/{first}")["no"]
    assert (found["photo"]["id"], found["other"]["id"], found["other"]["case_id"]) == ("pb-1", "pa-1", first)
    assert (found["other"]["no"], found["same_bytes"]) == (no, False)
    assert 85 <= found["percent"] < 100
    assert found["reason"]["params"] == {"photo": "pa-1", "no": no, "percent": found["percent"]}
    assert no in found["reason"]["text"]
    [mirrored] = pairs(desk, first)
    assert (mirrored["photo"], mirrored["other"]) == (found["other"], found["photo"])
    for one in (found["photo"], found["other"]):
        path = one["href"].removeprefix("/api/v1")
        assert desk.ask("GET", path).mimetype == "image/jpeg"
        original = desk.ask("GET", f"{path}&size=original").data
        assert hashlib.sha256(original).hexdigest() == one["sha256"]


def test_the_same_file_says_so(desk: Desk) -> None:
    first, second = desk.open_case(), desk.open_case()
    for case in (first, second):
        send(desk, case, desk.assign(case), "same", shot("meter"))
    desk.intake()
    [found] = pairs(desk, first)
    assert (found["same_bytes"], found["percent"]) == (True, 100)


def test_it_is_told_only_to_who_may_see_both(desk: Desk) -> None:
    first, second = desk.open_case(), desk.open_case()
    send(desk, first, desk.assign(first), "pc-1", shot("site"))
    send(desk, second, desk.assign(second, "colleague"), "pd-1", shot("site", quality=60), by="colleague")
    desk.intake()
    assert len(pairs(desk, first)) == len(pairs(desk, first, by="auditor")) == 1
    assert pairs(desk, first, by="inspector") == []
    assert pairs(desk, second, by="colleague") == []
    refused(desk.ask("GET", f"/cases/{first}/lookalikes", by="colleague"), 404, "not_found")
    refused(desk.ask("GET", f"/cases/{first}/lookalikes", by="stranger"), 404, "not_found")
    receipt = desk.document(desk.media(second), "photo-receipt:pd-1")
    assert first not in str(receipt)
    assert receipt["flags"] == []


def test_shots_of_one_item_in_a_row_are_no_finding_and_of_another_item_are(desk: Desk) -> None:
    """A picture from before the repair must not pass as the one from after it."""
    case = desk.open_case()
    task, later = desk.assign(case), desk.assign(case)
    send(desk, case, task, "pe-1", shot("cable_trench"))
    send(desk, case, task, "pe-2", shot("cable_trench", quality=70))
    desk.intake()
    assert pairs(desk, case) == []
    send(desk, case, later, "pe-3", shot("cable_trench", quality=50))
    desk.intake()
    found = {(row["photo"]["id"], row["other"]["id"]) for row in pairs(desk, case)}
    assert found == {("pe-1", "pe-3"), ("pe-3", "pe-1"), ("pe-2", "pe-3"), ("pe-3", "pe-2")}


def test_a_rebuild_finds_the_same_and_a_new_process_knows_the_old_photos(desk: Desk) -> None:
    first, second, third = (desk.open_case() for _ in range(3))
    send(desk, first, desk.assign(first), "pf-1", shot("nameplate"))
    send(desk, second, desk.assign(second), "pg-1", shot("nameplate", quality=45))
    desk.intake()
    before = pairs(desk, first)
    assert len(before) == 1
    desk.made.readmodel.clear()
    desk.made.cases.project_all()
    assert pairs(desk, first) == []
    assert len(looks_to_compare(desk.made.readmodel, 10)) == 2
    anew = Lookalikes(desk.made)
    assert [anew.compare(at_most=1) for _ in range(3)] == [1, 1, 0]
    assert pairs(desk, first) == before
    send(desk, third, desk.assign(third), "ph-1", shot("nameplate", quality=55))
    desk.intake()
    assert {row["other"]["id"] for row in pairs(desk, third)} == {"pf-1", "pg-1"}


def test_a_comparison_that_fails_holds_up_no_receipt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no memory")

    case = desk.open_case()
    monkeypatch.setattr(Lookalikes, "_alike", broken)
    send(desk, case, desk.assign(case), "pi-1", shot("transformer"))
    desk.intake()
    assert desk.document(desk.media(case), "photo-receipt:pi-1")["status"] == "verified"
    assert len(looks_to_compare(desk.made.readmodel, 10)) == 1


def test_how_alike_they_must_be_is_the_organisations_setting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = desk.open_case(), desk.open_case()
    cases = desk.made.cases
    strict = msgspec.structs.replace(cases.policy("hezha"), photo_alike_percent=100)
    monkeypatch.setattr(cases, "policy", lambda _organisation: strict)
    send(desk, first, desk.assign(first), "pj-1", shot("weld"))
    send(desk, second, desk.assign(second), "pk-1", shot("weld", quality=40, crop=0.06))
    desk.intake()
    assert pairs(desk, first) == []
    send(desk, second, desk.assign(second), "pk-2", shot("weld"))
    desk.intake()
    assert {row["other"]["id"] for row in pairs(desk, first)} == {"pk-2"}
