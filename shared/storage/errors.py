"""What a database error means for the work at hand: whose fault it is decides what happens to a message."""

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, TimeoutError

# SQLSTATE classes: connection, insufficient resources (disk full, too many connections), operator
# intervention, transaction rollback (deadlock, serialisation), object not in prerequisite state (lock timeout).
_ENVIRONMENT_CLASSES = ("08", "53", "57", "40", "55", "58")


def is_unavailable(error: BaseException) -> bool:
    """Whether the database (not the data) is the cause, so that waiting and trying again is right."""
    if isinstance(error, TimeoutError | InterfaceError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    sqlstate = getattr(error.orig, "pgcode", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(_ENVIRONMENT_CLASSES)
    return isinstance(error, OperationalError)


def is_conflict(error: BaseException) -> bool:
    """Whether two transactions met on the same row, so that the loser should simply run again."""
    from shared.storage.repository import StaleAggregate

    return isinstance(error, IntegrityError | StaleAggregate)
