"""Pages from a template and data, by typst.

A template is code of ours and reads what to show from `sys.inputs.data`, as JSON. So nothing that people
wrote is ever markup. The same data give the same bytes: no clock and no font of the machine has a part in
them.
"""

from __future__ import annotations

import hashlib
import threading
from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Any

import msgspec
import noto_cjk_sans_otc
import typst

__all__ = ["TypesettingError", "edition", "typeset"]

#: One page at a time: setting takes processor time and memory in proportion to what is set.
_ONE_AT_A_TIME = threading.Lock()


class TypesettingError(Exception):
    """A template could not be set with its data."""


@cache
def _fonts() -> typst.Fonts:
    """Noto Sans CJK and nothing else, so that a page looks alike on every machine."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(noto_cjk_sans_otc.FONT_PATH.parent)],
    )


def edition(template: str, data: Any) -> str:
    """What tells apart the PDFs of `typeset`: another for other data, another template, another typst."""
    parts = (_source(template), msgspec.json.encode(data), version("typst").encode())
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _source(template: str) -> bytes:
    return resources.files(__package__).joinpath(f"{template}.typ").read_bytes()


def typeset(template: str, data: Any) -> bytes:
    """A PDF of the template `<name>.typ` beside this module, filled with `data`. Raises TypesettingError."""
    inputs = {"data": msgspec.json.encode(data).decode()}
    try:
        with _ONE_AT_A_TIME:
            compiler = typst.Compiler(_source(template), font_paths=_fonts())
            made = compiler.compile(format="pdf", sys_inputs=inputs, timestamp=0)
    except typst.TypstError as error:
        raise TypesettingError(error.message) from error
    if not isinstance(made, bytes):
        raise TypesettingError(f"{template} gave no document")
    return made
