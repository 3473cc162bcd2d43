"""Discrepancies: two things that must agree and do not, until they agree again. Pure.

For one kind and one subject there is one discrepancy for ever, so what is found a hundred times is open once. Only the
comparison resolves it; a person can explain it. An explanation is of what was found: what changes is found anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.oversight.domain.transitions import TRANSITIONS, Act, State
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict
from shared.kernel.ids import derived_id

_DISCREPANCIES = UUID("c7a3d1f4-0e55-4b3a-8c2a-9d6c5e8f1b70")


class Kind(StrEnum):
    """What does not agree, the most urgent first."""

    OVER_TERM = "over_term"  # the term passed and nobody said that the person left: perhaps unlawful custody
    RELEASE_WITHOUT_TASK = "release_without_task"
    RELEASE_SILENT = "release_silent"  # the planned day passed without a gate
    STALE_TASK = "stale_task"  # a task that does not follow its release
    EVENT_MISSING = "event_missing"  # it was said, or a later one was, and it did not arrive
    TWO_HISTORIES = "two_histories"  # one number said twice: the service was restored to an earlier moment
    DUPLICATE_TASK = "duplicate_task"
    TASK_WITHOUT_RELEASE = "task_without_release"
    HEADCOUNT_DIFFERS = "headcount_differs"
    TWO_OPEN_STAYS = "two_open_stays"  # two files of one person, both in custody
    SERVICE_SILENT = "service_silent"
    STATEMENT_MISSING = "statement_missing"
    HEADCOUNT_MISSING = "headcount_missing"
    NOTICE_LATE = "notice_late"


class SubjectKind(StrEnum):
    """What a discrepancy is about."""

    RELEASE = "release"
    TASK = "handover_task"
    STAY = "stay"
    AGGREGATE = "aggregate"
    CENTRE = "centre"
    CENTRE_DAY = "centre_day"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a comparison finds now. ``detail`` is a code, ``number`` what the kind says; neither is about a person.

    What is not ``certain`` may still come right by itself: it opens no discrepancy, and lets none be resolved.
    """

    kind: Kind
    subject_kind: SubjectKind
    subject: str
    owner: str  # who has to act: a centre, an office, or the service whose operator does
    person_id: UUID | None = None
    division: str | None = None
    day: date | None = None
    detail: str | None = None
    number: int | None = None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """See the module."""

    id: UUID
    version: int
    kind: Kind
    state: State
    subject_kind: SubjectKind
    subject: str
    owner: str
    person_id: UUID | None
    division: str | None
    day: date | None
    detail: str | None
    number: int | None
    found_at: datetime
    urgency: str  # in order of kind, then of age
    due_rule: str | None = None
    due_at: datetime | None = None
    explanation: str | None = None
    explained_at: datetime | None = None
    explained_by: str | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What one comparison found, and which open discrepancies it says nothing about: it could not look at all of it."""

    findings: Iterable[Finding]
    is_undecided: Callable[[Discrepancy], bool] = lambda _one: False


def discrepancy_id(finding: Finding) -> UUID:
    """The one discrepancy of a kind and a subject."""
    return derived_id(_DISCREPANCIES, finding.kind.value, finding.subject)


def find(finding: Finding, *, now: datetime, due: NextDue) -> Discrepancy:
    """Something does not agree, for the first time."""
    return Discrepancy(
        id=discrepancy_id(finding), version=1, kind=finding.kind, state=State.OPEN, **_found(finding, now, due)
    )


def find_again(discrepancy: Discrepancy, finding: Finding, *, now: datetime, due: NextDue) -> Discrepancy:
    """It does not agree again, or otherwise than before. What is open keeps its age."""
    still_open = discrepancy.state is State.OPEN
    facts = _found(finding, discrepancy.found_at if still_open else now, due)
    if still_open:
        facts |= {"due_rule": discrepancy.due_rule, "due_at": discrepancy.due_at}
    cleared = dict.fromkeys(("explanation", "explained_at", "explained_by", "resolved_at"))
    return _step(discrepancy, Act.FOUND_AGAIN, State.OPEN, **facts, **cleared)


def is_news(discrepancy: Discrepancy, finding: Finding) -> bool:
    """Whether a finding says something that the discrepancy does not."""
    same = (finding.detail, finding.number) == (discrepancy.detail, discrepancy.number)
    names_the_case = discrepancy.person_id is None and finding.person_id is not None
    return discrepancy.state is State.RESOLVED or not same or names_the_case


def explain(discrepancy: Discrepancy, *, reason: str, by: str, now: datetime, explainable: bool) -> Discrepancy:
    """A supervisor says why it does not agree.

    Raises: Conflict ``discrepancy.wrong_state``, or ``discrepancy.must_be_mended`` where words mend nothing.
    """
    require(discrepancy, Act.EXPLAINED)
    if not explainable:
        raise Conflict("discrepancy.must_be_mended", "this has to be put right; an explanation changes nothing")
    done = {"due_rule": None, "due_at": None}
    return _step(
        discrepancy, Act.EXPLAINED, State.EXPLAINED, explanation=reason, explained_at=now, explained_by=by, **done
    )


def resolve(discrepancy: Discrepancy, *, now: datetime) -> Discrepancy:
    """The comparison agrees again.

    Raises: Conflict ``discrepancy.wrong_state``.
    """
    return _step(discrepancy, Act.RESOLVED, State.RESOLVED, resolved_at=now, due_rule=None, due_at=None)


def require(discrepancy: Discrepancy, act: Act) -> None:
    """Check that an act is possible now.

    Raises: Conflict ``discrepancy.wrong_state``.
    """
    if discrepancy.state not in TRANSITIONS[act]:
        raise Conflict(
            "discrepancy.wrong_state",
            f"the discrepancy is {discrepancy.state.value}; it cannot be {act.value} now",
            state=discrepancy.state.value,
            version=discrepancy.version,
        )


def _step(discrepancy: Discrepancy, act: Act, state: State, **changes: Any) -> Discrepancy:
    require(discrepancy, act)
    return replace(discrepancy, version=discrepancy.version + 1, state=state, **changes)


def _found(finding: Finding, at: datetime, due: NextDue) -> dict[str, Any]:
    return {
        "subject_kind": finding.subject_kind,
        "subject": finding.subject,
        "owner": finding.owner,
        "person_id": finding.person_id,
        "division": finding.division,
        "day": finding.day,
        "detail": finding.detail,
        "number": finding.number,
        "found_at": at,
        "urgency": f"{list(Kind).index(finding.kind):02d} {at.isoformat()}",
        "due_rule": due.rule,
        "due_at": due.at,
    }
