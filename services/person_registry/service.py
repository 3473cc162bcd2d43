"""person_registry, declared."""

from services.person_registry.api import blp
from services.person_registry.store import Work, metadata
from shared.service import ServiceDefinition

SERVICE = ServiceDefinition(
    name="person_registry",
    title="Baton: person registry",
    work=Work,
    metadata=metadata,
    blueprints=(blp,),
)
