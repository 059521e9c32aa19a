"""A local frame in metres around a place, from the WGS-84 series for the length of a degree.

Within 10 km it errs by less than 0.0001 % (a sphere errs by up to 0.5 %); over some hundred kilometres by a
few parts in ten thousand, which is still far outside any fence.
"""

from __future__ import annotations

import math

import msgspec


class Frame(msgspec.Struct, frozen=True):
    """East and north of an origin in metres. Straight lines stay straight, so shapes may be carried over."""

    lon: float
    lat: float
    metres_per_lon: float
    metres_per_lat: float

    def xy(self, lon: float, lat: float) -> tuple[float, float]:
        """Metres east and north of the origin, the short way round the globe."""
        turn = (lon - self.lon + 180.0) % 360.0 - 180.0
        return turn * self.metres_per_lon, (lat - self.lat) * self.metres_per_lat


def frame_between(lon: float, lat: float, other_lat: float) -> Frame:
    """A frame with its origin at (lon, lat), scaled for distances to places near `other_lat`."""
    middle = math.radians((lat + other_lat) / 2.0)
    per_lat = 111132.954 - 559.822 * math.cos(2 * middle) + 1.175 * math.cos(4 * middle)
    per_lat -= 0.0023 * math.cos(6 * middle)
    per_lon = 111412.877 * math.cos(middle) - 93.504 * math.cos(3 * middle) + 0.118 * math.cos(5 * middle)
    return Frame(lon, lat, per_lon, per_lat)


def distance_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres between two WGS-84 positions."""
    return math.hypot(*frame_between(lon1, lat1, lat2).xy(lon2, lat2))
