"""Identifiers: time-ordered for what is new, derived for what must come out the same every time."""

from uuid import UUID

import uuid_utils
from uuid_utils import uuid5
from uuid_utils.compat import uuid7

_TIME_ORDERED = (7, 8)
_WITHOUT_TIME = (1 << 80) - 1
_VERSION_PLACE = 76


def new_id() -> UUID:
    """A new identifier (UUIDv7): in order of time, so that indexes grow at their end."""
    return uuid7()


def derived_id(namespace: UUID, *parts: str) -> UUID:
    """The one identifier of something that follows from something else, e.g. a release's handover task.

    Different parts give different identifiers, also when a part holds the separator. What follows from something in
    order of time stands at the same time (UUIDv8): a random key would spread over the whole of an index that has
    millions of rows.
    """
    name = "/".join([part.replace("%", "%25").replace("/", "%2F") for part in parts])
    derived = uuid5(uuid_utils.UUID(int=namespace.int), name).int
    if namespace.version not in _TIME_ORDERED:
        return UUID(int=derived)
    at_its_time = (namespace.int & ~_WITHOUT_TIME) | (derived & _WITHOUT_TIME)
    return UUID(int=at_its_time & ~(0xF << _VERSION_PLACE) | (8 << _VERSION_PLACE))
