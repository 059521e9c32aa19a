"""The server and the tablets sign and verify the same bytes."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.signing.canonical import NotCanonical, canonical
from server.signing.forms import digest_of, form_digest, signature_digest, signed_bytes
from server.signing.keys import KeyUnusable, PublicKey, read_jwk, verifies
from tests.signing.signer import Signer
from tests.vectors.signing.generate import FILE, written

ROOT = Path(__file__).parents[2]
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@cache
def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("ascii"))
    return found


def test_the_vectors_are_those_that_the_rules_write() -> None:
    assert FILE.read_text("ascii") == written()


def test_node_comes_to_the_same() -> None:
    run = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "web/signing/test/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_has_no_canonical_json_is_refused() -> None:
    assert vectors()["hopeless"]
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in [*map(json.loads, vectors()["hopeless"]), float("nan"), object(), {1: 2}, 10**400, deep]:
        with pytest.raises(NotCanonical):
            canonical(value)


@given(VALUES)
def test_canonical_json_says_the_same_however_often_it_is_read(value: Any) -> None:
    """What a store that passes JSON through doubles gives back has the same bytes."""
    try:
        once = canonical(value)
    except NotCanonical:
        return
    assert canonical(json.loads(once)) == once


def test_what_the_database_keeps_in_a_form_is_not_signed() -> None:
    plain, kept = (vectors()["forms"][n]["form"] for n in (0, 1))
    assert "_rev" in kept
    assert signed_bytes(plain) == signed_bytes(kept)
    assert digest_of(signed_bytes({**plain, "_id": "inspection:t-2"})) != digest_of(signed_bytes(plain))


def test_what_people_sign_is_the_same_for_all_and_ends_when_an_answer_changes() -> None:
    form = vectors()["forms"][0]["form"]
    signed_twice = json.loads(json.dumps(form))
    signed_twice["answers"]["SG-01"]["value"].append({"role": "inspector", "signature": "s-2"})
    assert form_digest(signed_twice) == form_digest(form)
    changed = json.loads(json.dumps(form))
    changed["answers"]["ME-05"]["value"] = 0.45
    assert form_digest(changed) != form_digest(form)


def test_a_picture_is_part_of_a_signature() -> None:
    document = vectors()["signatures"][0]["document"]
    digests = {signature_digest(document, pictures) for pictures in ({}, {"a": "0" * 64}, {"a": "1" * 64})}
    assert len(digests) == 3


def test_a_signature_holds_for_its_key_and_its_bytes_alone() -> None:
    signer, other = Signer("one"), Signer("two")
    value = signer.value(b"bytes")
    assert verifies(signer.key, b"bytes", value)
    assert not verifies(signer.key, b"other bytes", value)
    assert not verifies(other.key, b"bytes", value)
    # Cut, grown, with other letters, all zeros, or no text: a verdict, and no error.
    zeros = "A" * 86
    for wrong in (
        value[:-2],
        value + "AA",
        value.replace(value[0], "+"),
        zeros,
        "_" * 86,
        "",
        None,
        5,
        ["x"],
    ):
        assert not verifies(signer.key, b"bytes", wrong)


def test_a_key_has_one_name_however_it_is_written() -> None:
    jwk = Signer("one").key.jwk
    more = {**jwk, "ext": True, "key_ops": ["verify"], "alg": "ES256"}
    assert read_jwk(more).kid == read_jwk(jwk).kid == Signer("one").kid
    # The last letter of 43 carries two bits too many; whatever stands there, the numbers are the same.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = letters.index(jwk["x"][-1])
    sloppy = jwk["x"][:-1] + letters[at | 3]
    assert read_jwk({**jwk, "x": sloppy}).kid == Signer("one").kid


def test_what_is_no_public_key_of_p_256_is_refused() -> None:
    jwk = Signer("one").key.jwk
    wrong: dict[str, list[dict[str, Any]]] = {
        "private": [{**jwk, "d": "AAAA"}],
        "kind": [{}, {**jwk, "kty": "RSA"}, {**jwk, "crv": "P-384"}, {**jwk, "alg": "ES384"}],
        "point": [
            {**jwk, "x": jwk["y"], "y": jwk["x"]},
            {**jwk, "x": "A" * 43, "y": "A" * 43},
            {**jwk, "x": jwk["x"][:-1]},
            {**jwk, "y": jwk["y"] + "="},
            {**jwk, "y": None},
        ],
    }
    for code, offered in wrong.items():
        for one in offered:
            with pytest.raises(KeyUnusable) as refusal:
                read_jwk(one)
            assert refusal.value.code == code, one
    assert not verifies(PublicKey("A" * 43, "A" * 43), b"", Signer("one").value(b""))
