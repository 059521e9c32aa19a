"""A blank form holds every item and all that is asked of it, in Chinese that can be read, in stable bytes."""

import io
import re
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from checklists import Definition, load_definitions
from checklists.model import (
    Entries,
    Item,
    Limit,
    NumberRange,
    Option,
    Point,
    Role,
    Section,
    SeverityRule,
    Text,
    View,
)
from server.reports.blank_form import FormTooLarge, Printed, blank_form, form_pages
from server.reports.conditions import in_words

LIBRARY = load_definitions()
WORDS = Text("词语", "word")
PLAIN = Item("AA-01", Text("外观检查", "Appearance"), "pass_fail", "major", WORDS, "GB 50150")


def changed(code: str, **changes: Any) -> Item:
    return msgspec.structs.replace(PLAIN, code=code, **changes)


READING = changed(
    "AA-02",
    text=Text("绝缘电阻", "Insulation"),
    type="number",
    unit="MΩ",
    range=NumberRange(0, 9999),
    instrument=True,
    limits=(Limit(min=10), Limit(min=20, verdict="warning", when="facts.dual_or_gen")),
)
OPTIONS = (Option("a", Text("甲类", "kind A")), Option("b", Text("乙类", "kind B"), verdict="fail"))
REPEAT = changed(
    "AA-20",
    text=Text("逐台变压器", "Each transformer"),
    type="repeat",
    entries=Entries(Text("变压器", "transformer"), min=1, max=9),
    items=(
        changed("AA-21", text=Text("套管", "Bushings")),
        msgspec.structs.replace(READING, code="AA-22", text=Text("绕组电阻", "Winding")),
        changed("AA-23", type="choice", options=OPTIONS),
        changed("AA-24", type="text"),
    ),
)
ITEMS = (
    changed("AA-01", when="!facts.dual_or_gen && facts.capacity_kva >= 100", certainty="verify"),
    READING,
    changed(
        "AA-03", type="choice", options=OPTIONS, severities=(SeverityRule("critical", "facts.important"),)
    ),
    changed("AA-04", type="multi_choice", options=OPTIONS),
    changed("AA-05", type="text"),
    changed("AA-06", type="date"),
    changed(
        "AA-07", type="photo", photo="always", photos_min=3, views=(View("far", Text("全景", "overview"), 2),)
    ),
    changed("AA-08", type="signature", roles=(Role("utility", Text("供电企业", "utility"), 2),)),
    changed("AA-09", type="location", points=(Point("gate", Text("大门", "gate")),), limits=(Limit(max=50),)),
    changed("AA-10", type="file", na="allowed"),
    changed("AA-11", type="rule", accept='answers["AA-02"] > 10'),
    REPEAT,
)
FORM = Definition("form", 3, "acceptance", Text("样表", "Sample form"), (Section("part", WORDS, ITEMS),))


def page_texts(definition: Definition, printed: Printed = "both") -> list[str]:
    pages = PdfReader(io.BytesIO(blank_form(definition, printed))).pages
    return [re.sub(r"[\s\u200b]+", "", page.extract_text()) for page in pages]


def test_every_item_of_every_definition_is_on_paper() -> None:
    for definition in LIBRARY.all()[:2]:
        text = "".join(page_texts(definition))
        missing = [item.code for item in definition.items if item.code not in text]
        assert missing == []


def test_each_type_says_what_may_be_filled_in() -> None:
    text = "".join(page_texts(FORM))
    for words in (
        *("合格pass", "不合格fail", "MΩ", "≥10MΩ", "仪器编号", "检定日期"),
        *("甲类kindA", "乙类kindB", "不合格fails", "年月日", "经度Longitude", "大门", "≤50m"),
        *("照片≥3张", "全景≥2张", "已提供provided", "不适用notapplicable", "由系统比对其他各项得出"),
        *("逐变压器填写，1至9个", "超过4个时，另附本页", "AA-21", "AA-24", "依据Source:GB50150"),
    ):
        assert words in text, words
    assert text.count("供电企业") == 2


def test_conditions_are_told_in_words_and_doubt_is_marked() -> None:
    text = "".join(page_texts(FORM))
    assert "适用条件：非双电源或自备电源且受电总容量≥100" in text
    assert "Appliesif:notdualorownsourceandtotalcapacity≥100" in text
    assert "≥20MΩ（警告）（双电源或自备电源）" in text
    assert "重要电力用户时为严重" in text
    assert "※待核tobeverified" in text
    settled = msgspec.structs.replace(FORM, sections=(Section("part", WORDS, ITEMS[1:]),))
    assert "待核" not in "".join(page_texts(settled))


def test_each_page_says_which_form_it_is_and_how_many_there_are() -> None:
    definition = LIBRARY.latest("survey-hv")
    pages = page_texts(definition)
    assert len(pages) > 2
    for number, text in enumerate(pages, 1):
        assert f"{definition.id}@{definition.version}sha256{definition.digest[:16]}" in text
        assert f"第{number}页，共{len(pages)}页" in text


@pytest.mark.parametrize(
    ("printed", "there", "absent"), [("zh-CN", "外观检查", "Appearance"), ("en", "Appearance", "外观检查")]
)
def test_one_language_alone_can_be_printed(printed: Printed, there: str, absent: str) -> None:
    text = "".join(page_texts(FORM, printed))
    assert there in text
    assert absent not in text


def test_the_font_is_inside_and_the_bytes_are_always_the_same() -> None:
    once = blank_form(FORM)
    assert once == blank_form(FORM)
    page: Any = PdfReader(io.BytesIO(once)).pages[0]
    described = [font.get_object()["/DescendantFonts"][0] for font in page["/Resources"]["/Font"].values()]
    assert described
    for font in described:
        assert "NotoSansCJK" in font.get_object()["/BaseFont"]
        assert "/FontFile3" in font.get_object()["/FontDescriptor"]


def test_what_people_wrote_is_never_markup() -> None:
    hostile = '#panic("x") #read("/etc/passwd") $x^2$ *bold* _it_ ] } \\ <a> @ref // /* {n} `'
    item = changed(
        "AA-01", text=Text(f"甲{hostile}", hostile), source=hostile, criterion=Text(f"乙{hostile}", hostile)
    )
    title = Text(f"表{hostile}", hostile)
    text = "".join(page_texts(Definition("form", 1, "survey", title, (Section("part", title, (item,)),))))
    shown = re.sub(r"\s+", "", hostile)
    assert text.count(shown) >= 6


def test_marks_that_turn_the_writing_around_are_left_out() -> None:
    turned = changed("AA-01", text=Text("甲\u202e乙\u0007丙", "one\u2066two"))
    text = "".join(page_texts(Definition("form", 1, "survey", WORDS, (Section("part", WORDS, (turned,)),))))
    assert "甲乙丙" in text
    assert "onetwo" in text


def test_a_word_without_end_stays_on_the_page() -> None:
    endless = changed("AA-01", text=Text("字" * 3000, "x" * 3000), unit="u" * 300)
    pages = page_texts(Definition("form", 1, "survey", WORDS, (Section("part", WORDS, (endless,)),)))
    assert sum(page.count("x") for page in pages) >= 3000
    assert sum(page.count("字") for page in pages) >= 3000


def test_a_form_of_too_many_items_is_refused_before_it_is_set() -> None:
    items = tuple(changed(f"AA-{number}") for number in range(12))
    definition = Definition("form", 1, "survey", WORDS, (Section("part", WORDS, items),))
    with pytest.raises(FormTooLarge, match="12 items; at most 11"):
        form_pages(definition, most=11)


@pytest.mark.parametrize(
    ("expression", "zh", "en"),
    [
        ("facts.oil", "有油浸式变压器", "oil-immersed transformer"),
        (
            "facts.oil || !facts.dual",
            "有油浸式变压器 或 非双（多）电源",
            "oil-immersed transformer or not two or more sources",
        ),
        ('facts.transformer_type == "dry"', "变压器型式 为 干式", "transformer type is dry"),
        ('answers["AA-01"] == "fail"', "AA-01 为 不合格", "AA-01 is fail"),
        (
            '"AA-20" in answers && !("AA-07" in photos)',
            "已填写 AA-20 且 非(AA-07 有照片)",
            "AA-20 is answered and not (AA-07 has photos)",
        ),
        ('"ZZ" in answers',) * 3,
        ('answers["AA-04"].exists(x, x == "a")',) + ('answers["AA-04"].exists(x, x == "a")',) * 2,
        ("facts.nothing",) + ("facts.nothing",) * 2,
    ],
)
def test_a_condition_in_words(expression: str, zh: str, en: str) -> None:
    assert in_words(expression, FORM, "zh-CN") == zh
    assert in_words(expression, FORM, "en") == en
