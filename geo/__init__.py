"""Coordinates, site fences and tracks: geometry as functions of values, without storage, clock or web.

Everything inside is WGS-84 longitude and latitude in degrees and lengths in metres; other datums are
converted once, at the door (`geo.coords`), and what was given is kept beside the result.
"""
