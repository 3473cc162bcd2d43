"""What every page uses: the services in the user's name, names of persons, receipts."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import abort, current_app, request

from services.console.clients import Away, Refused, Services
from services.console.identity import current_token

_KEY = re.compile(r"[A-Za-z0-9-]{0,64}")

PAGE = 200
MOST_PAGES = 101
NAMES_AT_ONCE = 200  # as the registry takes them


def get(service: str, path: str, **query: Any) -> Any:
    """GET in the user's name."""
    return _services().get(current_token(), service, path, **query)


def get_text(service: str, path: str, **query: Any) -> str:
    """GET something that is no JSON, in the user's name."""
    return _services().get_text(current_token(), service, path, **query)


def get_bytes(service: str, path: str, **query: Any) -> bytes:
    """GET a file, in the user's name."""
    return _services().get_bytes(current_token(), service, path, **query)


def act(service: str, path: str, body: Mapping[str, Any], *, part: str = "") -> Any:
    """An act in the user's name, once for each form shown however often it is sent. ``part`` names one of several acts
    that one form stands for.
    """
    key = _key()
    return _services().post(current_token(), service, path, body, key=f"{key}-{part}" if key and part else key)


def _key() -> str | None:
    """The form's own key. What none of our forms has makes the request a wrong one."""
    key = request.form.get("key", "")
    if not _KEY.fullmatch(key):
        abort(400)
    return key or None


def post(service: str, path: str) -> Any:
    """An act in the user's name that says everything by its address; done twice, it is done once."""
    return _services().post(current_token(), service, path, {})


def put(service: str, path: str, body: Mapping[str, Any]) -> Any:
    """PUT in the user's name."""
    return _services().put(current_token(), service, path, body)


def send_file(service: str, path: str, content: bytes, kind: str, filename: str) -> Any:
    """POST a file in the user's name, once for each form shown however often it is sent."""
    return _services().post_file(current_token(), service, path, content, kind, key=_key(), filename=filename)


def all_pages(service: str, path: str, **query: Any) -> list[Any]:
    """Every item of a list, page by page; no more pages than a file can have rows."""
    items: list[Any] = []
    before: str | None = None
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = get(service, path, limit=PAGE, cursor=cursor, **query)
        items += page["items"]
        before, cursor = cursor, page["next_cursor"]
        if cursor is None or cursor == before:
            break
    return items


def wants_json() -> bool:
    """Whether a script asks, which wants data and no page."""
    return request.accept_mimetypes.best == "application/json"


def names_of(person_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The persons' files by id, as far as the user may read them."""
    wanted = sorted(set(person_ids))
    found: list[Mapping[str, Any]] = []
    for first in range(0, len(wanted), NAMES_AT_ONCE):
        ids = {"ids": wanted[first : first + NAMES_AT_ONCE]}
        try:
            found += _services().post(current_token(), "person_registry", "/persons/lookup", ids)["items"]
        except (Away, Refused):
            break  # a list without names is still useful
    return {person["id"]: person for person in found}


def person_of(person_id: str) -> Mapping[str, Any] | None:
    """One person's file, if the user may read it."""
    return names_of([person_id]).get(person_id)


def find_person(identity_number: str) -> str:
    """The id of whoever has an identity number, which goes in no address.

    Raises: Refused ``person.not_found``.
    """
    found = _services().post(
        current_token(), "person_registry", "/persons/search", {"identity_number": identity_number}
    )
    return str(found["id"])


def service_names() -> tuple[str, ...]:
    """All that can be asked, in order."""
    return _services().names


def _services() -> Services:
    services: Services = current_app.extensions["services"]
    return services
