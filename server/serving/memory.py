"""What the C library does with memory that was used and let go of, and the interpreter with what stays."""

from __future__ import annotations

import ctypes
import gc

#: glibc's own numbers for its options (malloc.h).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def give_memory_back(*, arenas: int = 2, large_bytes: int = 1024 * 1024) -> None:
    """Return what large requests took to the system when they are answered.

    By itself glibc keeps a heap for every few threads, and takes the size of what was freed as a sign that
    as much will be wanted again: after one batch of photos a server stays as large as that. Here blocks of
    `large_bytes` or more go back at once, and threads share `arenas` heaps. Call it before there are threads.
    Elsewhere than on glibc it does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for option, value in (
        (_M_ARENA_MAX, arenas),
        (_M_MMAP_THRESHOLD, large_bytes),
        (_M_TRIM_THRESHOLD, large_bytes),
    ):
        mallopt(option, value)


def trim() -> None:
    """Give back what has become free between what is still in use. It takes some milliseconds."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def settle(*, allocations: int = 10_000) -> None:
    """Look for cyclic garbage after so many more `allocations` than before, and never in what is here now.

    The application is a few hundred thousand objects, none of which goes before the process does, and a batch
    of documents makes as many as would have them looked through. Call it when everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(allocations)
