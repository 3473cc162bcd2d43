"""Tables of person_registry."""

from typing import Any

from sqlalchemy import Column, Integer, Table, Text, Uuid

from services.person_registry.domain import IdentityKind, Person, PersonState, Sex
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
    Column("tier", EnumText(Tier)),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("decision_reason", Text),
)


def assessment_data(assessment: Assessment) -> dict[str, Any]:
    """What other services may know: the tier and the rules behind it, not the facts' origins."""
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
    }


class Work(UnitOfWork):
    """A transaction of person_registry."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.persons = self.aggregates(persons, Person, person_data)
        self.assessments = self.aggregates(assessments, Assessment, assessment_data)
