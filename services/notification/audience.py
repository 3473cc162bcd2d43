"""Who is meant by a rule, now: people who were here once, an office's own address, an area, an organisation's systems.

Invariant: an audience is never nobody. Where no person is known, the office or the area itself is told: what it was
told waits for the first of them who signs in.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.notification import policy
from services.notification.domain.rules import Area, Channel, Everybody, Office, Rule
from services.notification.domain.timing import Digest, Quiet
from services.notification.store import Contact, Subscription, Work
from shared.web.principal import CITY_DIGITS

PERSON, OFFICE, AREA, WEBHOOK = "person", "office", "area", "webhook"
CITY_SUPERVISOR = "city_supervisor"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody, or something, that is told. ``ladder``: the channels besides the page, as the rule and they want."""

    key: str
    ladder: tuple[Channel, ...]
    quiet: Quiet
    digest: Digest


@dataclass(frozen=True, slots=True)
class Group:
    """An audience as it is now: it has heard when one of them has read."""

    key: str
    role: str
    division: str | None
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What there is to be told of."""

    event_id: UUID
    event_type: str
    kind: str
    subject: UUID
    data: Mapping[str, Any]
    division: str | None
    actor: str | None
    before: str | None = None  # the state in which the matter was known until now


def person_key(subject: str) -> str:
    """The key of a person."""
    return f"{PERSON}:{subject}"


def office_key(organisation: str) -> str:
    """The key of an organisation, for whoever of it comes first."""
    return f"{OFFICE}:{organisation}"


def area_key(role: str, division: str | None) -> str:
    """The key of a role in a place."""
    return f"{AREA}:{role}:{division or ''}"


def webhook_key(subscription_id: UUID) -> str:
    """The key of a system."""
    return f"{WEBHOOK}:{subscription_id}"


def keys_of(subject: str, role: str, organisation: str, division: str) -> tuple[str, ...]:
    """For whom somebody reads: the own notices, those of the office, and those of the role in the place."""
    return person_key(subject), office_key(organisation), area_key(role, division), area_key(role, None)


def recipient_of(key: str, rule: Rule, channels: frozenset[Channel], work: Work) -> Recipient | None:
    """Who a key stands for, as they can be reached now; None of one that is not there any more."""
    kind, _, name = key.partition(":")
    if kind == PERSON:
        contact = work.contacts.find(name)
        return _person(contact, rule, channels) if contact is not None else None
    if kind == OFFICE:
        return _unmanned(name, rule, channels, work)
    return None


class Audiences:
    """The audiences of a rule on an occasion. ``channels`` are those that are set up."""

    def __init__(self, rule: Rule, occasion: Occasion, channels: frozenset[Channel], work: Work) -> None:
        self._rule = rule
        self._occasion = occasion
        self._channels = channels
        self._work = work
        # Who did it knows of it; and of whom it is, somebody else has to act.
        self._left_out = {occasion.actor} if rule.tells_asker else {occasion.actor, occasion.data.get("subject")}

    def __iter__(self) -> Iterator[Group]:
        for audience in self._rule.audiences:
            match audience:
                case Office(named_by, roles):
                    organisation = self._occasion.data.get(named_by)
                    if organisation and organisation not in policy.SERVICES:
                        yield self._office(str(organisation), roles)
                case Area(role):
                    yield self._area(*responsible(role, self._occasion.division))
                case Everybody(role):
                    yield self._area(role, None)

    def _office(self, organisation: str, roles: tuple[str, ...]) -> Group:
        people = [one for one in self._work.people_of(organisation) if one.role in roles]
        told = self._people(people)
        if not people:
            told.append(_unmanned(organisation, self._rule, self._channels, self._work))
        if Channel.WEBHOOK in self._channels:
            systems = self._work.systems_of(organisation)
            told += [_system(one) for one in systems if not one.topics or self._rule.id in one.topics]
        return Group(office_key(organisation), roles[0], self._occasion.division, tuple(told))

    def _area(self, role: str, division: str | None) -> Group:
        people = [one for one in self._work.with_role(role) if division in (None, one.division)]
        key = area_key(role, division)
        told = self._people(people) if people else [Recipient(key, (), _NEVER_QUIET, Digest.NONE)]
        is_place = division is not None and len(division) > CITY_DIGITS
        return Group(key, role, division if is_place else self._occasion.division, tuple(told))

    def _people(self, people: Iterable[Contact]) -> list[Recipient]:
        there = (one for one in people if one.subject not in self._left_out)
        return [_person(one, self._rule, self._channels) for one in there]


def _person(contact: Contact, rule: Rule, channels: frozenset[Channel]) -> Recipient:
    ladder = _ladder(rule, channels & frozenset(contact.channels), contact.email, contact.phone)
    quiet = Quiet(contact.quiet_from, contact.quiet_until)
    return Recipient(person_key(contact.subject), ladder, quiet, contact.digest)


def _unmanned(organisation: str, rule: Rule, channels: frozenset[Channel], work: Work) -> Recipient:
    """An office of which nobody was ever here, by its own address if it has one."""
    address = work.offices.find(organisation)
    ladder = _ladder(rule, channels, address.email, address.phone) if address is not None else ()
    return Recipient(office_key(organisation), ladder, policy.QUIET, policy.DIGEST)


def _ladder(rule: Rule, wanted: frozenset[Channel], email: bytes | None, phone: bytes | None) -> tuple[Channel, ...]:
    has = {Channel.EMAIL: email is not None, Channel.SMS: phone is not None}
    return tuple(channel for channel in rule.ladder if channel in wanted and has[channel])


_NEVER_QUIET = Quiet(0, 0)


def responsible(role: str, division: str | None) -> tuple[str, str | None]:
    """The role and the place that are meant; of a place that is not known so exactly, those of the next level above."""
    levels = [name for name, _ in policy.LEVELS]
    for name, digits in policy.LEVELS[levels.index(role) :]:
        if division is not None and len(division) >= digits:
            return name, division[:digits]
    return CITY_SUPERVISOR, None


def _system(one: Subscription) -> Recipient:
    return Recipient(webhook_key(one.id), (Channel.WEBHOOK,), _NEVER_QUIET, Digest.NONE)
