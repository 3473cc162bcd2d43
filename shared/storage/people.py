"""Two files of one person: what names the file that was given up is moved to the one that remains.

Each service keeps the persons that it has heard of, and of a file that was given up, the one that remains. What is
opened under an old pseudonym later, by an event that was on its way, is found by the sweep.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Uuid, select

from shared.kernel.errors import Conflict, invalid_field
from shared.storage.records import Records
from shared.storage.repository import Repository

AT_ONCE = 200


def merged_into_column() -> Column[UUID]:
    """The column of a table of known persons that says which file remains; null of one that was not given up."""
    return Column("merged_into", Uuid, index=True)


@dataclass(frozen=True)
class Moving:
    """Aggregates that name a person, and the event that says that they name another file now.

    ``waits`` says of an aggregate that it cannot be moved to a file yet.
    """

    of: Callable[[Any], Repository[Any]]  # of a unit of work
    event_type: str
    waits: Callable[[Any, Any, UUID], bool] = lambda work, aggregate, into: False


def remaining(persons: Records[Any], person_id: UUID) -> UUID:
    """The file that remains of a person's files: the given one, unless it was given up."""
    known = persons.find(person_id)
    while known is not None and known.merged_into is not None:
        person_id, known = known.merged_into, persons.find(known.merged_into)
    return person_id


def require_known(persons: Records[Any], person_id: UUID) -> None:
    """Check that a person is known and that the file was not given up.

    Raises: InvalidInput ``person.unknown``; Conflict ``person.merged`` with the file that remains.
    """
    known = persons.find(person_id)
    if known is None:
        detail = "no such person is known here (yet); register first"
        raise invalid_field("/person_id", "person.unknown", detail, retry_after=1)
    if known.merged_into is not None:
        detail = "this file was merged into another one"
        raise Conflict("person.merged", detail, merged_into=str(remaining(persons, person_id)))


def move_merged(work: Any, persons: Records[Any], movings: Sequence[Moving], *, only: UUID | None = None) -> int:
    """Move what names a file that was given up, or ``only`` one of them; how many aggregates were moved."""
    return sum(_move(work, persons, moving, only) for moving in movings)


def move_record(persons: Records[Any], records: Records[Any], given_up: UUID) -> None:
    """What is kept of a person who has two files is kept of the one that remains. One record a person."""
    kept = records.find(given_up)
    if kept is not None:
        records.put(replace(kept, person_id=remaining(persons, given_up)))


def _move(work: Any, persons: Records[Any], moving: Moving, only: UUID | None) -> int:
    repository, known = moving.of(work), persons.table.c
    given_up = select(known.person_id).where(known.merged_into.is_not(None))
    if only is not None:
        given_up = given_up.where(known.person_id == only)
    person: ColumnElement[UUID] = repository.table.c.person_id
    moved = 0
    for aggregate in repository.select(person.in_(given_up), limit=None if only else AT_ONCE):
        into = remaining(persons, aggregate.person_id)
        if not moving.waits(work, aggregate, into):
            repository.save(replace(aggregate, version=aggregate.version + 1, person_id=into), moving.event_type)
            moved += 1
    return moved
