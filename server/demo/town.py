"""Who and what the demo is about."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Every demo account has this password; `hezha demo` prints it.
PASSWORD = "hezha-demo"  # noqa: S105  made for a demo on the loopback address

#: Name, what is shown, roles.
ACCOUNTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("admin", "系统管理员", ("admin",)),
    ("manager1", "客户经理一", ("manager",)),
    ("manager2", "客户经理二", ("manager",)),
    ("inspector1", "检查员一", ("inspector",)),
    ("inspector2", "检查员二", ("inspector",)),
    ("inspector3", "检查员三", ("inspector",)),
    ("scheduler1", "停电计划专责", ("scheduler",)),
    ("scheduler2", "运检专责", ("scheduler",)),
    ("dispatcher1", "调度专责", ("scheduler",)),
    ("station1", "供电所专责", ("scheduler",)),
    ("auditor1", "稽查员", ("auditor",)),
)

#: Facts that hold for the demo's ordinary case: one 10 kV source, an indoor dry transformer, buried cable.
FACTS: dict[str, bool | str] = {
    "mid_check_required": True,
    "design_review_required": False,
    "dual": False,
    "dispatched": False,
    "terminal": True,
    "relay": True,
    "important": False,
    "direct_buried": True,
    "under_roadway_or_farmland": False,
    "copper": False,
    "joint": False,
    "gen": False,
    "temporary": False,
    "dedicated": False,
    "changed": False,
    "hazard": False,
    "sf6": False,
    "outdoor": False,
    "vcb": True,
    "tn": True,
    "lightning": False,
    "transformer_type": "dry",
}


@dataclass(frozen=True)
class Premises:
    """One customer of the demo. `lon`, `lat` are WGS-84 degrees; the town lies within some kilometres."""

    no: str
    customer: str
    address: str
    lon: float
    lat: float
    capacity_kva: float
    manager: str = "manager1"
    facts: dict[str, bool | str] = field(default_factory=lambda: dict(FACTS))


COLD_STORE = Premises("YK-2026-0411", "石浦湾冷链仓储有限公司", "渔港北路 18 号", 121.9362, 29.2081, 800)
BOATYARD = Premises("YK-2026-0398", "望潮船舶修造厂", "船厂路 6 号", 121.9417, 29.2013, 1250, "manager2")
KNITWEAR = Premises("YK-2026-0387", "海纹针织有限公司", "针织一路 27 号", 121.9274, 29.2156, 630)
HOSPITAL = Premises("YK-2026-0379", "东门康养中心", "东门岛路 3 号", 121.9501, 29.2042, 500, "manager2")
FOUNDRY = Premises("YK-2026-0365", "金屿精密铸造有限公司", "工业园二路 11 号", 121.9198, 29.2204, 1600)
MARKET = Premises("YK-2026-0352", "新桥水产品批发市场", "新桥街 88 号", 121.9331, 29.2127, 400, "manager2")
SCHOOL = Premises("YK-2026-0340", "半边山实验学校", "山前路 1 号", 121.9586, 29.1938, 630)
PLASTICS = Premises("YK-2026-0326", "蓝岬塑胶制品厂", "工业园三路 5 号", 121.9226, 29.2239, 315)
