"""The deadlines and choices of releases (register: domain rules, ids D9, D10, D12)."""

from collections.abc import Mapping
from datetime import time, timedelta

from services.release_notification.domain.release import GATE_RULE, TERM_RULE, Addressee, Kind
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule

GATE_OPENS = time(9, 0)  # OURS: the law names the day, not the hour
YEARS = range(2008, 2100)  # OURS: 禁毒法 is in force since 2008; what lies outside is a slip of the pen
CLOCK_TOLERANCE = timedelta(minutes=5)  # OURS: a centre's clock may be this far ahead
QUIET_WITHIN = timedelta(days=7)  # OURS: who leaves so soon makes a centre's silence matter
MOST_SILENCES = 500
QUIET_AFTER = timedelta(hours=24)  # OURS: a centre from which nothing was heard so long, with people to release

_ISOLATION = frozenset(Addressee)  # 戒毒条例 art. 34; the township is ours
_DETENTION = frozenset({Addressee.FAMILY, Addressee.TOWNSHIP})  # 拘留所条例 art. 31: handed over to who receives
# Who must be told before a release of which kind. What is not foreseen cannot be told before.
NOTICES: Mapping[Kind, frozenset[Addressee]] = {
    Kind.TERM_EXPIRED: _ISOLATION,
    Kind.EARLY_RELEASE: _ISOLATION,
    Kind.EXTENDED_TERM_EXPIRED: _ISOLATION,
    Kind.DETENTION_EXPIRED: _DETENTION,
}

NOTIFY = DeadlineRule(
    id="D9",
    title_zh="出所前通知",
    title_en="tell deciding organ, family, unit and stations",
    basis=Basis.BEFORE,
    length=3,
    starts="release day",
    source="戒毒条例 art. 34",
    confidence=Confidence.READ,
)
NOTIFY_LOCAL = DeadlineRule(
    id="D9a",
    title_zh="出所前通知（地方）",
    title_en="the same, by a local rule; shown as a warning",
    basis=Basis.BEFORE,
    length=7,
    starts="release day",
    source="上海市禁毒条例 art. 36",
    confidence=Confidence.LOCAL,
)
NOTIFY_DETENTION = DeadlineRule(
    id="D9d",
    title_zh="拘留期满前通知",
    title_en="tell family and township before a detention ends",
    basis=Basis.DAYS_BEFORE,
    length=1,
    starts="release day",
    source="product decision",
    confidence=Confidence.OURS,
)
PAPERS = DeadlineRule(
    id="D10",
    title_zh="移交法律文书",
    title_en="papers to the township",
    basis=Basis.WORKING_DAYS,
    length=3,
    starts="left",
    source="上海市禁毒条例 art. 36",
    confidence=Confidence.LOCAL,
)
LEFT_ALONE = DeadlineRule(
    id="D12",
    title_zh="无人接回报告决定机关",
    title_en="tell the deciding organ that nobody came",
    basis=Basis.HOURS,
    length=2,
    starts="left alone",
    source="司法行政机关强制隔离戒毒工作规定, about art. 59 (promptly); the number is ours",
    confidence=Confidence.OURS,
)
GATE = DeadlineRule(
    id=GATE_RULE,
    title_zh="出所登记",
    title_en="enter the gate, on the planned day",
    basis=Basis.TERM,
    length=1,
    starts="release day",
    source="product decision",
    confidence=Confidence.OURS,
)
OVER_TERM = DeadlineRule(
    id=TERM_RULE,
    title_zh="期满当日离所",
    title_en="the person leaves on the last day of the term",
    basis=Basis.TERM,
    length=1,
    starts="last day of the term",
    source="禁毒法 art. 47; 拘留所条例 art. 30",
    confidence=Confidence.READ,
)
