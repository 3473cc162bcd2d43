"""What people set: how they are reached, how their office is, and the systems that are told by webhook."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import update

from services.notification import policy
from services.notification.channels.profile import current_profile
from services.notification.domain import delivery
from services.notification.domain.delivery import Delivery, WrongState
from services.notification.domain.rules import Channel
from services.notification.domain.timing import Digest
from services.notification.seal import new_secret, seal
from services.notification.store import Contact, OfficeAddress, Subscription, Work
from services.notification.tables import contacts
from shared.kernel.errors import Conflict, NotFound, invalid_field
from shared.kernel.ids import new_id
from shared.web import Principal

EVERY = (Channel.EMAIL, Channel.SMS)
_TOLD = ("role", "organisation", "division", "language", "seen_at")


@dataclass(frozen=True, slots=True)
class SetContact:
    """How somebody wants to be told."""

    language: str
    email: str | None
    phone: str | None
    channels: tuple[Channel, ...]
    quiet_from: int
    quiet_until: int
    digest: Digest


def note_visit(by: Principal, language: str | None, *, work: Work) -> Contact:
    """Somebody is here: known from now on, with role, organisation and area as the token says today."""
    known = work.contacts.find(by.subject)
    if known is None:
        known = _newcomer(by, language or "zh", work)
        work.contacts.add(known)
        return known
    contact = replace(
        known,
        role=by.role.value,
        organisation=by.organisation,
        division=by.division,
        language=language or known.language,
        seen_at=work.now,
    )
    told = {name: getattr(contact, name) for name in _TOLD}
    # Only that, for settings may be saved in this very moment.
    work.connection.execute(update(contacts).where(contacts.c.subject == by.subject).values(told))
    return contact


def _newcomer(by: Principal, language: str, work: Work) -> Contact:
    return Contact(
        subject=by.subject,
        role=by.role.value,
        organisation=by.organisation,
        division=by.division,
        language=language,
        seen_at=work.now,
        email=None,
        phone=None,
        channels=EVERY,
        quiet_from=policy.QUIET.begins,
        quiet_until=policy.QUIET.ends,
        digest=policy.DIGEST,
    )


def set_contact(command: SetContact, by: Principal, *, work: Work) -> Contact:
    """Somebody says how to be told."""
    contact = replace(
        note_visit(by, command.language, work=work),
        email=seal(command.email) if command.email else None,
        phone=seal(command.phone) if command.phone else None,
        channels=command.channels,
        quiet_from=command.quiet_from,
        quiet_until=command.quiet_until,
        digest=command.digest,
    )
    work.contacts.put(contact)
    work.note_act("contact.set", None)
    return contact


def set_office(by: Principal, language: str, email: str | None, phone: str | None, *, work: Work) -> OfficeAddress:
    """Where the asker's own office is reached while nobody of it was ever here."""
    office = OfficeAddress(
        organisation=by.organisation,
        language=language,
        email=seal(email) if email else None,
        phone=seal(phone) if phone else None,
        changed_by=by.subject,
        changed_at=work.now,
    )
    work.offices.put(office)
    work.note_act("office.address_set", None)
    return office


def subscribe(by: Principal, url: str, topics: Sequence[str], *, work: Work) -> Subscription:
    """A system of the asker's organisation is told from now on.

    Raises: InvalidInput ``url.not_allowed``.
    """
    if not current_profile().allows(url):
        detail = "webhooks may lead only to the origins that this installation names"
        raise invalid_field("/url", "url.not_allowed", detail)
    made = Subscription(
        id=new_id(),
        organisation=by.organisation,
        url=url,
        topics=tuple(dict.fromkeys(topics)),
        secret=new_secret(),
        former_secret=None,
        former_until=None,
        created_by=by.subject,
        created_at=work.now,
        ended_at=None,
    )
    work.subscriptions.put(made)
    work.note_act("subscription.made", made.id)
    return made


def own_subscription(by: Principal, subscription_id: UUID, work: Work) -> Subscription:
    """A subscription of the asker's organisation.

    Raises: NotFound ``subscription.not_found``, also of another organisation's.
    """
    found = work.subscriptions.get(subscription_id)
    if found.organisation != by.organisation:
        raise NotFound("subscription.not_found", f"no subscription {subscription_id}")
    return found


def rotate_secret(by: Principal, subscription_id: UUID, *, work: Work) -> Subscription:
    """A new secret; for a day every message is signed with the former one, too.

    Raises: NotFound ``subscription.not_found``; Conflict ``subscription.ended``.
    """
    found = _lasting(by, subscription_id, work)
    rotated = replace(
        found,
        secret=new_secret(),
        former_secret=found.secret,
        former_until=work.now + policy.SECRETS_OVERLAP,
    )
    work.subscriptions.put(rotated)
    work.note_act("subscription.secret_changed", found.id)
    return rotated


def unsubscribe(by: Principal, subscription_id: UUID, *, work: Work) -> Subscription:
    """The system is told no more; what waits for it fails.

    Raises: NotFound ``subscription.not_found``; Conflict ``subscription.ended``.
    """
    ended = replace(_lasting(by, subscription_id, work), ended_at=work.now)
    work.subscriptions.put(ended)
    work.note_act("subscription.ended", ended.id)
    return ended


def deliver_again(one: Delivery, *, work: Work) -> Delivery:
    """Send a message to a system once more, under the same id.

    Raises: Conflict ``delivery.under_way``.
    """
    try:
        again = delivery.ask_again(one, now=work.now)
    except WrongState as wrong:
        raise Conflict("delivery.under_way", "it is waiting to be sent, or was not needed") from wrong
    work.deliveries.put(again)
    work.note_act("delivery.asked_again", one.id)
    return again


def _lasting(by: Principal, subscription_id: UUID, work: Work) -> Subscription:
    found = own_subscription(by, subscription_id, work)
    if found.ended_at is not None:
        raise Conflict("subscription.ended", "this subscription has ended", at=found.ended_at)
    return found
