"""The process that touches strangers' bytes: one request a line in, one answer a line out, both JSON.

It runs under limits of memory and processor time that the kernel enforces, knows no secrets of its parent's
environment, and ends with its input. Start it through `workers`.
"""

from __future__ import annotations

import os
import resource
import sys
import warnings
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from geo.fence import SiteFence
from server.evidence.header import Refused
from server.evidence.model import PhotoClaim, PhotoLimits, PhotoVerdict, Reason
from server.evidence.renditions import UNSHOWN, Rendition, Shown, Size, render_all
from server.evidence.verify import verify_file


class VerifyRequest(msgspec.Struct, frozen=True, tag="verify"):
    path: str
    claim: PhotoClaim
    limits: PhotoLimits
    received_at: datetime
    fence: SiteFence | None = None
    shown: Shown = UNSHOWN


class RenderRequest(msgspec.Struct, frozen=True, tag="render"):
    path: str
    outs: dict[Size, str]
    limits: PhotoLimits
    mark: tuple[str, ...] = ()


class Verified(msgspec.Struct, frozen=True, tag="verified"):
    verdict: PhotoVerdict


class Rendered(msgspec.Struct, frozen=True, tag="rendered"):
    made: dict[Size, Rendition]


class Declined(msgspec.Struct, frozen=True, tag="declined"):
    """The photo cannot be rendered."""

    reason: Reason


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The system failed, not the photo: a full disk, a file that is gone."""

    errno: int
    message: str


#: The first line of a worker that has started: before it, a death says nothing about any photo.
READY = b"ready\n"

Request = VerifyRequest | RenderRequest
Answer = Verified | Rendered | Declined | Failed


def answer(request: Request) -> Answer:
    """Do what is asked."""
    try:
        if isinstance(request, VerifyRequest):
            verdict = verify_file(
                Path(request.path),
                request.claim,
                limits=request.limits,
                received_at=request.received_at,
                fence=request.fence,
                shown=request.shown,
            )
            return Verified(verdict)
        outs: dict[Size, Path] = {size: Path(out) for size, out in request.outs.items()}
        return Rendered(render_all(Path(request.path), outs, limits=request.limits, mark=request.mark))
    except Refused as refused:
        return Declined(refused.reason)
    except MemoryError:
        return Declined(Reason("photo_undecodable", {"cause": "memory"}))
    except OSError as error:
        return Failed(error.errno or 0, str(error))


def serve(source: BinaryIO, sink: BinaryIO, *, cpu_seconds: int) -> None:
    """Answer requests until `source` ends; the kernel kills over `cpu_seconds` of processor time for one."""
    decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
    for line in source:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds)
        sink.write(msgspec.json.encode(answer(decoder.decode(line))) + b"\n")
        sink.flush()


def main() -> None:
    """`python -m server.evidence.worker MEMORY_BYTES CPU_SECONDS`"""
    memory_bytes, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    # Damaged EXIF makes Pillow warn; the verdict says what matters, a log of strangers' damage does not.
    warnings.simplefilter("ignore")
    # Whatever a library prints must not get between the answers.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        sink.write(READY)
        sink.flush()
        serve(sys.stdin.buffer, sink, cpu_seconds=cpu_seconds)
    except BrokenPipeError:
        # Whoever asked was killed. There is nobody to tell, and `sink` must not try once more on the way out.
        os._exit(0)


def _limit(what: int, soft: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


if __name__ == "__main__":
    main()
