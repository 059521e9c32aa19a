"""docs/sync.md names all that is offered, all that is not, and the limits as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.settings import Settings
from sync.embedded.http.dispatch import (
    DATABASE,
    DATABASE_BELOW,
    DATABASE_NOT_OFFERED,
    SERVER,
    SERVER_NOT_OFFERED,
)
from sync.embedded.http.limits import HttpLimits
from sync.embedded.machinery import Limits

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sync.md").read_text()
OFFERED, _, NOT_OFFERED = PAGE.partition("## Not offered")


def test_every_request_that_is_answered_has_its_line() -> None:
    named = set(re.findall(r"_[a-z_]+", OFFERED))
    assert {name for name in (*SERVER, *DATABASE) if name} <= named
    for below in DATABASE_BELOW:
        assert "/".join(below) in OFFERED


def test_every_request_that_is_refused_is_named_and_no_other() -> None:
    named = set(re.findall(r"`(_[a-z_]+)`", NOT_OFFERED))
    functions = {"_show", "_list", "_update", "_rewrite", "_info", "_search", "_nouveau"}
    assert named - functions == {*SERVER_NOT_OFFERED, *DATABASE_NOT_OFFERED}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("at most 1,000", HttpLimits().max_uuids),
        ("at most 10,000", HttpLimits().max_bulk_docs),
        ("at most 100 of the bodies", HttpLimits().max_queries),
        ("at most 100 documents", Limits().purge_documents),
        ("and 1,000 revisions", Limits().purge_revisions),
        ("1,000 for a new database. Takes effect", Limits().revs_limit),
        ("ends after 60 s", int(HttpLimits().max_feed_timeout)),
        ("every 15 s", int(HttpLimits().heartbeat)),
        ("may take 2 s", int(HttpLimits().filter_seconds)),
        ("100,000 |", Limits().revisions_sent),
        ("8 MiB |", Settings().max_document_bytes >> 20),
        ("64 MiB |", Settings().max_sync_request_bytes >> 20),
        ("1 GiB |", Settings().max_attachment_bytes >> 30),
        ("2,000 in a process", Settings().max_parked_polls),
    ],
)
def test_limits_are_as_the_page_says(text: str, value: int) -> None:
    assert text in PAGE
    number = re.search(r"[0-9][0-9,]*", text)
    assert number is not None
    assert int(number[0].replace(",", "")) == value
