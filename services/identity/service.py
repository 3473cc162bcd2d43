"""identity, declared. It says and hears no events; see ``__main__`` for how it is hosted."""

from datetime import timedelta

from services.identity.store import Work, metadata
from shared.service import ServiceDefinition, Timer

KEPT_AFTER = timedelta(days=1)


def forget(work: Work) -> int:
    """What is long over goes."""
    work.forget(work.now - KEPT_AFTER)
    return 0


SERVICE = ServiceDefinition(
    name="identity",
    title="Baton: identity",
    work=Work,
    metadata=metadata,
    blueprints=(),
    timers=(Timer("forget", timedelta(minutes=10), forget),),
)
