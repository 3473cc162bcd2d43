"""Telling people: what is made when something happened, and what follows when it is read, past, or read by nobody."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from services.notification import policy
from services.notification.audience import (
    Audiences,
    Group,
    Occasion,
    Recipient,
    recipient_of,
)
from services.notification.channels.profile import current_profile
from services.notification.domain import delivery, telling
from services.notification.domain.delivery import Delivery
from services.notification.domain.rules import Channel, Rule, matches, next_channel
from services.notification.domain.timing import not_before
from services.notification.store import Failure, Matter, Notice, Telling, Work
from services.notification.tables import deliveries, matters, notices, tellings
from shared.kernel.ids import derived_id
from shared.reference.calendar import next_due
from shared.storage.bulk import is_one_of

AT_ONCE = 100


def tell_of(occasion: Occasion, matter: Matter, work: Work) -> int:
    """Tell everybody whom the policy names, each once however many rules mean them. How many were told."""
    told: set[str] = set()
    for rule in policy.RULES:
        if matches(rule, occasion.event_type, occasion.data, occasion.before):
            _tell_by(rule, occasion, matter, told, work)
    return len(told)


def tell_overdue(work: Work) -> int:
    """Steps of tests whose time has passed, due and not yet told: each version of a matter once. How many."""
    overdue = work.matters.select(matters.c.overdue_at <= work.now, order_by=matters.c.overdue_at, limit=AT_ONCE)
    for matter in overdue:
        same = (matters.c.id == matter.id, matters.c.version == matter.version)
        if not work.connection.execute(update(matters).where(*same).values(overdue_at=None)).rowcount:
            continue  # it has just changed
        event_id, data = derived_id(matter.id, "overdue", str(matter.version)), {"station": matter.organisation}
        occasion = Occasion(event_id, policy.TEST_OVERDUE, matter.kind, matter.id, data, matter.division, None)
        tell_of(occasion, matter, work)
    return len(overdue)


def _tell_by(rule: Rule, occasion: Occasion, matter: Matter, told: set[str], work: Work) -> None:
    for group in Audiences(rule, occasion, current_profile().channels, work):
        fresh = [one for one in group.recipients if one.key not in told]
        if fresh:
            _tell_group(rule, occasion, matter, group, fresh, work)
            told.update(one.key for one in fresh)


def _tell_group(
    rule: Rule, occasion: Occasion, matter: Matter, group: Group, recipients: Sequence[Recipient], work: Work
) -> None:
    telling_id = derived_id(occasion.event_id, rule.id, group.key)
    rings_at = work.now
    for one in recipients:
        notice_id = derived_id(occasion.event_id, one.key)
        work.notices.add(Notice(notice_id, telling_id, occasion.event_id, one.key, work.now, None, None, None))
        first = next_channel(one.ladder, ())
        if first is not None:
            made = _message(notice_id, one, first, rule, work)
            rings_at = max(rings_at, made.next_try_at or work.now)
    work.add_telling(
        Telling(
            id=telling_id,
            rule=rule.id,
            event_id=occasion.event_id,
            event_type=occasion.event_type,
            kind=occasion.kind,
            subject=occasion.subject,
            holds_while=matter.stands,
            audience=group.key,
            audience_role=group.role,
            division=group.division,
            caused_by=occasion.actor,
            due_at=matter.due_at,
            made_at=work.now,
            state=telling.State.OPEN,
            check_at=_check_at(rule, rings_at),
        )
    )


def _message(notice_id: UUID, to: Recipient, channel: Channel, rule: Rule, work: Work) -> Delivery:
    """Make the message of a notice by one channel: of each, one at most."""
    made = Delivery(
        id=derived_id(notice_id, channel.value),
        notice_id=notice_id,
        recipient=to.key,
        channel=channel,
        urgent=rule.urgent,
        state=delivery.State.WAITING,
        attempts=0,
        made_at=work.now,
        next_try_at=not_before(
            urgent=rule.urgent, now=work.now, quiet=to.quiet, digest=to.digest, digest_at=policy.DIGEST_AT
        ),
    )
    work.deliveries.add(made)
    return made


def _check_at(rule: Rule, since: datetime) -> datetime | None:
    return next_due(rule.read_within, since).at if rule.read_within is not None else None


def settle_past(matter: Matter, work: Work) -> int:
    """End what was told of a matter that stood otherwise or was in other hands. How many tellings."""
    past = [one.id for one in work.live_tellings(matter.id) if one.holds_while != matter.stands]
    work.end_later(matter.id, past)
    return len(past)


def mark_read(notice_ids: Sequence[UUID] | None, keys: Sequence[str], by: str, work: Work) -> int:
    """Somebody has read notices, or all that there are; how many were unread until now.

    What waits to be sent of them is spared, and of their tellings nobody else needs to be asked again.
    """
    work.flush()
    mine = notices.c.recipient.in_(keys)
    where = [mine] if notice_ids is None else [mine, is_one_of(work.dialect, notices, "id", notice_ids)]
    read = (
        update(notices)
        .where(notices.c.read_at.is_(None), *where)
        .values(read_at=work.now, read_by=by)
        .returning(notices.c.id, notices.c.telling_id)
    )
    rows = work.connection.execute(read).all()
    if rows:
        work.spare(is_one_of(work.dialect, deliveries, "notice_id", [row.id for row in rows]))
        of_them = is_one_of(work.dialect, tellings, "id", sorted({row.telling_id for row in rows}))
        work.settle_failures(work.move_telling(telling.Act.READ, of_them), "read")
    return len(rows)


def sweep_unread(work: Work) -> int:
    """What nobody has read in time is told by the next channel; where there is none, to those above. How many."""
    overdue = work.tellings.select(tellings.c.check_at <= work.now, order_by=tellings.c.check_at, limit=AT_ONCE)
    unread = work.notices_of([one.id for one in overdue])
    messages = work.deliveries_of(one.id for one in unread)
    work.matters.prefetch("id", (one.subject for one in overdue))
    for one in overdue:
        if _is_past(one, work):  # it changed in the very moment in which this was told
            work.end_tellings([one.id])
            continue
        own = [notice for notice in unread if notice.telling_id == one.id]
        ids = {notice.id for notice in own}
        _ask_again(one, own, [message for message in messages if message.notice_id in ids], work)
    return len(overdue)


def _is_past(one: Telling, work: Work) -> bool:
    matter = work.matters.find(one.subject)
    return matter is not None and matter.stands != one.holds_while


def _ask_again(one: Telling, own: Sequence[Notice], messages: Sequence[Delivery], work: Work) -> None:
    rule = policy.RULES_BY_ID[one.rule]
    made = [
        message
        for notice in own
        if (message := _next_message(notice, [m for m in messages if m.notice_id == notice.id], rule, work))
    ]
    if made:
        rings_at = max(message.next_try_at or work.now for message in made)
        check = update(tellings).where(tellings.c.id == one.id, tellings.c.state == telling.State.OPEN)
        work.connection.execute(check.values(check_at=_check_at(rule, rings_at)))
    elif work.move_telling(telling.Act.GIVEN_UP, tellings.c.id == one.id):
        _fail(one, own, messages, work)


def _next_message(notice: Notice, used: Sequence[Delivery], rule: Rule, work: Work) -> Delivery | None:
    """The message by the next channel of the recipient's ladder, if there is one."""
    to = recipient_of(notice.recipient, rule, current_profile().channels, work)
    channel = next_channel(to.ladder, (message.channel for message in used)) if to is not None else None
    return _message(notice.id, to, channel, rule, work) if to is not None and channel is not None else None


def fall_back(failed: Sequence[Delivery], work: Work) -> int:
    """Messages that failed for good: their notices go by the next channel, unless they were read. How many do."""
    made = 0
    unread = {one.id: one for one in work.notices.select(notices.c.id.in_([m.notice_id for m in failed]))}
    told = {one.id: one for one in work.tellings.select(tellings.c.id.in_([n.telling_id for n in unread.values()]))}
    used = work.deliveries_of(unread)
    for notice in unread.values():
        one = told[notice.telling_id]
        if notice.read_at is None and notice.past_at is None and one.state is telling.State.OPEN:
            own = [message for message in used if message.notice_id == notice.id]
            made += _next_message(notice, own, policy.RULES_BY_ID[one.rule], work) is not None
    return made


def _fail(one: Telling, own: Sequence[Notice], messages: Sequence[Delivery], work: Work) -> None:
    matter = work.matters.find(one.subject)
    channels = sorted({message.channel.value for message in messages})
    failure = Failure(
        id=one.id,
        version=1,
        state="failed",
        person_id=matter.person_id if matter is not None else None,
        rule=one.rule,
        event_id=one.event_id,
        matter_kind=one.kind,
        matter=one.subject,
        audience=one.audience,
        above=policy.ABOVE.get(one.audience_role, "operator"),
        division=one.division,
        recipients=len(own),
        channels=",".join(channels) or None,
        told_at=one.made_at,
        failed_at=work.now,
    )
    work.failures.save(failure, "notification.failed.v1")
