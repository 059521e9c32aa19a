"""What tells one instance from another."""

from __future__ import annotations

import hashlib

import msgspec

from geo.network.model import Network
from server.outages.instance import Instance


def digest_of(instance: Instance, network: Network) -> str:
    """SHA-256 over all values of an instance, and over its network's wherever that came from."""
    plain = msgspec.to_builtins(msgspec.structs.replace(instance, network={}), str_keys=True)
    # Only words come of it.
    plain.pop("freeze", None)
    whole = {"instance": plain, "network": msgspec.to_builtins(network, str_keys=True)}
    return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()
