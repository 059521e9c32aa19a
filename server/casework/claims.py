"""A claim made in two places at once: the first one stands."""

from __future__ import annotations

import json
from collections.abc import Sequence

import structlog

from sync.store import Document

log = structlog.get_logger()


def first_claim(leaves: Sequence[Document]) -> Document:
    """The earliest of several claims to a case number or an `Idempotency-Key`, the same whoever looks.

    Both claimers may have been told that it is theirs. Each then has a case of its own; the log says so, and
    somebody has to give one of them another number.
    """
    ordered = sorted(leaves, key=lambda leaf: (str(leaf["at"]), json.dumps(leaf, sort_keys=True)))
    log.error("claimed_twice", claims=ordered)
    return ordered[0]
