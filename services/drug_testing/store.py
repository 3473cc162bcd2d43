"""Tables of drug_testing."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, Uuid

from services.drug_testing.domain import Collector, Ground, Result, SampleType, State, TestOrder
from shared.storage import EnumText, JsonValue, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.work import Transaction

metadata = new_metadata()

test_orders = Table(
    "test_order",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("station", Text, nullable=False),
    Column("division", Text, nullable=False),
    Column("ground", EnumText(Ground), nullable=False),
    Column("ground_detail", Text),
    Column("state", EnumText(State), nullable=False),
    Column("ordered_at", UtcDateTime, nullable=False),
    Column("collect_due_at", UtcDateTime, nullable=False),
    Column("collected_at", UtcDateTime),
    Column("sample_type", EnumText(SampleType)),
    Column("collectors", JsonValue(tuple[Collector, ...]), nullable=False),
    Column("result", EnumText(Result)),
    Column("resulted_at", UtcDateTime),
    Column("substances", JsonValue(tuple[str, ...]), nullable=False),
    Column("tester", Text),
    Column("reagent_lot", Text),
    Column("sample_a", Text, unique=True),
    Column("sample_b", Text, unique=True),
    Column("told_at", UtcDateTime),
    Column("signed", Boolean),
    Column("refusal_note", Text),
    Column("objection_due_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    Column("settled_by", Text),
    Index("ix_test_order_station_state", "station", "state", "ordered_at"),
    Index("ix_test_order_objection", "state", "objection_due_at"),
    Index("ix_test_order_person", "person_id"),
)

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sex", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What this service knows of a person, learnt from events."""

    person_id: UUID
    version: int
    sex: str


def test_order_data(order: TestOrder) -> dict[str, Any]:
    """The order's state as its events tell it."""
    return {
        "test_order_id": order.id,
        "person_id": order.person_id,
        "station": order.station,
        "division": order.division,
        "ground": order.ground,
        "state": order.state,
        "ordered_at": order.ordered_at,
        "collect_due_at": order.collect_due_at,
        "collected_at": order.collected_at,
        "sample_type": order.sample_type,
        "result": order.result,
        "told_at": order.told_at,
        "objection_due_at": order.objection_due_at,
        "settled_at": order.settled_at,
        "settled_by": order.settled_by,
    }


class Work(UnitOfWork):
    """A transaction of drug_testing."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.test_orders = self.aggregates(test_orders, TestOrder, test_order_data)
        self.persons = self.records(known_persons, KnownPerson)
