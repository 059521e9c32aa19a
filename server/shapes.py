"""Prepares the types that JSON is read into, before there are threads to read with.

msgspec (0.22) prepares a type when it is first read into, and marks it prepared before it has finished: a
second thread that reads into it meanwhile follows a null pointer, and the process dies without a word.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from server.people.model import Device, User

#: Those that are no Structs, which cannot be found by themselves.
_DATACLASSES = (User, Device)


def prepare() -> None:
    """Prepare every type that is defined by now. Call it when all modules are loaded, before threads run."""
    for kind in (*_below(msgspec.Struct), *_DATACLASSES):
        # A type whose annotations cannot be resolved cannot be read into later either.
        with contextlib.suppress(NameError, TypeError):
            msgspec.json.Decoder(kind)


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
