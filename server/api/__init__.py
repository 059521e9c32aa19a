"""The HTTP API: one blueprint a resource. No business rule lives here."""

from __future__ import annotations

from flask_smorest import Blueprint


def blueprints() -> list[Blueprint]:
    """Every blueprint, in the order of the API page."""
    from server.api import auth, devices, me, users  # noqa: PLC0415  each module registers routes when read

    return [auth.blp, me.blp, users.blp, devices.blp]
