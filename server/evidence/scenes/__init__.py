"""Drawn stand-ins for field photographs: every picture of the demo comes from here, none from a file."""
