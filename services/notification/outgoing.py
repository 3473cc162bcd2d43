"""The messages that are due, each with its address and words: several for one recipient become one digest.

Addresses are unsealed here and nowhere else but where their owner reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.notification import policy
from services.notification.audience import OFFICE, PERSON, WEBHOOK
from services.notification.channels.message import Message
from services.notification.domain.delivery import Delivery
from services.notification.domain.rules import Channel
from services.notification.domain.timing import Quiet
from services.notification.seal import secret_of, unseal
from services.notification.store import Notice, Subscription, Telling, Work
from services.notification.wording import Item, long_text, short_text, subject_of
from shared.kernel.ids import derived_id


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message and what it tells. ``message`` is None where there is no address any more."""

    message: Message | None
    deliveries: tuple[Delivery, ...]
    quiet: Quiet


def digest_id_of(deliveries: Sequence[Delivery]) -> UUID:
    """The id of the message that tells these: the same whenever the same ones are told together."""
    first, *others = sorted(one.id for one in deliveries)
    return derived_id(first, *map(str, others)) if others else first


def parcels(taken: Sequence[Delivery], console_url: str, work: Work) -> list[Parcel]:
    """The taken messages, one parcel for each recipient; systems are told of each matter by itself."""
    told = _Told(taken, work)
    grouped: dict[tuple[str, UUID | None], list[Delivery]] = {}
    for one in taken:
        grouped.setdefault((one.recipient, one.digest_id), []).append(one)
    return [_parcel(group, told, console_url, work) for group in grouped.values()]


class _Told:
    """What the messages are about: read at once."""

    def __init__(self, taken: Sequence[Delivery], work: Work) -> None:
        work.notices.prefetch("id", (one.notice_id for one in taken))
        found = (work.notices.find(one.notice_id) for one in taken)
        self._notices: dict[UUID, Notice] = {one.id: one for one in found if one is not None}
        work.tellings.prefetch("id", (one.telling_id for one in self._notices.values()))
        self._work = work

    def about(self, one: Delivery) -> tuple[Notice, Telling]:
        """The notice and the telling of a message."""
        notice = self._notices[one.notice_id]
        return notice, self._work.tellings.get(notice.telling_id)

    def item(self, one: Delivery) -> Item:
        """What the message's words are about."""
        notice, telling = self.about(one)
        return Item(telling.rule, telling.due_at, notice.id)


def _parcel(group: Sequence[Delivery], told: _Told, console_url: str, work: Work) -> Parcel:
    kind, _, name = group[0].recipient.partition(":")
    if kind == WEBHOOK:
        subscription = work.subscriptions.find(UUID(name))
        (one,) = group
        message = _for_system(one, subscription, told, console_url, work) if subscription is not None else None
        return Parcel(message, tuple(group), Quiet(0, 0))
    reached = work.contacts.find(name) if kind == PERSON else work.offices.find(name) if kind == OFFICE else None
    sealed = None if reached is None else reached.email if group[0].channel is Channel.EMAIL else reached.phone
    quiet = work.contacts.find(name) if kind == PERSON else None
    hours = Quiet(quiet.quiet_from, quiet.quiet_until) if quiet is not None else policy.QUIET
    if reached is None or sealed is None:
        return Parcel(None, tuple(group), hours)
    items = [told.item(one) for one in group]
    text = long_text if group[0].channel is Channel.EMAIL else short_text
    message = Message(
        id=str(digest_id_of(group)),
        to=unseal(sealed),
        subject=subject_of(items, reached.language),
        text=text(items, reached.language, console_url),
    )
    return Parcel(message, tuple(group), hours)


def _for_system(one: Delivery, subscription: Subscription, told: _Told, console_url: str, work: Work) -> Message | None:
    if subscription.ended_at is not None:
        return None
    notice, telling = told.about(one)
    rule = policy.RULES_BY_ID[telling.rule]
    secrets = [secret_of(subscription.secret)]
    if subscription.former_secret is not None and subscription.former_until and work.now < subscription.former_until:
        secrets.append(secret_of(subscription.former_secret))
    data: dict[str, Any] = {
        "notice_id": notice.id,
        "rule": rule.id,
        "title": rule.title_zh,
        "title_en": rule.title_en,
        "urgent": rule.urgent,
        "event_id": telling.event_id,
        "event_type": telling.event_type,
        "kind": telling.kind,
        "subject": telling.subject,
        "due_at": telling.due_at,
        "link": f"{console_url}/notifications/{notice.id}",
    }
    body = {"type": "notice.made", "timestamp": telling.made_at, "data": data}
    return Message(str(one.id), subscription.url, rule.title_zh, "", body, tuple(secrets))
