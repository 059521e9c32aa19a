"""What a photo looks like, in 320 bytes: the upright picture in grey, so small that only its layout is left.

It survives what a reused photo goes through (saved again, resized, brightened, cropped a little, words burnt
into its lower edge) and goes with the photo's receipt, so that no original is decoded twice.
`alike` compares.
"""

from __future__ import annotations

from PIL import Image

from server.evidence.renditions import flat

__all__ = ["HEIGHT", "WIDTH", "look_of"]

#: Columns and rows of a look, one byte each.
WIDTH, HEIGHT = 16, 20
_SIDE = 128
_REDUCING_GAP = 3.0
#: What Pillow cannot average is sampled.
_AVERAGED = ("L", "RGB", "CMYK", "RGBA", "LA", "I", "F")


def look_of(image: Image.Image) -> bytes:
    """WIDTH x HEIGHT grey levels, row by row, of a decoded picture that stands upright."""
    if image.mode == "RGB" and "transparency" not in image.info:
        # What `upright` gives: one band is averaged in a third of the time.
        image = image.convert("L")
    sampling = Image.Resampling.BILINEAR if image.mode in _AVERAGED else Image.Resampling.NEAREST
    # First to a size at which bringing to grey costs nothing, whatever came in.
    small = flat(image.resize((_SIDE, _SIDE), sampling, reducing_gap=_REDUCING_GAP)).convert("L")
    return small.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP).tobytes()
