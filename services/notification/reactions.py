"""What notification does about what it hears: whoever has to know is told, and what is past is told no more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.notification import policy
from services.notification.audience import Occasion
from services.notification.store import Matter, Work
from services.notification.tell import settle_past, tell_of
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions
from shared.web.principal import CITY_DIGITS

# Fields that name who has a matter in hand, by kind.
_ORGANISATION = {"handover_task": "office", "release": "centre", "test_order": "station", "discrepancy": "owner"}


def on_event(event: Event, work: Work) -> Outcome:
    """Know the matter's newest state, end what was told of an earlier one, tell whoever the policy names."""
    kind = CATALOGUE[event.type].aggregate
    known = work.matters.find(event.subject)
    matter = _matter(event, kind, _division(event, kind, work))
    is_newest = known is None or known.version < event.sequence
    if is_newest:
        work.matters.put_newer(matter)
        settle_past(matter, work)
    elif known is not None and known.stands != matter.stands:
        return Ignored("overtaken")  # what it would tell is not so any more
    before = known.state if known is not None else None
    occasion = Occasion(event.id, event.type, kind, event.subject, event.data, matter.division, event.actor, before)
    if tell_of(occasion, matter, work):
        return Applied()
    return Ignored("nobody_to_tell") if is_newest else Ignored("stale_version")


def _matter(event: Event, kind: str, division: str | None) -> Matter:
    data = event.data
    return Matter(
        id=event.subject,
        version=event.sequence,
        kind=kind,
        state=data["state"],
        person_id=data.get("person_id"),
        organisation=data.get(_ORGANISATION.get(kind, "")),
        division=division,
        due_at=data.get("due_at"),
        said_at=event.time,
        overdue_at=_overdue_at(kind, data),
    )


def _overdue_at(kind: str, data: Mapping[str, Any]) -> datetime | None:
    """When a step of a test is overdue; of everything else another service says so itself."""
    if kind != "test_order" or data["due_rule"] in policy.NOT_OVERDUE:
        return None
    due: datetime | None = data["due_at"]
    return due


def _division(event: Event, kind: str, work: Work) -> str | None:
    """Where it is: as the event says; of an opening, where the one works who looked; of a release, of the centre. None
    where that is no narrower than the city.
    """
    data = event.data
    if data.get("division"):
        return _narrower_than_city(str(data["division"]))
    if kind == "opening":
        asker = work.contacts.find(data["subject"])
        return _narrower_than_city(asker.division) if asker is not None else None
    if kind == "release":
        clerks = [one.division for one in work.people_of(data["centre"]) if one.division]
        return _narrower_than_city(min(clerks, key=len)) if clerks else None
    return None


def _narrower_than_city(division: str) -> str | None:
    return division if len(division) > CITY_DIGITS else None


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    work.matters.prefetch("id", (event.subject for event in events))
    work.prefetch_live(event.subject for event in events)
    organisations = [
        str(event.data[name])
        for event in events
        if (name := _ORGANISATION.get(CATALOGUE[event.type].aggregate)) and event.data[name]
    ]
    work.prefetch_organisations(one for one in organisations if one not in policy.SERVICES)
    work.offices.prefetch("organisation", organisations)
    askers = (event.data["subject"] for event in events if CATALOGUE[event.type].aggregate == "opening")
    work.contacts.prefetch("subject", askers)


HEARD = tuple(event for event, contract in CATALOGUE.items() if contract.aggregate in policy.HEARD_KINDS)
REACTIONS = Reactions(dict.fromkeys(HEARD, on_event), prefetch=prefetch)
