"""The renditions of photos as a cache: made when missing, made anew, and swept of what nobody asks for.

Nothing here touches an original, and whatever is removed can be made again from it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import structlog

from server.casework.renditions import AT_ONCE, rendition_path
from server.evidence.header import Refused
from server.evidence.originals.bucket import OriginalsUnreachable
from server.evidence.renditions import Size
from server.intake.photos import photo_limits, watermark
from server.services import Services
from server.workflow.ended import ended_at
from server.workflow.model import Case
from sync.store import BytesMissing, NotFound, StoreError, never

__all__ = ["Rebuilt", "Swept", "cache_size", "keep_swept", "rebuild", "rendition_of", "sweep"]

log = structlog.get_logger()

_CHUNK = 256 * 1024
#: Files that a sweep looks at in one pass over all photos: some fifty megabytes of names.
_PASS = 500_000


@dataclass(frozen=True)
class Rebuilt:
    """What came of making renditions: files that were there, that were made, and photos without."""

    kept: int = 0
    made: int = 0
    failed: tuple[str, ...] = ()

    def __add__(self, other: Rebuilt) -> Rebuilt:
        return Rebuilt(self.kept + other.kept, self.made + other.made, (*self.failed, *other.failed))


@dataclass(frozen=True)
class Swept:
    """What a sweep removed: files that nobody would ask for, files of cases that ended long ago, and their
    bytes."""

    stray: int = 0
    retired: int = 0
    bytes: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(self.stray + other.stray, self.retired + other.retired, self.bytes + other.bytes)


def rendition_of(
    made: Services, case: Case, photo_id: str, sha256: str, outs: Mapping[Size, Path], mark: Sequence[str]
) -> None:
    """Write renditions of a verified photo. Raises Refused for one that cannot be decoded, NotFound,
    BytesMissing, and OriginalsUnreachable where the original was moved and cannot be had now."""
    for path in outs.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    policy = made.cases.policy(case.organisation)
    with (
        made.originals.find(made.names.media(case.id), f"photo:{photo_id}", sha256) as original,
        tempfile.NamedTemporaryFile(dir=made.settings.spool_dir, suffix=".original") as spool,
    ):
        shutil.copyfileobj(original.open(), spool, _CHUNK)
        spool.flush()
        made.photo_workers.render_all(Path(spool.name), outs, limits=photo_limits(policy), mark=mark)


def rebuild(made: Services, case_id: str, *, anew: bool = False) -> Rebuilt:
    """Make what is missing of the renditions that people look at first, or with `anew` all of them."""
    case = made.cases.load(case_id).case
    found = Rebuilt()
    for photo_id, sha256, mark in _verified(made, case):
        paths = {size: rendition_path(made.settings.data_dir, sha256, size, mark) for size in AT_ONCE}
        wanted = {size: path for size, path in paths.items() if anew or not path.exists()}
        try:
            if wanted:
                rendition_of(made, case, photo_id, sha256, wanted, mark)
        except (Refused, NotFound, BytesMissing, OriginalsUnreachable):
            found += Rebuilt(len(paths) - len(wanted), 0, (photo_id,))
        else:
            found += Rebuilt(len(paths) - len(wanted), len(wanted))
    return found


def keep_swept(made: Services, stop: threading.Event) -> None:
    """Sweep as often as the settings say, until `stop`. When that was last is kept beside the cache, so that
    a worker that is often started anew sweeps too."""
    settings, mark = made.settings, made.settings.data_dir / "renditions" / "swept"
    min_age = timedelta(seconds=settings.rendition_idle_seconds)
    while not stop.wait(settings.maintenance_seconds):
        try:
            now = made.clock()
            if mark.exists():
                if now.timestamp() - mark.stat().st_mtime < settings.rendition_sweep_seconds:
                    continue
                swept = sweep(made, now, min_age=min_age, stopping=stop.is_set)
                log.info("renditions_swept", stray=swept.stray, retired=swept.retired, bytes=swept.bytes)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            os.utime(mark, (now.timestamp(), now.timestamp()))
        except StoreError as error:
            log.warning("rendition_sweep_failed", error=error.error, reason=error.reason)
        except Exception:  # nothing waits for it, and without it the cache only grows
            log.exception("rendition_sweep_crashed")


def sweep(
    made: Services, now: datetime, *, min_age: timedelta, stopping: Callable[[], bool] = never
) -> Swept:
    """Remove files that no photo asks for as it is now: its watermark has changed, or it is gone; and those
    of cases that ended longer ago than the dated setting `rendition_days` keeps them.

    Files that were made or asked for within `min_age` stay: their photo may not be known yet. `stopping` is
    asked between cases; then no more is removed.
    """
    folder, found = made.settings.data_dir / "renditions", Swept()
    for shard in _shards(folder):
        files = {file.name: file for part in shard for file in (folder / part).glob("*.jpg")}
        wanted, retired = _asked_for(made, files.keys(), now, stopping)
        if stopping():
            break
        for name in sorted(files.keys() - wanted):
            freed = _remove(files[name], (now - min_age).timestamp())
            if freed is not None:
                found += Swept(int(name not in retired), int(name in retired), freed)
    return found


def cache_size(data_dir: Path) -> tuple[int, int]:
    """How many files the renditions are, and their bytes."""
    files = size = 0
    for file in _files(data_dir / "renditions"):
        with suppress(FileNotFoundError):
            size += file.stat().st_size
            files += 1
    return files, size


def _files(folder: Path) -> Iterator[Path]:
    return folder.glob("??/*.jpg")


def _shards(folder: Path) -> Iterator[list[str]]:
    """The folders of the cache, as many together as hold no more files than are looked at in one pass."""
    shard: list[str] = []
    files = 0
    for part in sorted(one for one in folder.glob("??") if one.is_dir()):
        count = sum(1 for _ in part.glob("*.jpg"))
        if shard and files + count > _PASS:
            yield shard
            shard, files = [], 0
        shard.append(part.name)
        files += count
    if shard:
        yield shard


def _asked_for(
    made: Services, files: Set[str], now: datetime, stopping: Callable[[], bool]
) -> tuple[set[str], set[str]]:
    """Of these files, those that a photo asks for, and those that only photos of cases long ended do."""
    wanted: set[str] = set()
    retired: set[str] = set()
    for case_id in made.cases.ids():
        if stopping():
            break
        case = made.cases.load(case_id).case
        days = made.cases.policy(case.organisation).rendition_days
        over = days > 0 and _ended_before(case, now - timedelta(days=days))
        (retired if over else wanted).update(files & {*_names(made, case)})
    return wanted, retired - wanted


def _names(made: Services, case: Case) -> Iterator[str]:
    """The files that a case's photos may ask for, judged or not, with and without a watermark."""
    policy = made.cases.policy(case.organisation)
    for document in made.store.all_docs(made.names.media(case.id), prefix="photo:"):
        for size in get_args(Size):
            for mark in ((), watermark(case, document, policy)):
                yield rendition_path(made.settings.data_dir, str(document.get("sha256")), size, mark).name


def _verified(made: Services, case: Case) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The verified photos of a case: id, digest and the words of the watermark."""
    policy, media = made.cases.policy(case.organisation), made.names.media(case.id)
    receipts = made.store.all_docs(media, prefix="photo-receipt:")
    verified = {one["photo"] for one in receipts if one["status"] == "verified"}
    for document in made.store.all_docs(media, prefix="photo:"):
        photo_id = str(document["_id"]).removeprefix("photo:")
        if photo_id in verified:
            yield photo_id, str(document["sha256"]), watermark(case, document, policy)


def _ended_before(case: Case, moment: datetime) -> bool:
    """Whether a case has stood since before a moment in a stage that nothing follows."""
    since = ended_at(case)
    return since is not None and since < moment


def _remove(file: Path, limit: float) -> int | None:
    """Remove a file that is older than `limit`, and say how many bytes it had."""
    try:
        about = file.stat()
        if about.st_mtime > limit:
            return None
        file.unlink()
    except FileNotFoundError:
        return None  # somebody else sweeps too
    return about.st_size
