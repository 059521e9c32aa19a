"""Access tokens that have been verified: a tablet shows the same one with every request for a quarter of an
hour, and a signature and two documents cost more than most answers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from server.people.model import Identity
from server.people.tokens import AccessClaims


@dataclass(frozen=True)
class Standing:
    """What a token says, and whom it speaks for as the registry stood at `moment` (`Registry.moment`)."""

    claims: AccessClaims
    identity: Identity
    moment: str | None


class Recent:
    """The `most` tokens seen last, for many threads. It judges nothing: time and registry may move on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._standings: OrderedDict[str, Standing] = OrderedDict()

    def get(self, token: str) -> Standing | None:
        with self._lock:
            found = self._standings.get(token)
            if found is not None:
                self._standings.move_to_end(token)
            return found

    def keep(self, token: str, standing: Standing) -> None:
        with self._lock:
            self._standings[token] = standing
            self._standings.move_to_end(token)
            while len(self._standings) > self._most:
                self._standings.popitem(last=False)
