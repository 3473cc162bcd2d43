"""Tables of person_registry."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Table, Text, Uuid

from services.person_registry.domain import IdentityKind, Person, PersonState, Sex
from services.person_registry.policy import MEASURES_OF
from services.person_registry.risk import Assessment, KnownFact, State, Tier
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
    Column("identity_number", Text, unique=True),
    Column("full_name", Text, nullable=False),
    Column("sex", EnumText(Sex), nullable=False),
    Column("phone", Text),
    Column("registered_division", Text),
    Column("residence_division", Text),
    Column("residence_detail", Text),
    Column("state", EnumText(PersonState), nullable=False),
    Column("merged_into", Uuid, index=True),
    Column("merged_reason", Text),
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


def person_data(person: Person) -> dict[str, Any]:
    """What other services may know."""
    return {
        "person_id": person.id,
        "sex": person.sex,
        "identity_status": person.identity_status,
        "registered_division": person.registered_division,
        "residence_division": person.residence_division,
        "state": person.state,
        "merged_into": person.merged_into,
    }


class Work(UnitOfWork):
    """A transaction of person_registry."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.persons = self.aggregates(persons, Person, person_data)
        self.assessments = self.aggregates(assessments, Assessment, assessment_data)

    def remaining(self, person_id: UUID) -> UUID:
        """The file that remains of a person's files: the given one, unless it was merged into another."""
        person = self.persons.find(person_id)
        while person is not None and person.merged_into is not None:
            person_id, person = person.merged_into, self.persons.find(person.merged_into)
        return person_id
