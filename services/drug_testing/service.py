"""drug_testing, declared."""

from services.drug_testing.api import blp, laboratory_blp
from services.drug_testing.importing import RESULTS
from services.drug_testing.reactions import REACTIONS
from services.drug_testing.store import Work, metadata
from services.drug_testing.timers import TIMERS
from shared.importing.api import import_blueprint
from shared.service import ServiceDefinition, import_jobs

SERVICE = ServiceDefinition(
    name="drug_testing",
    title="Baton: drug testing",
    work=Work,
    metadata=metadata,
    blueprints=(blp, laboratory_blp, import_blueprint(RESULTS)),
    reactions=REACTIONS,
    timers=TIMERS,
    jobs=import_jobs(RESULTS),
)
