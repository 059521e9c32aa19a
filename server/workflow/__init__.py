"""The case aggregate: stages, notices, gates and energization as pure functions of values.

`decide` is the door: case, command, actor, policy and moment in; the next case and its log entries out, or a
Refusal. `model` and `vocabulary` say what a case is made of, `commands` what may be asked of it, `handlers`
what each command does. `processes`, `clocks` and `monitors` say where a case may go, whose time it takes and
what asks to be looked at. What differs by province and year is data: the YAML files beside the code. No I/O
but reading these, no clock.
"""
