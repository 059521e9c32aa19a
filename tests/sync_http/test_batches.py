"""A batch says the same, and is refused for the same reasons, whether it is read at once or in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from sync.embedded.http.asked import BadContentType
from sync.embedded.http.batches import read_batch
from sync.store import StoreError, TooLarge

AT_ONCE, IN_PIECES = 1 << 30, 0


def outcome(body: bytes, large: int) -> Any:
    """What the batch says, or the status and reason of its refusal."""
    builder = EnvironBuilder(method="POST", data=body, content_type="application/json")
    try:
        batch = read_batch(Request(builder.get_environ()), 100_000, large=large)
        return list(batch.docs), batch.length, batch.new_edits, batch.all_or_nothing
    except StoreError as error:
        return error.status, error.reason


@pytest.mark.parametrize(
    "body",
    [
        {"docs": []},
        {"docs": [{"_id": "接地", "n": [1, 2.5, None, 1 << 63, {"deep": ["\u0000", "\ud83d\ude00"]}]}, {}]},
        {"new_edits": False, "docs": [{"_id": "a"}], "more": {"docs": 1}},
        {"docs": [{}], "new_edits": None, "all_or_nothing": True},
        {"docs": [{}], "new_edits": "no"},
        {"docs": {}},
        {"docs": None},
        {"docs": [{"_id": "a"}, 1]},
        {"docs": [None]},
        {},
        [],
        1,
        None,
    ],
)
def test_a_batch_is_the_same_read_at_once_or_in_pieces(body: Any) -> None:
    text = json.dumps(body).encode()
    assert outcome(text, IN_PIECES) == outcome(text, AT_ONCE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"docs": [{}]} more',
        b'{"docs": [{"a": NaN}]}',
        b'{"docs": [{"a": "\xff"}]}',
        b'{"docs": [{"a": "\\ud800"}]}',
        b'{"docs": [{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}]}",
        b'{"docs": [{"a": 1,}]}',
    ],
)
def test_what_is_no_json_is_refused_read_either_way(body: bytes) -> None:
    assert outcome(body, IN_PIECES) == outcome(body, AT_ONCE) == (400, "invalid UTF-8 JSON")


def test_the_last_of_two_members_of_one_name_counts() -> None:
    body = b'{"docs": [1], "docs": [{"_id": "a", "v": 1, "v": 2}]}'
    assert outcome(body, IN_PIECES) == outcome(body, AT_ONCE)


def test_a_body_that_is_too_large_or_calls_itself_something_else_is_not_read() -> None:
    large = EnvironBuilder(method="POST", data=b" " * 100_001, content_type="application/json")
    with pytest.raises(TooLarge):
        read_batch(Request(large.get_environ()), 100_000)
    other = EnvironBuilder(method="POST", data=b"{}", content_type="text/plain")
    with pytest.raises(BadContentType):
        read_batch(Request(other.get_environ()), 100_000)
