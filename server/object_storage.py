"""The object storage of originals, as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from server.evidence.originals.bucket import Bucket, BucketOptions
from server.settings import Settings, SettingsError

__all__ = ["open_bucket"]


def open_bucket(settings: Settings) -> Bucket | None:
    """The bucket of the settings, None where they name none. Asks nothing of it yet. Raises SettingsError if
    the file of its keys cannot be read."""
    if not settings.originals_bucket:
        return None
    access_key, secret_key = _keys(settings)
    return Bucket(
        BucketOptions(
            endpoint=settings.originals_endpoint,
            bucket=settings.originals_bucket,
            region=settings.originals_region,
            access_key=access_key,
            secret_key=secret_key,
            prefix=settings.originals_prefix,
            addressing=cast("Literal['path', 'virtual']", settings.originals_addressing),
            ca_file=settings.originals_ca_file,
            connect=settings.originals_connect_seconds,
            read=settings.originals_read_seconds,
            attempts=settings.originals_attempts,
            pause=settings.originals_pause_seconds,
            connections=settings.web_threads + settings.originals_concurrency,
        )
    )


def _keys(settings: Settings) -> tuple[str, str]:
    if not settings.originals_key_file:
        return settings.originals_access_key, settings.originals_secret_key
    try:
        lines = Path(settings.originals_key_file).read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"HEZHA_ORIGINALS_KEY_FILE: {error}") from None
    if len(lines) != 2:
        raise SettingsError(
            "HEZHA_ORIGINALS_KEY_FILE: put the access key in the first line, the secret key in the second"
        )
    return lines[0], lines[1]
