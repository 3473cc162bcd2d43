"""detention_intake, declared."""

from services.detention_intake.api import centres_blp, orders_blp, stays_blp
from services.detention_intake.reactions import REACTIONS
from services.detention_intake.store import Work, metadata
from services.detention_intake.timers import TIMERS
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="detention_intake",
    title="Baton: detention intake",
    work=Work,
    metadata=metadata,
    blueprints=(orders_blp, stays_blp, centres_blp),
    reactions=REACTIONS,
    timers=TIMERS,
)
