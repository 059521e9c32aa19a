"""Process settings, read once from the environment. Limits of the trade are dated policy, not here.

Every variable is `HEZHA_…`; docs/settings.md lists them, and a test holds the two together.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server.logs import LEVELS
from server.networks import read_networks

_PREFIX_SHAPE = re.compile(r"([a-z][a-z0-9_-]{0,30})?")
_BUCKET_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_FOLDER_SHAPE = re.compile(r"([A-Za-z0-9._-]+/)*")
_ADDRESSING = ("path", "virtual")
_VERIFY = ("read", "checksum")
_CREDENTIALS = ("keys", "machine")


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
    couchdb_url: str = field(default="", repr=False)
    couchdb_user: str = ""
    couchdb_password_file: str = ""
    couchdb_ca_file: str = ""
    couchdb_q: int = 0
    couchdb_n: int = 0
    couchdb_connect_seconds: float = 5.0
    couchdb_read_seconds: float = 60.0
    couchdb_attempts: int = 6
    couchdb_longest_pause_seconds: float = 5.0
    sync_url: str = ""
    sync_admin: str = ""
    sync_session_seconds: int = 600
    jwt_key: str = ""
    organisation: str = "demo"
    policy_file: str = ""
    log_level: str = "info"
    web_workers: int = 1
    web_threads: int = 32
    trusted_proxies: int = 0
    access_token_seconds: int = 900
    refresh_token_seconds: int = 30 * 24 * 3600
    refresh_grace_seconds: int = 120
    login_failures_per_user_address: int = 5
    login_failures_per_address: int = 30
    login_window_seconds: int = 300
    password_min_length: int = 8
    argon2: Argon2Profile = Argon2Profile()
    retry_seconds: float = 5.0
    max_json_bytes: int = 1024 * 1024
    max_upload_bytes: int = 32 * 1024 * 1024
    max_import_rows: int = 5000
    max_network_features: int = 200_000
    max_layer_features: int = 1000
    max_layer_tracks: int = 100
    max_document_bytes: int = 8 * 1024 * 1024
    max_sync_request_bytes: int = 64 * 1024 * 1024
    max_attachment_bytes: int = 1024 * 1024 * 1024
    max_parked_polls: int = 2000
    max_view_documents: int = 20_000
    max_view_rows: int = 50_000
    max_view_bytes: int = 8 * 1024 * 1024
    max_view_seconds: float = 10.0
    max_views_at_once: int = 2
    client_header_seconds: float = 10.0
    client_stall_seconds: float = 30.0
    worker_stall_seconds: float = 60.0
    worker_slots: int = 16
    lease_seconds: float = 15.0
    lease_wait_seconds: float = 5.0
    clock_skew_seconds: float = 2.0
    photo_workers: int = 1
    photo_timeout_seconds: int = 20
    photo_memory_bytes: int = 1024 * 1024 * 1024
    inbox_interval_seconds: float = 2.0
    events_kept: int = 20_000
    events_streams: int = 500
    events_poll_seconds: float = 0.25
    events_heartbeat_seconds: float = 15.0
    events_stream_seconds: float = 3600.0
    webhook_networks: str = ""
    webhook_seconds: float = 10.0
    webhook_threads: int = 4
    webhook_attempts: int = 16
    webhook_first_pause_seconds: float = 10.0
    webhook_longest_pause_seconds: float = 6 * 3600.0
    webhook_disable_seconds: float = 5 * 24 * 3600.0
    webhook_dead_letters: int = 1000
    reminder_seconds: float = 3600.0
    plan_seconds: float = 300.0
    plan_workers: int = 2
    plan_memory_bytes: int = 4 * 1024 * 1024 * 1024
    plan_explain_seconds: float = 120.0
    plan_grace_seconds: float = 120.0
    plan_beat_seconds: float = 3.0
    plan_abandoned_seconds: float = 120.0
    plan_attempts: int = 3
    plan_pause_seconds: float = 30.0
    enquiry_seconds: float = 10.0
    enquiry_longest_seconds: float = 180.0
    enquiry_days: float = 7.0
    enquiry_works: int = 50
    route_effort: float = 5.0
    route_seconds: float = 30.0
    route_memory_bytes: int = 2 * 1024 * 1024 * 1024
    route_tasks: int = 25
    routes_at_once: int = 2
    min_free_disk_bytes: int = 1024 * 1024 * 1024
    maintenance_seconds: float = 60.0
    compact_share: float = 0.5
    compact_min_bytes: int = 64 * 1024
    blob_sweep_seconds: float = 24 * 3600.0
    blob_abandoned_seconds: float = 24 * 3600.0
    rendition_sweep_seconds: float = 7 * 24 * 3600.0
    rendition_idle_seconds: float = 24 * 3600.0
    originals_endpoint: str = ""
    originals_bucket: str = ""
    originals_region: str = "us-east-1"
    originals_prefix: str = ""
    originals_credentials: str = "keys"
    originals_access_key: str = ""
    originals_secret_key: str = field(default="", repr=False)
    originals_key_file: str = ""
    originals_ca_file: str = ""
    originals_addressing: str = "path"
    originals_verify: str = "read"
    originals_connect_seconds: float = 5.0
    originals_read_seconds: float = 30.0
    originals_attempts: int = 3
    originals_pause_seconds: float = 10.0
    originals_concurrency: int = 2
    originals_round_seconds: float = 3600.0
    originals_round_bytes: int = 8 * 1024 * 1024 * 1024

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

    @property
    def public_sync_url(self) -> str:
        """Where tablets replicate, as they are told."""
        return self.sync_url.rstrip("/") or f"{self.public_url}/sync"


#: Settings that make no sense as one environment variable, or are read from several.
_NOT_PLAIN = {"data_dir", "argon2"}
#: Numbers of which zero makes sense; with any other it would stop everything.
_MAY_BE_ZERO = {
    "trusted_proxies",
    "refresh_grace_seconds",
    "inbox_interval_seconds",
    "min_free_disk_bytes",
    "max_parked_polls",
    "couchdb_q",
    "couchdb_n",
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
    for one in fields(Settings):
        raw = env.get(variable(one.name), "")
        if one.name in _NOT_PLAIN or raw == "":
            continue
        values[one.name] = _convert(one.name, raw, type(one.default))
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
        _check_couchdb(settings)
    _check_originals(settings)
    try:
        read_networks(settings.webhook_networks)
    except ValueError as error:
        words = f"HEZHA_WEBHOOK_NETWORKS: {error}; give networks as 10.20.0.0/16,fd00::/8"
        raise SettingsError(words) from None
    if settings.log_level not in LEVELS:
        raise SettingsError(f"HEZHA_LOG_LEVEL={settings.log_level!r}: give one of {', '.join(LEVELS)}")
    if not 0 < settings.port < 65536:
        raise SettingsError("HEZHA_PORT: give a port from 1 to 65535")


def _check_couchdb(settings: Settings) -> None:
    url = urlsplit(settings.couchdb_url)
    # Only its parts are ever quoted: the URL may hold a password.
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise SettingsError("HEZHA_COUCHDB_URL: give http://… or https://…, with a host and without ? or #")
    if not settings.couchdb_user and not (url.username and url.password):
        raise SettingsError(
            "HEZHA_COUCHDB_URL: give a server admin in it, as http://name:password@host:5984, or set "
            "HEZHA_COUCHDB_USER and HEZHA_COUCHDB_PASSWORD_FILE"
        )
    if bool(settings.couchdb_user) != bool(settings.couchdb_password_file):
        raise SettingsError("HEZHA_COUCHDB_USER and HEZHA_COUCHDB_PASSWORD_FILE: set both, or neither")
    if settings.sync_admin:
        raise SettingsError(
            "HEZHA_SYNC_ADMIN: CouchDB has server admins of its own; unset it when HEZHA_COUCHDB_URL is set"
        )


def _check_originals(settings: Settings) -> None:
    """The object storage of originals: all of it, or nothing."""
    if bool(settings.originals_endpoint) != bool(settings.originals_bucket):
        raise SettingsError("HEZHA_ORIGINALS_ENDPOINT and HEZHA_ORIGINALS_BUCKET: set both, or neither")
    for name, choices in (
        ("originals_addressing", _ADDRESSING),
        ("originals_verify", _VERIFY),
        ("originals_credentials", _CREDENTIALS),
    ):
        value = getattr(settings, name)
        if value not in choices:
            raise SettingsError(f"{variable(name)}={value!r}: give one of {', '.join(choices)}")
    if not _FOLDER_SHAPE.fullmatch(settings.originals_prefix):
        raise SettingsError(
            "HEZHA_ORIGINALS_PREFIX: give folders with / behind each, as hezha/ or north/hezha/"
        )
    if not settings.originals_endpoint:
        return
    url = urlsplit(settings.originals_endpoint)
    told = url.query or url.fragment or url.username or url.path.strip("/")
    if url.scheme not in {"http", "https"} or not url.hostname or told:
        raise SettingsError(
            "HEZHA_ORIGINALS_ENDPOINT: give http://… or https://… with a host and a port, and nothing more"
        )
    if not _BUCKET_SHAPE.fullmatch(settings.originals_bucket):
        raise SettingsError("HEZHA_ORIGINALS_BUCKET: give a bucket's name of 3 to 63 letters, digits, . _ -")
    keys = bool(settings.originals_access_key), bool(settings.originals_secret_key)
    if settings.originals_credentials == "machine":
        if any(keys) or settings.originals_key_file:
            raise SettingsError(
                "HEZHA_ORIGINALS_CREDENTIALS=machine takes no keys: unset HEZHA_ORIGINALS_KEY_FILE, "
                "HEZHA_ORIGINALS_ACCESS_KEY and HEZHA_ORIGINALS_SECRET_KEY"
            )
        return
    if keys[0] != keys[1] or keys[0] == bool(settings.originals_key_file):
        raise SettingsError(
            "HEZHA_ORIGINALS_KEY_FILE: name a file with the access key and the secret key in two lines, or "
            "set HEZHA_ORIGINALS_ACCESS_KEY and HEZHA_ORIGINALS_SECRET_KEY, or "
            "HEZHA_ORIGINALS_CREDENTIALS=machine where the machine has credentials of its own"
        )
