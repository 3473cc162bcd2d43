"""Identifiers: time-ordered for what is new, derived for what must come out the same every time."""

from uuid import UUID

import uuid_utils
from uuid_utils import uuid5
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new identifier (UUIDv7): in order of time, so that indexes grow at their end."""
    return uuid7()


def derived_id(namespace: UUID, *parts: str) -> UUID:
    """The one identifier of something that follows from something else, e.g. a release's handover task.

    Different parts give different identifiers, also when a part holds the separator.
    """
    name = "/".join([part.replace("%", "%25").replace("/", "%2F") for part in parts])
    return UUID(bytes=uuid5(uuid_utils.UUID(int=namespace.int), name).bytes)
