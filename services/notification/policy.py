"""Who is told what: a table, because a city changes it without changing code.

Nothing here is law: the law says who must be told of a release or a decision (those notices are documents, in
release_notification and detention_intake). This says how our own people learn that something waits for them. What is
marked LOCAL is what a city sets for itself before it begins.
"""

from collections.abc import Mapping
from datetime import timedelta

from services.notification.domain.rules import Area, Channel, Everybody, Office, Rule
from services.notification.domain.timing import Digest, Quiet
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule

_OURS = "product decision"
# LOCAL: nothing rings between these times of day (China), unless it is overdue; each person sets their own.
QUIET = Quiet(begins=22 * 60, ends=7 * 60)
# OURS: what is not urgent is gathered for an hour; a daily digest comes when the working day begins.
DIGEST = Digest.HOURLY
DIGEST_AT = 8 * 60
# OURS: pauses after attempts that failed for a reason that can pass; then the next channel. A webhook's follow the
# schedule that the Standard Webhooks specification proposes.
_MINUTES = (1, 5, 15, 60)
BACKOFF: Mapping[Channel, tuple[timedelta, ...]] = {
    Channel.EMAIL: tuple(timedelta(minutes=pause) for pause in _MINUTES),
    Channel.SMS: tuple(timedelta(minutes=pause) for pause in _MINUTES),
    Channel.WEBHOOK: (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        *(timedelta(hours=pause) for pause in (2, 5, 10, 14, 20, 24)),
    ),
}
SECRETS_OVERLAP = timedelta(hours=24)  # OURS: so long a webhook is signed with the former secret, too
KEPT_FOR = timedelta(days=180)  # OURS: what was told is shown so long; who was not here for so long is forgotten
# OURS: who was not here for so long has left, or does not look: what is told to the office is told to somebody else.
PRESENT_FOR = timedelta(days=90)


def _read(id: str, hours: int, what: str) -> DeadlineRule:
    zh = f"通知查阅时限（{what}）"
    return DeadlineRule(id, zh, f"{what} notice read", Basis.HOURS, hours, "told", _OURS, Confidence.OURS)


READ_ORDINARY = _read("N1", 12, "ordinary")
READ_SOON = _read("N2", 4, "important")
READ_URGENT = _read("N3", 1, "urgent")

OFFICERS, STATION, CLERKS = ("community_officer",), ("station_officer",), ("centre_clerk",)
_OFFICE = Office("office", OFFICERS)
_CENTRE = Office("centre", CLERKS)
_AT_STATION = Office("station", STATION)
_TOWNSHIP = Area("township_supervisor")
_COUNTY = Area("county_supervisor")
_CITY = Area("city_supervisor")
_QUIETLY = (Channel.EMAIL, Channel.SMS)
_LOUDLY = (Channel.SMS, Channel.EMAIL)
_IN_PAGE: tuple[Channel, ...] = ()
SERVICES = frozenset(
    {
        "person_registry",
        "drug_testing",
        "detention_intake",
        "release_notification",
        "community_handover",
        "oversight",
        "notification",
    }
)
TEST_OVERDUE = "test.overdue"  # said by no service: the time of a test order passed, and nothing was heard of it
# Steps of a test whose time passes without being overdue: windows in which the person may object.
NOT_OVERDUE = frozenset({"T1", "T6"})
URGENT_CONFIRMATION = "H6"  # community_handover's rule of a confirmation within hours


def _rule(id: str, zh: str, en: str, *events: str, to: tuple[object, ...], **more: object) -> Rule:
    return Rule(id, zh, en, events, to, source=_OURS, confidence=Confidence.OURS, **more)  # type: ignore[arg-type]


RULES = (
    # Handovers.
    _rule(
        "K1",
        "有出所人员待确认接收",
        "a handover waits to be confirmed",
        "handover.offered.v1",
        "handover.rejected.v1",  # by another office, which named this one
        to=(_OFFICE,),
        ladder=_QUIETLY,
        read_within=READ_SOON,
        when={"state": frozenset({"offered"}), "due_rule": frozenset({"H2"})},
    ),
    _rule(
        "K2",
        "有出所人员须在数小时内确认接收",
        "a handover must be confirmed within hours",
        "handover.offered.v1",
        "handover.rejected.v1",  # by another office, which named this one
        to=(_OFFICE,),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_URGENT,
        when={"state": frozenset({"offered"}), "due_rule": frozenset({URGENT_CONFIRMATION})},
    ),
    _rule(
        "K3",
        "接送任务找不到接收单位，请指定",
        "a handover has no receiver; name one",
        "handover.unresolved.v1",
        to=(_COUNTY,),
        ladder=_LOUDLY,
        read_within=READ_SOON,
    ),
    _rule(
        "K4",
        "接送任务被退回，请决定接收单位",
        "a handover was refused; decide who receives",
        "handover.rejected.v1",
        to=(_COUNTY,),
        ladder=_QUIETLY,
        read_within=READ_SOON,
        when={"state": frozenset({"disputed"})},
    ),
    _rule(
        "K5",
        "接送任务的期限已过半",
        "half of a handover's time is over",
        "handover.reminded.v1",
        to=(_OFFICE,),
        ladder=_QUIETLY,
    ),
    _rule(
        "K6",
        "接送任务已逾期，请立即办理",
        "a handover is overdue; act now",
        "handover.escalated.v1",
        to=(_OFFICE, _TOWNSHIP),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_URGENT,
        when={"escalation_level": frozenset({1})},
    ),
    _rule(
        "K7",
        "接送任务逾期，已上报区县",
        "a handover is overdue and has reached the county",
        "handover.escalated.v1",
        to=(_COUNTY,),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_URGENT,
        when={"escalation_level": frozenset({2})},
    ),
    _rule(
        "K8",
        "接送任务逾期，已上报市",
        "a handover is overdue and has reached the city",
        "handover.escalated.v1",
        to=(_CITY,),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_URGENT,
        when={"escalation_level": frozenset({3})},
    ),
    _rule(
        "K9",
        "出所安排有变化",
        "a release that you meet has changed",
        "handover.rescheduled.v1",
        to=(_OFFICE,),
        ladder=_QUIETLY,
        when={"state": frozenset({"offered", "accepted", "remote_sent", "not_met", "tracing"})},
    ),
    _rule(
        "K10",
        "接送任务已撤回，无需接人",
        "a handover was withdrawn; nobody is to be met",
        "handover.withdrawn.v1",
        to=(_OFFICE,),
        ladder=_QUIETLY,
        not_after=frozenset({"announced", "unresolved"}),
    ),
    _rule(
        "K11",
        "出所时没有接到人，请上门走访",
        "nobody was met at the gate; visit the person",
        "handover.not_met.v1",
        to=(_OFFICE, _TOWNSHIP),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_URGENT,
    ),
    # Releases.
    _rule("F1", "已计划出所", "a release is planned", "release.planned.v1", to=(_CENTRE,), ladder=_IN_PAGE),
    _rule(
        "F2",
        "出所计划有变化",
        "a planned release has changed",
        "release.rescheduled.v1",
        "release.cancelled.v1",
        "release.reinstated.v1",
        to=(_CENTRE,),
        ladder=_IN_PAGE,
    ),
    _rule("F3", "已登记出所", "a release took place", "release.executed.v1", to=(_CENTRE,), ladder=_IN_PAGE),
    _rule(
        "F4",
        "出所登记已撤回：误报",
        "a release was retracted: reported in error",
        "release.retracted.v1",
        to=(_CENTRE, _CITY),
        ladder=_QUIETLY,
    ),
    _rule(
        "F5",
        "出所前的法定通知逾期未确认，请补发",
        "a notice that the law asks for is late; send it",
        "release.notice_late.v1",
        to=(_CENTRE,),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_URGENT,
    ),
    _rule(
        "F6",
        "期满没有登记出所，请立即核实",
        "a term is over and no release was entered; look at once",
        "release.over_term.v1",
        to=(_CENTRE, _CITY),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_URGENT,
    ),
    _rule(
        "F7",
        "计划出所日已过，没有登记，请核实",
        "a planned release has passed without an entry",
        "release.silent.v1",
        to=(_CENTRE,),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_SOON,
    ),
    # Identities opened without a duty.
    _rule(
        "S1",
        "有人无职责查看了姓名，请核查理由",
        "an identity was opened without a duty; examine the reason",
        "identity.opened.v1",
        to=(_COUNTY, Everybody("auditor")),
        ladder=_QUIETLY,
        read_within=READ_ORDINARY,
        tells_asker=False,
    ),
    _rule(
        "S2",
        "无职责查看逾期未核查",
        "nobody examined an opening in time",
        "identity.opening_unanswered.v1",
        to=(_CITY, Everybody("auditor")),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_SOON,
        tells_asker=False,
    ),
    # Tests.
    _rule(
        "J1",
        "有人员待检测",
        "somebody is to be tested",
        "test.ordered.v1",
        to=(_AT_STATION,),
        ladder=_QUIETLY,
    ),
    _rule(
        "J2",
        "检测的办理期限已过",
        "a step of a test is overdue",
        TEST_OVERDUE,
        to=(_AT_STATION, _COUNTY),
        ladder=_LOUDLY,
        urgent=True,
        read_within=READ_SOON,
    ),
    _rule(
        "J3",
        "异议申请已决定，请送检样本",
        "an objection was decided; send the sample",
        "test.objection_decided.v1",
        to=(_AT_STATION,),
        ladder=_QUIETLY,
        read_within=READ_ORDINARY,
    ),
    # What does not agree.
    _rule(
        "D1",
        "核对发现差错，请处理",
        "a discrepancy was found; mend it",
        "discrepancy.found.v1",
        to=(Office("owner", CLERKS), _COUNTY),
        ladder=_QUIETLY,
        read_within=READ_ORDINARY,
        when={"subject_kind": frozenset({"release", "handover_task", "stay", "centre", "centre_day"})},
    ),
    _rule(
        "D2",
        "平台核对发现差错，请运维处理",
        "a discrepancy was found; an operator mends it",
        "discrepancy.found.v1",
        to=(Everybody("operator"),),
        ladder=_QUIETLY,
        read_within=READ_ORDINARY,
        when={"owner": SERVICES},
    ),
    # What nobody read.
    _rule(
        "W1",
        "有通知无人查阅",
        "a notice was read by nobody in time",
        "notification.failed.v1",
        to=(_COUNTY,),
        ladder=_QUIETLY,
        when={"above": frozenset({"county_supervisor"})},
    ),
    _rule(
        "W2",
        "区县没有查阅通知",
        "a notice was read by nobody of a county in time",
        "notification.failed.v1",
        to=(_CITY,),
        ladder=_QUIETLY,
        when={"above": frozenset({"city_supervisor"})},
    ),
    _rule(
        "W3",
        "有通知无人查阅，请检查账号和联系方式",
        "a notice was read by nobody; check accounts and addresses",
        "notification.failed.v1",
        to=(Everybody("operator"),),
        ladder=_QUIETLY,
        when={"above": frozenset({"operator"})},
    ),
)
RULES_BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}
# Whose place is not known, or not so exactly, is a matter of the next level above.
LEVELS = (("township_supervisor", 9), ("county_supervisor", 6), ("city_supervisor", 4))  # digits of the place's code
# Who hears that nobody of an audience read what they had to, by the role of that audience; of all others the operator.
ABOVE: Mapping[str, str] = {
    **dict.fromkeys((*OFFICERS, *STATION, *CLERKS, "township_supervisor"), "county_supervisor"),
    "county_supervisor": "city_supervisor",
}
# Whose every event is heard: a state that has changed settles what was told of the state before.
HEARD_KINDS = ("handover_task", "release", "test_order", "opening", "discrepancy", "notification")
