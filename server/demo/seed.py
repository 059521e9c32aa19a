"""The eight cases, each at another stage of the loop; and the month's plan that some of them wait for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec.structs import replace as replace_struct

from server.demo import town
from server.demo.month import seed_month
from server.demo.story import DemoClock, Fault, Story
from server.intake.worker import make_intake
from server.services import Services, assemble
from server.settings import Settings
from server.texts import text
from server.workflow import commands as c
from server.workflow.energizing import Signature
from server.workflow.meetings import MeetingKind, Participant
from server.workflow.processes.called import called_for, meeting_table
from server.workflow.rectification import Contractor, Signed

SURVEY, MIDCHECK, ACCEPTANCE = "survey-hv-10kv", "intermediate-earthing-cable", "acceptance-10kv"

#: Lies in a data folder that was seeded here.
_MARK = "demo"
#: What the demo sets itself.
_POLICY = Path(__file__).with_name("policy.yaml")

#: Evidence for the gates that somebody confirms, by gate.
_EVIDENCE = {
    "energization-plan-approved": "启动送电方案 SD-{no}",
    "grid-works-accepted": "配套电网工程验收单 PT-{no}",
    "fees-settled": "业务费收据 {no}",
    "contract-signed": "供用电合同 HT-{no}",
    "metering-fitted": "装接单 ZJ-{no},封印已加",
    "terminal-online": "主站召测正常",
    "settings-applied": "定值单 DZ-{no},传动合格",
    "outage-approved": "停电计划 TD-{no},公告期满",
    "tests-complete": "试验报告 SY-{no}",
    "duty-staff": "值班电工证件已核",
    "tools-and-rules": "安全工器具、消防、规程已查",
    "customer-agrees-time": "客户书面同意送电时间",
}
#: What was read on the day of energization, by step.
_SWITCHED: dict[str, dict[str, float | str]] = {
    "insulation": {"高压对地 MΩ": 2500.0, "低压对地 MΩ": 500.0},
    "phase-check": {"相位": "一致"},
    "lv-phase-voltage": {"相序": "正", "线电压 V": 402.0},
}
_SHALLOW = Fault(0.45, "接地体顶面埋深仅 0.45 m")
_WELD = Fault("fail", "焊口未清渣,防腐漏刷")


def seed(settings: Settings, report: Callable[[str], None]) -> None:
    """Make the accounts, the eight cases and the month to come in an empty data folder; `report` is told of
    each case and of the plan."""
    clock = DemoClock()
    made = assemble(settings, clock)
    try:
        _accounts(made)
        intake = make_intake(made)
        today = datetime.now(ZoneInfo("Asia/Shanghai"))
        cases: dict[str, str] = {}
        for tell, premises in _CASES:
            story = Story(made, intake, clock, premises, today)
            tell(story)
            case = story.case
            cases[case.no] = case.id
            report(f"{case.no}  {case.customer.name}  {case.stage}/{case.energization.status}")
        clock.now = today.astimezone(UTC)
        plan = seed_month(made, cases, today)
        report(f"{plan.month}  停电计划  {len(plan.works)} 项工作  {plan.state}")
    finally:
        made.close()


def _accounts(made: Services) -> None:
    for name, shown, roles in town.ACCOUNTS:
        try:
            made.people.user(name)
        except Exception as error:
            if getattr(error, "status", None) != 404:
                raise
            made.people.add_user(name, town.PASSWORD, roles=roles, display_name=shown)


def _surveyed(story: Story, start: int) -> Story:
    """Accepted, surveyed, scheme replied, building: the way every later case went."""
    story.at(start).open().move("survey")
    task = story.assign("survey", SURVEY, "inspector1")
    story.at(start - 1, 10).inspect(task, "inspector1")
    return story.at(start - 3).move("scheme").move(*_reviewed(story), "reply", "construction")


def _reviewed(story: Story) -> tuple[str, ...]:
    """The review meetings, held where the case's size asks for them."""
    if not story.case.facts["scheme_review_required"].value:
        return ()
    for kind in called_for(story.case, story.made.cases.policy(story.case.organisation)):
        if meeting_table()[kind].since == story.case.stage:
            _held(story, kind)
    return ("review",)


def _held(story: Story, kind: MeetingKind) -> None:
    """A meeting of everybody that it asks for, which agreed."""
    here = tuple(
        Participant(name=f"{text(f'department.{one}', 'zh-CN')}代表", department=one)
        for one in meeting_table()[kind].departments
    )
    at, called = story.clock.now, text(f"meeting.{kind}", "zh-CN")
    story.office(c.CallMeeting(meeting_id=kind, kind=kind, at=at, place="三楼会议室", invited=here))
    story.office(
        c.RecordMinutes(
            meeting_id=kind,
            held_at=at,
            attended=here,
            text=f"{called}:方案符合典型设计,供电电源及计量方式无异议。",
            outcome="agreed",
        )
    )


def _mid_checked(story: Story, start: int) -> Story:
    """The hidden works inspected without a fault."""
    story.at(start).move("intermediate")
    task = story.assign("intermediate", MIDCHECK, "inspector2")
    return story.at(start - 1, 14).inspect(task, "inspector2")


def _accepted(story: Story, start: int) -> Story:
    """Completion applied for, inspected and passed."""
    story.at(start).office(
        c.RecordSelfCheck(
            check_id="self-check-1",
            dated=story.clock.now,
            by=story.premises.customer,
            finished=True,
            evidence="自检记录,施工单位盖章",
        )
    )
    story.move("completion_applied", "acceptance")
    task = story.assign("acceptance", ACCEPTANCE, "inspector3")
    return story.at(start - 1, 10).inspect(task, "inspector3").move("ready")


def _handed_over(story: Story, n: int) -> None:
    """A notice completed, issued, and signed for on site by the customer and the contractor."""
    builder = Contractor(name="青禾电力安装有限公司", licence="承装(修、试)四级", site_lead="项目负责人")
    notice = story.case.notices[n]
    story.office(c.AmendNotice(n=n, heading=replace_struct(notice.heading, weather="晴", contractor=builder)))
    story.office(c.IssueNotice(n=n))
    signed = (
        Signed(party="customer", name=story.premises.customer),
        Signed(party="contractor", name=builder.site_lead),
    )
    story.office(c.DeliverNotice(n=n, mode="on_site", received_by=story.premises.customer, signed=signed))


def _all_confirmed(story: Story) -> Story:
    story.confirm({gate: words.format(no=story.premises.no) for gate, words in _EVIDENCE.items()})
    for by, role in (("manager1", "manager"), ("inspector3", "inspector")):
        story.confirm({"site-clear": "现场清理完毕,接地线拆除,人员撤离"}, by, role=role)
    return story


def waiting_for_survey(story: Story) -> None:
    story.at(1).open().move("survey").assign("survey", SURVEY, "inspector1", "inspector2")


def scheme_in_hand(story: Story) -> None:
    story.at(6).open().move("survey")
    task = story.assign("survey", SURVEY, "inspector2")
    story.at(5, 10).inspect(task, "inspector2").move("scheme")
    papers = c.PauseClock(pause_id="papers-1", reason="papers", evidence="补正通知书 1 号,缺环评批复")
    story.at(4, 11).office(papers)
    handed_in = story.at(3, 15).clock.now
    story.at(2).office(
        c.ResumeClock(pause_id="papers-1", dated=handed_in, evidence="环评批复,收件章"),
    )


def photos_on_the_way(story: Story) -> None:
    _surveyed(story, 30).at(1).move("intermediate")
    task = story.assign("intermediate", MIDCHECK, "inspector1", due_in=2)
    story.at(0, 8).inspect(task, "inspector1", photos=False)


def notice_issued(story: Story) -> None:
    _surveyed(story, 35).at(6).move("intermediate")
    task = story.assign("intermediate", MIDCHECK, "inspector2")
    story.at(5, 15).inspect(task, "inspector2", {"ME-05": _SHALLOW, "ME-09": _WELD})
    _handed_over(story.at(4), story.notice())


def second_round(story: Story) -> None:
    _surveyed(story, 48).at(16).move("intermediate")
    task = story.assign("intermediate", MIDCHECK, "inspector2")
    story.at(15, 15).inspect(task, "inspector2", {"ME-05": _SHALLOW, "ME-09": _WELD})
    n = story.notice()
    _handed_over(story.at(14), n)
    story.at(9).answer(n, "已按要求整改,请复验")
    story.at(7, 10).reinspect(n, "inspector3", {"ME-05": Fault(0.52, "重新开挖后埋深仍只有 0.52 m")})


def gates_open(story: Story) -> None:
    _accepted(_mid_checked(_surveyed(story, 60), 25), 5)
    some = ("contract-signed", "fees-settled", "tests-complete", "duty-staff")
    story.at(2).confirm({gate: _EVIDENCE[gate].format(no=story.premises.no) for gate in some})


def held_by_a_hazard(story: Story) -> None:
    _accepted(_mid_checked(_surveyed(story, 55), 24), 6)
    _all_confirmed(story.at(1, 8)).office(c.Authorize(note="具备送电条件"))
    story.at(1, 16).hazard("inspector2", "高压室电缆沟封堵被拆开,沟内有积水")


def energized(story: Story) -> None:
    _accepted(_mid_checked(_surveyed(story, 70), 30), 12)
    _all_confirmed(story.at(7, 8)).office(c.Authorize(note="具备送电条件"))
    story.at(7).switch("inspector3", _SWITCHED)
    customer = story.premises.customer
    story.office(
        c.RecordEnergization(
            at=story.clock.now,
            phase_check="consistent",
            participants=("manager1", "inspector3", "客户值班电工"),
            transformer_start_at=story.clock.now,
            readings={"正向有功总": 0.0},
            readings_by=f"{customer}值班电工",
            signatures=(Signature(customer, "客户", f"送电单 {story.premises.no}"),),
            note="冲击合闸五次正常",
        )
    )


_CASES: tuple[tuple[Callable[[Story], None], town.Premises], ...] = (
    (waiting_for_survey, town.COLD_STORE),
    (scheme_in_hand, town.BOATYARD),
    (photos_on_the_way, town.KNITWEAR),
    (notice_issued, town.HOSPITAL),
    (second_round, town.FOUNDRY),
    (gates_open, town.MARKET),
    (held_by_a_hazard, town.SCHOOL),
    (energized, town.PLASTICS),
)


def as_demo(settings: Settings) -> Settings:
    """With the demo's own dated settings, unless the installation has some."""
    return replace(settings, policy_file=settings.policy_file or str(_POLICY))


def is_demo(settings: Settings) -> bool:
    """Whether the data folder was seeded by the demo."""
    return (settings.data_dir / _MARK).exists()


def seed_whole(settings: Settings, report: Callable[[str], None]) -> None:
    """Seed beside the data folder and move the result in, so that a cut-off seeding leaves it empty.

    On CouchDB there is no beside: what was cut off has to be deleted by hand.
    """
    folder = settings.data_dir.absolute()
    if settings.couchdb_url:
        seed(settings, report)
        (folder / _MARK).touch()
        return
    workshop = folder.with_name(folder.name + ".seeding")
    shutil.rmtree(workshop, ignore_errors=True)
    seed(replace(settings, data_dir=workshop), report)
    (workshop / _MARK).touch()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The database last: with it the folder counts as filled.
    for part in sorted(workshop.iterdir(), key=lambda path: path.name.startswith("hezha.sqlite3")):
        part.rename(folder / part.name)
    workshop.rmdir()
