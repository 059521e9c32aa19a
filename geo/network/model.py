"""The elements of a network. Positions are WGS-84 degrees, lengths metres, powers kVA, voltages kV.

Nodes are joined by lines, which cannot be parted, and by switches, which can. Everything else hangs on
them: sources and transformers on nodes, boundaries on transformers or nodes, meters on boundaries.
A power that is None is not known; nothing is presumed of it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from geo.finding import GeoError

NodeForm = Literal["busbar", "pole", "cabinet", "joint", "terminal"]
LineForm = Literal["overhead", "cable"]
SwitchForm = Literal["breaker", "recloser", "load_break", "isolator", "fuse", "link"]
CustomerForm = Literal["resident", "lv", "hv"]
Importance = Literal["", "special", "first", "second", "temporary"]


class NetworkError(GeoError):
    """A network that cannot be read at all."""


class Element(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every element has: an id, which is its own in the whole network, and a name for people."""

    id: str
    name: str = ""


class Placed(Element, frozen=True, kw_only=True, omit_defaults=True):
    """An element at a point; None where only its neighbours say where it is."""

    lon: float | None = None
    lat: float | None = None


class Station(Placed, frozen=True, kw_only=True, omit_defaults=True):
    """变电站, from which feeders go out. `voltage_kv` is that of its busbars."""

    voltage_kv: float | None = None


class Source(Element, frozen=True, kw_only=True, omit_defaults=True):
    """Where power enters: a station's transformer on its busbar `node`, with what it can give."""

    station: str
    node: str
    capacity_kva: float | None = None


class Feeder(Element, frozen=True, kw_only=True, omit_defaults=True):
    """馈线: all that is fed, with the switches as they normally stand, through `head`, its first switch or
    line at the station's busbar."""

    station: str
    head: str
    capacity_kva: float | None = None


class Node(Placed, frozen=True, kw_only=True, omit_defaults=True):
    """A point at which lines, switches or transformers meet."""

    form: NodeForm = "pole"
    voltage_kv: float | None = None


class Line(Element, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of line from one node to another. `path` is its course as (lon, lat), ends included; empty
    means straight. `section` names the section that its owner reckons it to."""

    start: str = field(name="from")
    end: str = field(name="to")
    form: LineForm = "overhead"
    capacity_kva: float | None = None
    length_m: float | None = None
    section: str = ""
    path: tuple[tuple[float, float], ...] = ()


class Switch(Placed, frozen=True, kw_only=True, omit_defaults=True):
    """A device that parts two nodes. `closed` is how it normally stands; a normally open one between two
    feeders is a tie. `remote` ones are operated without a crew."""

    start: str = field(name="from")
    end: str = field(name="to")
    closed: bool
    form: SwitchForm = "load_break"
    remote: bool = False
    capacity_kva: float | None = None


class Transformer(Placed, frozen=True, kw_only=True, omit_defaults=True):
    """A distribution transformer on a node: public (公变), or a customer's own (专变). `customers` counts
    those behind it who are not named as elements; `load_kva` is the load to plan with."""

    node: str
    capacity_kva: float | None = None
    public: bool = True
    customers: int = 0
    load_kva: float | None = None


class Boundary(Placed, frozen=True, kw_only=True, omit_defaults=True):
    """产权分界点: where the customer's property begins. `at` is a transformer or a node."""

    at: str


class Meter(Placed, frozen=True, kw_only=True, omit_defaults=True):
    """A metering point behind a boundary. A customer with two sources has a meter on each."""

    boundary: str
    customer: str


class Customer(Placed, frozen=True, kw_only=True, omit_defaults=True):
    """A named customer. `importance` is the grade of important customers (重要电力用户), empty for others;
    `life_support`: somebody's life hangs on the supply."""

    form: CustomerForm = "lv"
    importance: Importance = ""
    life_support: bool = False


class Network(Struct, frozen=True, kw_only=True):
    """A network as it was read, each kind in the order given; nothing in it has been checked yet."""

    id: str
    name: str = ""
    stations: tuple[Station, ...] = ()
    sources: tuple[Source, ...] = ()
    feeders: tuple[Feeder, ...] = ()
    nodes: tuple[Node, ...] = ()
    lines: tuple[Line, ...] = ()
    switches: tuple[Switch, ...] = ()
    transformers: tuple[Transformer, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    meters: tuple[Meter, ...] = ()
    customers: tuple[Customer, ...] = ()

    def elements(self) -> tuple[Element, ...]:
        """Every element, kind by kind."""
        return tuple(one for name in KINDS.values() for one in getattr(self, name))


#: The `kind` of a feature, and the field of Network that holds such elements.
KINDS = {
    "station": "stations",
    "source": "sources",
    "feeder": "feeders",
    "node": "nodes",
    "line": "lines",
    "switch": "switches",
    "transformer": "transformers",
    "boundary": "boundaries",
    "meter": "meters",
    "customer": "customers",
}
TYPES: dict[str, type[Element]] = {
    "station": Station,
    "source": Source,
    "feeder": Feeder,
    "node": Node,
    "line": Line,
    "switch": Switch,
    "transformer": Transformer,
    "boundary": Boundary,
    "meter": Meter,
    "customer": Customer,
}
_KIND_OF = {type_: kind for kind, type_ in TYPES.items()}


def kind_of(element: Element) -> str:
    """The `kind` of an element, as its feature names it."""
    return _KIND_OF[type(element)]
