"""For which area somebody may see figures."""

from shared.kernel.errors import Forbidden
from shared.web import Principal

CITY = "4308"


def area(asked: str, principal: Principal) -> str:
    """The prefix of division codes to show: what was asked for, within the asker's own area.

    Raises: Forbidden ``authority.area``.
    """
    if asked.startswith(principal.division):
        return _within_city(asked)
    if principal.division.startswith(asked):
        return _within_city(principal.division)
    raise Forbidden("authority.area", "this area is not yours")


def _within_city(prefix: str) -> str:
    """The whole city is everything that is known here, also what has no place."""
    return "" if len(prefix) <= len(CITY) else prefix
