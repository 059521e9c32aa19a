"""Pages from a template and data, by typst.

A template is code of ours and reads what to show from `sys.inputs.data`, as JSON. So nothing that people
wrote is ever markup. The same data give the same bytes: no clock and no font of the machine has a part in
them.

typst and its font take some fifty megabytes of a process, so they are imported when the first page is set.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    import typst

__all__ = ["TypesettingError", "edition", "pictures", "typeset"]

#: One page at a time: setting takes processor time and memory in proportion to what is set.
_ONE_AT_A_TIME = threading.Lock()

#: Pixels to the inch of `pictures`: enough for a screen and for a reader of QR codes.
_PIXELS_PER_INCH = 110


class TypesettingError(Exception):
    """A template could not be set with its data."""


@cache
def _fonts() -> typst.Fonts:
    """Noto Sans CJK and nothing else, so that a page looks alike on every machine."""
    import noto_cjk_sans_otc  # noqa: PLC0415
    import typst  # noqa: PLC0415

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


def typeset(template: str, data: Any, images: Mapping[str, Path] | None = None) -> bytes:
    """A PDF of the template `<name>.typ` beside this module, filled with `data`. `images` are the files that
    it may show, by the name that `data` has for them. Raises TypesettingError."""
    made = _set(template, data, images or {}, "pdf")
    if not isinstance(made, bytes):
        raise TypesettingError(f"{template} gave no document")
    return made


def pictures(template: str, data: Any, images: Mapping[str, Path] | None = None) -> list[bytes]:
    """The pages as PNG, one each, for looking at. Raises TypesettingError."""
    made = _set(template, data, images or {}, "png")
    return list(made) if isinstance(made, list) else [made] if isinstance(made, bytes) else []


def _set(
    template: str, data: Any, images: Mapping[str, Path], form: Literal["pdf", "png"]
) -> bytes | list[bytes] | None:
    import typst  # noqa: PLC0415

    inputs = {"data": msgspec.json.encode(data).decode()}
    with tempfile.TemporaryDirectory(prefix="hezha-paper-") as root:
        # A folder of its own is all that a template can read.
        for name, path in images.items():
            Path(root, name).symlink_to(path.absolute())
        try:
            with _ONE_AT_A_TIME:
                compiler = typst.Compiler(_source(template), root=root, font_paths=_fonts())
                return compiler.compile(
                    format=form,
                    sys_inputs=inputs,
                    timestamp=0,
                    ppi=_PIXELS_PER_INCH if form == "png" else None,
                )
        except typst.TypstError as error:
            raise TypesettingError(error.message) from error
