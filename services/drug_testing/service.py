"""drug_testing, declared."""

from services.drug_testing.api import blp, laboratory_blp
from services.drug_testing.reactions import REACTIONS
from services.drug_testing.store import Work, metadata
from services.drug_testing.timers import TIMERS
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="drug_testing",
    title="Baton: drug testing",
    work=Work,
    metadata=metadata,
    blueprints=(blp, laboratory_blp),
    reactions=REACTIONS,
    timers=TIMERS,
)
