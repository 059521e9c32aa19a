"""The case aggregate: stages, notices, gates and energization as pure functions of values.

`decide` is the door: case, command, actor, policy and moment in; the next case and its log entries out, or a
Refusal. `model` and `vocabulary` say what a case is made of, `commands` what may be asked of it, `handlers`
what each command does. What differs by province and year is data: `policy.yaml`, `gates.yaml`, `facts.yaml`
and `processes/*.yaml`. No I/O but reading these, no clock.
"""
