"""oversight, declared."""

from services.oversight.api import blp
from services.oversight.assessment_api import assessment_blp
from services.oversight.dues import measure_dues
from services.oversight.indicators_api import indicators_blp
from services.oversight.reactions import REACTIONS
from services.oversight.store import Work, metadata
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="oversight",
    title="Baton: oversight",
    work=Work,
    metadata=metadata,
    blueprints=(blp, indicators_blp, assessment_blp),
    reactions=REACTIONS,
    measure=measure_dues,
    takes_unrouted=True,
)
