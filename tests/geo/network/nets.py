"""Small networks for the tests, written as short as the tests need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geo.network.model import (
    Boundary,
    Customer,
    Feeder,
    Line,
    Meter,
    Network,
    Node,
    Source,
    Station,
    Switch,
    Transformer,
)

LON, LAT = 121.93, 29.21
#: About a hundred metres of latitude.
STEP = 0.0009


def node(id_: str, east: int = 0, north: int = 0, **more: Any) -> Node:
    return Node(id=id_, lon=LON + east * STEP, lat=LAT + north * STEP, **more)


def line(id_: str, start: str, end: str, **more: Any) -> Line:
    return Line(id=id_, start=start, end=end, **more)


def switch(id_: str, start: str, end: str, *, closed: bool = True, **more: Any) -> Switch:
    return Switch(id=id_, start=start, end=end, closed=closed, **more)


def two_feeders(**more: Any) -> Network:
    """Two stations, a feeder each, joined by a tie that is normally open; one customer is fed by both.

    S1 =[B1]= a1 --L1-- a2 =[K1]= a3 --L2-- a4 =[TIE]= b3 --L4-- b2 --L3-- b1 =[B2]= S2
    """
    network: Mapping[str, Any] = {
        "stations": (Station(id="ST1", name="东站"), Station(id="ST2", name="西站")),
        "sources": (
            Source(id="SRC1", station="ST1", node="S1", capacity_kva=5000.0),
            Source(id="SRC2", station="ST2", node="S2", capacity_kva=5000.0),
        ),
        "feeders": (
            Feeder(id="F1", name="一线", station="ST1", head="B1", capacity_kva=2000.0),
            Feeder(id="F2", name="二线", station="ST2", head="B2"),
        ),
        "nodes": (
            node("S1", form="busbar"),
            node("a1", 1),
            node("a2", 2),
            node("a3", 2, 1),
            node("a4", 3, 1),
            node("b3", 3, 2),
            node("b2", 4, 2),
            node("b1", 5, 2),
            node("S2", 6, 2, form="busbar"),
        ),
        "lines": (
            line("L1", "a1", "a2", capacity_kva=3000.0, section="一段"),
            line("L2", "a3", "a4", capacity_kva=1500.0, section="二段"),
            line("L3", "b1", "b2", capacity_kva=3000.0),
            line("L4", "b2", "b3", capacity_kva=3000.0),
        ),
        "switches": (
            switch("B1", "S1", "a1", form="breaker"),
            switch("K1", "a2", "a3"),
            switch("TIE", "a4", "b3", closed=False),
            switch("B2", "S2", "b1", form="breaker"),
        ),
        "transformers": (
            Transformer(id="T1", node="a2", customers=40, load_kva=200.0, capacity_kva=400.0),
            Transformer(id="T2", node="a4", customers=25, load_kva=300.0, capacity_kva=400.0),
            Transformer(id="T3", node="b2", customers=60, load_kva=100.0, capacity_kva=200.0),
        ),
        "boundaries": (Boundary(id="P1", at="T2"), Boundary(id="P2", at="b2")),
        "meters": (
            Meter(id="M1", boundary="P1", customer="C1"),
            Meter(id="M2", boundary="P2", customer="C1"),
        ),
        "customers": (Customer(id="C1", name="康养中心", form="hv", importance="second"),),
    }
    return Network(**{"id": "demo", "name": "示范网", **network, **more})
