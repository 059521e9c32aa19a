"""What tells one instance from another."""

from __future__ import annotations

import hashlib

import msgspec

from geo.network.model import Network
from server.outages.instance import Instance


def digest_of(instance: Instance, network: Network) -> str:
    """SHA-256 over all values of an instance, and over its network's wherever that came from."""
    plain = msgspec.structs.replace(instance, network={})
    whole = {"instance": plain, "network": network}
    return hashlib.sha256(
        msgspec.json.encode(msgspec.to_builtins(whole, str_keys=True), order="sorted")
    ).hexdigest()
