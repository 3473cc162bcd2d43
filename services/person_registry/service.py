"""person_registry, declared."""

from datetime import timedelta

from services.person_registry.api import blp, openings_blp
from services.person_registry.reactions import REACTIONS
from services.person_registry.risk_api import risk_blp
from services.person_registry.store import Work, metadata
from services.person_registry.timers import TIMERS
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="person_registry",
    title="Baton: person registry",
    work=Work,
    metadata=metadata,
    blueprints=(blp, openings_blp, risk_blp),
    reactions=REACTIONS,
    linger=timedelta(milliseconds=50),
    niceness=10,
    timers=TIMERS,
)
