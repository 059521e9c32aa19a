"""XPath and CEL say the same of a form, or say that they cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists import cel
from checklists.xlsform.from_xpath import condition_to_cel, number_to_cel
from checklists.xlsform.plain import bounds_of
from checklists.xlsform.scope import Question, Scope
from checklists.xlsform.syntax import MAX_DEPTH, MAX_TOKENS, Node, Untranslatable, parse_cel, parse_xpath
from checklists.xlsform.to_xpath import condition_to_xpath, number_to_xpath

YES_NO = {"yes": "yes", "no": "no"}
SCOPE = Scope(
    [
        Question("n", "N-1", "number"),
        Question("m", "m", "number"),
        Question("t", "t", "text"),
        Question("c", "c", "choice", options=YES_NO),
        Question("k", "k", "choices", options=YES_NO),
        Question("d", "d", "date"),
        Question("e", "e", "date"),
        Question("place", "place", "other"),
        Question("ack", "ack", "choice", options={"OK": "pass"}),
        Question("units", "units", "entries"),
        Question("kva", "kva", "number", "units"),
        Question("kind", "kind", "choice", "units", options=YES_NO),
        Question("dual", "dual", "bool", fact=True, options={"true": "true", "false": "false"}),
        Question("capacity", "capacity_kva", "number", fact=True),
        Question("total", "total", "other", calculation="${n} + 1"),
        Question("round", "round", "other", calculation="${round} + 1"),
    ]
)


@pytest.mark.parametrize(
    ("xpath", "expected"),
    [
        ("${n} > 5", 'answers["N-1"] > 5'),
        ("${n} > 5 and not(${c} = 'no')", 'answers["N-1"] > 5 && !(answers["c"] == "no")'),
        ("selected(${k}, 'yes') or selected(${c}, 'no')", '"yes" in answers["k"] || answers["c"] == "no"'),
        ("${n} div 2 - (3 - ${m}) * -1 <= .50", 'answers["N-1"] / 2 - (3 - answers["m"]) * -1 <= 0.5'),
        ("${t} != ''", '"t" in answers'),
        ("'' = ${place}", '!("place" in answers)'),
        ("${t}", '"t" in answers'),
        ("${d} > ${e} and ${d} > '2020-01-31'", 'answers["d"] > answers["e"] && answers["d"] > "2020-01-31"'),
        ("${d} - ${e} > 30", 'days(answers["e"], answers["d"]) > 30'),
        ("decimal-date-time(${d}) - decimal-date-time(${e}) > 3", 'days(answers["e"], answers["d"]) > 3'),
        (
            "sum(${kva}) <= 1.10 * ${capacity}",
            'sum(answers["units"].map(e, e["kva"])) <= 1.1 * facts.capacity_kva',
        ),
        ("count(${units}) = count(${kva})", 'size(answers["units"]) == size(answers["units"])'),
        (
            "max(${kva}) > min(${n}, ${m})",
            'greatest(answers["units"].map(e, e["kva"])) > least([answers["N-1"], answers["m"]])',
        ),
        (
            "count-selected(${k}) < 2 and string-length(${t}) > 3",
            'size(answers["k"]) < 2 && size(answers["t"]) > 3',
        ),
        ("if(${c} = 'yes', 1, 2) < ${n}", '(answers["c"] == "yes" ? 1 : 2) < answers["N-1"]'),
        ("coalesce(${n}, 0) > 1", '("N-1" in answers ? answers["N-1"] : 0) > 1'),
        ("${dual} = 'true' and ${dual} != 'true'", "facts.dual && !facts.dual"),
        ("${total} * 2 > 4", '(answers["N-1"] + 1) * 2 > 4'),
        ("${ack} = 'OK'", 'answers["ack"] == "pass"'),
        ('starts-with(${t}, "it\'s") = true()', 'answers["t"].startsWith("it\'s")'),
        ("round(${n}, 1) = abs(-2)", 'round(answers["N-1"], 1) == abs(-2)'),
        ("${c}=‘yes’", 'answers["c"] == "yes"'),
        ("concat(${t}, 'a') = 'ba'", 'answers["t"] + "a" == "ba"'),
    ],
)
def test_an_xpath_condition_in_cel(xpath: str, expected: str) -> None:
    said = condition_to_cel(xpath, SCOPE)
    assert said == expected
    assert condition_to_cel(condition_to_xpath(said, SCOPE), SCOPE) == said, "and back, it stays"


@pytest.mark.parametrize(
    ("xpath", "reason"),
    [
        ("today() > ${d}", "today()"),
        ("regex(${t}, '^a')", "regex()"),
        ("../x = 1", "paths into the form"),
        ("/data/x = 1", "paths into the form"),
        ("instance('a')/root/item[name = 1]/label = 'x'", "paths into the form"),
        (". > 1", "`.` outside a constraint"),
        ("${kva} > 1", "${kva}, which each entry of a repeat answers for itself"),
        ("${nothing} = 1", "${nothing}, which is no question of this form"),
        ("${last-saved#n} = 1", "${last-saved#n}, which is no question of this form"),
        ("${n} mod 2 = 0", "`%`"),
        ("${c} = 'maybe'", "'maybe', which is no choice of ${c}"),
        ("selected(${k}, ${t})", "selected() of anything but a choice and its name"),
        ("${c} < 'no'", "`<` between texts"),
        ("${n} = 'three'", "`three` where a number is wanted"),
        ("${n}", "a number where true or false is wanted"),
        ("${k} = 'yes'", "a list of choices compared with a text"),
        ("sum(${n}) > 1", "sum() of anything but a question in a repeat"),
        ("${round} > 1", "calculations that go round or deeper than 10"),
        ("1 +", "it ends too soon"),
        ("${n} > 1)", "`)` is out of place"),
        ("${n} § 1", "`§ 1` is not understood"),
        ("not()", "not() with 0 arguments"),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH}"),
        ("1" + " + 1" * MAX_TOKENS + " > 0", f"longer than {MAX_TOKENS} words"),
    ],
)
def test_what_cel_cannot_say_is_named(xpath: str, reason: str) -> None:
    with pytest.raises(Untranslatable) as told:
        condition_to_cel(xpath, SCOPE)
    assert told.value.reason == reason


@pytest.mark.parametrize(
    ("cel_text", "reason"),
    [
        ("facts.unheard", "`unheard`, which this form does not ask"),
        ('answers["units"].exists(e, e["kva"] > 1)', ".exists()"),
        ("visit.start > 0", "a value of anything but `facts` and `answers`"),
        ('convert(answers["m"], "m", "mm") > 1', "convert()"),
        ('answers["t"] == "both \' and \\""', "a text with both kinds of quotation marks"),
        ('answers["c"] == "maybe"', "`maybe`, which is no option of `c`"),
        ('answers["kva"] > 1', "`kva`, which each entry of a repeat answers for itself"),
        ("facts.dual == facts.dual", "`==` between true and false"),
    ],
)
def test_what_xpath_cannot_say_is_named(cel_text: str, reason: str) -> None:
    with pytest.raises(Untranslatable) as told:
        condition_to_xpath(cel_text, SCOPE)
    assert told.value.reason == reason


@pytest.mark.parametrize(
    ("cel_text", "xpath"),
    [
        ('facts.dual || !(answers["m"] > 4.0)', "${dual} = 'true' or not(${m} > 4)"),
        ('answers["c"] in ["yes", "no"]', "${c} = 'yes' or ${c} = 'no'"),
        ("has(answers.t)", "${t} != ''"),
        ('"units" in answers', "count(${units}) > 0"),
        ("-answers.m > -5", "(-${m} > -5)"),
        ('facts["dual"] == false', "not(${dual} = 'true')"),
        ('days("2020-01-31", answers["d"]) < 3', None),
    ],
)
def test_a_cel_condition_in_xpath(cel_text: str, xpath: str | None) -> None:
    if xpath is None:
        with pytest.raises(Untranslatable):
            condition_to_xpath(cel_text, SCOPE)
    else:
        assert condition_to_xpath(cel_text, SCOPE) == xpath


def test_within_a_repeat_its_own_questions_are_the_same_entrys() -> None:
    said = condition_to_cel("${kva} > ${n}", SCOPE, within="units")
    assert said == 'answers["kva"] > answers["N-1"]'
    assert condition_to_xpath(said, SCOPE, within="units") == "${kva} > ${n}"


def test_a_constraint_speaks_of_its_own_answer() -> None:
    assert condition_to_cel(". > 0 and . < ${m}", SCOPE, SCOPE.items["N-1"]) == (
        'answers["N-1"] > 0 && answers["N-1"] < answers["m"]'
    )


def test_a_count_is_a_number() -> None:
    assert number_to_cel("${n} + 1", SCOPE) == 'answers["N-1"] + 1'
    assert number_to_xpath('answers["N-1"] + 1', SCOPE) == "${n} + 1"
    with pytest.raises(Untranslatable):
        number_to_cel("${t}", SCOPE)


@pytest.mark.parametrize(
    ("xpath", "bounds"),
    [
        (". >= 0 and . <= 5.5", (0.0, 5.5)),
        ("${q} >= -1", (-1.0, None)),
        ("10 >= .", (None, 10.0)),
        ("(. <= 3) and (0 <= .)", (0.0, 3.0)),
        (". > 0", None),
        (". >= 0 or . <= 5", None),
        (". >= ${q2}", None),
        (". >= 0 and . >= 1", None),
        ("not(", None),
    ],
)
def test_bounds_are_read_from_a_constraint_that_says_no_more(
    xpath: str, bounds: tuple[float | None, float | None] | None
) -> None:
    assert bounds_of(xpath, "q") == bounds


def numbers() -> st.SearchStrategy[str]:
    plain = st.sampled_from(
        ["1", "0.25", "100", "${n}", "${m}", "${capacity}", "sum(${kva})", "count(${units})"]
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "div"]), inner),
            st.builds("-{}".format, inner),
            st.builds("round({}, 2)".format, inner),
            st.builds("min({}, {})".format, inner, inner),
        ),
        max_leaves=4,
    )


def conditions() -> st.SearchStrategy[str]:
    compared = st.builds(
        "{} {} {}".format, numbers(), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), numbers()
    )
    plain = st.sampled_from(
        [
            "${c} = 'yes'",
            "selected(${k}, 'no')",
            "${t} != ''",
            "${d} < ${e}",
            "${dual} = 'true'",
            "true()",
            "${d}",
        ]
    )
    return st.recursive(
        compared | plain,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
            st.builds("not({})".format, inner),
            st.builds("if({}, true(), not({}))".format, inner, inner),
        ),
        max_leaves=5,
    )


@settings(max_examples=60, deadline=None)
@given(conditions())
def test_what_goes_out_as_xpath_comes_back_as_the_same_cel(xpath: str) -> None:
    said = condition_to_cel(xpath, SCOPE)
    assert condition_to_cel(condition_to_xpath(said, SCOPE), SCOPE) == said
    [seen] = cel.inspect([said], {"dual": "bool", "capacity_kva": "double"})
    assert seen.error is None, said


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="${n} <>=()'\"+-*/.,[]andortx1&|!", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_xpath, parse_cel):
        assert outcome(parse, text)


def outcome(parse: Callable[[str], Node], text: str) -> Node | str:
    try:
        return parse(text)
    except Untranslatable as error:
        return error.reason
