"""detention_intake, declared."""

from services.detention_intake.api import orders_blp, stays_blp
from services.detention_intake.reactions import REACTIONS
from services.detention_intake.store import Work, metadata
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="detention_intake",
    title="Baton: detention intake",
    work=Work,
    metadata=metadata,
    blueprints=(orders_blp, stays_blp),
    reactions=REACTIONS,
)
