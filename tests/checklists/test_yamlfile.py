"""YAML is read as it was written, with the place of every value, by whichever parser there is."""

import json
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import checklists
from checklists.yamlfile import Place, ReadLimits, YamlFault, parse_yaml, read_yaml

FOLDER = Path(checklists.__file__).with_name("definitions")
RAW = b"""id: part
items:
  - code: AA-01
    limits:
      - {max: 4}
"""


def test_a_value_has_its_place_and_what_is_not_there_that_of_what_holds_it() -> None:
    value, marks = parse_yaml(RAW, "part.yaml")
    assert value == {"id": "part", "items": [{"code": "AA-01", "limits": [{"max": 4}]}]}
    assert str(marks.place(("items", 0, "limits", 0, "max"))) == "part.yaml:5:10"
    assert str(marks.place(("items", 0, "limits"))) == "part.yaml:4:5"
    assert str(marks.place(("items", 0, "unit"))) == "part.yaml:3:5"
    assert str(marks.place(("items", 7, "unit"))) == "part.yaml:2:1"
    assert str(marks.place()) == "part.yaml:1:1"


def test_only_numbers_and_three_words_are_not_text() -> None:
    written = b"\xef\xbb\xbfa: [yes, 12:30, 2026-01-02, 007, 1_0, ~, '5', .5, -1e2, true, True, null, 0x1f]"
    assert parse_yaml(written, "x")[0]["a"] == [
        *("yes", "12:30", "2026-01-02", 7, "1_0", None, "5", 0.5, -100.0),
        *(True, "True", None, "0x1f"),
    ]


@pytest.mark.parametrize(
    "tight", [ReadLimits(depth=3), ReadLimits(values=5), ReadLimits(scalar=3), ReadLimits(file_bytes=40)]
)
def test_a_limit_is_a_setting_of_the_reader(tight: ReadLimits) -> None:
    with pytest.raises(YamlFault, match=r"part\.yaml"):
        parse_yaml(RAW, "part.yaml", tight)


def test_without_libyaml_the_same_is_read_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    path = FOLDER / "sections" / "acceptance-cable.yaml"
    fast = read_yaml(path, path.name)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert read_yaml(path, path.name) == fast
    for raw, said in (
        (b"a: &a [*a]", "1:8: aliases"),
        (b"a: 1\na: 2", "2:1: the key"),
        (b"[" * 999, "deeper"),
    ):
        with pytest.raises(YamlFault, match=said):
            parse_yaml(raw, "part.yaml")


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
@settings(deadline=None)
def test_json_is_read_as_what_it_says(value: object) -> None:
    assert parse_yaml(json.dumps(value, ensure_ascii=False).encode(), "x")[0] == value


@given(st.binary(max_size=300) | st.text("{}[]:,-&*!|>'\"#%@` \n\tab1.~\u4e00", max_size=120).map(str.encode))
@settings(deadline=None)
def test_whatever_the_bytes_are_they_are_read_or_refused_with_their_place(raw: bytes) -> None:
    def place() -> Place:
        try:
            return parse_yaml(raw, "x")[1].place()
        except YamlFault as fault:
            return fault.place if fault.what else Place("")

    assert place().file == "x"
