"""Tables of notification: who can be told, what is known of each matter, what was told to whom and what became of it.

Addresses, telephone numbers and secrets of webhooks are stored sealed. Nothing here names the person of a case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    update,
)

from services.notification import policy
from services.notification.domain import delivery, telling
from services.notification.domain.delivery import Delivery
from services.notification.domain.rules import Channel
from services.notification.domain.timing import Digest
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.bulk import is_one_of
from shared.storage.types import JsonValue
from shared.storage.work import Transaction

metadata = new_metadata()

contacts = Table(
    "contact",
    metadata,
    Column("subject", Text, primary_key=True),  # as the provider names the person
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=False, index=True),
    Column("division", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("email", LargeBinary),
    Column("phone", LargeBinary),
    Column("channels", JsonValue(tuple[Channel, ...]), nullable=False),
    Column("quiet_from", Integer, nullable=False),
    Column("quiet_until", Integer, nullable=False),
    Column("digest", EnumText(Digest), nullable=False),
    Index("ix_contact_role", "role", "division"),
)
offices = Table(
    "office",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("email", LargeBinary),
    Column("phone", LargeBinary),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
subscriptions = Table(
    "subscription",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation", Text, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("topics", JsonValue(tuple[str, ...]), nullable=False),  # ids of rules; none: all
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary),
    Column("former_until", UtcDateTime),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)
matters = Table(
    "matter",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("person_id", Uuid),
    Column("organisation", Text),
    Column("division", Text),
    Column("due_at", UtcDateTime),
    Column("said_at", UtcDateTime, nullable=False),
    Column("overdue_at", UtcDateTime),  # from when on it is told to be overdue; null where it was, or never will be
)
Index("ix_matter_overdue", matters.c.overdue_at, postgresql_where=matters.c.overdue_at.is_not(None))
Index("ix_matter_said_at", matters.c.said_at)
tellings = Table(
    "telling",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("holds_while", Text, nullable=False),  # how the matter stood of which this was told
    Column("audience", Text, nullable=False),
    Column("audience_role", Text, nullable=False),
    Column("division", Text),
    Column("caused_by", Text),
    Column("due_at", UtcDateTime),
    Column("made_at", UtcDateTime, nullable=False),
    Column("state", EnumText(telling.State), nullable=False),
    Column("check_at", UtcDateTime),  # when it is looked whether somebody has read it
)
Index("ix_telling_subject", tellings.c.subject, tellings.c.made_at)
Index("ix_telling_check", tellings.c.check_at, postgresql_where=tellings.c.check_at.is_not(None))
is_unheard = tellings.c.state == telling.State.UNHEARD.value
Index("ix_telling_unheard", tellings.c.state, postgresql_where=is_unheard, sqlite_where=is_unheard)
Index("ix_telling_made_at", tellings.c.made_at, tellings.c.id)
Index("ix_telling_caused_by", tellings.c.caused_by, tellings.c.made_at)
notices = Table(
    "notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("telling_id", Uuid, nullable=False, index=True),
    Column("event_id", Uuid, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("read_by", Text),
    Column("past_at", UtcDateTime),  # since when its matter has gone on
    UniqueConstraint("event_id", "recipient"),  # nobody is told twice of the same event
)
is_unread = and_(notices.c.read_at.is_(None), notices.c.past_at.is_(None))
Index("ix_notice_recipient", notices.c.recipient, notices.c.made_at, notices.c.id)
Index("ix_notice_unread", notices.c.recipient, postgresql_where=is_unread, sqlite_where=is_unread)
deliveries = Table(
    "delivery",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("notice_id", Uuid, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("channel", EnumText(Channel), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("state", EnumText(delivery.State), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("next_try_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("digest_id", Uuid),
    Column("reason", Text),
    UniqueConstraint("notice_id", "channel"),  # nobody is told twice by the same channel
)
Index("ix_delivery_next_try", deliveries.c.next_try_at, postgresql_where=deliveries.c.next_try_at.is_not(None))
Index("ix_delivery_recipient", deliveries.c.recipient, deliveries.c.made_at, deliveries.c.id)
failures = Table(
    "failure",
    metadata,
    Column("id", Uuid, primary_key=True),  # the telling's
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("person_id", Uuid),
    Column("rule", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("matter_kind", Text, nullable=False),
    Column("matter", Uuid, nullable=False),
    Column("audience", Text, nullable=False),
    Column("above", Text, nullable=False),
    Column("division", Text),
    Column("recipients", Integer, nullable=False),
    Column("channels", Text),
    Column("told_at", UtcDateTime, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by", Text),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """A person who can be told: what the token said at the last visit, and what the person has set."""

    subject: str
    role: str
    organisation: str
    division: str
    language: str
    seen_at: datetime
    email: bytes | None
    phone: bytes | None
    channels: tuple[Channel, ...]
    quiet_from: int  # minutes after midnight in China
    quiet_until: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class OfficeAddress:
    """Where an office is reached when nobody of it was ever here."""

    organisation: str
    language: str
    email: bytes | None
    phone: bytes | None
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """A system of an organisation that is told by webhook. Signed with one secret, with two while it is changed."""

    id: UUID
    organisation: str
    url: str
    topics: tuple[str, ...]
    secret: bytes
    former_secret: bytes | None
    former_until: datetime | None
    created_by: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Matter:
    """The newest that is known of an aggregate that somebody may have to be told of."""

    id: UUID
    version: int
    kind: str
    state: str
    person_id: UUID | None
    organisation: str | None
    division: str | None
    due_at: datetime | None
    said_at: datetime
    overdue_at: datetime | None

    @property
    def stands(self) -> str:
        """How it stands and in whose hands: what is told of it holds as long as this is the same."""
        return f"{self.state} {self.organisation or ''}".strip()


@dataclass(frozen=True, slots=True)
class Telling:
    """One matter told to one audience by one rule. See `domain.telling`."""

    id: UUID
    rule: str
    event_id: UUID
    event_type: str
    kind: str
    subject: UUID
    holds_while: str
    audience: str
    audience_role: str
    division: str | None
    caused_by: str | None
    due_at: datetime | None
    made_at: datetime
    state: telling.State
    check_at: datetime | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What one recipient was told: in the page this is the message itself."""

    id: UUID
    telling_id: UUID
    event_id: UUID
    recipient: str
    made_at: datetime
    read_at: datetime | None
    read_by: str | None
    past_at: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A telling that nobody read in time: told to those above."""

    id: UUID
    version: int
    state: str
    person_id: UUID | None
    rule: str
    event_id: UUID
    matter_kind: str
    matter: UUID
    audience: str
    above: str
    division: str | None
    recipients: int
    channels: str | None
    told_at: datetime
    failed_at: datetime
    settled_at: datetime | None = None
    settled_by: str | None = None


def failure_data(failure: Failure) -> dict[str, Any]:
    """What the events of a failure say."""
    return {
        "notification_id": failure.id,
        "state": failure.state,
        "person_id": failure.person_id,
        "rule": failure.rule,
        "event_id": failure.event_id,
        "matter_kind": failure.matter_kind,
        "matter": failure.matter,
        "audience": failure.audience,
        "above": failure.above,
        "division": failure.division,
        "recipients": failure.recipients,
        "channels": failure.channels,
        "told_at": failure.told_at,
        "failed_at": failure.failed_at,
        "settled_at": failure.settled_at,
        "settled_by": failure.settled_by,
        "due_rule": None,
        "due_at": None,
    }


class Work(UnitOfWork):
    """A transaction of notification."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._present_since = self.now - policy.PRESENT_FOR
        self.contacts = self.records(contacts, Contact)
        self.offices = self.records(offices, OfficeAddress)
        self.subscriptions = self.records(subscriptions, Subscription)
        self.matters = self.records(matters, Matter)
        self.tellings = self.records(tellings, Telling)
        self.notices = self.records(notices, Notice)
        self.deliveries = self.records(deliveries, Delivery)
        self.failures = self.aggregates(failures, Failure, failure_data)
        self._people: dict[str, list[Contact]] = {}
        self._systems: dict[str, list[Subscription]] = {}
        self._with_role: dict[str, list[Contact]] = {}
        self._live: dict[UUID, list[Telling]] = {}

    def people_of(self, organisation: str) -> list[Contact]:
        """Who of an organisation is known to be there."""
        if organisation not in self._people:
            self.prefetch_organisations([organisation])
        return self._people[organisation]

    def systems_of(self, organisation: str) -> list[Subscription]:
        """The webhooks of an organisation."""
        if organisation not in self._systems:
            self.prefetch_organisations([organisation])
        return self._systems[organisation]

    def with_role(self, role: str) -> list[Contact]:
        """Who has a role, wherever: for roles that few have."""
        if role not in self._with_role:
            here = (contacts.c.role == role, contacts.c.seen_at > self._present_since)
            found = self.contacts.select(*here, order_by=contacts.c.subject)
            self._with_role[role] = found
        return self._with_role[role]

    def prefetch_organisations(self, organisations: Iterable[str]) -> None:
        """Read the people and the webhooks of several organisations: one query each."""
        wanted = [one for one in dict.fromkeys(organisations) if one not in self._people]
        if not wanted:
            return
        self._people |= {one: [] for one in wanted}
        self._systems |= {one: [] for one in wanted}
        here = (contacts.c.organisation.in_(wanted), contacts.c.seen_at > self._present_since)
        for contact in self.contacts.select(*here, order_by=contacts.c.subject):
            self._people[contact.organisation].append(contact)
        lasting = subscriptions.c.ended_at.is_(None)
        for one in self.subscriptions.select(
            subscriptions.c.organisation.in_(wanted), lasting, order_by=subscriptions.c.id
        ):
            self._systems[one.organisation].append(one)

    def prefetch_live(self, subjects: Iterable[UUID]) -> None:
        """Read what was told of several matters and is not past: one query."""
        wanted = [one for one in dict.fromkeys(subjects) if one not in self._live]
        if not wanted:
            return
        self._live |= {one: [] for one in wanted}
        of_them = is_one_of(self.dialect, tellings, "subject", wanted)
        for one in self.tellings.select(of_them, tellings.c.state.in_(telling.LIVE)):
            self._live[one.subject].append(one)

    def live_tellings(self, subject: UUID) -> list[Telling]:
        """What was told of a matter and is not past."""
        self.prefetch_live([subject])
        return self._live[subject]

    def add_telling(self, one: Telling) -> None:
        """Make a telling, unless it was made before."""
        self.tellings.add(one)
        self.live_tellings(one.subject).append(one)

    def forget_live(self, subject: UUID, ids: Sequence[UUID]) -> None:
        """These tellings of a matter are past."""
        self._live[subject] = [one for one in self.live_tellings(subject) if one.id not in ids]

    def move_telling(self, act: telling.Act, *where: ColumnElement[bool]) -> list[UUID]:
        """Do an act to the tellings that match and in whose state it can happen; their ids.

        One statement, so that of two transactions that race only one does it.
        """
        self.flush()
        changed = (
            update(tellings)
            .where(tellings.c.state.in_(telling.before(act)), *where)
            .values(state=telling.after(act), check_at=None)
            .returning(tellings.c.id)
        )
        return list(self.connection.execute(changed).scalars())

    def spare(self, *where: ColumnElement[bool]) -> int:
        """Give up the messages that match and wait to be sent; how many."""
        self.flush()
        given_up = (
            update(deliveries)
            .where(deliveries.c.state.in_(delivery.TRANSITIONS[delivery.Act.SPARED]), *where)
            .values(state=delivery.State.SPARED, next_try_at=None)
        )
        return self.connection.execute(given_up).rowcount

    def notices_of(self, telling_ids: Sequence[UUID]) -> list[Notice]:
        """What was made for these tellings."""
        return self.notices.select(is_one_of(self.dialect, notices, "telling_id", telling_ids), order_by=notices.c.id)

    def deliveries_of(self, notice_ids: Iterable[UUID]) -> list[Delivery]:
        """The messages of these notices."""
        wanted = list(notice_ids)
        return self.deliveries.select(
            is_one_of(self.dialect, deliveries, "notice_id", wanted), order_by=deliveries.c.id
        )
