"""One bucket of an S3-compatible object storage: what is asked of it, and what its answers mean here.

Every request is bounded: connections and silences by time, tries by count. When the storage cannot be had,
nobody asks it again for a while (`pause`), so that neither a sheet of two hundred photos nor every thread of
a web server waits for it one after the other.
"""

from __future__ import annotations

import base64
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Protocol, cast

import structlog

from sync.store import BytesMissing, StoreError, Unavailable

__all__ = ["Bucket", "BucketOptions", "Held", "OriginalLost", "OriginalsUnreachable", "Reply", "Source"]

log = structlog.get_logger()

#: What `probe` writes, behind the prefix. Never removed: a bucket that keeps evidence may forbid that.
_PROBE_KEY = "hezha-probe"
_PROBE = b"hezha\n"
_PARTIAL = 206
_NOT_THERE = {"404", "NoSuchKey"}
_NO_SUCH_PART = {"416", "InvalidRange"}
#: Where the client looks for credentials of the machine, by its own names and in this order: variables
#: (AWS_ACCESS_KEY_ID …), a token for a role in a file, the container's address, the instance's.
_OF_THE_MACHINE = ("env", "assume-role-with-web-identity", "container-role", "iam-role")


class OriginalsUnreachable(Unavailable):
    """The object storage cannot be reached, refuses, or answers what cannot be meant. It says nothing about
    the original. `retry_after`: the seconds for which nobody asks it, None if it may be asked at once."""

    error = "originals_unreachable"

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class OriginalLost(BytesMissing):
    """The storage has answered, and has no such original, or other bytes than were moved there."""

    error = "original_lost"

    def __init__(self, key: str, what: Literal["missing", "length", "digest"]) -> None:
        StoreError.__init__(self, f"The object storage does not have {key} as it was moved there: {what}.")
        self.key = key
        self.what = what


@dataclass(frozen=True)
class BucketOptions:
    """Where the bucket is and how it is spoken to. Times are seconds; `attempts` are tries of one request;
    `ca_file` empty: the usual certificates. `access_key` empty: the machine's own credentials."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    prefix: str = ""
    addressing: Literal["path", "virtual"] = "path"
    ca_file: str = ""
    connect: float = 5.0
    read: float = 30.0
    attempts: int = 3
    pause: float = 10.0
    connections: int = 10


@dataclass(frozen=True)
class Held:
    """What the storage says of an object: its bytes, and the SHA-256 in hex where it computed one itself."""

    bytes: int
    sha256: str | None = None


@dataclass(frozen=True)
class Reply:
    """The bytes that were asked for, of an object of `whole` bytes in all. Close the stream."""

    stream: BinaryIO
    whole: int


class Source(Protocol):
    """What reading asks of a bucket."""

    @property
    def attempts(self) -> int:
        """How often a read that broke off is begun."""

    def open(self, key: str, start: int = 0, stop: int | None = None) -> Reply:
        """The bytes of an object from `start` to before `stop`. Raises OriginalLost, OriginalsUnreachable."""


class Bucket:
    """Safe for many threads. Nothing is asked, and no library loaded, before the first request."""

    def __init__(self, options: BucketOptions, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.options = options
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._made: Any = None
        self._silent_until = 0.0
        self._why = ""

    @property
    def attempts(self) -> int:
        return self.options.attempts

    def head(self, key: str, *, checksum: bool = False) -> Held | None:
        """What lies under a key, its checksum only if asked for; None if nothing does. Raises
        OriginalsUnreachable."""
        wanted = {"ChecksumMode": "ENABLED"} if checksum else {}
        answer = self._ask("head_object", Key=self._at(key), **wanted)
        return None if answer is None else Held(int(answer["ContentLength"]), _computed(answer))

    def put(self, key: str, file: BinaryIO, length: int, sha256: str, content_type: str) -> None:
        """Store `length` bytes of a file under a key, with their digest, so that a storage that looks at it
        refuses others. Raises OriginalsUnreachable."""
        answer = self._ask(
            "put_object",
            Key=self._at(key),
            Body=file,
            ContentLength=length,
            ContentType=content_type,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode("ascii"),
        )
        if answer is None:
            raise OriginalsUnreachable("The object storage has no such bucket.")

    def open(self, key: str, start: int = 0, stop: int | None = None) -> Reply:
        """The bytes of an object from `start` to before `stop`, or to its end. Raises OriginalLost if there
        is no such object, OriginalsUnreachable."""
        ranged = start > 0 or stop is not None
        last = "" if stop is None else str(stop - 1)
        answer = self._ask(
            "get_object", Key=self._at(key), **({"Range": f"bytes={start}-{last}"} if ranged else {})
        )
        if answer is None:
            raise OriginalLost(key, "missing")
        stream = _Body(answer["Body"])
        if not ranged:
            return Reply(cast(BinaryIO, stream), int(answer["ContentLength"]))
        whole = str(answer.get("ContentRange", "")).rpartition("/")[2]
        if answer["ResponseMetadata"]["HTTPStatusCode"] != _PARTIAL or not whole.isdigit():
            stream.close()
            raise OriginalsUnreachable(
                "The object storage answered a request for a part with something else."
            )
        return Reply(cast(BinaryIO, stream), int(whole))

    def reach(self) -> None:
        """Raises OriginalsUnreachable unless the bucket is there and may be asked."""
        if self._ask("head_bucket") is None:
            raise OriginalsUnreachable("The object storage has no such bucket.")

    def probe(self) -> None:
        """Write a few bytes and read them back. Raises OriginalsUnreachable if either fails."""
        if self._ask("put_object", Key=self._at(_PROBE_KEY), Body=_PROBE) is None:
            raise OriginalsUnreachable("The object storage has no such bucket.")
        answer = self._ask("get_object", Key=self._at(_PROBE_KEY))
        if answer is None or _Body(answer["Body"]).read() != _PROBE:
            raise OriginalsUnreachable("The object storage does not give back what was written to it.")

    def close(self) -> None:
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    def _at(self, key: str) -> str:
        return self.options.prefix + key

    def _ask(self, operation: str, **params: Any) -> dict[str, Any] | None:
        """The storage's answer; None where it says that what was asked for is not there."""
        from botocore.exceptions import (  # noqa: PLC0415  takes 36 MB
            BotoCoreError,
            ClientError,
            NoCredentialsError,
        )

        left = self._silent_until - self._monotonic()
        if left > 0:
            raise OriginalsUnreachable(self._why, retry_after=left)
        try:
            with _translated():
                return cast(
                    "dict[str, Any]",
                    getattr(self._client(), operation)(Bucket=self.options.bucket, **params),
                )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _NOT_THERE:
                return None
            if code in _NO_SUCH_PART:
                raise OriginalLost(str(params["Key"]), "length") from error
            raise self._gone(f"The object storage refuses {operation}: {code}.") from error
        except NoCredentialsError as error:
            # The client has looked once and never would again; after the pause the machine may have some.
            self.close()
            raise self._gone("This machine has no credentials of its own for the object storage.") from error
        except BotoCoreError as error:
            raise self._gone(f"The object storage cannot be asked: {error}") from error

    def _gone(self, why: str) -> OriginalsUnreachable:
        self._why = why
        self._silent_until = self._monotonic() + self.options.pause
        log.warning("originals_unreachable", reason=why)
        return OriginalsUnreachable(why, retry_after=self.options.pause)

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = _connect(self.options)
            return self._made


class _Body:
    """The bytes of an answer, whose errors are ours."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        with _broken_off():
            return cast(bytes, self._body.read(None if size < 0 else size))

    def close(self) -> None:
        self._body.close()


def _connect(options: BucketOptions) -> Any:
    """A client that knows what the settings say, and nothing from files of other programs. Of the machine it
    asks its credentials, where the settings have none."""
    from botocore.config import Config  # noqa: PLC0415

    client = _session(options).create_client(
        "s3",
        endpoint_url=options.endpoint,
        region_name=options.region,
        aws_access_key_id=options.access_key or None,
        aws_secret_access_key=options.secret_key or None,
        verify=options.ca_file or None,
        config=Config(
            connect_timeout=options.connect,
            read_timeout=options.read,
            retries={"total_max_attempts": options.attempts, "mode": "standard"},
            max_pool_connections=options.connections,
            s3={"addressing_style": options.addressing},
            # Stores that are not Amazon's own refuse bodies in chunks with a sum behind them.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    client.meta.events.register("before-call.s3", _redirected_nowhere)
    return client


def _session(options: BucketOptions) -> Any:
    from botocore.session import Session  # noqa: PLC0415

    session = Session(session_vars={"profile": (None, None, None, None)})
    said = {
        "config_file": os.devnull,
        "credentials_file": os.devnull,
        "region": options.region,
        # Taken in whole seconds.
        "metadata_service_timeout": math.ceil(options.connect),
        "metadata_service_num_attempts": options.attempts,
    }
    for variable, value in said.items():
        session.set_config_variable(variable, value)
    chain = session.get_component("credential_provider")
    chain.providers = [one for one in chain.providers if one.METHOD in _OF_THE_MACHINE]
    return session


def _redirected_nowhere(params: dict[str, Any], **_: object) -> None:
    """Let the client take every request for one that was redirected already: it would look for the bucket's
    region again and again, and the settings say where the bucket is."""
    params.setdefault("context", {}).setdefault("s3_redirect", {})["redirected"] = True


def _computed(answer: dict[str, Any]) -> str | None:
    """The SHA-256 of the whole object, where the storage tells one. One of parts put together is another."""
    told = answer.get("ChecksumSHA256")
    if not isinstance(told, str) or answer.get("ChecksumType") not in (None, "FULL_OBJECT"):
        return None
    try:
        raw = base64.b64decode(told, validate=True)
    except ValueError:
        return None
    return raw.hex()


@contextmanager
def _translated() -> Iterator[None]:
    """What the client lets through of the layers below it, such as an answer that is no XML."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except (BotoCoreError, ClientError):
        raise
    except Exception as error:
        raise OriginalsUnreachable(f"The object storage answers what cannot be read: {error!r}") from error


@contextmanager
def _broken_off() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise OriginalsUnreachable(f"The object storage broke off in the middle: {error!r}") from error
