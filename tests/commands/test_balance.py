"""`hezha balance` makes a plan of a file, checks it, and says what is wrong with either."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import server.demo
from server.cli import main

DEMO = Path(server.demo.__file__).with_name("outages.json")
DOCS = Path(__file__).parents[2] / "docs"


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["balance", *map(str, args)])


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plans") / "plan.json"
    made = run(DEMO, "--out", out, "--workers", "1", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.output)
    assert (told["status"], told["placed"], told["unplaced"], told["gap"]) == ("optimal", 13, 1, 0.0)
    return out


def test_a_plan_that_was_made_holds(plan: Path) -> None:
    checked = run("check", DEMO, plan)
    assert (checked.exit_code, checked.output) == (
        0,
        "The plan keeps every rule, and its figures are right.\n",
    )
    assert json.loads(run("check", DEMO, plan, "--json").output) == {"findings": []}


def test_a_plan_that_was_changed_does_not_hold(plan: Path, tmp_path: Path) -> None:
    broken = json.loads(plan.read_text("utf-8"))
    broken["outages"][0]["operations"] += 2
    (tmp_path / "broken.json").write_text(json.dumps(broken), "utf-8")
    checked = run("check", DEMO, tmp_path / "broken.json", "--lang", "zh-CN")
    assert checked.exit_code == 1
    assert "/outages/0/operations: 所写倒闸操作为" in checked.output


@pytest.mark.parametrize(("file", "lang"), [("demo-month.svg", "en"), ("demo-month.zh-CN.svg", "zh-CN")])
def test_the_picture_in_the_docs_is_of_the_demo_month(file: str, lang: str, tmp_path: Path) -> None:
    """And the plan that is kept beside the demo month still keeps its rules."""
    kept = DEMO.with_name("outages-plan.json")
    assert run("check", DEMO, kept).exit_code == 0
    drawn = run("picture", DEMO, kept, "--out", tmp_path / file, "--lang", lang)
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / file).read_bytes() == (DOCS / file).read_bytes(), "run: make diagrams"
    assert "T-13" in (tmp_path / file).read_text("utf-8")


def test_an_instance_that_cannot_be_balanced_is_refused_with_every_fault(tmp_path: Path) -> None:
    document = json.loads(DEMO.read_text("utf-8"))
    network = json.loads(DEMO.with_name("network.json").read_text("utf-8"))
    document["network"] = network
    document["works"][0]["section"] = "YG 9段"
    document["works"][1]["latest"] = "2026-05-01"
    file = tmp_path / "month.json"
    file.write_text(json.dumps(document), "utf-8")
    refused = run(file)
    assert refused.exit_code == 2
    assert "/works/0/section: Work T-01 is on the section YG 9段" in refused.output
    assert "/works/1/latest: The latest day" in refused.output
    file.write_text("{", "utf-8")
    assert "is no JSON" in run(file).output


def test_the_network_beside_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "month.json"
    file.write_text(DEMO.read_text("utf-8"), "utf-8")
    refused = run(file)
    assert refused.exit_code == 2
    assert "network.json" in refused.output


def test_the_solver_is_loaded_only_to_solve() -> None:
    """The web process imports the commands and the outages' values, and must stay small."""
    program = (
        "import sys, server.cli, server.app, server.outages.balancing, server.outages.checking;"
        "print([one for one in sys.modules if one.startswith(('ortools', 'pandas'))])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_plan_is_explained_priced_and_made_again(plan: Path, tmp_path: Path) -> None:
    explained = run("explain", DEMO, plan, "--lang", "zh-CN").output
    assert explained.startswith("T-13 未排入计划。")
    assert "客户 SCHOOL 该日保供电" in explained
    assert json.loads(run("explain", DEMO, plan, "T-02", "--json").output)[0]["date"] == "2026-06-11"
    assert run("price", DEMO, plan, "T-04", "2026-06-25").output.startswith(
        "T-04 on 2026-06-25: 420 customer-hours"
    )
    barred = json.loads(run("price", DEMO, plan, "T-04", "2026-06-12", "--json").output)
    assert (barred["possible"], barred["obstacles"][0]["code"]) == (False, "before_earliest")
    again = run("again", DEMO, plan, "--out", tmp_path / "again.json", "--workers", "1", "--json")
    assert json.loads(again.output)["placed"] == 13
    assert run("check", DEMO, tmp_path / "again.json").exit_code == 0
    for wrong in (("explain", DEMO, plan, "T-99"), ("price", DEMO, plan, "T-04", "2026-08-01")):
        assert run(*wrong).exit_code == 2
