"""Writes the vectors that hold `server/signing` and `web/signing` to the same bytes.

`python -m tests.vectors.signing.generate` writes them anew, the same unless a rule was changed. What Python
writes here Node verifies in `web/signing/test/`, numbers above all: each side writes them in its own way.
"""

from __future__ import annotations

import json
import math
import random
import struct
from pathlib import Path
from typing import Any

from server.signing.canonical import NotCanonical, canonical
from server.signing.forms import digest_of, form_digest, signature_digest, signed_bytes
from server.signing.keys import proof_bytes
from tests.signing.signer import Signer

FILE = Path(__file__).with_name("vectors.json")

#: JSON texts; the first lines are those of RFC 8785, 3.2.2 and appendix B.
TEXTS = [
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
    '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    '{"\\u20ac":"Euro","\\r":"CR","\\ufb33":"Hebrew","1":"One","\\ud83d\\ude00":"Emoji","\\u0080":"C","\\u00f6":"o"}',
    "[0, -0, 0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 9007199254740992, -9007199254740992]",
    "[295147905179352830000, 9.999999999999997e22, 1e23, 1.0000000000000001e23, 999999999999999700000]",
    "[1e21, 9.5e-7, 0.000001, 0.00000123, 1e-7, 4.0, 1e5, 123456789012345680000, 0.1, 1e22]",
    # Integers that no double holds: a tablet has rounded them before it signs.
    "[9007199254740993, 123456789012345678901234567890, -18446744073709551615]",
    '{"b":{"d":[],"c":{}},"a":[[[]]],"":null}',
    '"\\u2028\\u2029\\u007f\\u00a0\\ufeff\\b\\f\\n\\r\\t\\u0001\\u001f"',
    '{"接地":"0.8 m，已覆盖","\\ud83d\\udd0c":"合闸","__proto__":{"x":1},"constructor":2,"toString":3}',
    '"\\ud83d\\ude00"',
]
#: What has no canonical JSON.
HOPELESS = ['"\\ud800"', '"\\udc00\\ud800"', '{"\\ud83d":1}', '["ok", "x\\udfff"]', "1e999", "[-1e999]"]


def numbers(count: int) -> list[float]:
    """Doubles of every size, by their bits."""
    dice = random.Random(8785)
    found: list[float] = []
    while len(found) < count:
        (value,) = struct.unpack("<d", dice.randbytes(8))
        if math.isfinite(value):
            found.append(value)
    return found + [round(dice.uniform(-200, 200), dice.randrange(1, 12)) for _ in range(count)]


def form(**more: Any) -> dict[str, Any]:
    answers = {
        "ME-05": {
            "value": 0.85,
            "by": "wang",
            "at": "2026-11-02T16:00:00+08:00",
            "photos": ["p-1", "p-2"],
            "location": {"lon": 121.87, "lat": 29.480000000000004, "accuracy_m": 6.0, "datum": "wgs84"},
        },
        "CT-03#5f0c": {"value": "pass", "by": "wang", "note": "“已核对” ✓", "photos": ["p-1"]},
        "SG-01": {"value": [{"role": "customer", "signature": "s-1"}], "by": "wang"},
    }
    return {
        "_id": "inspection:t-1",
        "type": "inspection",
        "schema": 1,
        "task": "t-1",
        "checklist": {"id": "intermediate-10kv", "version": 3},
        "answers": answers,
        "status": "submitted",
        "submitted": {
            "by": "wang",
            "at": "2026-11-02T16:30:00+08:00",
            "device": "tablet-one",
            "clock_skew_ms": -1250.5,
        },
        **more,
    }


def vectors() -> dict[str, Any]:
    signer = Signer("tablet one")
    kept = {"_rev": "3-abc", "_revisions": {"start": 3, "ids": ["abc"]}, "_conflicts": ["2-x"]}
    drawn = {
        "_id": "signature:s-1",
        "_rev": "1-a",
        "type": "signature",
        "schema": 1,
        "task": "t-1",
        "signer": "customer",
        "by": "wang",
        "at": "2026-11-02T16:20:00+08:00",
        "strokes": [[[12, 40.5], [30, 22]], [[60.0, 20]]],
        "form_digest": form_digest(form()),
    }
    forms = [form(), form(**kept), form(answers={}), form(answers=None, checklist=None), {"_id": "x"}]
    hands: list[tuple[dict[str, Any], dict[str, str]]] = [(drawn, {}), (drawn, {"picture": "0" * 64})]
    signed = signer.sign(form(**kept), {"p-1": "1" * 64, "p-2": "2" * 64}, {"s-1": "3" * 64})
    return {
        "canonical": [{"text": text, "canonical": canonical(json.loads(text)).decode()} for text in TEXTS],
        "numbers": [{"text": repr(one), "canonical": canonical(one).decode()} for one in numbers(300)],
        "hopeless": [text for text in HOPELESS if _hopeless(text)],
        "forms": [
            {"form": one, "sha256": digest_of(signed_bytes(one)), "form_digest": form_digest(one)}
            for one in forms
        ],
        "signatures": [
            {"document": one, "pictures": pictures, "digest": signature_digest(one, pictures)}
            for one, pictures in hands
        ],
        "keys": [{"jwk": one.key.jwk, "kid": one.kid} for one in (signer, Signer("another"))],
        "proof": {
            "device": "tablet-one",
            "user": "wang",
            "canonical": proof_bytes(signer.key, device="tablet-one", user="wang").decode(),
            **signer.enrolment("tablet-one", "wang"),
        },
        "signed": {"jwk": signer.key.jwk, "form": signed},
    }


def _hopeless(text: str) -> bool:
    try:
        canonical(json.loads(text))
    except NotCanonical:
        return True
    return False


def written() -> str:
    return json.dumps(vectors(), ensure_ascii=True, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), "ascii")
