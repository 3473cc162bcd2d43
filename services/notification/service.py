"""notification, declared."""

from datetime import timedelta

from services.notification.api import blp, contacts_blp, tellings_blp
from services.notification.measuring import measure
from services.notification.reactions import REACTIONS
from services.notification.sending import senders
from services.notification.store import Work, metadata
from services.notification.timers import TIMERS
from services.notification.webhooks_api import deliveries_blp, webhooks_blp
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="notification",
    title="Baton: notification",
    work=Work,
    metadata=metadata,
    blueprints=(blp, tellings_blp, contacts_blp, webhooks_blp, deliveries_blp),
    reactions=REACTIONS,
    linger=timedelta(milliseconds=50),
    timers=TIMERS,
    measure=measure,
    loops=senders,
)
