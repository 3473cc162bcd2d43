"""What is said so that others can compare: what was logged, who left, which tasks there are, how many were counted.

Nothing here is about a new fact of a case. A statement repeats what its service has in its own tables, so that what
was lost on the way, or lost in a table, is found by somebody else and named.
"""

from shared.contracts.fields import (
    LARGEST_NUMBER,
    EventData,
    day,
    division,
    flag,
    identifier,
    listed,
    moment,
    number,
    one_of,
    text,
)

MOST_ENTRIES = 200  # of one event; what is longer is told in parts
STATED_DAYS = 35  # OURS: so many days around today are stated; who compares can rely on it
DISCREPANCY_KINDS = (
    "over_term",
    "release_silent",
    "notice_late",
    "release_without_task",
    "duplicate_task",
    "stale_task",
    "task_without_release",
    "event_missing",
    "two_histories",
    "service_silent",
    "statement_missing",
    "headcount_differs",
    "headcount_missing",
    "two_open_stays",
)
SUBJECT_KINDS = ("release", "handover_task", "stay", "aggregate", "centre", "centre_day", "service")


class StatedEvent(EventData):
    """One event that was logged."""

    event_id = identifier()
    type = text()
    subject = identifier()
    sequence = number(1)


class StreamStateV1(EventData):
    """The next page of a service's log: every event with a position in it. The version numbers the pages."""

    stream_id = identifier()
    service = text()
    state = one_of("stated")
    first_position = number(1)
    last_position = number()
    stated_at = moment()
    events = listed(StatedEvent, at_most=MOST_ENTRIES)


class StreamStatedV1(StreamStateV1):
    """A service states which events it logged since the page before; an empty page says that it is there."""


class StatedRelease(EventData):
    """A release that took place, in the version in which that was told."""

    release_id = identifier()
    version = number(1)
    needs_handover = flag()


class StatementStateV1(EventData):
    """Who left a centre on a day, as its register has it; a part of it where there are many."""

    statement_id = identifier()
    centre = text()
    day = day()
    state = one_of("issued", "corrected")
    part = number()
    parts = number(1)
    executed = number()
    to_be_met = number()
    digest = text()
    stated_at = moment()
    releases = listed(StatedRelease, at_most=MOST_ENTRIES)


class StatementIssuedV1(StatementStateV1):
    """A day is over: the centre's releases are stated, also when there were none."""


class StatementCorrectedV1(StatementStateV1):
    """The releases of a day that was stated are others now."""


class StatedTask(EventData):
    """A handover task that exists, and the version of the release that it follows."""

    task_id = identifier()
    release_id = identifier()
    release_version = number(1)


class TaskStatementStateV1(EventData):
    """The tasks of the releases of a day, as they are in the table; a part of them where there are many."""

    task_statement_id = identifier()
    day = day()
    state = one_of("issued", "corrected")
    part = number()
    parts = number(1)
    count = number()
    digest = text()
    stated_at = moment()
    tasks = listed(StatedTask, at_most=MOST_ENTRIES)


class TaskStatementIssuedV1(TaskStatementStateV1):
    """The tasks of a day are stated for the first time."""


class TaskStatementCorrectedV1(TaskStatementStateV1):
    """The tasks of a day are others now: opened, moved, or gone; or those of today are still the same."""


class HeadcountStateV1(EventData):
    """How many people a centre counted at the end of a day, and how many should be there by who came and went."""

    headcount_id = identifier()
    centre = text()
    day = day()
    state = one_of("stated", "missed")
    counted = number(nullable=True)
    expected = number(-LARGEST_NUMBER)
    yesterday = number(-LARGEST_NUMBER)
    admitted = number()
    returned = number()
    transferred_in = number()
    transferred_out = number()
    released = number()
    died = number()
    away = number()
    stated_at = moment(nullable=True)


class HeadcountStatedV1(HeadcountStateV1):
    """A centre said how many it counted."""


class HeadcountCorrectedV1(HeadcountStateV1):
    """The centre counted again, or it became known later who came and went on the day."""


class HeadcountMissedV1(HeadcountStateV1):
    """A centre with people in it said no number by the next morning."""


class DiscrepancyStateV1(EventData):
    """Two things that must agree and do not. Open until they agree again; the words of an explanation are not told."""

    discrepancy_id = identifier()
    kind = one_of(*DISCREPANCY_KINDS)
    state = one_of("open", "explained", "resolved")
    subject_kind = one_of(*SUBJECT_KINDS)
    subject = text()
    person_id = identifier(nullable=True)
    owner = text()
    division = division(nullable=True)
    day = day(nullable=True)
    detail = text(nullable=True)
    number = number(-LARGEST_NUMBER, nullable=True)
    found_at = moment()
    explained_at = moment(nullable=True)
    explained_by = text(nullable=True)
    resolved_at = moment(nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class DiscrepancyFoundV1(DiscrepancyStateV1):
    """Something does not agree: found for the first time, again, or otherwise than before."""


class DiscrepancyExplainedV1(DiscrepancyStateV1):
    """A supervisor said why it does not agree; it is still compared."""


class DiscrepancyResolvedV1(DiscrepancyStateV1):
    """It agrees again."""
