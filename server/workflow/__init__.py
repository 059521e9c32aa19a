"""The case aggregate: stages, notices, gates and energization as pure functions of values."""
