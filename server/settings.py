"""Process settings, read once from the environment. Limits of the trade are dated policy, not here.

Every variable is `HEZHA_…`; docs/settings.md lists them, and a test holds the two together.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

_PREFIX_SHAPE = re.compile(r"([a-z][a-z0-9_-]{0,30})?")


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what to put there."""


@dataclass(frozen=True)
class Argon2Profile:
    """Cost of one password hash: `memory_kib` KiB, `time_cost` passes, `parallelism` lanes."""

    memory_kib: int = 19 * 1024
    time_cost: int = 2
    parallelism: int = 1


@dataclass(frozen=True)
class Settings:
    """Where Hezha keeps its data, how it is reached, and the bounds of a request.

    Sizes are bytes, times seconds.
    """

    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8080
    base_url: str = ""
    db_prefix: str = ""
    couchdb_url: str = ""
    sync_admin: str = ""
    jwt_key: str = ""
    organisation: str = "demo"
    web_workers: int = 1
    web_threads: int = 100
    trusted_proxies: int = 0
    access_token_seconds: int = 900
    refresh_token_seconds: int = 30 * 24 * 3600
    refresh_grace_seconds: int = 120
    login_failures_per_user_address: int = 5
    login_failures_per_address: int = 30
    login_window_seconds: int = 300
    password_min_length: int = 8
    argon2: Argon2Profile = Argon2Profile()
    max_json_bytes: int = 1024 * 1024
    max_upload_bytes: int = 32 * 1024 * 1024
    max_document_bytes: int = 8 * 1024 * 1024
    max_sync_request_bytes: int = 64 * 1024 * 1024
    max_attachment_bytes: int = 1024 * 1024 * 1024
    max_parked_polls: int = 80
    worker_stall_seconds: float = 60.0
    worker_slots: int = 16
    lease_seconds: float = 15.0
    lease_wait_seconds: float = 5.0
    clock_skew_seconds: float = 2.0
    photo_workers: int = 1
    photo_timeout_seconds: int = 20
    photo_memory_bytes: int = 1024 * 1024 * 1024
    inbox_interval_seconds: float = 2.0
    min_free_disk_bytes: int = 1024 * 1024 * 1024

    def database(self, name: str) -> str:
        """The full name of a database: the configured prefix and `name`."""
        return self.db_prefix + name

    @property
    def spool_dir(self) -> Path:
        """Where bytes lie while they are judged; swept at start, so that a killed process leaves nothing."""
        return self.data_dir / "spool"

    @property
    def public_url(self) -> str:
        return self.base_url.rstrip("/") or f"http://{self.host}:{self.port}"


#: Settings that make no sense as one environment variable, or are read from several.
_NOT_PLAIN = {"data_dir", "argon2"}
#: Numbers of which zero makes sense; with any other it would stop everything.
_MAY_BE_ZERO = {
    "trusted_proxies",
    "refresh_grace_seconds",
    "inbox_interval_seconds",
    "min_free_disk_bytes",
    "max_parked_polls",
    "lease_wait_seconds",
    "clock_skew_seconds",
}
#: Argon2 takes no less memory for a lane (RFC 9106, 3.1).
_ARGON2_LANE_KIB = 8


def variable(field_name: str) -> str:
    """The environment variable that sets a field: `HEZHA_DATA` for `data_dir`, else the name in capitals."""
    return "HEZHA_DATA" if field_name == "data_dir" else f"HEZHA_{field_name.upper()}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Raises SettingsError naming the variable that cannot be used."""
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for field in fields(Settings):
        raw = env.get(variable(field.name), "")
        if field.name in _NOT_PLAIN or raw == "":
            continue
        values[field.name] = _convert(field.name, raw, type(field.default))
    if env.get("HEZHA_DATA"):
        values["data_dir"] = Path(env["HEZHA_DATA"])
    if env.get("HEZHA_ARGON2"):
        values["argon2"] = _argon2(env["HEZHA_ARGON2"])
    settings = Settings(**values)
    _check(settings)
    return settings


def _convert(name: str, raw: str, kind: type) -> Any:
    if kind is str:
        return raw
    try:
        value = kind(raw)
    except ValueError:
        raise SettingsError(f"{variable(name)}={raw!r}: give a number") from None
    if not math.isfinite(value) or value < 0 or (value == 0 and name not in _MAY_BE_ZERO):
        least = "zero or more" if name in _MAY_BE_ZERO else "more than zero"
        raise SettingsError(f"{variable(name)}={raw!r}: give a number, {least}")
    return value


def _argon2(raw: str) -> Argon2Profile:
    try:
        memory_kib, time_cost, parallelism = (int(part) for part in raw.split(","))
    except ValueError:
        raise SettingsError(
            f"HEZHA_ARGON2={raw!r}: give memory in KiB, passes, lanes, as 19456,2,1"
        ) from None
    if time_cost < 1 or parallelism < 1 or memory_kib < _ARGON2_LANE_KIB * parallelism:
        raise SettingsError(
            f"HEZHA_ARGON2={raw!r}: give a pass, a lane, and {_ARGON2_LANE_KIB} KiB for each lane, or more"
        )
    return Argon2Profile(memory_kib, time_cost, parallelism)


def _check(settings: Settings) -> None:
    if not _PREFIX_SHAPE.fullmatch(settings.db_prefix):
        raise SettingsError(
            "HEZHA_DB_PREFIX: lower-case letters, digits, _ and -, beginning with a letter, at most 31"
        )
    if settings.sync_admin and not re.match(r"^[^:\s]+:.{8,}$", settings.sync_admin):
        raise SettingsError("HEZHA_SYNC_ADMIN: give name:password, the password 8 characters or more")
    if settings.couchdb_url:
        raise SettingsError(
            "HEZHA_COUCHDB_URL: this version has the embedded engine only; unset it to use that"
        )
    if not 0 < settings.port < 65536:
        raise SettingsError("HEZHA_PORT: give a port from 1 to 65535")
