"""release_notification, declared."""

from services.release_notification.api import blp, statements_blp
from services.release_notification.intake import INTAKE
from services.release_notification.reactions import REACTIONS
from services.release_notification.store import Work, metadata
from services.release_notification.timers import TIMERS
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="release_notification",
    title="Baton: release notification",
    work=Work,
    metadata=metadata,
    blueprints=(blp, statements_blp),
    reactions=REACTIONS,
    intake=INTAKE,
    timers=TIMERS,
)
