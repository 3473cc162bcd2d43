"""community_handover, declared."""

from services.community_handover.api import offices_blp, tasks_blp
from services.community_handover.attachment_api import attachments_blp
from services.community_handover.importing import COVERAGE
from services.community_handover.measure_api import measures_blp
from services.community_handover.reactions import REACTIONS
from services.community_handover.settings_api import settings_blp
from services.community_handover.store import Work, metadata
from services.community_handover.timers import TIMERS
from shared.importing.api import import_blueprint
from shared.service import ServiceDefinition, import_jobs

SERVICE = ServiceDefinition(
    name="community_handover",
    title="Baton: community handover",
    work=Work,
    metadata=metadata,
    blueprints=(tasks_blp, measures_blp, attachments_blp, offices_blp, settings_blp, import_blueprint(COVERAGE)),
    reactions=REACTIONS,
    timers=TIMERS,
    jobs=import_jobs(COVERAGE),
)
