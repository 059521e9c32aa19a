"""A claim made in two places at once: the first one stands."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sync.store import Document


def first_claim(leaves: Sequence[Document]) -> Document:
    """The earliest of several claims to a case number or an `Idempotency-Key`, the same whoever looks.

    Both claimers may have been told that it is theirs. Each then has a case of its own under one number. No
    decision rests on a number, and every list shows both.
    """
    return min(leaves, key=lambda leaf: (str(leaf["at"]), json.dumps(leaf, sort_keys=True)))
