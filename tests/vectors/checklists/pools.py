"""What goes wrong between two languages: the values at the edges, and hypothesis for what lies between."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

__all__ = [
    "DATES",
    "EDGE_DATES",
    "EDGE_NUMBERS",
    "EDGE_TEXTS",
    "EDGE_TIMES",
    "JSON",
    "NAMES",
    "NUMBERS",
    "POSITIONS",
    "TEXTS",
    "TIMES",
    "edges",
]

_WORDS = [
    "接地网",
    "e\u0301",
    "é",
    "𠮷野家",
    "👷🏻\u200d♀️",
    "\ud83d",
    "\udc77a",
    "\uffff",
    "a\n",
    "{value}",
    "na",
    "pass",
    "0",
    "__proto__",
    "constructor",
]
_BLANK = ["", " ", "\u3000", "\ufeff", "\x85", "\x1c", "\u200b", "\t\r\n"]
_LONG = ["x" * 200, "𠮷" * 200, "𠮷" * 201, "x" * 201]
EDGE_TEXTS = [*_WORDS, *_BLANK, *_LONG]


def edges(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(values))


TEXTS: st.SearchStrategy[str] = edges(*EDGE_TEXTS) | st.text(max_size=6)
#: Keys, among them such as JavaScript puts first, inherits, or sorts another way than Python.
NAMES: st.SearchStrategy[str] = edges("10", "9", "b", "a", "\ue000", "𠮷", "__proto__", "toString", "检")

EDGE_NUMBERS: list[Any] = [
    *(4, 4.0, 0, -0.0, -1, 0.1 + 0.2, 1 / 3, 0.6, 0.8, 100, 100.1),
    *(1e-5, 1e-4, 0.00012, 5e-324, 1e15, 1e16, 1e17, 1e21, 1e22, 123456789012345.6, 1234567890123456.7),
    *(999999999999999, 2**53, 2**53 + 1, 10**21, 1.7976931348623157e308, 10**400, -(10**400)),
]
NUMBERS: st.SearchStrategy[Any] = (
    edges(*EDGE_NUMBERS) | st.integers(-200, 200) | st.floats(allow_nan=False, allow_infinity=False)
)

_GOOD_TIMES = [
    "2025-03-04T09:30:00+08:00",
    "2025-03-04T01:30:00Z",
    "2025-03-04T01:30:00.000001Z",
    "2025-03-04T09:30:00.123456789+08:00",
    "2025-03-03T23:59:59-00:00",
    "2024-02-29T23:59:59+23:59",
    "0001-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59.9-23:59",
    "2000-02-29T00:00:00Z",
]
_BAD_TIMES = [
    "2025-03-04T09:30:00",
    "2025-03-04 09:30:00+08:00",
    "2025-03-04t09:30:00z",
    "2025-03-04T24:00:00Z",
    "2025-03-04T23:59:60Z",
    "2025-03-04T09:30Z",
    "2025-03-04T09:30:00+0800",
    "2025-03-04T09:30:00+24:00",
    "2025-03-04T09:30:00+00:60",
    "2025-03-04T09:30:00.Z",
    "2025-03-04T09:30:00.1234567890Z",
    "2025-02-29T09:30:00Z",
    "1900-02-29T09:30:00Z",
    "2025-04-31T09:30:00Z",
    "2025-13-01T09:30:00Z",
    "2025-00-10T09:30:00Z",
    "0000-01-01T00:00:00Z",
    "2025-03-04T09:30:00Z\n",
    "２０２５-03-04T09:30:00Z",
]
EDGE_TIMES = [*_GOOD_TIMES, *_BAD_TIMES]
TIMES: st.SearchStrategy[Any] = edges(*EDGE_TIMES) | edges(*_GOOD_TIMES)
EDGE_DATES = [
    *("2025-02-28", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "2025-03-04", "2024-11-02"),
    *("2025-02-29", "2025-02-30", "1900-02-29", "2025-04-31", "2025-13-01", "2025-00-01", "2025-01-00"),
    *(
        "0000-01-01",
        "20250228",
        "2025-W09-5",
        "2025-3-4",
        "2025-03-04T00:00:00Z",
        " 2025-03-04",
        "２０２５-03-04",
    ),
]
DATES: st.SearchStrategy[Any] = edges(*EDGE_DATES)

#: Any JSON at all, small.
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | edges("pass", "fail", "na", "provided", "a", "photo:1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=3),
    max_leaves=4,
)

_degree = edges(0, 120.1, -0.0, 180, 180.0000001, -180, 90, 90.5, -91, "120", None, True, 10**400)
POSITIONS: st.SearchStrategy[Any] = (
    st.fixed_dictionaries(
        {
            "lon": edges(120.1, 120),
            "lat": edges(30.2, 30),
            "accuracy_m": edges(5, 19.999, 20, 20.001, 80, 1e21),
            "datum": edges("wgs84", "cgcs2000", "gcj02", "bd09"),
        },
        optional={"at": edges("2025-03-04T09:30:00Z")},
    )
    | st.fixed_dictionaries(
        {
            "lon": _degree,
            "lat": _degree,
            "accuracy_m": edges(-1, 5, None, "5"),
            "datum": edges("wgs84", "WGS", []),
        }
    )
    | JSON
)
