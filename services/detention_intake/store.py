"""Tables of detention_intake."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid

from services.detention_intake.domain import Custody, Order, OrderState, Stay, StayState
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.work import Transaction

metadata = new_metadata()

orders = Table(
    "custody_order",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("test_order_id", Uuid, unique=True),
    Column("division", Text, nullable=False),
    Column("state", EnumText(OrderState), nullable=False),
    Column("kind", EnumText(Custody)),
    Column("deciding_organ", Text),
    Column("decided_on", Date),
    Column("term_first_day", Date),
    Column("term_last_day", Date),
    Column("served_at", UtcDateTime),
    Column("notify_due_at", UtcDateTime),
    Column("admission_due_at", UtcDateTime),
    Column("admitted_at", UtcDateTime),
    Column("stay_id", Uuid),
    Index("ix_custody_order_state", "state", "id"),
    Index("ix_custody_order_person", "person_id"),
)

stays = Table(
    "stay",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("order_id", Uuid, nullable=False, unique=True),
    Column("person_id", Uuid, nullable=False),
    Column("centre", Text, nullable=False),
    Column("custody", EnumText(Custody), nullable=False),
    Column("state", EnumText(StayState), nullable=False),
    Column("admitted_at", UtcDateTime, nullable=False),
    Column("term_last_day", Date, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end_kind", Text),
    Column("release_id", Uuid),
    Index("ix_stay_centre_state", "centre", "state", "admitted_at"),
)
# Nobody is in two centres at once.
Index(
    "uq_stay_open_person",
    stays.c.person_id,
    unique=True,
    postgresql_where=stays.c.state == "in_custody",
    sqlite_where=stays.c.state == "in_custody",
)

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person that this service has heard of."""

    person_id: UUID
    version: int


def order_data(order: Order) -> dict[str, Any]:
    """The order's state as its events tell it."""
    return {
        "order_id": order.id,
        "person_id": order.person_id,
        "test_order_id": order.test_order_id,
        "kind": order.kind,
        "state": order.state,
        "deciding_organ": order.deciding_organ,
        "division": order.division,
        "decided_on": order.decided_on,
        "served_at": order.served_at,
        "term_first_day": order.term_first_day,
        "term_last_day": order.term_last_day,
        "admission_due_at": order.admission_due_at,
        "admitted_at": order.admitted_at,
        "stay_id": order.stay_id,
    }


def stay_data(stay: Stay) -> dict[str, Any]:
    """The stay's state as its events tell it."""
    return {
        "stay_id": stay.id,
        "order_id": stay.order_id,
        "person_id": stay.person_id,
        "centre": stay.centre,
        "state": stay.state,
        "custody": stay.custody,
        "admitted_at": stay.admitted_at,
        "term_last_day": stay.term_last_day,
        "ended_at": stay.ended_at,
        "end_kind": stay.end_kind,
        "release_id": stay.release_id,
    }


class Work(UnitOfWork):
    """A transaction of detention_intake."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.orders = self.aggregates(orders, Order, order_data)
        self.stays = self.aggregates(stays, Stay, stay_data)
        self.persons = self.records(known_persons, KnownPerson)
