"""Which duties toward a person follow from what the other services say. Each event has its aggregate's whole state."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from services.person_registry.need_to_know import COUNTY, Duty
from services.person_registry.store import Work
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import Event

Data = Mapping[str, Any]
_Who = tuple[str, str | None, str | None]  # which of several, organisation, division

_TESTED = frozenset({"negative_told", "settled", "overturned", "exempted", "untested", "missed"})
_DECIDED = frozenset({"admitted", "in_force", "completed", "no_measure", "not_admitted", "lapsed", "revoked"})
_RELEASED = frozenset({"cancelled", "retracted"})
_HANDED_OVER = frozenset({"contact_done", "referred", "remote_accepted", "closed", "withdrawn"})
_MEASURED = frozenset({"completed", "terminated"})


def take_up(event: Event, work: Work) -> bool:
    """Enter the duties that an event tells of, or that they ended; whether anything was new."""
    kind = CATALOGUE[event.type].aggregate
    who, is_over = _RULES[kind]
    person_id = event.data["person_id"]
    until = event.time if is_over(event.data) else None
    entered = [
        work.duties.put_newer(Duty(_key(event, slot), event.sequence, person_id, kind, organisation, division, until))
        for slot, organisation, division in who(event.data)
    ]
    return any(entered)


def keys_of(event: Event) -> Iterator[str]:
    """The keys of the duties that `take_up` enters, so that a batch's can be read at once."""
    who, _is_over = _RULES[CATALOGUE[event.type].aggregate]
    return (_key(event, slot) for slot, _organisation, _division in who(event.data))


def registered_by(person_id: Any, organisation: str, division: str, now: datetime) -> Duty:
    """Who enters a person may see the entry for a while."""
    return Duty(f"{person_id} registered", 1, person_id, "person", organisation, division or None, now)


def _key(event: Event, slot: str) -> str:
    return f"{event.subject} {slot}"


def _of_test(data: Data) -> Iterator[_Who]:
    yield "station", data["station"], data["division"]


def _of_order(data: Data) -> Iterator[_Who]:
    yield "organ", data["deciding_organ"], data["division"]


def _of_stay(data: Data) -> Iterator[_Who]:
    yield "centre", data["centre"], None


def _of_task(data: Data) -> Iterator[_Who]:
    """The office that is asked or has the task, and the stations and supervisors of both places."""
    yield "office", data["office"], data["division"]
    is_known = data["holder_kind"] == "station_of_registration" and len(data["holder"]) >= COUNTY
    yield "registration", None, data["holder"] if is_known else None  # over once an office has accepted


def _of_measure(data: Data) -> Iterator[_Who]:
    yield "office", data["holder"], data["division"]
    yield "new office", data["moving_to"], None


def _left(data: Data) -> bool:
    return data["state"] in _RELEASED or data["papers_sent_at"] is not None


_RULES: Mapping[str, tuple[Callable[[Data], Iterator[_Who]], Callable[[Data], bool]]] = {
    "test_order": (_of_test, lambda data: data["state"] in _TESTED),
    "order": (_of_order, lambda data: data["state"] in _DECIDED),
    "stay": (_of_stay, lambda data: data["state"] == "ended"),
    "release": (_of_stay, _left),
    "handover_task": (_of_task, lambda data: data["state"] in _HANDED_OVER),
    "measure": (_of_measure, lambda data: data["state"] in _MEASURED),
}
KINDS = frozenset(_RULES)
