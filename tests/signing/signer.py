"""A tablet's key, for tests: signs as `web/signing` does, in Python."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from server.signing.forms import digest_of, named_photos, named_signatures, signed_bytes
from server.signing.keys import ALGORITHM, PublicKey, encoded, proof_bytes
from sync.store import Document

#: The order of P-256.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Signer:
    """A key made from a name, so that a test can say which; its signatures are deterministic (RFC 6979)."""

    def __init__(self, name: str) -> None:
        secret = int.from_bytes(hashlib.sha256(name.encode()).digest()) % (_ORDER - 1) + 1
        self._private = ec.derive_private_key(secret, ec.SECP256R1())
        point = self._private.public_key().public_numbers()
        self.key = PublicKey(*(encoded(one.to_bytes(32)) for one in (point.x, point.y)))
        self.kid = self.key.kid

    def value(self, data: bytes) -> str:
        """r and s in base64url."""
        der = self._private.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))
        return encoded(b"".join(part.to_bytes(32) for part in decode_dss_signature(der)))

    def enrolment(self, device: str, user: str) -> dict[str, Any]:
        """The body of the request that enrols the key."""
        return {
            "jwk": self.key.jwk,
            "proof": self.value(proof_bytes(self.key, device=device, user=user)),
        }

    def sign(
        self,
        form: Document,
        photos: Mapping[str, str] | None = None,
        signatures: Mapping[str, str] | None = None,
    ) -> Document:
        """The form, signed. What it names and is not given here is listed with a digest of zeros."""
        listed = {
            "photos": {**dict.fromkeys(named_photos(form), "0" * 64), **(photos or {})},
            "signatures": {**dict.fromkeys(named_signatures(form), "0" * 64), **(signatures or {})},
        }
        whole = {**form, "evidence": listed}
        data = signed_bytes(whole)
        member = {"kid": self.kid, "alg": ALGORITHM, "digest": digest_of(data), "value": self.value(data)}
        return {**whole, "signature_of_device": member}
