"""Every paper has the same frame: numbers, copies, page n of m, a seal in a QR code, and bytes that stay."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.reports.beside import MOST_PHOTOS, MOST_PHOTOS_OF_ITEM, Beside, Shot, chosen, drawn
from server.reports.notice import notice_paper
from server.reports.paper import (
    FORMS,
    Blank,
    Field,
    Fields,
    Line,
    Paper,
    Passage,
    Photos,
    Picture,
    Table,
    own_line,
    print_paper,
    seal,
    shown,
)
from server.reports.wording import Printed, Wording
from server.texts import LANGUAGES, catalogue
from tests.reports.papers import BOTH, CHINESE, PRINTED, codes, fonts, jpeg, many, printed, texts, whole

PLAIN = Paper(
    form="index",
    no="YK-1-ML",
    case_no="YK-1",
    title=("案卷目录",),
    blocks=(Passage((Line(("一行字",)),)),),
)


def of(*blocks: Any, **changes: Any) -> Paper:
    fields: dict[str, Any] = {"form": "index", "no": "YK-1-ML", "case_no": "YK-1", "title": ("目录",)}
    return Paper(**{**fields, **changes, "blocks": blocks})


@pytest.mark.parametrize("items", [1, 2, 40, 200])
def test_each_copy_counts_its_own_pages_and_loses_no_item(items: int) -> None:
    pages = texts(printed(notice_paper(many(items), 1, Beside(), CHINESE), copies="both"))
    half, odd = divmod(len(pages), 2)
    assert odd == 0
    for copy, label in enumerate(("第一联客户", "第二联存档")):
        own = pages[copy * half : (copy + 1) * half]
        for number, page in enumerate(own, 1):
            assert f"第{number}页，共{half}页" in page
            assert label in page
            assert "YK-2026-0001-QX1" in page
        told = "".join(own)
        for number in range(1, items + 1):
            assert told.count(f"缺陷AA-{number:03}") == 1
    assert half >= items // 15


def test_a_decoder_reads_form_number_case_and_seal_from_the_code() -> None:
    paper = notice_paper(many(2), 1, Beside(), CHINESE)
    [first, second] = codes(paper, copies="both")
    expected = seal(shown(paper, CHINESE))[:16]
    assert first == second == f"hezha|notice|YK-2026-0001-QX1|YK-2026-0001|{expected}"
    assert f"校验{expected}" in whole(printed(paper))


def test_a_chinese_number_survives_the_code() -> None:
    [read] = codes(of(no="苏州〔2026〕12号-ML", case_no="苏州〔2026〕12号"))
    assert read.split("|")[2:4] == ["苏州〔2026〕12号-ML", "苏州〔2026〕12号"]


def test_the_same_input_gives_the_same_bytes_and_the_time_of_printing_breaks_no_seal(tmp_path: Path) -> None:
    picture = Photos((Picture("a.jpg", own_line("甲")),))
    content = shown(of(picture), BOTH)
    here, there = tmp_path / "here", tmp_path / "there"
    once, again = (
        print_paper(content, PRINTED, {"a.jpg": jpeg(place.with_suffix(".jpg"))}) for place in (here, there)
    )
    assert once == again
    assert print_paper(content, ("2027-01-01 00:00",), {"a.jpg": jpeg(here)}) != once
    assert seal(content) == seal(shown(of(picture), BOTH, "file"))
    assert seal(content) != seal(shown(of(picture, no="YK-2"), BOTH))


def test_fonts_are_inside_and_rare_characters_can_be_read_back() -> None:
    pdf = printed(of(Passage((Line(("㐂和𠮷野，馮、龘",)),))))
    assert "㐂和𠮷野，馮、龘" in whole(pdf)
    assert fonts(pdf)
    for font in fonts(pdf):
        assert "NotoSansCJK" in font["/BaseFont"]
        assert "/FontFile3" in font["/FontDescriptor"]


def test_a_word_without_end_stays_on_the_page() -> None:
    endless = CHINESE.own("x" * 2000)
    row = ((Line(endless),), (Line(CHINESE.own("字" * 2000)),))
    pdf = printed(of(Table((("一",), ("二",)), (30.0, 0.0), (row,)), Fields((Field(endless[:1]),))))
    assert whole(pdf).count("x") >= 4000
    assert whole(pdf).count("字") >= 2000
    assert len(texts(pdf)) > 2


def test_what_people_wrote_is_never_markup() -> None:
    hostile = '#panic("x") #read("/etc/passwd") $x^2$ *bold* _it_ ] } \\ <a> @ref // /* {n} `'
    paper = of(
        Passage((Line((hostile,)), Blank((hostile,)))),
        Fields((Field((hostile,), (Line((hostile,)),)),)),
        title=(hostile,),
        no=hostile,
        case_no=hostile,
    )
    assert whole(printed(paper)).count(hostile.replace(" ", "")) >= 6


@given(words=st.text(st.characters(codec="utf-8"), max_size=300))
@settings(max_examples=15, deadline=None)
def test_whatever_was_written_can_be_printed(words: str) -> None:
    line = own_line(words)
    row = (line, line)
    paper = of(
        Passage(line),
        Fields((Field(("甲",), line),)),
        Table((("一",), ("二",)), (40.0, 0.0), (row,)),
        stamp=("草稿",),
    )
    assert printed(paper).startswith(b"%PDF-")


def test_nothing_known_leaves_room_to_write() -> None:
    empty, full = (shown(of(Fields((Field(("户号",), value),))), CHINESE) for value in ((), own_line("3301")))
    assert empty["blocks"][0]["fields"][0]["value"] == ()
    assert "3301" in whole(print_paper(full, PRINTED))
    assert "户号" in whole(print_paper(empty, PRINTED))


@pytest.mark.parametrize(
    ("wide", "rows"),
    [("n", "w"), ("nn", "nn"), ("nw", "ww"), ("nnn", "nnw"), ("wn", "ww"), ("nnwn", "nnww")],
)
def test_a_field_without_a_neighbour_takes_the_whole_row(wide: str, rows: str) -> None:
    fields = tuple(Field((str(at),), wide=one == "w") for at, one in enumerate(wide))
    made = shown(of(Fields(fields)), CHINESE)["blocks"][0]["fields"]
    assert "".join("w" if one["wide"] else "n" for one in made) == rows


@pytest.mark.parametrize(("language", "there", "absent"), [("zh-CN", "编号", "No."), ("en", "No.", "编号")])
def test_one_language_alone_can_be_printed(language: Printed, there: str, absent: str) -> None:
    told = whole(printed(PLAIN, Wording(language)))
    assert there in told
    assert absent not in told


def test_both_languages_stand_beside_each_other() -> None:
    told = whole(printed(PLAIN, BOTH))
    assert "编号" in told
    assert "No." in told


def test_a_paper_bears_the_organisations_name_in_every_printed_language() -> None:
    names = {"zh-CN": "向阳供电公司", "en": "Xiangyang Power"}
    say = Wording("both", house=lambda organisation, language: f"{names[language]} {organisation}")
    told = whole(printed(replace(PLAIN, organisation="xy"), say))
    assert "向阳供电公司xy" in told
    assert "XiangyangPowerxy" in told


def test_a_photo_stands_with_its_caption(tmp_path: Path) -> None:
    shot = Photos((Picture("p.jpg", own_line("CT-01")), Picture(None, own_line("CT-02"))))
    pdf = printed(of(shot), images={"p.jpg": jpeg(tmp_path / "p.jpg")})
    assert b"/Subtype/Image" in pdf.replace(b" ", b"")
    assert all(code in whole(pdf) for code in ("CT-01", "CT-02"))


def test_photos_are_bounded_and_the_rest_is_counted() -> None:
    items = [(f"A{number}", [f"p{number}-{at}" for at in range(9)]) for number in range(20)]
    made = chosen(items)
    assert all(len(kept) <= MOST_PHOTOS_OF_ITEM for _, kept, _ in made)
    assert sum(len(kept) for _, kept, _ in made) == MOST_PHOTOS
    assert sum(len(kept) + more for _, kept, more in made) == 20 * 9
    paper = notice_paper(many(1), 1, Beside(photos={"p": Shot()}), CHINESE)
    assert "照片尚未收到" not in whole(printed(paper)), "the item names no photo"


def test_every_form_has_a_title_and_a_number_of_its_own() -> None:
    assert len({form.code for form in FORMS.values()}) == len(FORMS)
    for language in LANGUAGES:
        told = catalogue(language)
        assert [name for name in FORMS if name != "bulletin" and f"paper.title_{name}" not in told] == []


# Signatures


def test_strokes_become_a_drawing_of_their_shape() -> None:
    picture = drawn([[[12, 40], [30, 22], [55, 47]], [[60, 20, 0.7], [66, 52, 0.5]], [[1, 1]]])
    assert picture is not None
    [path] = ET.fromstring(picture)
    assert path.attrib["d"].count("M") == 3


@pytest.mark.parametrize(
    "strokes",
    [
        None,
        "x",
        {},
        [],
        [[]],
        [["a", "b"]],
        [[[1]]],
        [[[True, False]]],
        [[[float("nan"), 1]]],
        [[[1e300, 1]]],
    ],
)
def test_what_is_no_signature_is_not_drawn(strokes: Any) -> None:
    assert drawn(strokes) is None


_NUMBERS = st.floats() | st.integers() | st.text(max_size=5) | st.booleans()


@given(strokes=st.lists(st.lists(st.lists(_NUMBERS, max_size=3), max_size=5), max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_drawing_holds_nothing_but_numbers_within_its_frame(strokes: Any) -> None:
    picture = drawn(strokes)
    if picture is None:
        return
    root = ET.fromstring(picture)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    assert 0 < max(width, height) <= 1001
    [path] = root
    points = [float(one) for one in path.attrib["d"].replace("M", " ").replace("L", " ").split()]
    assert all(0 <= x <= width + 1 for x in points[::2])
    assert all(0 <= y <= height + 1 for y in points[1::2])
