"""Notification's gauges: what waits to be sent by each channel, how old the oldest is, and what nobody has read."""

from sqlalchemy import func, select

from services.notification.domain.delivery import UNDONE
from services.notification.domain.rules import Channel
from services.notification.store import Work
from services.notification.tables import deliveries, is_unheard
from shared.observability.metrics import Metrics


def measure(work: Work, metrics: Metrics) -> None:
    """Set the gauges from what the database says."""
    columns = deliveries.c
    # Not what is only held back, by quiet hours or for a digest.
    late = (columns.attempts > 0) | (columns.next_try_at <= work.now)
    undone = (columns.next_try_at.is_not(None), columns.state.in_(UNDONE), late)
    unsent = select(columns.channel, func.count(), func.min(columns.made_at)).where(*undone)
    found = {
        channel: (number, oldest) for channel, number, oldest in work.connection.execute(unsent.group_by("channel"))
    }
    for channel in (Channel.EMAIL, Channel.SMS, Channel.WEBHOOK):
        number, oldest = found.get(channel, (0, work.now))
        metrics.notices_unsent.labels(channel.value).set(number)
        metrics.notices_oldest_age.labels(channel.value).set((work.now - oldest).total_seconds())
    unheard = select(func.count()).where(is_unheard)
    metrics.notices_unheard.set(work.connection.execute(unheard).scalar_one())
