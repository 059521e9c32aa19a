"""What a photo looks like, in 320 bytes: the upright picture in grey, so small that only its layout is left.

It survives what a reused photo goes through (saved again, resized, brightened, cropped a little, words burnt
into its lower edge) and goes with the photo's receipt, so that no original is decoded twice.
`alike` compares.
"""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image

from server.evidence.renditions import flat

__all__ = ["HEIGHT", "SMALLEST_SIDE", "WIDTH", "look_of"]

#: Columns and rows of a look, one byte each.
WIDTH, HEIGHT = 16, 20
#: A look is taken from a picture of about this many pixels a side or more, where there are so many.
SMALLEST_SIDE = 64
_REDUCING_GAP = 3.0
#: What Pillow cannot average is sampled.
_AVERAGED = ("L", "RGB", "CMYK", "RGBA", "LA", "I", "F")

#: What brings the stored pixels upright, by EXIF orientation (Exif 2.32, 4.6.4).
_UPRIGHT: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def look_of(image: Image.Image, orientation: int = 1) -> bytes:
    """WIDTH x HEIGHT grey levels, row by row, of a decoded picture as stored with this EXIF orientation."""
    sampling = Image.Resampling.BILINEAR if image.mode in _AVERAGED else Image.Resampling.NEAREST
    # First to a size at which turning and bringing to grey cost nothing, whatever came in.
    side = 2 * SMALLEST_SIDE
    small = flat(image.resize((side, side), sampling, reducing_gap=_REDUCING_GAP)).convert("L")
    turn = _UPRIGHT.get(orientation)
    upright = small if turn is None else small.transpose(turn)
    return upright.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP).tobytes()
