"""What can be done with a person's file."""

from dataclasses import dataclass
from uuid import UUID

from services.person_registry import domain
from services.person_registry.assessing import hand_over
from services.person_registry.domain import IdentityKind, Person, PersonState, Sex
from services.person_registry.duties import registered_by
from services.person_registry.store import Work, duties
from shared.kernel.clock import china_day
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.ids import new_id
from shared.web import Principal


@dataclass(frozen=True, slots=True)
class RegisterPerson:
    """Open a file."""

    identity_kind: IdentityKind
    full_name: str
    sex: Sex
    identity_number: str | None = None
    phone: str | None = None
    registered_division: str | None = None
    residence_division: str | None = None
    residence_detail: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeResidence:
    """Enter where the person lives now."""

    person_id: UUID
    residence_division: str | None
    residence_detail: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class MergePerson:
    """Two files are one person's."""

    given_up: UUID
    into: UUID
    reason: str


def register_person(command: RegisterPerson, *, by: Principal, work: Work) -> Person:
    """Open a file; who enters it may see it for a while.

    Raises: InvalidInput ``identity_number.*``; Conflict ``person.already_registered`` with ``person_id``.
    """
    person = domain.register(
        Person(
            id=new_id(),
            version=1,
            identity_kind=command.identity_kind,
            identity_number=command.identity_number,
            full_name=command.full_name,
            sex=command.sex,
            phone=command.phone,
            registered_division=command.registered_division,
            residence_division=command.residence_division,
            residence_detail=command.residence_detail,
        ),
        today=china_day(work.now),
    )
    known = work.persons.find_by_number(person.identity_number) if person.identity_number else None
    if known is not None:
        detail = "this person has a file already"
        raise Conflict("person.already_registered", detail, person_id=str(known.id))
    work.duties.put(registered_by(person.id, by.organisation, by.division, work.now))
    return work.persons.save(person, "person.registered.v1")


def change_residence(command: ChangeResidence, *, work: Work) -> Person:
    """Enter a new residence.

    Raises: NotFound ``person.not_found``; Conflict ``person.merged``.
    """
    person = domain.move(
        work.persons.get(command.person_id),
        residence_division=command.residence_division,
        residence_detail=command.residence_detail,
        phone=command.phone,
    )
    return work.persons.save(person, "person.changed.v1")


def merge_person(command: MergePerson, *, work: Work) -> Person:
    """Give up one of two files of one person; what names it is moved to the other, here and in every service.

    Raises: NotFound ``person.not_found``; InvalidInput ``person.into_unknown``; see `domain.merge`.
    """
    given_up, remaining = work.persons.get(command.given_up), work.persons.find(command.into)
    if remaining is None:
        raise invalid_field("/into", "person.into_unknown", "there is no such file")
    gone, kept = domain.merge(given_up, remaining, reason=command.reason)
    work.persons.save(gone, "person.merged.v1")
    work.flush()  # the identity number is free before the other file takes it
    work.persons.save(kept, "person.changed.v1")
    hand_over(gone.id, kept.id, work=work)
    return kept


def seal_person(person_id: UUID, *, ground: str, work: Work) -> list[Person]:
    """Seal all files of a person: nobody on the platform learns any more whose they are. Done twice, it is done once.

    Raises: NotFound ``person.not_found``; see `domain.seal`.
    """
    return _close(person_id, PersonState.SEALED, ground, work)


def erase_person(person_id: UUID, *, ground: str, work: Work) -> list[Person]:
    """Erase the identity of all files of a person, for ever.

    Raises: NotFound ``person.not_found``; Conflict ``person.duties_open`` with their kinds; see `domain.erase`.
    """
    files = work.files_of(person_id)
    live = work.duties.select(duties.c.person_id.in_(files), duties.c.until.is_(None))
    if live:
        kinds = sorted({duty.kind for duty in live})
        raise Conflict("person.duties_open", "somebody still has a duty toward this person", kinds=kinds)
    return _close(person_id, PersonState.ERASED, ground, work)


def _close(person_id: UUID, state: PersonState, ground: str, work: Work) -> list[Person]:
    work.persons.get(person_id)
    closed = []
    for file in work.files_of(person_id):
        person = work.persons.get(file)
        if state is PersonState.SEALED:
            closed.append(work.persons.save(domain.seal(person, at=work.now, ground=ground), "person.sealed.v1"))
        else:
            closed.append(work.persons.save(domain.erase(person, at=work.now, ground=ground), "person.erased.v1"))
    work.flush()  # whatever speaks against it has spoken; a key that is gone does not come back
    for person in closed:
        (work.vault.lock if state is PersonState.SEALED else work.vault.destroy)(person.id)
    return closed
