"""A small kit for painting believable pictures with Pillow: grained surfaces, soft shadows, tapes, boards.

Scenes are drawn on a sheet of 1600 x 1200 units, whatever its size in pixels, and all chance comes from a
seed, so that the same call paints the same picture.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Colour = tuple[int, int, int]
Point = tuple[float, float]

WIDTH, HEIGHT = 1600, 1200


class Sheet:
    """A picture of `scale` pixels a unit. Coordinates and lengths are in units, y downwards."""

    def __init__(self, scale: float, seed: int | str) -> None:
        self.scale = scale
        self.chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
        self.image = Image.new("RGB", (round(WIDTH * scale), round(HEIGHT * scale)))
        self._pen = ImageDraw.Draw(self.image)

    def px(self, length: float) -> int:
        """A length in whole pixels, at least one."""
        return max(1, round(length * self.scale))

    def jitter(self, spread: float) -> float:
        return self.chance.uniform(-spread, spread)

    def surface(
        self, dark: Colour, light: Colour, *, grain: Sequence[float] = (3, 12, 60, 320), streak: float = 1.0
    ) -> Image.Image:
        """A sheet-sized texture of noise between two colours; `grain` in units, `streak` times as wide."""
        size = self.image.size
        mixed = Image.new("L", size, 128)
        for layer, width in enumerate(grain):
            across = max(2, round(size[0] / max(1.0, width * self.scale * streak)))
            down = max(2, round(size[1] / max(1.0, width * self.scale)))
            noise = Image.frombytes("L", (across, down), self.chance.randbytes(across * down))
            noise = noise.resize(size, Image.Resampling.BICUBIC)
            mixed = Image.blend(mixed, noise, 1.0 / (layer + 1))
        return ImageOps.colorize(ImageOps.autocontrast(mixed, cutoff=1), dark, light)

    def cover(self, texture: Image.Image) -> None:
        """Fill the whole sheet."""
        self.image.paste(texture, (0, 0))

    def fill(self, corners: Sequence[Point], ink: Colour | Image.Image) -> None:
        """Fill a polygon with a colour or a surface."""
        if isinstance(ink, Image.Image):
            self.image.paste(ink, (0, 0), self.mask(corners))
        else:
            self._pen.polygon(self._pixels(corners), fill=ink)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        ink: Colour | None,
        *,
        edge: Colour | None = None,
        line: float = 2,
        radius: float = 0,
    ) -> None:
        """A rectangle, filled, outlined or both."""
        (left, top), (right, bottom) = self._pixels([(x, y), (x + width, y + height)])
        self._pen.rounded_rectangle(
            (left, top, max(left, right), max(top, bottom)),
            radius=radius * self.scale,
            fill=ink,
            outline=edge,
            width=self.px(line),
        )

    def disc(self, x: float, y: float, radius: float, ink: Colour, *, squash: float = 1.0) -> None:
        """A filled circle, or an ellipse `squash` times as high as wide."""
        (left, top), (right, bottom) = self._pixels(
            [(x - radius, y - radius * squash), (x + radius, y + radius * squash)]
        )
        self._pen.ellipse((left, top, max(left, right), max(top, bottom)), fill=ink)

    def line(self, points: Sequence[Point], ink: Colour, width: float) -> None:
        self._pen.line(self._pixels(points), fill=ink, width=self.px(width), joint="curve")

    def text(self, x: float, y: float, words: str, height: float, ink: Colour, *, anchor: str = "la") -> None:
        """Latin text in Pillow's own typeface; other letters become question marks: it never fails."""
        plain = words.encode("ascii", "replace").decode("ascii")
        font = ImageFont.load_default(size=max(4.0, height * self.scale))
        self._pen.text(self._pixels([(x, y)])[0], plain, font=font, fill=ink, anchor=anchor)

    def mask(self, corners: Sequence[Point]) -> Image.Image:
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self._pixels(corners), fill=255)
        return mask

    def shade(
        self, corners: Sequence[Point], strength: float, *, blur: float = 20, ink: Colour = (0, 0, 0)
    ) -> None:
        """Lay a soft-edged veil over a polygon: a shadow, or with a bright `ink` a gleam."""
        # Blurring a quarter-size mask looks the same and costs a sixteenth.
        quarter = self.scale / 4
        mask = Image.new("L", [max(1, side // 4) for side in self.image.size])
        ImageDraw.Draw(mask).polygon([(x * quarter, y * quarter) for x, y in corners], fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(blur * self.scale / 4))
        mask = mask.resize(self.image.size, Image.Resampling.BILINEAR).point(lambda level: level * strength)
        self.image.paste(Image.new("RGB", self.image.size, ink), (0, 0), mask)

    def place(self, part: Image.Image, x: float, y: float, degrees: float = 0.0) -> None:
        """Paste a part, turned anticlockwise, with its middle at (x, y) and a shadow under it."""
        solid = Image.new("L", part.size, 255)
        turned = part.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
        mask = solid.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
        left = round(x * self.scale - turned.width / 2)
        top = round(y * self.scale - turned.height / 2)
        drop = self.px(7)
        dark = Image.new("L", (turned.width + 4 * drop, turned.height + 4 * drop))
        dark.paste(mask.point(lambda level: level * 0.55), (2 * drop, 2 * drop))
        dark = dark.filter(ImageFilter.GaussianBlur(drop))
        self.image.paste(Image.new("RGB", dark.size), (left - drop, top - drop), dark)
        self.image.paste(turned, (left, top), mask)

    def part(self, width: float, height: float, ink: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """An empty part to be placed later, and a pen for it in pixels."""
        part = Image.new("RGB", (self.px(width), self.px(height)), ink)
        return part, ImageDraw.Draw(part)

    def tape(
        self, x: float, y: float, length: float, degrees: float, *, width: float = 46, centimetre: float = 14
    ) -> None:
        """A steel tape measure with its middle at (x, y), figured in centimetres of so many units."""
        part, pen = self.part(length, width, (244, 205, 48))
        font = ImageFont.load_default(size=max(4.0, width * 0.5 * self.scale))
        high = part.height
        every = 10 if centimetre < 40 else 1
        for mark in range(int(length / centimetre)):
            at = round(mark * centimetre * self.scale)
            tall = 0.62 if mark % 10 == 0 else 0.42 if mark % 5 == 0 else 0.26
            pen.line((at, 0, at, high * tall), fill=(30, 28, 20), width=self.px(2))
            if mark % every == 0 and mark:
                pen.text((at + self.px(4), high), str(mark), font=font, fill=(178, 30, 25), anchor="ls")
        pen.rectangle((0, 0, part.width - 1, high - 1), outline=(160, 130, 30), width=self.px(2))
        self.place(part, x, y, degrees)

    def board(self, lines: Sequence[str], x: float, y: float, degrees: float = 0.0) -> None:
        """The card that is held into a picture: case, part, date."""
        high = 46.0
        wide = max(340.0, max((len(line) for line in lines), default=0) * high * 0.56 + 60)
        part, pen = self.part(wide, len(lines) * high * 1.35 + 56, (238, 240, 234))
        font = ImageFont.load_default(size=max(4.0, high * self.scale))
        edge = self.px(9)
        pen.rectangle((0, 0, part.width - 1, part.height - 1), outline=(28, 92, 66), width=edge)
        for row, line in enumerate(lines):
            words = line.encode("ascii", "replace").decode("ascii")
            at = (self.px(30), self.px(26 + row * high * 1.35))
            pen.text(at, words, font=font, fill=(24, 30, 38))
            below = self.px(26 + (row + 1) * high * 1.35 - 8)
            pen.line((edge * 2, below, part.width - edge * 2, below), fill=(170, 182, 174), width=self.px(2))
        self.place(part, x, y, degrees)

    def develop(self) -> Image.Image:
        """What a phone's lens and sensor add: a hand not quite level, falling light, softness, grain."""
        photo = self.image.rotate(self.jitter(1.2), Image.Resampling.BICUBIC, fillcolor=None)
        edge = round(photo.width * 0.016)
        photo = photo.crop((edge, edge, photo.width - edge, photo.height - edge)).resize(
            self.image.size, Image.Resampling.BICUBIC
        )
        photo = ImageEnhance.Color(photo).enhance(0.92 + self.jitter(0.08))
        photo = ImageEnhance.Brightness(photo).enhance(1.0 + self.jitter(0.07))
        falloff = Image.radial_gradient("L").resize(photo.size, Image.Resampling.BILINEAR)
        falloff = falloff.point(lambda level: 255 - max(0, level - 90) * 0.42)
        photo = ImageChops.multiply(photo, Image.merge("RGB", (falloff,) * 3))
        photo = photo.filter(ImageFilter.GaussianBlur(max(0.3, 0.85 * self.scale)))
        bands = []
        for band in photo.split():
            noise = Image.frombytes("L", photo.size, self.chance.randbytes(photo.width * photo.height))
            bands.append(ImageChops.add(band, noise.point(lambda level: level // 18), offset=-7))
        return Image.merge("RGB", bands)

    def _pixels(self, points: Sequence[Point]) -> list[tuple[int, int]]:
        return [(round(x * self.scale), round(y * self.scale)) for x, y in points]
