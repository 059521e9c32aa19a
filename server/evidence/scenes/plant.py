"""Scenes in the switch room: its door, the switchgear, the transformer and its plate, the meter."""

from __future__ import annotations

from PIL import Image

from server.evidence.scenes.ground import seven_segments
from server.evidence.scenes.paint import Colour, Sheet

_INK: Colour = (34, 36, 40)


def switchgear(sheet: Sheet) -> None:
    """A row of metal-clad cubicles seen from the front."""
    sheet.cover(sheet.surface((206, 206, 200), (228, 228, 222), grain=(5, 300)))
    floor = sheet.surface((96, 110, 104), (146, 158, 150), grain=(4, 40, 300))
    sheet.fill([(0, 1010), (1600, 1010), (1600, 1200), (0, 1200)], floor)
    sheet.fill([(0, 1080), (1600, 1080), (1600, 1200), (0, 1200)], (34, 60, 52))
    for stripe in range(-1, 17):
        x = stripe * 110
        sheet.fill([(x, 1080), (x + 50, 1080), (x + 80, 1110), (x + 30, 1110)], (222, 186, 44))
    closed = sheet.chance.randrange(4)
    metal = sheet.surface((186, 190, 186), (214, 218, 214), grain=(2, 120, 420), streak=0.5)
    for index in range(4):
        _cubicle(sheet, 70 + index * 366, metal, f"AH{index + 1}", closed=index == closed)
    sheet.shade([(60, 1000), (1540, 1000), (1600, 1080), (0, 1080)], 0.5, blur=26)
    sheet.shade([(300, 60), (520, 60), (420, 1000), (240, 1000)], 0.14, blur=60, ink=(255, 255, 255))


def _cubicle(sheet: Sheet, x: float, metal: Image.Image, name: str, *, closed: bool) -> None:
    sheet.fill([(x, 90), (x + 356, 90), (x + 356, 1020), (x, 1020)], metal)
    sheet.box(x, 90, 356, 930, None, edge=(112, 116, 114), line=6)
    for top, high in ((100, 250), (356, 370), (732, 280)):
        sheet.box(x + 10, top, 336, high, None, edge=(138, 142, 140), line=4, radius=6)
        sheet.line([(x + 14, top + 4), (x + 340, top + 4)], (236, 238, 236), 3)
    sheet.box(x + 108, 112, 140, 44, (240, 240, 234), edge=(90, 90, 90), line=2)
    sheet.text(x + 178, 135, name, 34, _INK, anchor="mm")
    sheet.box(x + 50, 176, 256, 96, (28, 32, 36), radius=8)
    sheet.box(x + 62, 186, 120, 76, (52, 92, 104))
    for row in range(3):
        sheet.line(
            [(x + 70, 202 + row * 22), (x + 140 + sheet.jitter(24), 202 + row * 22)], (170, 226, 214), 4
        )
    for key in range(6):
        sheet.disc(x + 208 + key % 3 * 34, 206 + key // 3 * 36, 10, (120, 124, 130))
    lamps: tuple[tuple[float, Colour], ...] = (
        (90, (214, 40, 34) if closed else (92, 30, 28)),
        (178, (26, 74, 42) if closed else (46, 196, 92)),
        (266, (226, 178, 46)),
    )
    for reach, ink in lamps:
        sheet.disc(x + reach, 312, 19, (92, 96, 98))
        sheet.disc(x + reach, 312, 14, ink)
        sheet.disc(x + reach - 4, 307, 4, (244, 240, 232))
    _mimic(sheet, x + 120, closed=closed)
    sheet.box(x + 200, 410, 110, 150, (30, 36, 40), edge=(84, 88, 90), line=8, radius=10)
    sheet.shade(
        [(x + 206, 420), (x + 270, 420), (x + 220, 550), (x + 206, 550)], 0.3, blur=10, ink=(220, 235, 240)
    )
    sheet.box(x + 318, 560, 16, 110, (52, 54, 58), radius=8)
    sheet.box(x + 318, 800, 16, 110, (52, 54, 58), radius=8)
    for slot in range(6):
        sheet.box(x + 70, 900 + slot * 16, 210, 7, (120, 124, 122))
    warning_sign(sheet, x + 178, 820, 50)


def _mimic(sheet: Sheet, x: float, *, closed: bool) -> None:
    """The single-line diagram painted on the door."""
    red = (190, 32, 30)
    sheet.line([(x, 370), (x, 470)], red, 8)
    sheet.box(x - 20, 470, 40, 56, red if closed else (210, 214, 210), edge=red, line=7)
    sheet.line([(x, 526), (x, 700)], red, 8)
    sheet.disc(x, 600, 20, red)
    sheet.disc(x, 600, 12, (206, 210, 206))
    sheet.line([(x, 640), (x + 44, 640), (x + 44, 668)], red, 6)
    for bar in range(3):
        sheet.line([(x + 44 - 18 + bar * 6, 672 + bar * 9), (x + 44 + 18 - bar * 6, 672 + bar * 9)], red, 4)


def warning_sign(sheet: Sheet, x: float, y: float, size: float) -> None:
    """The yellow triangle with a flash (GB 2894)."""
    sheet.fill(
        [(x, y - size), (x + size * 1.1, y + size * 0.9), (x - size * 1.1, y + size * 0.9)], (24, 24, 22)
    )
    sheet.fill(
        [(x, y - size * 0.74), (x + size * 0.86, y + size * 0.76), (x - size * 0.86, y + size * 0.76)],
        (246, 206, 36),
    )
    flash = [(0.1, -0.4), (-0.22, 0.2), (-0.02, 0.2), (-0.1, 0.62), (0.24, 0.06), (0.04, 0.06)]
    sheet.fill([(x + a * size, y + b * size) for a, b in flash], (24, 24, 22))


def door(sheet: Sheet) -> None:
    """The switch room's steel double door with louvres, signs and the board against small animals."""
    wall = sheet.surface((186, 178, 162), (216, 210, 196), grain=(4, 30, 260))
    sheet.cover(wall)
    ground = sheet.surface((112, 110, 106), (166, 164, 158))
    sheet.fill([(0, 1060), (1600, 1060), (1600, 1200), (0, 1200)], ground)
    sheet.box(370, 110, 860, 960, (92, 98, 102))
    steel = sheet.surface((116, 138, 150), (146, 166, 176), grain=(2, 200, 500), streak=0.6)
    for left in (394, 804):
        sheet.fill([(left, 134), (left + 402, 134), (left + 402, 1060), (left, 1060)], steel)
        sheet.box(left, 134, 402, 926, None, edge=(84, 100, 110), line=5)
        for panel, high in ((170, 0), (800, 190)):
            if high:
                sheet.box(left + 66, panel, 270, high, (84, 100, 110))
                for slat in range(9):
                    sheet.box(left + 72, panel + 8 + slat * 20, 258, 11, (150, 168, 176))
        for hinge in (220, 560, 900):
            sheet.box(left + (-8 if left < 700 else 396), hinge, 14, 66, (70, 78, 84), radius=5)
    sheet.line([(800, 134), (800, 1060)], (58, 68, 76), 8)
    sheet.box(826, 590, 22, 120, (196, 200, 202), radius=10)
    sheet.disc(836, 740, 12, (52, 56, 60))
    warning_sign(sheet, 595, 400, 92)
    sheet.text(595, 520, "DANGER  10 kV", 40, (32, 34, 30), anchor="mm")
    sheet.box(890, 320, 230, 150, (206, 38, 34), radius=8)
    sheet.text(1005, 372, "NO ENTRY", 42, (248, 246, 240), anchor="mm")
    sheet.text(1005, 424, "Authorized staff", 28, (248, 246, 240), anchor="mm")
    sheet.box(620, 40, 360, 58, (30, 84, 62), radius=6)
    sheet.text(800, 69, f"SWITCH ROOM No. {sheet.chance.randrange(1, 5)}", 36, (244, 244, 238), anchor="mm")
    board = sheet.surface((168, 172, 174), (212, 216, 218), grain=(2, 40, 300), streak=8)
    sheet.fill([(350, 930), (1250, 930), (1250, 1078), (350, 1078)], board)
    for stripe in range(15):
        x = 350 + stripe * 60
        sheet.fill([(x, 930), (x + 28, 930), (x + 52, 956), (x + 24, 956)], (30, 30, 28))
        sheet.fill([(x + 28, 930), (x + 60, 930), (x + 60, 956), (x + 52, 956)], (240, 198, 36))
    sheet.shade([(330, 1070), (1270, 1070), (1320, 1130), (290, 1130)], 0.5, blur=22)
    sheet.shade([(370, 110), (1230, 110), (1230, 160), (370, 160)], 0.4, blur=24)


def transformer(sheet: Sheet) -> None:
    """An oil-immersed transformer in its bay: fins, bushings, conservator, busbars."""
    sheet.cover(sheet.surface((190, 188, 180), (220, 218, 210), grain=(5, 40, 320)))
    sheet.fill(
        [(0, 980), (1600, 980), (1600, 1200), (0, 1200)], sheet.surface((104, 102, 98), (158, 156, 150))
    )
    sheet.shade([(240, 1000), (1360, 1000), (1440, 1110), (180, 1110)], 0.6, blur=30)
    paint = sheet.surface((104, 116, 122), (136, 148, 152), grain=(3, 200))
    sheet.fill([(320, 420), (1280, 420), (1280, 1000), (320, 1000)], paint)
    for fin in range(31):
        x = 300 + fin * 32
        sheet.box(x, 500, 20, 440, (126, 138, 144), radius=5)
        sheet.line([(x + 3, 506), (x + 3, 934)], (176, 186, 190), 4)
        sheet.line([(x + 20, 506), (x + 20, 934)], (62, 70, 76), 5)
    sheet.box(280, 400, 1040, 44, (98, 110, 116), edge=(70, 80, 86), line=4, radius=8)
    for bolt in range(24):
        sheet.disc(300 + bolt * 43.5, 424, 7, (168, 174, 176))
    sheet.box(420, 990, 90, 44, (60, 64, 68))
    sheet.box(1090, 990, 90, 44, (60, 64, 68))
    for phase, ink in enumerate(((214, 178, 30), (28, 142, 72), (198, 40, 36))):
        x = 470 + phase * 150
        for shed in range(6):
            sheet.disc(x, 386 - shed * 30, 46 - shed * 3, (106, 52, 36), squash=0.34)
            sheet.disc(x, 380 - shed * 30, 40 - shed * 3, (146, 82, 58), squash=0.26)
        sheet.box(x - 9, 160, 18, 70, (196, 148, 88))
        sheet.line([(x, 170), (x + sheet.jitter(12), 60), (x + 20, -10)], ink, 24)
    for pole in range(4):
        x = 960 + pole * 84
        sheet.box(x - 20, 330, 40, 76, (150, 86, 60), radius=8)
        ink = ((214, 178, 30), (28, 142, 72), (198, 40, 36), (60, 96, 168))[pole]
        sheet.box(x - 13, -10, 26, 346, ink)
        sheet.line([(x - 9, -10), (x - 9, 330)], (236, 232, 222), 3)
    sheet.box(690, 640, 220, 150, (206, 208, 204), edge=(90, 96, 98), line=4)
    for row in range(6):
        sheet.line([(706, 664 + row * 21), (820 + sheet.jitter(60), 664 + row * 21)], (70, 74, 76), 5)
    warning_sign(sheet, 1110, 700, 66)
    sheet.line([(300, 960), (210, 1040), (200, 1200)], (32, 128, 66), 16)
    sheet.line([(300, 960), (210, 1040), (200, 1200)], (228, 202, 54), 5)


def nameplate(sheet: Sheet) -> None:
    """A transformer's rating plate, close."""
    sheet.cover(sheet.surface((88, 102, 108), (124, 138, 142), grain=(3, 60, 400)))
    plate = sheet.surface((168, 171, 172), (222, 224, 224), grain=(2, 3, 200), streak=40)
    sheet.shade([(190, 160), (1440, 160), (1440, 1090), (190, 1090)], 0.6, blur=24)
    sheet.fill([(170, 130), (1430, 130), (1430, 1070), (170, 1070)], plate)
    sheet.box(170, 130, 1260, 940, None, edge=(96, 98, 98), line=5, radius=14)
    sheet.box(200, 160, 1200, 880, None, edge=_INK, line=4)
    for x, y in ((186, 146), (1414, 146), (186, 1054), (1414, 1054)):
        sheet.disc(x, y, 14, (120, 122, 122))
        sheet.disc(x - 3, y - 3, 6, (232, 232, 230))
    sheet.text(800, 210, "DISTRIBUTION TRANSFORMER", 58, _INK, anchor="mm")
    kva = sheet.chance.choice((315, 400, 500, 630, 800, 1000, 1250))
    rows = (
        ("TYPE", f"S13-M-{kva}/10", "STANDARD", "GB/T 1094"),
        ("RATED POWER", f"{kva} kVA", "PHASES", "3"),
        ("VOLTAGE", "10000 / 400 V", "FREQUENCY", "50 Hz"),
        ("CURRENT", f"{kva / 17.32:.1f} / {kva / 0.6928:.0f} A", "COOLING", "ONAN"),
        ("CONNECTION", "Dyn11", "IMPEDANCE", f"{sheet.chance.uniform(3.95, 4.55):.2f} %"),
        ("TAPPINGS", "+/- 2 x 2.5 %", "OIL", f"{kva * 0.42 + 90:.0f} kg"),
        (
            "SERIAL No.",
            f"{sheet.chance.randrange(10**6, 10**7)}",
            "TOTAL",
            f"{kva * 2.7 + 520:.0f} kg",
        ),
    )
    top, high = 262.0, 108.0
    for index, (left, value, right, other) in enumerate(rows):
        upper = top + index * high
        sheet.line([(200, upper), (1400, upper)], _INK, 3)
        cells = ((222, left, 30), (500, value, 44), (962, right, 30), (1180, other, 42))
        for start, words, size in cells:
            sheet.text(start, upper + high / 2, words, size, _INK, anchor="lm")
    for column in (482, 940, 1160):
        sheet.line([(column, top), (column, 1018)], _INK, 3)
    sheet.shade([(240, 150), (620, 150), (330, 1060), (170, 1060)], 0.3, blur=70, ink=(255, 255, 255))


def meter(sheet: Sheet) -> None:
    """A three-phase electronic meter in its cabinet, sealed, with its reading."""
    sheet.cover(sheet.surface((120, 124, 126), (150, 154, 156), grain=(3, 300)))
    sheet.shade([(440, 120), (1200, 120), (1200, 1130), (440, 1130)], 0.6, blur=34)
    sheet.box(420, 80, 760, 1030, (226, 226, 218), edge=(170, 170, 162), line=4, radius=50)
    sheet.box(460, 120, 680, 620, (206, 208, 202), edge=(176, 178, 172), line=4, radius=26)
    sheet.box(520, 170, 560, 220, (44, 48, 50), radius=18)
    sheet.box(536, 184, 528, 192, (172, 188, 160), radius=8)
    reading = f"{sheet.chance.uniform(0.1, 9899.9):07.1f}"
    seven_segments(sheet, 566, 226, reading, 92, (30, 40, 34))
    sheet.text(1050, 364, "kWh", 34, (30, 40, 34), anchor="rs")
    sheet.text(552, 364, "T1  L1 L2 L3", 24, (30, 40, 34), anchor="ls")
    for index, (ink, words) in enumerate(
        (((220, 44, 36), "imp"), ((42, 180, 84), "run"), ((226, 176, 44), "alm"))
    ):
        at = 600 + index * 190
        sheet.disc(at, 432, 13, ink)
        sheet.text(at + 24, 432, words, 26, _INK, anchor="lm")
    sheet.text(800, 492, "THREE-PHASE SMART METER", 38, _INK, anchor="mm")
    sheet.text(800, 536, "3 x 57.7/100 V   3 x 1.5(6) A   50 Hz   cl. 0.5S", 25, _INK, anchor="mm")
    serial = f"{sheet.chance.randrange(10**11, 10**12)}"
    x = 560.0
    for digit in serial * 3:
        bar = 3 + int(digit) % 4 * 2.4
        sheet.box(x, 572, bar, 78, _INK)
        x += bar + 3 + int(digit) % 3 * 2
        if x > 1040:
            break
    sheet.text(800, 690, serial, 36, _INK, anchor="mm")
    sheet.box(470, 770, 660, 250, (188, 190, 184), edge=(150, 152, 146), line=4, radius=16)
    for terminal in range(10):
        sheet.disc(516 + terminal * 63, 860, 19, (120, 110, 84))
        sheet.line([(506 + terminal * 63, 852), (526 + terminal * 63, 868)], (60, 56, 44), 5)
        ink = ((214, 178, 30), (28, 142, 72), (198, 40, 36), (40, 42, 44))[terminal // 3]
        sheet.line([(516 + terminal * 63, 940), (512 + terminal * 64, 1210)], ink, 22)
    for side in (500, 1100):
        sheet.line([(side, 1030), (side + 16, 1090)], (190, 192, 190), 4)
        sheet.disc(side + 18, 1104, 24, (196, 46, 40))
        sheet.text(side + 18, 1104, "S", 24, (244, 240, 234), anchor="mm")
    sheet.shade([(470, 120), (700, 120), (560, 740), (460, 740)], 0.22, blur=50, ink=(255, 255, 255))
