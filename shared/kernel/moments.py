"""When something happened, as somebody says it: not in the future, and not before what it follows."""

from datetime import datetime, timedelta

from shared.kernel.errors import invalid_field


def past(at: datetime | None, now: datetime, pointer: str, *, tolerance: timedelta = timedelta(0)) -> datetime:
    """When something happened: now, unless an earlier moment is given. The clock of who says it may be a little ahead.

    Raises: InvalidInput ``time.in_future``.
    """
    if at is not None and at > now + tolerance:
        raise invalid_field(pointer, "time.in_future", "this lies in the future")
    return at or now


def not_before(
    at: datetime, earlier: datetime | None, pointer: str, what: str = "earlier than the step before it"
) -> None:
    """Check that something did not happen before what it follows.

    Raises: InvalidInput ``time.before_previous_step``.
    """
    if earlier is not None and at < earlier:
        raise invalid_field(pointer, "time.before_previous_step", what)
