"""A small form with everything that repeats, compares and weighs: transformers, their sum, their cable."""

from typing import Any

import msgspec

from checklists import Definition

AT = "2025-03-04T09:30:00+08:00"
NOTED = {"note": "见照片"}


def words(zh: str, en: str) -> dict[str, str]:
    return {"zh-CN": zh, "en": en}


def item(code: str, kind: str, zh: str, en: str, **more: Any) -> dict[str, Any]:
    remedy = words(f"整改{zh}", f"Mend: {en}")
    asked = {"code": code, "type": kind, "text": words(zh, en), "remedy": remedy}
    if kind == "rule":
        asked["criterion"] = words(zh, en)
    return {**asked, "severity": "major", "source": "judgement", **more}


FORM = msgspec.convert(
    {
        "id": "transformers",
        "version": 1,
        "stage": "acceptance",
        "title": words("变压器", "Transformers"),
        "sections": [
            {
                "id": "units",
                "title": words("变压器", "Transformers"),
                "items": [
                    item("A-01", "pass_fail", "外观", "Look"),
                    item(
                        *("T", "repeat", "变压器", "Transformers"),
                        na="allowed",
                        when="facts.oil_or_dry",
                        entries={"noun": words("变压器", "transformers"), "max": 3},
                        items=[
                            item(
                                "T-01", "number", "容量", "Rating", unit="kVA", range={"min": 0, "max": 1e5}
                            ),
                            item(
                                *("T-02", "number", "绝缘电阻", "Insulation"),
                                unit="MΩ",
                                range={"min": 0, "max": 1e6},
                                limits=[{"min": 300}],
                                photo="on_fail",
                                severities=[{"severity": "critical", "when": "facts.important"}],
                            ),
                            item("T-03", "pass_fail", "油位", "Oil level", when="facts.oil"),
                            item(
                                *("T-04", "number", "耐压后绝缘电阻", "Insulation after the test"),
                                unit="MΩ",
                                range={"min": 0, "max": 1e6},
                                required=False,
                                accept='answers["T-04"] >= 0.7 * answers["T-02"]',
                                criterion=words("不低于试验前的七成。", "70 % of the reading before."),
                            ),
                            item(
                                *("T-05", "rule", "耐压后复测", "Measured again after the test"),
                                when='"T-04" in answers',
                                accept='times["T-04"] >= times["T-02"]',
                            ),
                        ],
                    ),
                    item("B-01", "text", "备注", "Remarks", required=False),
                    item(
                        *(
                            "R-01",
                            "rule",
                            "容量之和与批准容量一致",
                            "Ratings add up to the approved capacity",
                        ),
                        when='"T" in answers',
                        accept='sum(answers["T"].map(t, t["T-01"])) == facts.capacity_kva',
                        severity="critical",
                    ),
                    item(
                        *("R-02", "rule", "照片摄于本次检查", "Photos taken during the visit"),
                        when='"A-01" in answers',
                        accept=(
                            'photos["A-01"].all(p, p.taken_at >= visit.start && p.taken_at <= visit.end)'
                        ),
                        accept_verdict="warning",
                    ),
                ],
            }
        ],
    },
    Definition,
)
FACTS = {"capacity_kva": 1030.0, "transformer_type": "dry", "important": False}
LISTED = [{"entry": "k", "label": "1#主变"}, {"entry": "m", "label": "2#主变"}]


def answer(value: Any = None, by: str = "lin", at: str = AT, **more: Any) -> dict[str, Any]:
    return {"value": value, "by": by, "at": at, **more}


def good(**changes: Any) -> dict[str, Any]:
    """Answers that pass on a site with FACTS; `T_01k` stands for T-01 in entry k, None takes an answer
    away."""
    answers = {
        "A-01": answer("pass"),
        "T": answer(LISTED),
        "T-01#k": answer(630),
        "T-01#m": answer(400),
        "T-02#k": answer(500),
        "T-02#m": answer(600),
    }
    for name, value in changes.items():
        code, entry = name[:4].replace("_", "-") if len(name) > 1 else name, name[4:]
        answers[f"{code}#{entry}" if entry else code] = value
    return {name: value for name, value in answers.items() if value is not None}
