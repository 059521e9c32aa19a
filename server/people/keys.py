"""Keys that sign tokens: from the settings, else from a file made at the first start.

One text holds the ring: comma-separated `kid:base64`, or plain `base64` for CouchDB's `_default`. The first
signs, all of them verify, so a key is changed by writing the new one before the old one and dropping the old
one when its last token has run out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from server.settings import Settings, SettingsError
from sync.durable import make_durable

DEFAULT_KID = "_default"
KEY_FILE = "jwt.key"
#: HS256 wants a key as long as its digest (RFC 7518, 3.2).
MIN_KEY_BYTES = 32
_KID_SHAPE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Key:
    """A secret and the name (`kid`) under which CouchDB and we look it up."""

    kid: str
    secret: bytes = field(repr=False)

    def derived(self, purpose: str) -> bytes:
        """A key of its own for another purpose, so that no signature can serve two of them."""
        return hmac.new(self.secret, purpose.encode(), hashlib.sha256).digest()


@dataclass(frozen=True)
class Keyring:
    """Keys by age: the first signs, every one verifies."""

    keys: tuple[Key, ...]

    @property
    def signing(self) -> Key:
        return self.keys[0]

    def get(self, kid: str) -> Key | None:
        return next((key for key in self.keys if key.kid == kid), None)


def parse_keyring(text: str, *, source: str) -> Keyring:
    """Read the ring's text. Raises SettingsError, which names `source` and never quotes a key."""
    keys = tuple(_parse_key(entry.strip(), source) for entry in text.split(","))
    if len({key.kid for key in keys}) != len(keys):
        raise SettingsError(f"{source}: each key needs a name of its own, as new:<base64>,_default:<base64>")
    return Keyring(keys)


def load_keyring(settings: Settings) -> Keyring:
    """The ring of `HEZHA_JWT_KEY`, else of the key file in the data folder, which is made if missing."""
    if settings.jwt_key:
        return parse_keyring(settings.jwt_key, source="HEZHA_JWT_KEY")
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        _create(path)
    return parse_keyring(path.read_text("ascii").strip(), source=str(path))


def _parse_key(entry: str, source: str) -> Key:
    kid, colon, encoded = entry.rpartition(":")
    if not colon:
        kid = DEFAULT_KID
    if not _KID_SHAPE.fullmatch(kid):
        raise SettingsError(f"{source}: a key's name takes letters, digits, _ . and -, at most 64")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise SettingsError(
            f"{source}: key {kid} is not standard base64; make one: openssl rand -base64 32"
        ) from None
    if len(secret) < MIN_KEY_BYTES:
        raise SettingsError(
            f"{source}: key {kid} is shorter than {MIN_KEY_BYTES} bytes; make one: openssl rand -base64 32"
        )
    return Key(kid, secret)


def _create(path: Path) -> None:
    """Make the file whole or not at all; of two processes that start together the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(MIN_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        make_durable(path.parent)
    finally:
        draft.unlink()
