"""What notification stores, as its code sees it, and a transaction of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from services.notification import policy
from services.notification.domain import delivery, telling
from services.notification.domain.delivery import Delivery
from services.notification.domain.rules import Channel
from services.notification.domain.timing import Digest
from services.notification.tables import (
    contacts,
    deliveries,
    failures,
    matters,
    metadata,
    notices,
    offices,
    subscriptions,
    tellings,
)
from shared.storage import UnitOfWork
from shared.storage.bulk import is_one_of
from shared.storage.work import Transaction

__all__ = ["Contact", "Failure", "Matter", "Notice", "OfficeAddress", "Subscription", "Telling", "Work", "metadata"]


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
        self._ending: list[UUID] = []

    def flush(self) -> None:
        """Write everything pending, then what ends by it: at once for all events of a batch."""
        super().flush()
        if self._ending:
            ending, self._ending = self._ending, []
            self.end_tellings(ending)
            super().flush()

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

    def end_later(self, subject: UUID, ids: Sequence[UUID]) -> None:
        """These tellings of a matter are past: noted with everything else that is written."""
        self._live[subject] = [one for one in self.live_tellings(subject) if one.id not in ids]
        self._ending += ids

    def end_tellings(self, ids: Sequence[UUID]) -> None:
        """These tellings are past: nothing of them is sent or counted any more, and those above need not care."""
        ended = self.move_telling(telling.Act.OVERTAKEN, is_one_of(self.dialect, tellings, "id", ids))
        if ended:
            of_them = select(notices.c.id).where(is_one_of(self.dialect, notices, "telling_id", ended))
            self.connection.execute(update(notices).where(notices.c.id.in_(of_them)).values(past_at=self.now))
            self.spare(deliveries.c.notice_id.in_(of_them))
            self.settle_failures(ended, "past")

    def settle_failures(self, telling_ids: Sequence[UUID], how: str) -> None:
        """What nobody had read is read, or past: those above need not care any more."""
        if not telling_ids:
            return
        of_them = is_one_of(self.dialect, failures, "id", telling_ids)
        for failure in self.failures.select(of_them, failures.c.state == "failed"):
            settled = replace(
                failure, version=failure.version + 1, state="settled", settled_at=self.now, settled_by=how
            )
            self.failures.save(settled, "notification.settled.v1")

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
