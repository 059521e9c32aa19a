# mypy: disable-error-code="untyped-decorator"
"""The route of an inspector's day: open tasks in an order that saves ways, and why others do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import marshmallow as ma
import msgspec
from flask import Response, g

from geo.coords import Datum
from server.api.base import blueprint, roles
from server.api.boxes import read_place
from server.api.casework import OFFICE
from server.api.places import GEOJSON
from server.casework.errands import Errand, errands
from server.people.model import Identity
from server.problems import Problem, language
from server.routing.asking import NoRoute
from server.routing.model import Day, Left, Order, Route, Spot, Visit
from server.scheduling.ical import Event, calendar
from server.services import services
from server.texts import LANGUAGES, text
from server.workflow.policy import Policy

blp = blueprint("day_routes", "Routes of the day 当日路线.")

ICAL = "text/calendar"
#: How far ahead or back a route is made: settings are known for these days, and nobody plans further.
DAYS = 366


class RouteQuery(ma.Schema):
    day = ma.fields.Date(metadata={"description": "Today by default, where the organisation works."})
    lon = ma.fields.Float(metadata={"description": "Where the day begins and ends. None: at the first call."})
    lat = ma.fields.Float()
    datum = ma.fields.String(load_default="wgs84", validate=ma.validate.OneOf(get_args(Datum)))
    begin = ma.fields.String(
        validate=ma.validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d$"),
        metadata={"description": "HH:MM, if the day begins otherwise than it does for all."},
    )


class CallOut(ma.Schema):
    task = ma.fields.String()
    case = ma.fields.String()
    no = ma.fields.String()
    customer = ma.fields.String()
    address = ma.fields.String()
    kind = ma.fields.String()
    due = ma.fields.String(allow_none=True)
    lon = ma.fields.Float()
    lat = ma.fields.Float()


class VisitOut(CallOut):
    travel_m = ma.fields.Integer()
    travel_s = ma.fields.Integer()
    arrives_at = ma.fields.AwareDateTime()
    begins_at = ma.fields.AwareDateTime(metadata={"description": "Later than the arrival: one waits."})
    leaves_at = ma.fields.AwareDateTime()
    wanted_from = ma.fields.AwareDateTime(allow_none=True)
    wanted_until = ma.fields.AwareDateTime(allow_none=True)


class LeftOut(CallOut):
    code = ma.fields.String()
    params = ma.fields.Dict()
    text = ma.fields.Dict()


class RouteOut(ma.Schema):
    inspector = ma.fields.String()
    day = ma.fields.Date()
    begins_at = ma.fields.AwareDateTime()
    ends_at = ma.fields.AwareDateTime(metadata={"description": "Back at the start."})
    travel_m = ma.fields.Integer()
    travel_s = ma.fields.Integer()
    proven = ma.fields.Boolean(metadata={"description": "That no better route exists."})
    more_tasks = ma.fields.Boolean(metadata={"description": "More are open than a route looks at."})
    visits = ma.fields.List(ma.fields.Nested(VisitOut))
    left = ma.fields.List(ma.fields.Nested(LeftOut))


@dataclass(frozen=True)
class _Found:
    """A route, and all that it speaks of."""

    name: str
    day: date
    midnight: datetime
    begins_s: int
    route: Route
    by_task: Mapping[str, Errand]
    left: tuple[Left, ...]
    more: bool
    start: Spot | None

    def at(self, seconds: int) -> datetime:
        return self.midnight + timedelta(seconds=seconds)


@blp.route("/routes/<name>", methods=["GET"])
@roles("inspector", "manager", "admin")
@blp.arguments(RouteQuery, location="query", unknown=ma.RAISE)
@blp.response(200, RouteOut)
def show_route(query: dict[str, Any], name: str) -> dict[str, Any]:
    """What an inspector could do on a day, in an order: the tasks that matter most, then the shortest way.

    Ways are straight lines made longer, not roads. An inspector asks for his own.
    """
    found = _find(query, name)
    route = found.route
    return {
        "inspector": name,
        "day": found.day,
        "begins_at": found.at(found.begins_s),
        "ends_at": found.at(route.ends_s),
        "travel_m": route.travel_m,
        "travel_s": route.travel_s,
        "proven": route.proven,
        "more_tasks": found.more,
        "visits": [_visit_row(found, visit) for visit in route.visits],
        "left": [_left_row(found, left) for left in found.left],
    }


@blp.route("/routes/<name>/map", methods=["GET"])
@roles("inspector", "manager", "admin")
@blp.arguments(RouteQuery, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def show_route_on_the_map(query: dict[str, Any], name: str) -> Response:
    """The route as GeoJSON: a point for each visit, numbered, and the straight lines between them."""
    found = _find(query, name)
    rows = [_visit_row(found, visit) for visit in found.route.visits]
    points = [[row.pop("lon"), row.pop("lat")] for row in rows]
    ends = [] if found.start is None else [list(found.start)]
    course = [*ends, *points, *ends] if points else []
    features = [
        _feature({"type": "Point", "coordinates": point}, {"layer": "visit", "n": n, **row})
        for n, (point, row) in enumerate(zip(points, rows, strict=True), start=1)
    ]
    if len(course) > 1:
        line = {"type": "LineString", "coordinates": course}
        features.insert(0, _feature(line, {"layer": "route", "travel_m": found.route.travel_m}))
    collection = {"type": "FeatureCollection", "features": features}
    return Response(msgspec.json.encode(collection), mimetype=GEOJSON)


@blp.route("/routes/<name>/calendar", methods=["GET"])
@roles("inspector", "manager", "admin")
@blp.arguments(RouteQuery, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=ICAL)
def show_route_as_calendar(query: dict[str, Any], name: str) -> Response:
    """The route as iCalendar: an event for each visit, in the reader's language."""
    found = _find(query, name)
    events = []
    for visit in found.route.visits:
        row = found.by_task[visit.call].row
        kind = text(f"task_kind.{row['kind']}", language())
        events.append(
            Event(
                uid=f"{visit.call}-{found.day.isoformat()}",
                begins=found.at(visit.begins_s),
                ends=found.at(visit.leaves_s),
                summary=f"{kind} {row['no']} {row['customer']}",
                place=row["address"],
            )
        )
    body = calendar(events, product="Routes", stamp=services().clock())
    response = Response(body, content_type=f"{ICAL}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}-{found.day}.ics")
    return response


def _find(query: dict[str, Any], name: str) -> _Found:
    """The route that is asked for. Raises Problem 404, 422, 503."""
    made = services()
    _require_to_see(name)
    organisation = g.actor.organisation
    today = made.cases.policy(organisation).day(made.clock())
    day = query.get("day") or today
    if abs((day - today).days) > DAYS:
        raise Problem(422, "route_day_invalid", days=DAYS)
    policy = made.cases.rules.on(day, organisation)
    todo, more = errands(made, organisation, name, day, policy)
    terms = _terms(query, policy)
    order = Order(
        calls=tuple(one.call for one in todo if one.call is not None),
        day=terms,
        effort=made.settings.route_effort,
    )
    try:
        route = made.routes.find(order)
    except NoRoute as error:
        raise Problem(503, error.code, headers={"Retry-After": "5"}) from None
    return _Found(
        name=name,
        day=day,
        midnight=datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(policy.timezone)),
        begins_s=terms.begins_s,
        route=route,
        by_task={one.task: one for one in todo},
        left=(*route.left, *(one.left for one in todo if one.left is not None)),
        more=more,
        start=terms.start,
    )


def _require_to_see(name: str) -> None:
    """Raises Problem 404 unless this is the asker's own route, or that of an inspector of the same house."""
    actor: Identity = g.actor
    if name == actor.name and "inspector" in actor.roles:
        return
    if not set(OFFICE) & set(actor.roles):
        raise Problem(404, "not_found")
    user = services().people.user(name)
    if user.organisation != actor.organisation or "inspector" not in user.roles:
        raise Problem(404, "not_found")


def _terms(query: dict[str, Any], policy: Policy) -> Day:
    hours, _, minutes = query.get("begin", "").partition(":")
    begins = int(hours) * 60 + int(minutes) if hours else policy.route_day_begins_minute
    start = None
    if "lon" in query or "lat" in query:
        place = read_place(query.get("lon"), query.get("lat"), query["datum"])
        start = (place.lon, place.lat)
    return Day(
        begins_s=begins * 60,
        ends_s=policy.route_day_ends_minute * 60,
        speed_m_s=policy.route_speed_kmh / 3.6,
        detour=policy.route_detour_percent / 100,
        start=start,
    )


def _call_row(errand: Errand) -> dict[str, Any]:
    names = ("no", "customer", "address", "kind", "due", "lon", "lat")
    return {
        "task": errand.task,
        "case": errand.row["case_id"],
        **{name: errand.row[name] for name in names},
    }


def _visit_row(found: _Found, visit: Visit) -> dict[str, Any]:
    errand = found.by_task[visit.call]
    call = errand.call
    opens, closes = (None, None) if call is None else (call.opens_s, call.closes_s)
    return {
        **_call_row(errand),
        "travel_m": visit.travel_m,
        "travel_s": visit.travel_s,
        "arrives_at": found.at(visit.arrives_s),
        "begins_at": found.at(visit.begins_s),
        "leaves_at": found.at(visit.leaves_s),
        "wanted_from": None if opens is None else found.at(opens),
        "wanted_until": None if closes is None else found.at(closes),
    }


def _left_row(found: _Found, left: Left) -> dict[str, Any]:
    """A reason with its times as people write them, and other calls by their number."""
    told: dict[str, Any] = {}
    for key, value in left.params.items():
        if key.endswith("_s") and isinstance(value, int):
            told[key.removesuffix("_s")] = f"{found.at(value):%H:%M}"
        elif key == "other":
            told[key] = found.by_task[str(value)].row["no"]
        else:
            told[key] = value
    words = {lang: text(left.code, lang, **told) for lang in LANGUAGES}
    return {**_call_row(found.by_task[left.call]), "code": left.code, "params": told, "text": words}


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}
