"""Moving whole sites by plain replication: `compare.py` finds what differs, `move.py` carries it."""
