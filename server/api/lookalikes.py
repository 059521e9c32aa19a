# mypy: disable-error-code="untyped-decorator"
"""Photos that look like others: told to whoever may see both, with what to compare them by."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import marshmallow as ma

from server.api.base import blueprint, roles
from server.api.casework import may_see, visible
from server.api.photos import PhotoOut
from server.problems import language
from server.readmodel.looks import lookalikes_of
from server.services import services
from server.texts import text

blp = blueprint("lookalikes", "Photos that look alike 相似影像.")


class SeenPhoto(PhotoOut):
    case_id = ma.fields.String()
    no = ma.fields.String()
    href = ma.fields.String(metadata={"description": "Shows it, 1600 pixels wide; `&size=thumb` for 320."})


class AlikeReason(ma.Schema):
    code = ma.fields.String()
    params = ma.fields.Dict()
    text = ma.fields.String()


class Pair(ma.Schema):
    photo = ma.fields.Nested(SeenPhoto)
    other = ma.fields.Nested(SeenPhoto)
    percent = ma.fields.Integer()
    same_bytes = ma.fields.Boolean()
    reason = ma.fields.Nested(AlikeReason)


class PairList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(Pair))


@blp.route("/cases/<case_id>/lookalikes", methods=["GET"])
@roles()
@blp.response(200, PairList)
def list_lookalikes(case_id: str) -> dict[str, Any]:
    """Photos of the case that look like others, in it or in other cases that you may see.

    The most alike come first. They are flags for people to look at and refuse nothing. The `href` of either
    shows it.
    """
    visible(case_id)
    seen: dict[str, bool] = {case_id: True}
    items = []
    for pair in lookalikes_of(services().readmodel, case_id):
        other = pair["other"]
        if other["case_id"] not in seen:
            seen[other["case_id"]] = may_see(other["case_id"])
        if seen[other["case_id"]]:
            items.append(_told(pair))
    return {"items": items}


def _told(pair: dict[str, Any]) -> dict[str, Any]:
    other = pair["other"]
    from server.evidence.alike import alike_reason  # noqa: PLC0415  brings numpy, for photos alone

    reason = alike_reason(other["id"], other["no"], pair["percent"])
    words = text(reason.code, language(), **reason.params)
    same = pair["photo"]["sha256"] == other["sha256"]
    return {
        **pair,
        "photo": _seen(pair["photo"]),
        "other": _seen(other),
        "same_bytes": same,
        "reason": {"code": reason.code, "params": reason.params, "text": words},
    }


def _seen(photo: dict[str, Any]) -> dict[str, Any]:
    """The photo with where it is shown: tablets choose ids, so the case is named."""
    where = urlencode({"case": photo["case_id"]})
    return {**photo, "href": f"/api/v1/photos/{quote(photo['id'], safe='')}?{where}"}
