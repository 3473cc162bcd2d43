"""Sending: what is due is taken, sent outside of any transaction, and what came of it is noted.

One loop for each channel, so that a server that hangs holds up its own channel only. An attempt is noted before it is
made; one that never ended is made again when its lease is over, under the same id, so that the other side can know it.
Of several replicas each takes what no other has.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.notification import policy
from services.notification.channels import email, sms, webhook
from services.notification.channels.message import Message, Post
from services.notification.channels.profile import Profile, current_profile
from services.notification.domain import delivery
from services.notification.domain.delivery import UNDONE, Answer, Delivery, Kind
from services.notification.domain.rules import Channel
from services.notification.domain.timing import out_of_quiet
from services.notification.outgoing import Parcel, digest_id_of, parcels
from services.notification.seal import check_keys
from services.notification.store import Work
from services.notification.tables import deliveries
from services.notification.tell import fall_back
from shared.kernel.clock import Clock
from shared.observability.metrics import Metrics
from shared.storage.engine import Storage

AT_ONCE = 50  # so that a taken message is sent well within its lease
IDLE_SECONDS = 1.0
TROUBLE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Sender:
    """Sends what is due by one channel. `run` returns after `stop`."""

    def __init__(self, channel: Channel, storage: Storage[Work], metrics: Metrics) -> None:
        self._channel = channel
        self._storage = storage
        self._metrics = metrics
        self._stopping = False

    def run(self) -> None:
        """Send until stopped. Trouble with the database is waited for; a fault is logged, and the next turn goes on."""
        while not self._stopping:
            try:
                pause = 0.0 if self.send_due() else IDLE_SECONDS
            except SQLAlchemyError as trouble:
                log.warning("sender.waiting", channel=self._channel.value, cause=type(trouble).__name__)
                pause = TROUBLE_SECONDS
            except Exception:
                log.exception("sender.failed", channel=self._channel.value)
                pause = TROUBLE_SECONDS
            self._wait(pause)

    def stop(self) -> None:
        """End after the message under way; what was taken and not sent goes when its lease is over."""
        self._stopping = True

    def send_due(self) -> int:
        """Send what is due now, as many as are taken at once; how many messages were tried."""
        profile = current_profile()
        with self._storage.work() as work:
            taken = parcels(_take(self._channel, work), profile.console_url, work)
        post = _post(self._channel, profile, self._storage.clock)
        for parcel in taken:
            if self._stopping:
                break
            answer = _attempt(parcel, post)
            with self._storage.work() as work:
                outcome = _note(parcel, answer, work)
            self._metrics.notice_attempts.labels(self._channel.value, outcome).inc()
        return len(taken)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(min(0.1, seconds))


def _take(channel: Channel, work: Work) -> list[Delivery]:
    """Note that attempts begin: of what is due, and of what somebody began and never ended."""
    mine = (deliveries.c.channel == channel, deliveries.c.state.in_(UNDONE), deliveries.c.next_try_at <= work.now)
    due = work.deliveries.all_columns().where(*mine).order_by(deliveries.c.next_try_at).limit(AT_ONCE)
    found = work.deliveries.load(due.with_for_update(skip_locked=True))
    groups: dict[str, list[Delivery]] = {}
    for one in found:
        groups.setdefault(str(one.id) if channel is Channel.WEBHOOK else one.recipient, []).append(one)
    taken = [
        delivery.take(one, digest_id=digest_id_of(group), now=work.now) for group in groups.values() for one in group
    ]
    for one in taken:
        work.deliveries.put(one)
    return taken


def _attempt(parcel: Parcel, post: Post | None) -> Answer:
    if parcel.message is None:
        return Answer(Kind.NEVER, "no_address")
    if post is None:
        return Answer(Kind.NEVER, "not_set_up")
    return post(parcel.message)


def _note(parcel: Parcel, answer: Answer, work: Work) -> str:
    """Note what came of an attempt, unless somebody else has taken the message over meanwhile; what came of it."""
    ids = [one.id for one in parcel.deliveries]
    held = work.deliveries.all_columns().where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id).with_for_update()
    attempts = {one.id: one.attempts for one in parcel.deliveries}
    failed = []
    for one in work.deliveries.load(held):
        if one.state is not delivery.State.SENDING or one.attempts != attempts[one.id]:
            continue
        settled = delivery.settle(one, answer, backoff=policy.BACKOFF[one.channel], now=work.now)
        if settled.next_try_at is not None and not one.urgent:
            settled = replace(settled, next_try_at=out_of_quiet(settled.next_try_at, parcel.quiet))
        work.deliveries.put(settled)
        failed += [settled] if settled.state is delivery.State.FAILED else []
    if failed:
        fall_back(failed, work)
        return delivery.State.FAILED.value
    return answer.kind.value


def _post(channel: Channel, profile: Profile, clock: Clock) -> Post | None:
    """What takes messages of a channel; None where it is not set up (any more)."""
    if channel is Channel.EMAIL and profile.email is not None:
        return partial(email.post, server=profile.email)
    if channel is Channel.SMS and profile.sms is not None:
        return partial(sms.post, gateway=profile.sms)
    if channel is Channel.WEBHOOK:
        return partial(_by_webhook, profile, clock)
    return None


def _by_webhook(profile: Profile, clock: Clock, message: Message) -> Answer:
    if not profile.allows(message.to):
        return Answer(Kind.NEVER, "not_allowed")
    return webhook.post(message, clock)


def senders(storage: Storage[Work], metrics: Metrics) -> Sequence[Sender]:
    """The loops of the service: one for each channel besides the page.

    Raises: WrongProfile, NoKeys, before anybody needs them.
    """
    current_profile()
    check_keys()
    return [Sender(channel, storage, metrics) for channel in (Channel.EMAIL, Channel.SMS, Channel.WEBHOOK)]
