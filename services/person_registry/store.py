"""Tables of person_registry."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, LargeBinary, Table, Text, Uuid, select

from services.person_registry.domain import IdentityKind, Person, PersonState, Sex
from services.person_registry.need_to_know import Duty, Opening, OpeningState
from services.person_registry.policy import MEASURES_OF
from services.person_registry.risk import Assessment, KnownFact, State, Tier
from services.person_registry.vault import Vault, vault_beside
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.types import JsonValue
from shared.storage.work import Transaction

metadata = new_metadata()

persons = Table(
    "person",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("identity_kind", EnumText(IdentityKind), nullable=False),
    Column("number_index", Text, unique=True),  # keyed digest of the identity number
    Column("identity", LargeBinary),  # under the person's own key; null of one that is erased
    Column("sex", EnumText(Sex), nullable=False),
    Column("registered_division", Text),
    Column("residence_division", Text),
    Column("state", EnumText(PersonState), nullable=False),
    Column("merged_into", Uuid, index=True),
    Column("closed_at", UtcDateTime),
    Column("closed_ground", Text),
)

duties = Table(
    "duty",
    metadata,
    Column("key", Text, primary_key=True),  # the aggregate that asks for it, and who of several
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("organisation", Text),
    Column("division", Text),
    Column("until", UtcDateTime),
)

openings = Table(
    "opening",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", EnumText(OpeningState), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("approve_by", UtcDateTime),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime, index=True),
)

assessments = Table(
    "risk_assessment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False, unique=True),
    Column("state", EnumText(State), nullable=False),
    Column("facts", JsonValue(tuple[KnownFact, ...]), nullable=False),
    Column("clean_until", UtcDateTime, index=True),
    Column("proposed_tier", EnumText(Tier), nullable=False),
    Column("reasons", JsonValue(tuple[str, ...]), nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime, index=True),
    Column("due_from", UtcDateTime),
    Column("tier", EnumText(Tier)),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("decision_reason", Text),
)


def assessment_data(assessment: Assessment) -> dict[str, Any]:
    """What other services may know: the tier, what it means and the rules behind it, not the facts' origins."""
    measures = MEASURES_OF.get(assessment.tier)
    return {
        "risk_id": assessment.id,
        "person_id": assessment.person_id,
        "state": assessment.state,
        "proposed_tier": assessment.proposed_tier,
        "reasons": " ".join(assessment.reasons),
        "tier": assessment.tier,
        "decided_at": assessment.decided_at,
        "clean_until": assessment.clean_until,
        "due_rule": assessment.due_rule,
        "due_at": assessment.due_at,
        "contact_every_days": measures.contact_every_days if measures else None,
        "test_every_days": measures.test_every_days if measures else None,
    }


_KEPT = ("identity_kind", "sex", "registered_division", "residence_division", "state", "merged_into")
_IDENTITY = ("identity_number", "full_name", "phone", "residence_detail", "merged_reason")


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """A person as the database has it: nobody who reads it learns who it is."""

    id: UUID
    version: int
    identity_kind: IdentityKind
    number_index: str | None
    identity: bytes | None
    sex: Sex
    registered_division: str | None
    residence_division: str | None
    state: PersonState
    merged_into: UUID | None
    closed_at: datetime | None
    closed_ground: str | None


def person_data(person: StoredPerson) -> dict[str, Any]:
    """What other services may know."""
    return {
        "person_id": person.id,
        "sex": person.sex,
        "identity_status": "verified" if person.identity_kind is IdentityKind.RESIDENT_ID else "provisional",
        "registered_division": person.registered_division,
        "residence_division": person.residence_division,
        "state": person.state,
        "merged_into": person.merged_into,
    }


def opening_data(opening: Opening) -> dict[str, Any]:
    """What other services may know: that somebody opened an identity without a duty; the reason stays here."""
    return {
        "opening_id": opening.id,
        "person_id": opening.person_id,
        "state": opening.state,
        "subject": opening.subject,
        "organisation": opening.organisation,
        "opened_at": opening.opened_at,
        "until": opening.until,
        "due_rule": opening.due_rule,
        "due_at": opening.due_at,
    }


class People:
    """The persons of one transaction, their identities opened as they are read and closed up as they are saved."""

    def __init__(self, work: UnitOfWork, vault: Callable[[], Vault]) -> None:
        self._stored = work.aggregates(persons, StoredPerson, person_data)
        self._vault = vault
        self._opened: dict[UUID, Person] = {}

    def find(self, person_id: UUID) -> Person | None:
        """The person, or None."""
        return self._person(self._stored.find(person_id))

    def get(self, person_id: UUID) -> Person:
        """The person.

        Raises: NotFound ``person.not_found``.
        """
        found = self._person(self._stored.get(person_id))
        assert found is not None
        return found

    def find_by_number(self, number: str) -> Person | None:
        """The person of an identity number, or None."""
        return self._person(self._stored.find_by("number_index", self._vault().index(number)))

    def state_of(self, person_id: UUID) -> StoredPerson | None:
        """What is known without opening the identity."""
        return self._stored.find(person_id)

    def prefetch(self, person_ids: Iterable[UUID]) -> None:
        """Read files in one query, without opening them."""
        self._stored.prefetch("id", person_ids)

    def several(self, person_ids: Sequence[UUID]) -> list[Person]:
        """Those of the persons that there are, in two queries."""
        self.prefetch(person_ids)
        stored = [found for one in person_ids if (found := self._stored.find(one)) is not None]
        self._open(stored)
        return [self._opened[one.id] for one in stored]

    def select(self, *where: Any, limit: int | None = None) -> list[Person]:
        """The persons that match conditions on what is stored."""
        stored = self._stored.select(*where, limit=limit)
        self._open(stored)
        return [self._opened[one.id] for one in stored]

    def save(self, person: Person, event_type: str) -> Person:
        """Store the next version, and emit the event that tells it. See `Repository.save`."""
        self._stored.save(self._closed_up(person), event_type)
        self._opened[person.id] = person
        return person

    def _person(self, stored: StoredPerson | None) -> Person | None:
        if stored is None:
            return None
        self._open([stored])
        return self._opened[stored.id]

    def _open(self, stored: Sequence[StoredPerson]) -> None:
        new = [one for one in stored if one.id not in self._opened]
        readable = {one.id: one.identity for one in new if one.identity is not None}
        identities = self._vault().open(readable) if readable else {}
        for one in new:
            identity = identities.get(one.id, dict.fromkeys(_IDENTITY))
            kept = {name: getattr(one, name) for name in (*_KEPT, "closed_at", "closed_ground")}
            self._opened[one.id] = Person(id=one.id, version=one.version, **kept, **identity)

    def _closed_up(self, person: Person) -> StoredPerson:
        before = self._stored.find(person.id) if person.version > 1 else None
        if person.full_name is None:  # sealed: what is stored stays, and can be read by nobody here; erased: it goes
            sealed = before.identity if before is not None and person.state is PersonState.SEALED else None
        else:
            sealed = self._vault().close_up(person.id, {name: getattr(person, name) for name in _IDENTITY})
        number = person.identity_number
        return StoredPerson(
            id=person.id,
            version=person.version,
            number_index=self._vault().index(number) if number else None,
            identity=sealed,
            closed_at=person.closed_at,
            closed_ground=person.closed_ground,
            **{name: getattr(person, name) for name in _KEPT},
        )


class Work(UnitOfWork):
    """A transaction of person_registry."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._database_url = transaction.storage.engine.url.render_as_string(hide_password=False)
        self.persons = People(self, lambda: self.vault)
        self.duties = self.records(duties, Duty)
        self.openings = self.aggregates(openings, Opening, opening_data)
        self.assessments = self.aggregates(assessments, Assessment, assessment_data)

    @property
    def vault(self) -> Vault:
        """Where identities are opened and closed."""
        return vault_beside(self._database_url)

    def remaining(self, person_id: UUID) -> UUID:
        """The file that remains of a person's files: the given one, unless it was merged into another."""
        person = self.persons.state_of(person_id)
        while person is not None and person.merged_into is not None:
            person_id, person = person.merged_into, self.persons.state_of(person.merged_into)
        return person_id

    def files_of(self, person_id: UUID) -> list[UUID]:
        """All files of a person: the one that remains, then those that were merged into it."""
        return self.files_of_each([person_id])[person_id]

    def files_of_each(self, person_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
        """`files_of` each of the persons: as many queries as merges followed each other, not as there are persons."""
        wanted = list(person_ids)
        self.persons.prefetch(wanted)
        remaining = {person: self.remaining(person) for person in wanted}
        files = {file: [file] for file in remaining.values()}
        whose = {file: file for file in files}  # each file that was found, and the one that remains of it
        found = list(files)
        while found:
            into = persons.c.merged_into
            merged = select(persons.c.id, into).where(into.in_(found)).order_by(persons.c.id)
            found = []
            for given_up, kept in self.connection.execute(merged):
                whose[given_up] = whose[kept]
                files[whose[kept]].append(given_up)
                found.append(given_up)
        return {person: files[file] for person, file in remaining.items()}
