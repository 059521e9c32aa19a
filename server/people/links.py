"""The token in a customer's link: which case, which link of it, and a MAC that only this server can make.

Nothing of it is stored, and it says nothing of when it ends: the case says that. It is made anew from its two
ids whenever somebody who may see the link asks for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from server.names import is_id
from server.people.keys import Key, Keyring

_PREFIX = "hl1"
_PURPOSE = "hezha customer link 1"
#: Two ids, a MAC and what parts them; what is longer is cut off before anything parses it.
_LONGEST = 256


@dataclass(frozen=True)
class LinkToken:
    """What a token that we made says."""

    case: str
    link: str


def link_token(keyring: Keyring, token: LinkToken) -> str:
    """The token as it stands in a URL."""
    body = ".".join((_PREFIX, token.case, token.link))
    return f"{body}.{_mac(keyring.signing, body)}"


def read_link_token(keyring: Keyring, text: str) -> LinkToken | None:
    """What a token says that a key of the ring signed; None for any other text."""
    body, _, mac = text.rpartition(".")
    parts = body.split(".")
    if len(text) > _LONGEST or not text.isascii() or len(parts) != 3 or parts[0] != _PREFIX:
        return None
    if not any(hmac.compare_digest(_mac(key, body), mac) for key in keyring.keys):
        return None
    return LinkToken(*parts[1:]) if all(map(is_id, parts[1:])) else None


def _mac(key: Key, body: str) -> str:
    digest = hmac.new(key.derived(_PURPOSE), body.encode("ascii"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
