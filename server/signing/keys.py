"""A tablet's public key: ECDSA on P-256 (ES256), a JSON Web Key (RFC 7517) with its thumbprint (RFC 7638)
for a name.

The private half was made on the tablet by WebCrypto, not to be exported, and nobody here has seen it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from server.signing.canonical import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

ALGORITHM = "ES256"
_CURVE = "P-256"
#: Bytes of a coordinate, and of each half of a signature.
_WIDTH = 32
#: A thumbprint is a SHA-256 in base64url.
KID_SHAPE = r"[A-Za-z0-9_-]{43}"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_PROOF = "hezha device key 1"


class KeyUnusable(ValueError):
    """What was offered is no public key that we take. `code`: `private` (it holds the secret too; it must
    not be used any more), `kind` (not EC, P-256, for ES256), `point` (its numbers are no point of the curve).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PublicKey(Struct, frozen=True):
    """A point of P-256, each coordinate as 43 characters of base64url."""

    x: str
    y: str

    @property
    def jwk(self) -> dict[str, str]:
        return {"crv": _CURVE, "kty": "EC", "x": self.x, "y": self.y}

    @property
    def kid(self) -> str:
        """The key's name: its thumbprint (RFC 7638), which a tablet can tell without asking."""
        return encoded(hashlib.sha256(canonical(self.jwk)).digest())


def read_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """The key of a JWK. Raises KeyUnusable."""
    if "d" in jwk:
        raise KeyUnusable("private")
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", _CURVE) or jwk.get("alg", ALGORITHM) != ALGORITHM:
        raise KeyUnusable("kind")
    x, y = decoded(jwk.get("x"), _WIDTH), decoded(jwk.get("y"), _WIDTH)
    if x is None or y is None:
        raise KeyUnusable("point")
    key = PublicKey(encoded(x), encoded(y))
    try:
        _point(key)
    except ValueError:
        raise KeyUnusable("point") from None
    return key


def verifies(key: PublicKey, data: bytes, value: object) -> bool:
    """Whether `value` (64 bytes in base64url: r and s, as WebCrypto and JOSE write them) is the key's
    signature over `data`."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  megabytes that most processes spare
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    raw = decoded(value, 2 * _WIDTH)
    if raw is None:
        return False
    r, s = int.from_bytes(raw[:_WIDTH]), int.from_bytes(raw[_WIDTH:])
    try:
        _point(key).verify(encode_dss_signature(r, s), data, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def proof_bytes(key: PublicKey, *, device: str, user: str) -> bytes:
    """What a tablet signs with a new key to show that it holds it. No form reads like this."""
    return canonical({"purpose": _PROOF, "device": device, "user": user, "jwk": key.jwk})


def encoded(data: bytes) -> str:
    """base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decoded(text: object, width: int) -> bytes | None:
    """The `width` bytes that a text in base64url is, or None."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return data if len(data) == width else None


def _point(key: PublicKey) -> EllipticCurvePublicKey:
    """Raises ValueError for numbers that are no point of the curve."""
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415
        SECP256R1,
        EllipticCurvePublicNumbers,
    )

    x, y = decoded(key.x, _WIDTH), decoded(key.y, _WIDTH)
    if x is None or y is None:
        raise ValueError("not two coordinates")
    return EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), SECP256R1()).public_key()
