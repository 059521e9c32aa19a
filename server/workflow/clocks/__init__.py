"""Clocks: how long the utility has held a case, against what it allows itself, promised, and owes by law.

`timeline` says whose time each moment was, `measure` counts it; both are functions of the case, the settings
in force and the moment. The order in which late news came to be known makes no difference to them.
"""
