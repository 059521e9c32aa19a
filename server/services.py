"""What a running Hezha is made of, wired in one place and handed down. Nothing is made at import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from flask import current_app

from server.settings import Settings

if TYPE_CHECKING:
    from server.people.service import People
    from sync.embedded.engine import EmbeddedStore

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, with its zone. The only place of the server that reads the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """One of each, made once per process."""

    settings: Settings
    clock: Clock
    store: EmbeddedStore
    people: People


def services() -> Services:
    """The services of the application that handles the present request."""
    return cast("Services", current_app.extensions["hezha"])
