"""Reads a network that somebody hands in, and indexes it. Loads what geometry needs: import it where used."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec
from msgspec import Struct

from geo.coords import check_datum
from geo.finding import Finding, GeoError
from geo.network.checks import check
from geo.network.exchange import Reading, read_network, write_network
from geo.network.locate import Locator, locator
from geo.network.model import KINDS, Network, NetworkError
from geo.network.pandapower import read_pandapower
from geo.network.topology import build, supply
from server.names import is_id

NetworkFormat = Literal["geojson", "pandapower"]

__all__ = ["Survey", "Wanted", "index", "survey"]


class Wanted(Struct, frozen=True, kw_only=True):
    """How a file is to be read. All but the first two say what pandapower's format does not: the network's
    id and datum, which it needs, and as `read_pandapower` has it the level and how many a load stands for."""

    format: NetworkFormat
    max_features: int
    network_id: str = ""
    datum: str = ""
    level_kv: float | None = None
    kva_per_customer: float | None = None


class Survey(Struct, frozen=True, kw_only=True):
    """What a file holds, and all that is wrong or odd with it. `body` is the network as GeoJSON in WGS-84;
    `network` and it are None unless `usable`."""

    findings: tuple[Finding, ...]
    network: Network | None = None
    body: bytes | None = None

    @property
    def usable(self) -> bool:
        return self.network is not None

    @property
    def counts(self) -> dict[str, int]:
        """Elements by kind."""
        network = self.network
        return {} if network is None else {kind: len(getattr(network, name)) for kind, name in KINDS.items()}


def survey(data: bytes, wanted: Wanted) -> Survey:
    """Read and check a file. Never raises for what is in it."""
    try:
        reading = _read(data, wanted)
    except GeoError as error:
        return Survey(findings=(error.finding(),))
    network = reading.network
    found = [*reading.findings]
    if not is_id(network.id):
        found.append(Finding("network_id_unusable", {"id": network.id[:80]}, "/network/id", grave=True))
    if reading.usable:
        # Of half a network every other element would miss what it refers to.
        found += check(build(network))
    if any(one.grave for one in found):
        return Survey(findings=tuple(found))
    try:
        body = msgspec.json.encode(write_network(network))
    except UnicodeEncodeError:
        return Survey(findings=(_not_json("a text with half of a surrogate pair"),))
    return Survey(findings=tuple(found), network=network, body=body)


def index(body: bytes) -> Locator:
    """What lies where in a network that was surveyed."""
    topology = build(read_network(msgspec.json.decode(body)).network)
    return locator(topology, supply(topology))


def _read(data: bytes, wanted: Wanted) -> Reading:
    document = _object(data, wanted.format)
    if wanted.format == "geojson":
        return read_network(document, max_features=wanted.max_features)
    if not wanted.network_id:
        raise NetworkError("network_id_missing")
    reading = read_pandapower(
        document,
        network_id=wanted.network_id,
        datum=check_datum(wanted.datum or None),
        level_kv=wanted.level_kv,
        kva_per_customer=wanted.kva_per_customer,
    )
    elements = len(reading.network.elements())
    if elements > wanted.max_features:
        raise NetworkError("network_too_large", features=elements, limit=wanted.max_features)
    return reading


def _object(data: bytes, written_as: NetworkFormat) -> dict[str, Any]:
    try:
        # pandapower writes NaN for what it does not know, which JSON has not.
        found = msgspec.json.decode(data) if written_as == "geojson" else json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NetworkError("network_not_json", detail=str(error)[:200]) from None
    if not isinstance(found, dict):
        raise NetworkError("network_not_json", detail=type(found).__name__)
    return found


def _not_json(detail: str) -> Finding:
    return Finding("network_not_json", {"detail": detail}, grave=True)
