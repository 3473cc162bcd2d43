"""Tables of drug_testing."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, Uuid

from services.drug_testing.domain.objecting import LaboratoryKind
from services.drug_testing.domain.order import (
    Collector,
    CustodyEntry,
    Examination,
    ExemptReason,
    Ground,
    InvalidCard,
    Opinion,
    OverturnedBy,
    Result,
    SampleType,
    SettledBy,
    TestOrder,
)
from services.drug_testing.domain.transitions import State
from shared.importing import add_import_tables
from shared.storage import EnumText, JsonValue, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.people import Moving, merged_into_column
from shared.storage.work import Transaction

metadata = new_metadata()
import_tables = add_import_tables(metadata)

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
    Column("due_rule", Text),
    Column("due_at", UtcDateTime),
    Column("due_from", UtcDateTime),
    Column("evasions", Integer, nullable=False),
    Column("refused_at", UtcDateTime),
    Column("force_decided_at", UtcDateTime),
    Column("force_approved_by", Text),
    Column("untested_reason", Text),
    Column("exempt_reason", EnumText(ExemptReason)),
    Column("exempt_note", Text),
    Column("exempted_by", Text),
    Column("collected_at", UtcDateTime),
    Column("sample_type", EnumText(SampleType)),
    Column("collectors", JsonValue(tuple[Collector, ...]), nullable=False),
    Column("declared_medicines", JsonValue(tuple[str, ...]), nullable=False),
    Column("invalid_cards", JsonValue(tuple[InvalidCard, ...]), nullable=False),
    Column("result", EnumText(Result)),
    Column("resulted_at", UtcDateTime),
    Column("substances", JsonValue(tuple[str, ...]), nullable=False),
    Column("tester", Text),
    Column("reagent_lot", Text),
    Column("sample_a", Text, unique=True),
    Column("sample_b", Text, unique=True),
    Column("seal_signed", Boolean),
    Column("seal_note", Text),
    Column("keep_until", UtcDateTime),
    Column("custody", JsonValue(tuple[CustodyEntry, ...]), nullable=False),
    Column("told_at", UtcDateTime),
    Column("signed", Boolean),
    Column("refusal_note", Text),
    Column("objection_due_at", UtcDateTime),
    Column("opinion_due_at", UtcDateTime),
    Column("opinion", EnumText(Opinion)),
    Column("opinion_at", UtcDateTime),
    Column("opinion_officers", JsonValue(tuple[str, ...]), nullable=False),
    Column("lab", JsonValue(Examination)),
    Column("retest", JsonValue(Examination)),
    Column("unfit_reason", Text),
    Column("settled_at", UtcDateTime),
    Column("settled_by", EnumText(SettledBy)),
    Column("overturned_at", UtcDateTime),
    Column("overturned_by", EnumText(OverturnedBy)),
    Index("ix_test_order_station_state", "station", "state", "ordered_at"),
    Index("ix_test_order_due", "state", "due_at"),
    Index("ix_test_order_person", "person_id"),
)

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sex", Text, nullable=False),
    merged_into_column(),
)

# Each number on a seal, ever: A and B of all orders, and new samples.
seals = Table(
    "seal",
    metadata,
    Column("number", Text, primary_key=True),
    Column("test_order_id", Uuid, nullable=False),
)

laboratories = Table(
    "laboratory",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", EnumText(LaboratoryKind), nullable=False),
    Column("designated", Boolean, nullable=False),
)

schedules = Table(
    "schedule",
    metadata,
    Column("measure_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False, index=True),
    Column("division", Text, nullable=False),
    Column("started_on", Date, nullable=False),
    Column("next_at", UtcDateTime, index=True),
    Column("evasions", Integer, nullable=False),
)

known_paces = Table(
    "known_pace",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("test_every_days", Integer),
)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What this service knows of a person, learnt from events."""

    person_id: UUID
    version: int
    sex: str
    merged_into: UUID | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """A number on a sealed sample."""

    number: str
    test_order_id: UUID


@dataclass(frozen=True, slots=True)
class Laboratory:
    """An institution that the county's police designated to examine samples (吸毒检测程序规定 art. 4)."""

    code: str
    name: str
    kind: LaboratoryKind
    designated: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """The tests of a person in a community measure. ``next_at`` is None when there is none to come."""

    measure_id: UUID
    version: int
    person_id: UUID
    division: str
    started_on: date
    next_at: datetime | None
    evasions: int = 0

    def moved(self, next_at: datetime | None) -> "Schedule":
        """With the next test at another time."""
        return replace(self, next_at=next_at)

    def counted(self, evasions: int) -> "Schedule":
        """With another number of evaded tests."""
        return replace(self, evasions=evasions)


@dataclass(frozen=True, slots=True)
class KnownPace:
    """How often a person's risk tier asks for a test; None where the measure's own schedule is enough."""

    person_id: UUID
    version: int
    test_every_days: int | None


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
        "opinion": order.opinion,
        "lab_result": order.lab.result if order.lab else None,
        "retest_result": order.retest.result if order.retest else None,
        "evasions": order.evasions,
        "exempt_reason": order.exempt_reason,
        "settled_at": order.settled_at,
        "settled_by": order.settled_by,
        "overturned_at": order.overturned_at,
        "overturned_by": order.overturned_by,
        "due_rule": order.due_rule,
        "due_at": order.due_at,
    }


class Work(UnitOfWork):
    """A transaction of drug_testing."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.test_orders = self.aggregates(test_orders, TestOrder, test_order_data)
        self.persons = self.records(known_persons, KnownPerson)
        self.seals = self.records(seals, Seal)
        self.laboratories = self.records(laboratories, Laboratory)
        self.schedules = self.records(schedules, Schedule)
        self.paces = self.records(known_paces, KnownPace)

    def test_every_days(self, person_id: UUID) -> int | None:
        """How often the person's risk tier asks for a test, in days, if it does."""
        pace = self.paces.find(person_id)
        return pace.test_every_days if pace else None

    def schedule_of(self, person_id: UUID) -> Schedule | None:
        """The person's schedule; of several the newest."""
        newest = self.schedules.select(
            schedules.c.person_id == person_id, order_by=schedules.c.started_on.desc(), limit=1
        )
        return newest[0] if newest else None


# What names a person, and is moved when the person's file is merged into another one.
MOVINGS = (Moving(lambda work: work.test_orders, "test.person_merged.v1"),)
