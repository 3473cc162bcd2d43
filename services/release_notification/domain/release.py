"""Releases, from plan to gate. Pure: every function gives the next version or raises.

There is no act that holds a release back: after the last day of the term custody has no legal basis. What happened
at the gate is a fact that corrects the plan, whatever the plan said.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.release_notification.domain.transitions import TRANSITIONS, Act, State
from shared.kernel.clock import CHINA, china_day
from shared.kernel.deadlines import NextDue, earliest, start_of_day
from shared.kernel.errors import Conflict, invalid_field

ONE_DAY = timedelta(days=1)
GATE_RULE, TERM_RULE = "G1", "G2"


class Kind(StrEnum):
    """How a person leaves."""

    TERM_EXPIRED = "term_expired"
    EARLY_RELEASE = "early_release"
    EXTENDED_TERM_EXPIRED = "extended_term_expired"
    CONVERTED = "converted"
    MEDICAL_LEAVE = "medical_leave"
    DETENTION_EXPIRED = "detention_expired"
    REVOKED = "revoked"
    DETENTION_TO_ISOLATION = "detention_to_isolation"
    CENTRE_TRANSFER = "centre_transfer"
    CRIMINAL_CUSTODY = "criminal_custody"
    DEATH = "death"


class Ground(StrEnum):
    """On which legal ground a person is handed over to the community."""

    COMMUNITY_DETOX_ORDER = "community_detox_order"  # 禁毒法 art. 33
    COMMUNITY_REHAB_ORDER = "community_rehab_order"  # 禁毒法 art. 48
    CONTACT_ONLY = "contact_only"  # no order: help is offered, nothing is owed


class Rehab(StrEnum):
    """Whether the deciding organ orders community rehabilitation (禁毒法 art. 48: it may)."""

    PENDING = "pending"
    ORDERED = "ordered"
    NOT_ORDERED = "not_ordered"


class CancelledBy(StrEnum):
    """Why a release does not take place."""

    CENTRE = "centre"  # planned by mistake; there is no term that ends
    STAY_ENDED = "stay_ended"
    ESCAPED = "escaped"
    IN_CRIMINAL_CUSTODY = "in_criminal_custody"


class Addressee(StrEnum):
    """Who is told that a person leaves (戒毒条例 art. 34)."""

    DECIDING_ORGAN = "deciding_organ"
    FAMILY = "family"
    WORK_UNIT = "work_unit"
    STATION_OF_REGISTRATION = "station_of_registration"
    STATION_OF_RESIDENCE = "station_of_residence"
    TOWNSHIP = "township"  # ours: who receives the person


class Alarm(StrEnum):
    """What silence can mean, the most urgent first."""

    OVER_TERM = "over_term"  # the last day passed and nobody said that the person left: perhaps unlawful custody
    SILENT = "silent"  # the planned day passed without an event
    NOTICE_LATE = "notice_late"  # somebody who must be told in time was not


class Present(StrEnum):
    """Who was at the gate, as the centre saw it."""

    OFFICIAL = "official"
    FAMILY = "family"
    OTHER_AUTHORITY = "other_authority"
    NOBODY = "nobody"


# The person is not free, or not alive: custody goes on elsewhere (拘留所条例 art. 31, 戒毒条例 arts 27, 36).
NO_HANDOVER = frozenset({Kind.DETENTION_TO_ISOLATION, Kind.CENTRE_TRANSFER, Kind.CRIMINAL_CUSTODY, Kind.DEATH})
# These settle the ground by themselves: a conversion is an order (戒毒条例 arts 26, 31); whoever's decision was
# revoked (行政复议法, 行政诉讼法) is free and owes nothing.
GROUND_OF_KIND = {Kind.CONVERTED: Ground.COMMUNITY_DETOX_ORDER, Kind.REVOKED: Ground.CONTACT_ONLY}
FROM_ISOLATION = frozenset({Kind.TERM_EXPIRED, Kind.EARLY_RELEASE, Kind.EXTENDED_TERM_EXPIRED})
# Whoever comes back from these goes on serving the same term.
PAUSES = frozenset({CancelledBy.ESCAPED, CancelledBy.IN_CRIMINAL_CUSTODY})


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody was told on which day the person leaves, or why that could not be."""

    addressee: Addressee
    for_day: date
    channel: str
    sent_at: datetime
    delivered_at: datetime | None = None
    proof: str | None = None
    not_told_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A release."""

    id: UUID
    version: int
    person_id: UUID
    stay_id: UUID | None
    order_id: UUID | None
    centre: str
    kind: Kind
    state: State
    release_at: datetime
    term_last_day: date | None
    needs_handover: bool
    legal_ground: Ground
    rehab: Rehab | None = None
    notices: tuple[Notice, ...] = ()
    notice_due: NextDue | None = None
    alarm: Alarm | None = None
    executed_at: datetime | None = None
    certificate_number: str | None = None
    present: tuple[Present, ...] = ()
    left_alone_at: datetime | None = None
    organ_due: NextDue | None = None
    papers_due: NextDue | None = None
    papers_sent_at: datetime | None = None
    reason: str | None = None
    cancelled_by: CancelledBy | None = None
    due_rule: str | None = None
    due_at: datetime | None = None
    wake_at: datetime | None = None  # when silence would mean something that was not said yet
    due_from: datetime | None = None  # where a provisional deadline began


def needs_handover(kind: Kind) -> bool:
    """Whether a release of this kind must be met by the community."""
    return kind not in NO_HANDOVER


def ground_of(kind: Kind, stated: Ground | None) -> Ground:
    """The legal ground of the handover: what the kind settles, else what is stated, else contact only.

    Raises: InvalidInput ``release.ground_contradicts_kind``.
    """
    settled = GROUND_OF_KIND.get(kind)
    if settled and stated and stated is not settled:
        raise invalid_field(
            "/legal_ground", "release.ground_contradicts_kind", f"{kind.value} always has {settled.value}"
        )
    return settled or stated or Ground.CONTACT_ONLY


def rehab_of(kind: Kind, ground: Ground) -> Rehab | None:
    """Whether a rehabilitation order is still to be asked for."""
    if kind not in FROM_ISOLATION:
        return None
    return Rehab.ORDERED if ground is Ground.COMMUNITY_REHAB_ORDER else Rehab.PENDING


def _changed_ground(release: Release, kind: Kind, stated: Ground | None) -> Ground:
    """An order outlives a change of kind; a ground that only the former kind settled does not."""
    settled = kind in GROUND_OF_KIND or (release.kind in GROUND_OF_KIND and kind is not release.kind)
    return ground_of(kind, stated or (None if settled else release.legal_ground))


def gate_time(term_last_day: date, at: time) -> datetime:
    """When the gate opens on the last day of a term, by the centre's practice."""
    return datetime.combine(term_last_day, at, CHINA)


def plan(release: Release, *, notice_due: NextDue | None) -> Release:
    """A new release with its first deadlines."""
    return with_due(replace(release, rehab=rehab_of(release.kind, release.legal_ground), notice_due=notice_due))


def reschedule(
    release: Release,
    *,
    release_at: datetime,
    reason: str,
    kind: Kind | None,
    legal_ground: Ground | None,
    notice_due: NextDue | None = None,
    **facts: Any,
) -> Release:
    """The plan changed; ``facts`` are what changed of the stay. Who was told another day is told again.

    Raises: Conflict ``release.wrong_state``; InvalidInput ``release.ground_contradicts_kind``.
    """
    new_kind = kind or release.kind
    ground = _changed_ground(release, new_kind, legal_ground)
    moved = china_day(release_at) != china_day(release.release_at) or new_kind is not release.kind
    changed = _step(
        release,
        Act.RESCHEDULED,
        State.PLANNED,
        release_at=release_at,
        kind=new_kind,
        needs_handover=needs_handover(new_kind),
        legal_ground=ground,
        rehab=release.rehab if release.rehab is Rehab.NOT_ORDERED else rehab_of(new_kind, ground),
        reason=reason,
        alarm=None if moved else release.alarm,
        **facts,
    )
    return with_due(replace(changed, notice_due=notice_due)) if moved else changed


def settle_ground(release: Release, *, rehab: Rehab) -> Release:
    """The deciding organ ordered community rehabilitation, or not (禁毒法 art. 48).

    Raises: Conflict ``release.wrong_state``, ``release.no_rehab``, ``rehab.settled_already``.
    """
    require(release, Act.GROUND_SETTLED)
    if release.rehab is None:
        raise Conflict("release.no_rehab", "only who leaves isolation can be ordered into rehabilitation")
    if release.rehab is rehab:
        raise Conflict("rehab.settled_already", "this was entered already")
    ground = Ground.COMMUNITY_REHAB_ORDER if rehab is Rehab.ORDERED else Ground.CONTACT_ONLY
    return _step(release, Act.GROUND_SETTLED, State.PLANNED, rehab=rehab, legal_ground=ground)


def cancel(release: Release, *, by: CancelledBy, reason: str) -> Release:
    """The release will not take place.

    Raises: Conflict ``release.wrong_state``, or ``release.cannot_be_held`` when a centre would keep somebody whose
    term ends.
    """
    require(release, Act.CANCELLED)
    if by is CancelledBy.CENTRE and release.stay_id is not None and release.term_last_day is not None:
        raise Conflict(
            "release.cannot_be_held",
            "the term ends all the same; enter what ends or changes the stay instead",
            term_last_day=release.term_last_day,
        )
    return _step(release, Act.CANCELLED, State.CANCELLED, reason=reason, cancelled_by=by)


def execute(
    release: Release,
    *,
    at: datetime,
    certificate_number: str,
    kind: Kind | None,
    admitted_at: datetime | None = None,
    present: tuple[Present, ...] = (),
    papers_due: NextDue | None = None,
    organ_due: NextDue | None = None,
) -> Release:
    """The person went through the gate: earlier or later than planned, or although the plan had been cancelled.

    Raises: Conflict ``release.wrong_state`` when it was executed already, or cancelled because the stay ended;
    InvalidInput ``time.before_previous_step`` when that was before the admission.
    """
    require(release, Act.EXECUTED)
    if release.cancelled_by is CancelledBy.STAY_ENDED:
        raise _wrong_state(release, Act.EXECUTED)
    if admitted_at is not None and at < admitted_at:
        raise invalid_field("/executed_at", "time.before_previous_step", "released before the admission")
    final_kind = kind or release.kind
    must_meet = needs_handover(final_kind)
    alone = must_meet and Present.NOBODY in present
    return _step(
        release,
        Act.EXECUTED,
        State.EXECUTED,
        executed_at=at,
        certificate_number=certificate_number,
        present=present,
        kind=final_kind,
        needs_handover=must_meet,
        legal_ground=_changed_ground(release, final_kind, None),
        notice_due=None,
        papers_due=papers_due if must_meet else None,
        left_alone_at=at if alone else None,
        organ_due=organ_due if alone else None,
        reason=release.reason if release.state is State.PLANNED else None,
        cancelled_by=None,
    )


def retract(release: Release, *, reason: str) -> Release:
    """The gate was reported in error: the person is still there.

    Raises: Conflict ``release.wrong_state``.
    """
    return _step(
        release,
        Act.RETRACTED,
        State.RETRACTED,
        reason=reason,
        executed_at=None,
        certificate_number=None,
        present=(),
        left_alone_at=None,
        organ_due=None,
        papers_due=None,
    )


def reinstate(
    release: Release, *, release_at: datetime, reason: str, notice_due: NextDue | None, **facts: Any
) -> Release:
    """The person is back, or never left: the release is foreseen again.

    Raises: Conflict ``release.wrong_state``.
    """
    return _step(
        release,
        Act.REINSTATED,
        State.PLANNED,
        release_at=release_at,
        reason=reason,
        cancelled_by=None,
        notice_due=notice_due,
        alarm=None,
        **facts,
    )


def notify(release: Release, notice: Notice, *, must: frozenset[Addressee]) -> Release:
    """Somebody was told; once all who must be are told the right day, that deadline is met.

    Raises: Conflict ``release.wrong_state``; InvalidInput ``notice.nothing_said``.
    """
    require(release, Act.NOTIFIED)
    if notice.proof is None and notice.not_told_reason is None and notice.delivered_at is None:
        raise invalid_field("/proof", "notice.nothing_said", "give the proof, or say why the addressee was not told")
    notices = (*release.notices, notice)
    missing = untold(replace(release, notices=notices), must)
    organ = None if notice.addressee is Addressee.DECIDING_ORGAN and release.left_alone_at else release.organ_due
    return _step(
        release,
        Act.NOTIFIED,
        release.state,
        notices=notices,
        notice_due=release.notice_due if missing else None,
        organ_due=organ,
    )


def untold(release: Release, must: Iterable[Addressee]) -> frozenset[Addressee]:
    """Who must still be told of the day on which the person leaves now."""
    day = china_day(release.release_at)
    return frozenset(must) - {notice.addressee for notice in release.notices if notice.for_day == day}


def find_left_alone(release: Release, *, at: datetime, due: NextDue) -> Release:
    """Nobody met the person: lawful; the centre tells the deciding organ (MoJ Order 127).

    Raises: Conflict ``release.wrong_state`` or ``release.left_alone_already``.
    """
    require(release, Act.LEFT_ALONE)
    if release.left_alone_at is not None:
        raise Conflict("release.left_alone_already", "this is known already", at=release.left_alone_at)
    return _step(release, Act.LEFT_ALONE, State.EXECUTED, left_alone_at=at, organ_due=due)


def send_papers(release: Release, *, at: datetime) -> Release:
    """The papers went to the township.

    Raises: Conflict ``release.wrong_state`` or ``papers.sent_already``; InvalidInput ``time.before_previous_step``.
    """
    require(release, Act.PAPERS_SENT)
    if release.papers_sent_at is not None:
        raise Conflict("papers.sent_already", "the papers were sent", at=release.papers_sent_at)
    if release.executed_at is not None and at < release.executed_at:
        raise invalid_field("/sent_at", "time.before_previous_step", "sent before the person left")
    return _step(release, Act.PAPERS_SENT, State.EXECUTED, papers_sent_at=at, papers_due=None)


def alarm_of(release: Release, *, now: datetime) -> Alarm | None:
    """What the silence about a planned release means now; None when nothing is silent that should not be."""
    if release.state is not State.PLANNED:
        return None
    passed = {alarm for alarm, due in _planned_deadlines(release).items() if now >= due.at}
    return next((alarm for alarm in Alarm if alarm in passed), None)


def raise_alarm(release: Release, *, now: datetime) -> Release:
    """Say once what the silence means, and again when it means something worse.

    Raises: Conflict ``release.wrong_state`` or ``release.not_silent``.
    """
    require(release, Act.ALARMED)
    alarm = alarm_of(release, now=now)
    if alarm is None or alarm is release.alarm:
        raise Conflict("release.not_silent", "nothing is silent, or it was said already")
    return _step(release, Act.ALARMED, State.PLANNED, alarm=alarm)


def require(release: Release, act: Act) -> None:
    """Check that an act is possible now.

    Raises: Conflict ``release.wrong_state`` with the state, the version and the act.
    """
    if release.state not in TRANSITIONS[act]:
        raise _wrong_state(release, act)


def _wrong_state(release: Release, act: Act) -> Conflict:
    return Conflict(
        "release.wrong_state",
        f"the release is {release.state.value}; it cannot be {act.value} now",
        state=release.state.value,
        version=release.version,
        act=act.value,
    )


def _step(release: Release, act: Act, state: State, **changes: Any) -> Release:
    require(release, act)
    return with_due(replace(release, version=release.version + 1, state=state, **changes))


def with_due(release: Release) -> Release:
    """With the earliest of the deadlines that run, and of those whose silence was not said yet."""
    planned = _planned_deadlines(release) if release.state is State.PLANNED else {}
    due = earliest((release.organ_due, release.papers_due, *planned.values()))
    worse = list(Alarm)[: list(Alarm).index(release.alarm)] if release.alarm else list(Alarm)
    unsaid = earliest(planned.get(alarm) for alarm in worse)
    return replace(
        release,
        due_rule=due.rule if due else None,
        due_at=due.at if due else None,
        due_from=due.starts if due else None,
        wake_at=unsaid.at if unsaid else None,
    )


def _planned_deadlines(release: Release) -> dict[Alarm, NextDue]:
    """The deadlines of a planned release, by what it means when one passes in silence."""
    last_day = release.term_last_day
    gate = NextDue(GATE_RULE, start_of_day(china_day(release.release_at) + ONE_DAY))
    term = NextDue(TERM_RULE, start_of_day(last_day + ONE_DAY)) if last_day else None
    by_alarm = {Alarm.OVER_TERM: term, Alarm.SILENT: gate, Alarm.NOTICE_LATE: release.notice_due}
    return {alarm: due for alarm, due in by_alarm.items() if due is not None}
