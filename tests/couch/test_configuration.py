"""What CouchDB is told to become, and that it is told no more than it needs."""

from __future__ import annotations

import configparser
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.couch.configuration import Change, Config, Needs, as_ini, changes, requires_exp

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
NEEDS = Needs(
    keys={"_default": SECRET, "2027": SECRET[::-1]},
    document_bytes=8 * 1024 * 1024,
    attachment_bytes=2**30,
    request_bytes=64 * 1024 * 1024,
    origins=("https://tablet.example",),
)
VALUES: Mapping[tuple[str, str], list[str]] = {
    ("chttpd", "authentication_handlers"): [
        "{chttpd_auth, default_authentication_handler}",
        "{chttpd_auth, jwt_authentication_handler}, {chttpd_auth, default_authentication_handler}",
    ],
    ("chttpd", "enable_cors"): ["true", "false"],
    ("chttpd", "max_http_request_size"): ["infinity", "1000", "4294967296", "many"],
    ("jwt_keys", "hmac:_default"): [SECRET, "b3RoZXI="],
    ("jwt_keys", "hmac:others"): ["b3RoZXI="],
    ("jwt_auth", "required_claims"): ["exp", "", "iss", 'exp, {iss, "https://id.example"}', "expired"],
    ("jwt_auth", "roles_claim_name"): ["_couchdb.roles", "roles"],
    ("jwt_auth", "roles_claim_path"): ["realm.roles"],
    ("couchdb", "max_document_size"): ["8000000", "67108864"],
    ("couchdb", "max_attachment_size"): ["infinity", "1"],
    ("cors", "origins"): ["*", "https://other.example", "https://tablet.example"],
    ("cors", "methods"): ["GET"],
}


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    config: dict[str, dict[str, str]] = {}
    for (section, key), values in VALUES.items():
        value = draw(st.sampled_from([None, *values]))
        if value is not None:
            config.setdefault(section, {})[key] = value
    return config


def after(config: Config, wanted: list[Change]) -> Config:
    changed = {section: dict(keys) for section, keys in config.items()}
    for change in wanted:
        if change.value is None:
            del changed[change.section][change.key]
        else:
            changed.setdefault(change.section, {})[change.key] = change.value
    return changed


@given(configurations())
def test_once_changed_there_is_nothing_left_to_change(config: Config) -> None:
    wanted = changes(NEEDS, config)
    assert changes(NEEDS, after(config, wanted)) == []
    assert all(change.present == config.get(change.section, {}).get(change.key) for change in wanted)


@given(configurations())
def test_what_others_put_there_stays(config: Config) -> None:
    """Keys, handlers, claims and origins are added to; a limit is never lowered."""
    changed = after(config, changes(NEEDS, config))
    for section, key in (
        ("chttpd", "authentication_handlers"),
        ("jwt_auth", "required_claims"),
        ("cors", "origins"),
    ):
        assert config.get(section, {}).get(key, "") in changed[section][key]
    assert changed["jwt_keys"].get("hmac:others") == config.get("jwt_keys", {}).get("hmac:others")
    for section, key in (("couchdb", "max_attachment_size"), ("chttpd", "max_http_request_size")):
        present = config.get(section, {}).get(key)
        if present in {"infinity", "4294967296"}:
            assert changed[section][key] == present


def test_a_fresh_couchdb_is_told_of_tokens_their_expiry_and_the_size_of_documents() -> None:
    told = {(change.section, change.key): change.value for change in changes(NEEDS, {})}
    assert told["jwt_auth", "required_claims"] == "exp"
    assert told["couchdb", "max_document_size"] == "8388608"  # CouchDB's own is 8,000,000
    assert told["jwt_keys", "hmac:_default"] == SECRET
    assert told["chttpd", "authentication_handlers"] == (
        "{chttpd_auth, jwt_authentication_handler}, {chttpd_auth, cookie_authentication_handler}, "
        "{chttpd_auth, default_authentication_handler}"
    )
    assert not {("couchdb", "max_attachment_size"), ("chttpd", "max_http_request_size")} & told.keys()


@pytest.mark.parametrize(
    ("claims", "required"),
    [
        *((claims, True) for claims in ("exp", "exp,iss", "iss, exp", '{iss, "x"}, exp')),
        *((claims, False) for claims in (None, "", "expired", "not_exp")),
    ],
)
def test_expiry_is_required_only_by_its_own_name(claims: str | None, required: bool) -> None:
    assert requires_exp(claims) is required


def test_the_file_can_be_read_and_hides_the_keys() -> None:
    wanted = changes(NEEDS, {})
    for secrets in (True, False):
        told = as_ini(wanted, secrets=secrets)
        read = configparser.RawConfigParser(delimiters=("=",))
        read.read_string(told)
        assert read["jwt_auth"]["required_claims"] == "exp"
        assert (read["jwt_keys"]["hmac:_default"] == SECRET) is secrets
        assert (SECRET in told) is secrets
    assert as_ini([], secrets=True) == ""


def test_no_picture_of_a_change_shows_a_key() -> None:
    assert SECRET not in repr([NEEDS, changes(NEEDS, {"jwt_keys": {"hmac:_default": SECRET[::-1]}})])
