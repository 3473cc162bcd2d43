"""What of a list, and of what is entered, lies in an asker's area: one rule for every service."""

from typing import Any

from sqlalchemy import ColumnElement, or_

from shared.kernel.errors import Forbidden
from shared.web.principal import CITY_DIGITS, Principal


def in_area(principal: Principal, *places: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """The conditions under which a row lies in the asker's area: one of its places does; none for the whole city."""
    if principal.has_whole_city:
        return []
    return [or_(*(place.startswith(principal.division) for place in places))]


def asked_area(asked: str, principal: Principal) -> str:
    """The prefix of division codes to show: what was asked for, within the asker's own area; "" is all.

    Raises: Forbidden ``authority.area``.
    """
    narrower = max(asked, principal.division, key=len)
    if not (narrower.startswith(asked) and narrower.startswith(principal.division)):
        raise Forbidden("authority.area", "this area is not yours")
    return narrower if len(narrower) > CITY_DIGITS else ""


def require_area(principal: Principal, *divisions: str | None) -> None:
    """Check that each of the places lies in the asker's area.

    Raises: Forbidden ``authority.area``.
    """
    if not all(principal.covers(division) for division in divisions):
        raise Forbidden("authority.area", "this area is not yours")
