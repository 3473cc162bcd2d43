"""oversight, declared."""

from datetime import timedelta

from services.oversight.api import blp
from services.oversight.assessment_api import assessment_blp
from services.oversight.discrepancy_api import discrepancies_blp
from services.oversight.heard_api import heard_blp
from services.oversight.indicators_api import indicators_blp
from services.oversight.measuring import measure
from services.oversight.reactions import REACTIONS
from services.oversight.store import Work, metadata
from services.oversight.timers import TIMERS
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="oversight",
    title="Baton: oversight",
    work=Work,
    metadata=metadata,
    blueprints=(blp, indicators_blp, assessment_blp, discrepancies_blp, heard_blp),
    reactions=REACTIONS,
    linger=timedelta(milliseconds=50),
    niceness=10,
    timers=TIMERS,
    measure=measure,
    takes_unrouted=True,
)
