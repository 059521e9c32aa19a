"""Demo data: eight made-up cases of one town, told through the same doors that real work comes in by.

Nothing is written that a tablet, a manager or the intake would not have written, so that what the demo shows
is what Hezha does. Firms, streets and numbers are made up.
"""
