# mypy: disable-error-code="untyped-decorator"
"""Networks: handed in as files, looked at as GeoJSON, asked what lies near a site and what feeds whom."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma
from flask import Response, g
from flask_smorest.fields import Upload

from geo.coords import Datum
from geo.finding import Finding
from geo.network.model import Customer
from server.api.base import Schema, blueprint, roles
from server.api.boxes import read_place
from server.api.casework import OFFICE, plain
from server.api.places import GEOJSON
from server.problems import Problem
from server.scheduling.networks import NetworkHead, UnknownNetwork
from server.services import services
from server.texts import both

blp = blueprint("networks", "Networks 电网.")

#: Findings of one answer; a file with more is mended in several rounds.
MAX_FINDINGS = 500
_NAME = ma.validate.Length(min=1, max=64)


class NetworkForm(Schema):
    format = ma.fields.String(load_default="geojson", validate=ma.validate.OneOf(["geojson", "pandapower"]))
    id = ma.fields.String(
        load_default="", validate=ma.validate.Length(max=64), metadata={"description": "For pandapower."}
    )
    datum = ma.fields.String(
        validate=ma.validate.OneOf(get_args(Datum)),
        load_default="",
        metadata={"description": "For pandapower."},
    )
    level_kv = ma.fields.Float(
        load_default=None,
        validate=ma.validate.Range(min=0, min_inclusive=False),
        metadata={"description": "For pandapower: the voltage to read; that of most lines by default."},
    )
    kva_per_customer = ma.fields.Float(
        load_default=None,
        validate=ma.validate.Range(min=0, min_inclusive=False),
        metadata={"description": "For pandapower: the load that one customer is reckoned for."},
    )
    dry_run = ma.fields.Boolean(load_default=False, metadata={"description": "Check, and keep nothing."})


class NetworkFile(Schema):
    file = Upload(required=True)


class VersionQuery(Schema):
    version = ma.fields.String(validate=_NAME, metadata={"description": "The newest by default."})


class NearQuery(VersionQuery):
    lon = ma.fields.Float(required=True)
    lat = ma.fields.Float(required=True)
    datum = ma.fields.String(load_default="wgs84", validate=ma.validate.OneOf(get_args(Datum)))
    within_m = ma.fields.Float(load_default=500.0, validate=ma.validate.Range(min=0, max=20_000))
    limit = ma.fields.Integer(load_default=10, validate=ma.validate.Range(min=1, max=100))


class NetworkOut(ma.Schema):
    """A version of a network. `counts` are elements by kind."""

    id = ma.fields.String()
    version = ma.fields.String()
    name = ma.fields.String()
    digest = ma.fields.String()
    bytes = ma.fields.Integer()
    counts = ma.fields.Dict()
    odd = ma.fields.Integer(metadata={"description": "How many findings it was imported with."})
    imported_at = ma.fields.String()
    imported_by = ma.fields.String()


class NetworkFindingOut(ma.Schema):
    """Something odd, or what keeps the network from being used; `place` is a JSON pointer into the file."""

    code = ma.fields.String()
    text = ma.fields.Dict()
    params = ma.fields.Dict()
    place = ma.fields.String()
    lon = ma.fields.Float(allow_none=True)
    lat = ma.fields.Float(allow_none=True)
    grave = ma.fields.Boolean()


class ImportedOut(ma.Schema):
    network = ma.fields.Nested(NetworkOut, allow_none=True, metadata={"description": "Null: a dry run."})
    findings = ma.fields.List(ma.fields.Nested(NetworkFindingOut))
    findings_left_out = ma.fields.Integer()


class NetworkList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(NetworkOut))


class NearOut(ma.Schema):
    """Each by its nearest line, nearest first: where on it, how far from where it is fed, what is spare."""

    network = ma.fields.String()
    version = ma.fields.String()
    sections = ma.fields.List(ma.fields.Dict())
    feeders = ma.fields.List(ma.fields.Dict())
    nodes = ma.fields.List(ma.fields.Dict(), metadata={"description": "Poles and cabinets, nearest first."})


class WayOut(ma.Schema):
    """From the station to one meter. A way that is not `live` begins where the meter hangs on the network."""

    meter = ma.fields.String()
    live = ma.fields.Boolean()
    length_m = ma.fields.Float()
    words = ma.fields.String(
        metadata={"description": "Station – feeder – transformer – boundary – meter – customer, by name."}
    )
    steps = ma.fields.List(ma.fields.Dict(), metadata={"description": "Every element, as switches stand."})


class WaysOut(ma.Schema):
    network = ma.fields.String()
    version = ma.fields.String()
    customer = ma.fields.Dict()
    ways = ma.fields.List(ma.fields.Nested(WayOut), metadata={"description": "One for each meter."})


class FindingsOut(ma.Schema):
    network = ma.fields.String()
    version = ma.fields.String()
    findings = ma.fields.List(ma.fields.Nested(NetworkFindingOut))
    findings_left_out = ma.fields.Integer()


def found_network(network_id: str, version: str | None = None) -> NetworkHead:
    """A network of the present person's organisation. Raises Problem 404."""
    try:
        return services().networks.get(g.actor.organisation, network_id, version)
    except UnknownNetwork:
        raise Problem(404, "not_found") from None


def finding_rows(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """Findings in both languages, what is grave first, as many as one answer holds."""
    sorted_ = sorted(findings, key=lambda one: not one.grave)
    rows = [{**plain(one), "text": both(one.code, **one.params)} for one in sorted_[:MAX_FINDINGS]]
    return {"findings": rows, "findings_left_out": len(findings) - len(rows)}


def _view(head: NetworkHead) -> dict[str, Any]:
    row: dict[str, Any] = plain(head)
    del row["organisation"]
    return row


@blp.route("/networks", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, NetworkList)
def list_networks() -> dict[str, Any]:
    """The newest version of every network of your organisation."""
    return {"items": [_view(one) for one in services().networks.all(g.actor.organisation)]}


@blp.route("/networks", methods=["POST"])
@roles("scheduler", "admin")
@blp.arguments(NetworkForm, location="form")
@blp.arguments(NetworkFile, location="files")
@blp.response(201, ImportedOut)
@blp.alt_response(422, description="Not usable; `findings` tells every place.")
def import_network(form: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    """Check a network and keep it as its newest version. The same file again makes no other version.

    A network with a grave finding is refused whole, and every finding told with its place.
    """
    from server.scheduling.surveying import Wanted, survey  # noqa: PLC0415  loads what geometry needs

    made = services()
    dry_run, network_id = form.pop("dry_run"), form.pop("id")
    wanted = Wanted(max_features=made.settings.max_network_features, network_id=network_id, **form)
    surveyed = survey(files["file"].read(), wanted)
    told = finding_rows(surveyed.findings)
    if not surveyed.usable:
        raise Problem(422, "network_unusable", extra=told)
    if dry_run:
        return {"network": None, **told}
    head = made.networks.add(g.actor.organisation, surveyed, by=g.actor.name)
    return {"network": _view(head), **told}


@blp.route("/networks/<network_id>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(VersionQuery, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def show_network(query: dict[str, Any], network_id: str) -> Response:
    """A network as GeoJSON, WGS-84, an element a feature. `ETag` is its digest."""
    head = found_network(network_id, query.get("version"))
    response = Response(services().networks.body(head), mimetype=GEOJSON)
    response.set_etag(head.digest)
    return response


@blp.route("/networks/<network_id>/versions", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, NetworkList)
def list_versions(network_id: str) -> dict[str, Any]:
    """Every version of a network, oldest first."""
    found_network(network_id)
    found = services().networks.versions(g.actor.organisation, network_id)
    return {"items": [_view(one) for one in found]}


@blp.route("/networks/<network_id>/near", methods=["GET"])
@roles("manager", "inspector", "scheduler", "admin", "auditor")
@blp.arguments(NearQuery, location="query", unknown=ma.RAISE)
@blp.response(200, NearOut)
def show_near(query: dict[str, Any], network_id: str) -> dict[str, Any]:
    """The sections, feeders, poles and cabinets within reach of a site."""
    from geo.network.locate import feeders_near, nodes_near, sections_near  # noqa: PLC0415  loads geometry

    head = found_network(network_id, query.get("version"))
    site = read_place(query["lon"], query["lat"], query["datum"])
    reach = {"within_m": query["within_m"], "limit": query["limit"]}
    index = services().networks.index(head)
    return {
        "network": head.id,
        "version": head.version,
        "sections": [plain(one) for one in sections_near(index, site, **reach)],
        "feeders": [plain(one) for one in feeders_near(index, site, **reach)],
        "nodes": [plain(one) for one in nodes_near(index, site, **reach)],
    }


#: What people call a way by; lines, switches and sources lie between.
_LANDMARKS = ("station", "feeder", "transformer", "boundary", "meter", "customer")


@blp.route("/networks/<network_id>/customers/<customer_id>/ways", methods=["GET"])
@roles(*OFFICE)
@blp.arguments(VersionQuery, location="query", unknown=ma.RAISE)
@blp.response(200, WaysOut)
def show_ways(query: dict[str, Any], network_id: str, customer_id: str) -> dict[str, Any]:
    """What feeds a customer as the switches normally stand, by each of the meters, element by element."""
    from geo.network.paths import ways_to  # noqa: PLC0415  loads what geometry needs

    head = found_network(network_id, query.get("version"))
    index = services().networks.index(head)
    customer = index.topology.elements.get(customer_id)
    if not isinstance(customer, Customer):
        raise Problem(404, "not_found")
    ways = [
        {
            **plain(way),
            "words": " – ".join(step.name or step.id for step in way.steps if step.kind in _LANDMARKS),
        }
        for way in ways_to(index.topology, index.fed, customer_id)
    ]
    return {"network": head.id, "version": head.version, "customer": plain(customer), "ways": ways}


@blp.route("/networks/<network_id>/findings", methods=["GET"])
@roles(*OFFICE)
@blp.arguments(VersionQuery, location="query", unknown=ma.RAISE)
@blp.response(200, FindingsOut)
def show_findings(query: dict[str, Any], network_id: str) -> dict[str, Any]:
    """What is odd about a network that was kept: dangling, dead, twice, out of place, each with its place."""
    from geo.network.checks import check  # noqa: PLC0415  loads what geometry needs

    head = found_network(network_id, query.get("version"))
    found = check(services().networks.index(head).topology)
    return {"network": head.id, "version": head.version, **finding_rows(found)}
