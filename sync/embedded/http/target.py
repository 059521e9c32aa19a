"""What a URL names. CouchDB's paths are read from the request line itself, because a document id may hold
`/` as `%2F`, and WSGI's PATH_INFO is decoded already: there `a%2Fb` and `a/b` cannot be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from sync.store import BadRequest

_ORIGIN = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def raw_path(environ: Mapping[str, Any]) -> str:
    """The path of the request line, still percent-encoded.

    gunicorn and werkzeug put the request target into RAW_URI or REQUEST_URI; it may be a whole URL (RFC 9112,
    absolute-form). Raises BadRequest under a server that offers neither, rather than guess.
    """
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if not isinstance(target, str) or not target:
        raise BadRequest("The server does not pass on the request target.")
    return _ORIGIN.sub("", target).partition("?")[0].partition("#")[0]


def segments(path: str, mount: str) -> tuple[str, ...]:
    """The decoded segments of `path` below `mount`, empty ones left out, as CouchDB does.

    Also as in CouchDB (its `decode_plus_to_space`, on by default), a bare `+` in a path is a space; the plus
    sign is written `%2B`. Raises BadRequest for bytes that are not UTF-8, or a path outside `mount`.
    """
    parts = [_decode(part) for part in path.split("/") if part]
    above = [part for part in mount.split("/") if part]
    if parts[: len(above)] != above:
        raise BadRequest("The path does not lead here.")
    return tuple(parts[len(above) :])


def _decode(part: str) -> str:
    try:
        # WSGI strings carry bytes as Latin-1; a client may have sent UTF-8 without percent signs.
        return unquote_to_bytes(part.replace("+", " ").encode("latin-1")).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise BadRequest("The path is not valid UTF-8.") from error


def document_and_rest(parts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The document id that `parts` begin with, and what follows it.

    `_design/x` and `_local/x` take two segments, unless the slash was encoded.
    """
    if parts[0] in {"_design", "_local"} and len(parts) > 1:
        return f"{parts[0]}/{parts[1]}", tuple(parts[2:])
    return parts[0], tuple(parts[1:])
