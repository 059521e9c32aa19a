"""The medium-voltage network as a map and as a graph: what feeds whom, where, and through what.

`model` holds the values, `exchange` reads and writes them as GeoJSON, `topology` derives sections, supply
and load, `checks` finds what cannot be right, `locate` what lies near a site, `paths` how a customer is fed,
`pandapower` reads that tool's JSON. Switches alone can be opened; a section is all that lies between them.
"""
