"""Tables of person_registry."""

from typing import Any

from sqlalchemy import Column, Integer, Table, Text, Uuid

from services.person_registry.domain import IdentityKind, Person, PersonState, Sex
from shared.storage import EnumText, UnitOfWork, new_metadata
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
