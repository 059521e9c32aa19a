"""What a tablet signs, with which key, and whether it did. Functions of values: no storage, no clock.

`web/signing` does the same on the tablet, and `tests/vectors/signing.json` holds both to it.
"""
