"""Tables of detention_intake."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, Uuid, func, select

from services.detention_intake.domain.deciding import TestFacts
from services.detention_intake.domain.headcount import Figures, Headcount
from services.detention_intake.domain.order import (
    Circumstance,
    Document,
    IsolationGround,
    Kind,
    Notice,
    Order,
    RefusalReason,
    ReviewOutcome,
    Special,
)
from services.detention_intake.domain.order_transitions import OrderState
from services.detention_intake.domain.stay import Assessment, Stay, TermProposal
from services.detention_intake.domain.stay_transitions import StayState
from shared.kernel.deadlines import NextDue
from shared.storage import EnumText, JsonValue, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.people import Moving, merged_into_column
from shared.storage.work import Transaction

metadata = new_metadata()

orders = Table(
    "custody_order",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("test_order_id", Uuid, index=True),
    Column("division", Text, nullable=False),
    Column("state", EnumText(OrderState), nullable=False),
    Column("kind", EnumText(Kind)),
    Column("deciding_organ", Text),
    Column("legal_reviewer", Text),
    Column("isolation_ground", EnumText(IsolationGround)),
    Column("circumstances", JsonValue(tuple[Circumstance, ...]), nullable=False),
    Column("ahead_reason", Text),
    Column("early_release_barred", Boolean, nullable=False),
    Column("replaces", Uuid),
    Column("decided_on", Date),
    Column("term_first_day", Date),
    Column("term_last_day", Date),
    Column("served_at", UtcDateTime),
    Column("step_due", JsonValue(NextDue)),
    Column("notify_due", JsonValue(NextDue)),
    Column("notices", JsonValue(tuple[Notice, ...]), nullable=False),
    Column("documents", JsonValue(tuple[Document, ...]), nullable=False),
    Column("admission_due_at", UtcDateTime),
    Column("reconsider_until", UtcDateTime),
    Column("sue_until", UtcDateTime),
    Column("refusal_reason", EnumText(RefusalReason)),
    Column("refusal_note", Text),
    Column("admitted_at", UtcDateTime),
    Column("stay_id", Uuid),
    Column("review_opened_at", UtcDateTime),
    Column("review_due", JsonValue(NextDue)),
    Column("review_reason", Text),
    Column("review_outcome", EnumText(ReviewOutcome)),
    Column("review_note", Text),
    Column("revoked_at", UtcDateTime),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime),
    Column("due_from", UtcDateTime),
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
    Column("custody", EnumText(Kind), nullable=False),
    Column("state", EnumText(StayState), nullable=False),
    Column("admitted_at", UtcDateTime, nullable=False),
    Column("term_first_day", Date, nullable=False),
    Column("term_last_day", Date, nullable=False),
    Column("special", EnumText(Special)),
    Column("early_release_barred", Boolean, nullable=False),
    Column("away_since", UtcDateTime),
    Column("days_at_large", Integer, nullable=False),
    Column("escapes", Integer, nullable=False),
    Column("extended", Boolean, nullable=False),
    Column("assessments", JsonValue(tuple[Assessment, ...]), nullable=False),
    Column("proposal", JsonValue(TermProposal)),
    Column("family_due", JsonValue(NextDue)),
    Column("move_due", JsonValue(NextDue)),
    Column("away_due", JsonValue(NextDue)),
    Column("family_told_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("end_kind", Text),
    Column("release_id", Uuid),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime),
    Index("ix_stay_centre_state", "centre", "state", "admitted_at"),
    Index("ix_stay_term", "state", "term_last_day"),
)
# Nobody is in two centres at once.
Index(
    "uq_stay_open_person",
    stays.c.person_id,
    unique=True,
    postgresql_where=stays.c.state != "ended",
    sqlite_where=stays.c.state != "ended",
)

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    merged_into_column(),
)

known_tests = Table(
    "known_test",
    metadata,
    Column("test_order_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("division", Text, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("positive", Boolean, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("overturned", Boolean, nullable=False),
    Column("opinion", Text),
)

# Everybody who went through a centre's gate, in either direction: the headcount follows from it.
movements = Table(
    "movement",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("stay_id", Uuid, nullable=False),
    Column("centre", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("heads", Integer, nullable=False),
    Index("ix_movement_centre_day", "centre", "day"),
)

headcounts = Table(
    "headcount",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),  # 0: stated before headcounts were said
    Column("centre", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("counted", Integer),
    Column("figures", JsonValue(Figures), nullable=False),
    Column("stated_at", UtcDateTime),
    Column("stated_by", Text),
    Index("ix_headcount_centre_day", "centre", "day"),
)

centres = Table(
    "centre",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("division", Text, nullable=False),
)


barred_persons = Table(
    "barred_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("origin", Uuid, nullable=False),  # the handover or measure
    Column("since", UtcDateTime, nullable=False),
)


class CentreKind(StrEnum):
    """Whose centre it is (戒毒条例 art. 27, 拘留所条例)."""

    LOCKUP = "lockup"
    POLICE = "police"
    JUSTICE = "justice"


@dataclass(frozen=True, slots=True)
class Centre:
    """A place of custody."""

    code: str
    name: str
    kind: str
    division: str


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person that this service has heard of."""

    person_id: UUID
    version: int
    merged_into: UUID | None = None


@dataclass(frozen=True, slots=True)
class BarredPerson:
    """Somebody who refused or gravely breached rehabilitation: after a relapse, no early release (戒毒条例 art. 38)."""

    person_id: UUID
    origin: UUID
    since: datetime


@dataclass(frozen=True, slots=True)
class KnownTest:
    """A test that this service has heard of, since its result was told."""

    test_order_id: UUID
    version: int
    person_id: UUID
    division: str
    told: bool
    positive: bool
    settled: bool
    overturned: bool
    opinion: str | None

    @property
    def facts(self) -> TestFacts:
        """What bears on a decision."""
        return TestFacts(self.told, self.positive, self.settled, self.overturned, self.opinion)


@dataclass(frozen=True, slots=True)
class Movement:
    """One head more or less in a centre on a day."""

    id: UUID
    stay_id: UUID
    centre: str
    kind: str
    day: date
    heads: int


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
        "isolation_ground": order.isolation_ground,
        "replaces": order.replaces,
        "decided_on": order.decided_on,
        "served_at": order.served_at,
        "term_first_day": order.term_first_day,
        "term_last_day": order.term_last_day,
        "admission_due_at": order.admission_due_at,
        "refusal_reason": order.refusal_reason,
        "admitted_at": order.admitted_at,
        "stay_id": order.stay_id,
        "under_review": order.review_due is not None,
        "review_outcome": order.review_outcome,
        "revoked_at": order.revoked_at,
        "due_rule": order.due_rule,
        "due_at": order.due_at,
    }


def stay_data(stay: Stay) -> dict[str, Any]:
    """The stay's state as its events tell it. Why a person is in a special facility is not told."""
    proposal = stay.proposal
    return {
        "stay_id": stay.id,
        "order_id": stay.order_id,
        "person_id": stay.person_id,
        "centre": stay.centre,
        "state": stay.state,
        "custody": stay.custody,
        "admitted_at": stay.admitted_at,
        "term_first_day": stay.term_first_day,
        "term_last_day": stay.term_last_day,
        "special": stay.special is not None,
        "away_since": stay.away_since,
        "days_at_large": stay.days_at_large,
        "extended": stay.extended,
        "shortened": proposal is not None and proposal.approved is True and proposal.kind == "early_release",
        "ended_at": stay.ended_at,
        "end_kind": stay.end_kind,
        "release_id": stay.release_id,
        "due_rule": stay.due_rule,
        "due_at": stay.due_at,
    }


def headcount_data(headcount: Headcount) -> dict[str, Any]:
    """The headcount as its events tell it; who stated it is for the centre alone."""
    return {
        "headcount_id": headcount.id,
        "centre": headcount.centre,
        "day": headcount.day,
        "state": "missed" if headcount.counted is None else "stated",
        "counted": headcount.counted,
        "expected": headcount.figures.expected,
        **asdict(headcount.figures),
        "stated_at": headcount.stated_at,
    }


class Work(UnitOfWork):
    """A transaction of detention_intake."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.orders = self.aggregates(orders, Order, order_data)
        self.stays = self.aggregates(stays, Stay, stay_data)
        self.persons = self.records(known_persons, KnownPerson)
        self.tests = self.records(known_tests, KnownTest)
        self.barred = self.records(barred_persons, BarredPerson)
        self.movements = self.records(movements, Movement)
        self.headcounts = self.aggregates(headcounts, Headcount, headcount_data)
        self.centres = self.records(centres, Centre)

    def open_stay_of(self, person_id: UUID) -> Stay | None:
        """The stay in which a person is, if any."""
        found = self.stays.select(stays.c.person_id == person_id, stays.c.state != StayState.ENDED, limit=1)
        return found[0] if found else None

    def centres_with_movements(self) -> list[str]:
        """The centres through whose gate anybody ever went."""
        self.flush()
        return sorted(self.connection.execute(select(movements.c.centre).distinct()).scalars())

    def heads(self, centre: str, before: date) -> int:
        """How many people were in a centre as a day began."""
        self.flush()
        statement = select(func.coalesce(func.sum(movements.c.heads), 0))
        return int(
            self.connection.execute(
                statement.where(movements.c.centre == centre, movements.c.day < before)
            ).scalar_one()
        )


def _is_elsewhere(work: Work, stay: Stay, person_id: UUID) -> bool:
    """Nobody is in two centres at once: while both files are in custody, one of the stays was entered in error."""
    return stay.state is not StayState.ENDED and work.open_stay_of(person_id) is not None


# What names a person, and is moved when the person's file is merged into another one.
MOVINGS = (
    Moving(lambda work: work.orders, "order.person_merged.v1"),
    Moving(lambda work: work.stays, "stay.person_merged.v1", waits=_is_elsewhere),
)
