"""The thin shell around the workflow: reads a case, applies a command, writes with `_rev`, provisions.

Everything it does after a decision follows from the case as written, so it can be done again at any time:
once at once, for the one who asked, and once more by the worker when it sees the change.
"""
