"""Scenes in the open: the plot, trenches, earth strips and their welds, the earth tester."""

from __future__ import annotations

from itertools import pairwise

from server.evidence.scenes.paint import Colour, Point, Sheet

_SOIL: tuple[Colour, Colour] = ((74, 53, 36), (176, 141, 103))
_DAMP: tuple[Colour, Colour] = ((48, 35, 26), (112, 86, 62))
_GRASS: tuple[Colour, Colour] = ((46, 66, 28), (142, 158, 88))
_ZINC: tuple[Colour, Colour] = ((128, 134, 138), (206, 211, 214))
_CONCRETE: tuple[Colour, Colour] = ((128, 126, 120), (196, 194, 187))


def site(sheet: Sheet) -> None:
    """A wide view of the plot: sky, works hall, line on poles, gravel yard."""
    sky = sheet.surface((150, 178, 206), (222, 230, 236), grain=(120, 400, 700), streak=2.2)
    sheet.cover(sky)
    horizon = 560 + sheet.jitter(30)
    for index in range(7):
        left = index * 240 - 80 + sheet.jitter(50)
        high = 60 + sheet.chance.random() * 70
        hill = [(left, horizon), (left + 150, horizon - high), (left + 420, horizon)]
        sheet.fill(hill, (142, 158, 160))
    yard = sheet.surface((120, 112, 98), (196, 188, 172))
    sheet.fill([(0, horizon), (1600, horizon), (1600, 1200), (0, 1200)], yard)
    grass = sheet.surface(*_GRASS)
    sheet.fill([(0, horizon), (1600, horizon), (1600, horizon + 70), (0, horizon + 120)], grass)
    _hall(sheet, 180 + sheet.jitter(60), horizon + 40)
    _poles(sheet, horizon)
    sheet.shade([(120, horizon + 70), (1020, horizon + 70), (1180, horizon + 190), (60, horizon + 190)], 0.45)
    for _ in range(240):
        x, y = sheet.chance.uniform(0, 1600), horizon + 120 + sheet.chance.random() ** 0.6 * 560
        near = (y - horizon) / 640
        tone = sheet.chance.randrange(70, 170)
        sheet.disc(x, y, 2 + 9 * near, (tone, tone - 5, tone - 14), squash=0.6)


def _hall(sheet: Sheet, x: float, ground: float) -> None:
    wall = sheet.surface((176, 186, 192), (214, 220, 222), grain=(4, 200))
    top = ground - 300
    sheet.fill([(x, top), (x + 760, top), (x + 760, ground), (x, ground)], wall)
    for rib in range(0, 760, 24):
        sheet.line([(x + rib, top), (x + rib, ground)], (164, 176, 184), 3)
    sheet.fill([(x - 24, top), (x + 70, top - 90), (x + 690, top - 90), (x + 784, top)], (66, 108, 150))
    sheet.box(x + 60, ground - 200, 180, 200, (104, 118, 132), edge=(70, 80, 92), line=5)
    for slat in range(10):
        sheet.line(
            [(x + 64, ground - 190 + slat * 20), (x + 236, ground - 190 + slat * 20)], (88, 100, 114), 3
        )
    for window in range(4):
        left = x + 300 + window * 112
        sheet.box(left, ground - 230, 80, 90, (72, 96, 116), edge=(236, 238, 238), line=6)
        sheet.line([(left + 40, ground - 230), (left + 40, ground - 140)], (236, 238, 238), 5)


def _poles(sheet: Sheet, horizon: float) -> None:
    tops: list[list[Point]] = []
    for x, size in ((1480.0, 1.5), (1240.0, 0.95), (1110.0, 0.66)):
        top = horizon - 400 * size + 60
        base = horizon + 190 * size - 60
        sheet.fill(
            [(x - 9 * size, base), (x + 9 * size, base), (x + 6 * size, top), (x - 6 * size, top)],
            (158, 156, 150),
        )
        sheet.box(x - 90 * size, top + 34 * size, 180 * size, 10 * size, (96, 98, 100))
        ends = []
        for reach in (-80, 0, 80):
            foot = top if reach == 0 else top + 34 * size
            sheet.box(x + (reach - 7) * size, foot - 26 * size, 14 * size, 26 * size, (122, 62, 44))
            ends.append((x + reach * size, foot - 26 * size))
        tops.append(ends)
    for near, far in pairwise(tops):
        for (x1, y1), (x2, y2) in zip(near, far, strict=True):
            sag = ((x1 + x2) / 2, (y1 + y2) / 2 + 22)
            sheet.line([(x1, y1), sag, (x2, y2)], (52, 56, 60), 3)
    for x, y in tops[0]:
        sheet.line([(x, y), (x + 260, y - 70)], (52, 56, 60), 4)


def _trench(sheet: Sheet, *, lined: bool) -> list[Point]:
    """A trench running away from the camera; returns its floor."""
    sheet.cover(sheet.surface(*_SOIL))
    for _ in range(26):
        x = sheet.chance.choice((sheet.chance.uniform(-60, 420), sheet.chance.uniform(1180, 1660)))
        y = sheet.chance.uniform(-40, 620)
        _tuft(sheet, x, y, 40 + sheet.chance.random() * 60)
    bend = sheet.jitter(50)
    mouth = [(690 + bend, -10), (930 + bend, -10), (1330, 1210), (250, 1210)]
    floor: list[Point] = [(748 + bend, -10), (872 + bend, -10), (1090, 1210), (500, 1210)]
    sheet.shade([(640 + bend, -10), (980 + bend, -10), (1420, 1210), (170, 1210)], 0.35, blur=36)
    walls = sheet.surface(*(_CONCRETE if lined else _DAMP), grain=(4, 18, 90, 260))
    sheet.fill(mouth, walls)
    sheet.shade([mouth[0], floor[0], floor[3], mouth[3]], 0.62, blur=9)
    sheet.shade([floor[1], mouth[1], mouth[2], floor[2]], 0.3, blur=9, ink=(255, 226, 180))
    sheet.fill(floor, sheet.surface((120, 104, 78), (206, 188, 150)) if lined else sheet.surface(*_DAMP))
    sheet.shade([floor[0], (800 + bend, -10), (720, 1210), floor[3]], 0.45, blur=40)
    for _ in range(90):
        x, y = sheet.chance.uniform(0, 1600), sheet.chance.uniform(0, 1200)
        tone = sheet.chance.randrange(90, 150)
        sheet.disc(
            x, y, 2 + sheet.chance.random() * 9 * (0.3 + y / 1200), (tone, tone - 22, tone - 44), squash=0.7
        )
    return floor


def _tuft(sheet: Sheet, x: float, y: float, reach: float) -> None:
    """Weeds at the edge of the digging."""
    for _ in range(46):
        root = (x + sheet.jitter(reach), y + sheet.jitter(reach * 0.45))
        tone = sheet.chance.randrange(0, 50)
        tip = (root[0] + sheet.jitter(22), root[1] - 14 - sheet.chance.random() * 34)
        sheet.line([root, tip], (60 + tone, 84 + tone, 34 + tone // 2), 4)


def earth_trench(sheet: Sheet) -> None:
    """Flat galvanized strip in an open trench, rods welded to it, a tape against the wall."""
    floor = _trench(sheet, lined=False)
    far = (floor[0][0] + floor[1][0]) / 2
    near = 800 + sheet.jitter(40)
    zinc = sheet.surface(*_ZINC, grain=(2, 14, 70), streak=0.4)
    sheet.shade([(far - 4, -10), (far + 26, -10), (near + 92, 1210), (near - 20, 1210)], 0.6, blur=12)
    sheet.fill([(far - 9, -10), (far + 9, -10), (near + 44, 1210), (near - 44, 1210)], zinc)
    sheet.line([(far - 9, -10), (near - 44, 1210)], (232, 236, 238), 4)
    sheet.line([(far + 9, -10), (near + 44, 1210)], (94, 98, 102), 4)
    for depth in (0.2, 0.46, 0.86):
        y = -10 + 1220 * depth
        x, size = far + (near - far) * depth, 0.35 + depth
        sheet.disc(x + 34 * size, y + 6, 44 * size, (36, 27, 20), squash=0.5)
        sheet.box(x + 18 * size, y - 26 * size, 26 * size, 44 * size, (150, 156, 160), radius=4)
        sheet.line([(x + 20 * size, y - 26 * size), (x + 20 * size, y + 16 * size)], (214, 218, 220), 3)
        sheet.disc(x + 20 * size, y + 14 * size, 17 * size, (26, 24, 24), squash=0.7)
    sheet.tape(1150, 640, 860, 70 + sheet.jitter(2))


def weld(sheet: Sheet) -> None:
    """A close view of a lapped joint: two strips, the bead along three sides, black coating begun."""
    sheet.cover(sheet.surface(*_DAMP, grain=(5, 22, 120, 400)))
    zinc = sheet.surface(*_ZINC, grain=(2, 20, 90, 300), streak=6)
    tilt = sheet.jitter(30)
    lower = [(-20, 520 + tilt), (1020, 500), (1020, 720), (-20, 740 + tilt)]
    upper = [(560, 470), (1620, 430 - tilt), (1620, 660 - tilt), (560, 700)]
    for strip in (lower, upper):
        sheet.shade([(x + 16, y + 34) for x, y in strip], 0.7, blur=22)
        sheet.fill(strip, zinc)
        sheet.line([strip[0], strip[1]], (236, 239, 240), 5)
        sheet.line([strip[3], strip[2]], (86, 90, 94), 7)
    _bead(sheet, (560, 470), (560, 700))
    _bead(sheet, (560, 700), (1020, 690))
    _bead(sheet, (560, 470), (1020, 455))
    coat = [(1000, 452), (1190, 446 - tilt / 2), (1206, 684 - tilt / 2), (996, 706)]
    sheet.shade(coat, 0.95, blur=5, ink=(22, 21, 22))
    sheet.shade([(1030, 480), (1160, 476), (1150, 520), (1030, 526)], 0.22, blur=16, ink=(255, 255, 255))
    sheet.shade([(600, 500), (960, 490), (960, 540), (600, 550)], 0.25, blur=30, ink=(255, 255, 255))
    sheet.tape(800, 900, 1180, sheet.jitter(2), width=84, centimetre=56)


def _bead(sheet: Sheet, start: Point, end: Point) -> None:
    steps = int(max(abs(end[0] - start[0]), abs(end[1] - start[1])) / 9)
    for step in range(steps + 1):
        part = step / steps
        x = start[0] + (end[0] - start[0]) * part + sheet.jitter(2)
        y = start[1] + (end[1] - start[1]) * part + sheet.jitter(2)
        tone = sheet.chance.randrange(70, 110)
        sheet.disc(x, y, 15, (tone - 20, tone - 22, tone - 18))
        sheet.disc(x - 3, y - 4, 8, (tone + 46, tone + 44, tone + 46))


def cable_trench(sheet: Sheet) -> None:
    """Three cables on a sand bed in a lined trench, marker tape beside, a tape measure across the mouth."""
    floor = _trench(sheet, lined=True)
    far = (floor[0][0] + floor[1][0]) / 2
    for lane in (-1, 0, 1):
        start, end = far + lane * 30, 800 + lane * 165 + sheet.jitter(14)
        bend = sheet.jitter(16)
        path = [(start, -10.0), ((start + end) / 2 + bend, 540.0), (end, 1210.0)]
        for index, (top, bottom) in enumerate(pairwise(path)):
            wide = (14 + index * 26, 40 + index * 26)
            _cable(sheet, top, bottom, wide)
    for tie in (0.3, 0.62):
        y = tie * 1200
        reach = 60 + 210 * tie
        middle = far + (800 - far) * tie
        sheet.line([(middle - reach, y), (middle + reach, y + 4)], (232, 232, 226), 5 + 5 * tie)
    red = [(470, 1210), (640, 700), (668, 700), (540, 1210)]
    sheet.shade([(x + 8, y + 10) for x, y in red], 0.5, blur=10)
    sheet.fill(red, (196, 42, 34))
    sheet.line([(506, 1208), (654, 702)], (240, 214, 80), 7)
    sheet.tape(800, 690, 900, sheet.jitter(2.5), width=58)


def _cable(sheet: Sheet, top: Point, bottom: Point, wide: tuple[float, float]) -> None:
    """A length of cable, round by its shading, thicker towards the camera."""
    body = (168, 52, 34)
    for part, ink in ((1.0, (62, 20, 14)), (0.82, (118, 36, 24)), (0.55, body), (0.2, (220, 128, 104))):
        shift = 0.16 * (1.0 - part)
        left = [(x - half * (part + shift), y) for (x, y), half in zip((top, bottom), wide, strict=True)]
        right = [(x + half * (part - shift), y) for (x, y), half in zip((top, bottom), wide, strict=True)]
        sheet.fill([left[0], right[0], right[1], left[1]], ink)


def earth_tester(sheet: Sheet) -> None:
    """An earth-resistance tester on the ground, leads out, its reading on the display."""
    sheet.cover(sheet.surface(*_SOIL, grain=(4, 16, 80, 340)))
    for ink, points in (
        ((172, 30, 28), [(640, 760), (420, 880), (180, 840), (-20, 1010)]),
        ((34, 34, 36), [(800, 770), (800, 960), (980, 1080), (960, 1220)]),
        ((210, 176, 40), [(960, 760), (1180, 900), (1400, 860), (1620, 990)]),
    ):
        sheet.line([(x + 6, y + 14) for x, y in points], (40, 30, 22), 18)
        sheet.line([(float(x), float(y)) for x, y in points], ink, 15)
    sheet.shade([(400, 240), (1240, 240), (1260, 860), (400, 860)], 0.7, blur=36)
    sheet.box(380, 200, 840, 620, (218, 150, 34), radius=60)
    sheet.box(410, 230, 780, 560, (52, 56, 62), radius=44)
    sheet.box(500, 290, 600, 210, (24, 26, 28), radius=16)
    sheet.box(516, 306, 568, 178, (168, 184, 154), radius=8)
    ohm = f"{sheet.chance.uniform(0.28, 3.6):.2f}"
    seven_segments(sheet, 590, 330, ohm, 128, (28, 36, 30))
    sheet.text(1064, 470, "ohm", 44, (28, 36, 30), anchor="rs")
    sheet.text(800, 262, "EARTH TESTER", 34, (226, 228, 228), anchor="mm")
    sheet.disc(800, 640, 84, (30, 32, 34))
    sheet.disc(800, 640, 64, (70, 74, 80))
    sheet.line([(800, 640), (846, 594)], (240, 240, 236), 10)
    for label, x, ink in (("E", 640, (32, 32, 34)), ("P", 800, (200, 168, 36)), ("C", 960, (176, 30, 28))):
        sheet.disc(x, 760, 26, (150, 154, 158))
        sheet.disc(x, 760, 18, ink)
        sheet.text(x + 34, 762, label, 34, (232, 232, 230), anchor="lm")
    sheet.shade([(430, 240), (900, 240), (640, 480), (430, 520)], 0.16, blur=50, ink=(255, 255, 255))


_SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
}


def seven_segments(sheet: Sheet, x: float, y: float, figures: str, high: float, ink: Colour) -> None:
    """Figures as a liquid crystal shows them, `high` units tall, from the left edge at x."""
    wide, bar = high * 0.5, high * 0.11
    for figure in figures:
        if figure == ".":
            sheet.disc(x - bar * 0.4, y + high - bar / 2, bar * 0.7, ink)
            x += bar * 1.2
            continue
        lit = _SEGMENTS.get(figure, "g")
        half = high / 2
        strokes = {
            "a": ((x, y), (x + wide, y)),
            "b": ((x + wide, y), (x + wide, y + half)),
            "c": ((x + wide, y + half), (x + wide, y + high)),
            "d": ((x, y + high), (x + wide, y + high)),
            "e": ((x, y + half), (x, y + high)),
            "f": ((x, y), (x, y + half)),
            "g": ((x, y + half), (x + wide, y + half)),
        }
        for name in lit:
            (x1, y1), (x2, y2) = strokes[name]
            trim = bar * 0.35
            if y1 == y2:
                x1, x2 = x1 + trim, x2 - trim
            else:
                y1, y2 = y1 + trim, y2 - trim
            sheet.line([(x1, y1), (x2, y2)], ink, bar)
        x += wide + high * 0.24
