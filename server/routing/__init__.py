"""The route of an inspector's day: which tasks, in which order, and why another does not fit.

`model` and `timing` are values and arithmetic; `solving` hands them to a solver and runs in a process of its
own (`child`), which `asking` starts, bounds and waits for.
"""
