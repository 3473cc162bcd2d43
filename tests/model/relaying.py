"""The relay: reads what is due, publishes it as a window, and forgets what the broker has confirmed.

Reading and publishing are two steps: a relay may be paused between them, lose its lock and come back.
"""

from collections.abc import Iterator

from tests.model.broker import arrived, place_of_event
from tests.model.checker import Step
from tests.model.setup import WINDOW, Setup
from tests.model.world import CONFIRMED, HAND, REFUSED, WIRE, Relay, World

Steps = Iterator[Step[World]]


def steps(setup: Setup, world: World) -> Steps:
    """What the relays can do, and what can happen to them."""
    for place, relay in enumerate(world.relays):
        if place and relay == world.relays[place - 1]:
            continue  # it makes no difference which of two equal ones acts
        yield from _late_confirm(setup, world, place, relay)
        if not relay.window:
            yield from _read(setup, world, place, relay)
            continue
        states = {what for _, what in relay.window}
        if HAND in states:
            yield _published(setup, world, place, relay)
        elif WIRE in states:
            yield from _at_the_broker(setup, world, place, relay)
        else:
            yield _settled(setup, world, place, relay)
        if world.faults:
            yield from _faults(setup, world, place, relay)


def due(setup: Setup, world: World) -> list[int]:
    """The oldest messages in the outbox, at most one for each aggregate."""
    first: dict[int, int] = {}
    for number in world.outbox:
        first.setdefault(setup.aggregate_of[number] if setup.has("aggregate_order") else number, number)
    return list(first.values())[:WINDOW]


def _read(setup: Setup, world: World, place: int, relay: Relay) -> Steps:
    free = relay.leads or not any(other.leads for other in world.relays)
    if world.outbox and (free or not setup.has("one_relay")):
        leads = setup.relays > 1 and setup.has("one_relay")
        reading = relay._replace(leads=leads, window=tuple((number, HAND) for number in due(setup, world)))
        after = world.with_relay(place, reading)
        if setup.relays == 1:  # between reading and publishing nothing can happen to the only one
            yield _published(setup, after, place, reading)
        else:
            yield Step(f"a relay reads {_names(setup, reading)}", after)


def _published(setup: Setup, world: World, place: int, relay: Relay) -> Step[World]:
    sent = relay._replace(window=tuple((number, WIRE) for number, _ in relay.window))
    after = world.with_relay(place, sent)
    if not setup.has("publisher_confirm"):
        after = after.forgetting([number for number, _ in relay.window])
        return Step(f"the relay publishes and forgets {_names(setup, relay)}", after)
    return Step(f"the relay publishes {_names(setup, relay)}", after)


def _at_the_broker(setup: Setup, world: World, place: int, relay: Relay) -> Steps:
    """The broker takes the next message from the wire."""
    first = next(n for n, (_, what) in enumerate(relay.window) if what == WIRE)
    number = relay.window[first][0]
    name = setup.messages[number].name
    taken, what = arrived(setup, world, number)
    if what == CONFIRMED and not setup.has("own_tag"):
        taken = taken.forgetting([other for other, _ in relay.window])
        what_follows = "; its confirm is taken for every message of the window"
    else:
        what_follows = f"; it is {what}"
    words = f"the broker puts {name} {place_of_event(setup, world)}{what_follows}"
    yield Step(words, taken.with_relay(place, _marked(relay, first, what)))
    if world.faults and "refuse" in setup.kinds:
        refused = world.with_relay(place, _marked(relay, first, REFUSED), faults=world.faults - 1)
        yield Step(f"the broker refuses {name}", refused, is_fault=True)


def _settled(setup: Setup, world: World, place: int, relay: Relay) -> Step[World]:
    after = world.forgetting(_confirmed(relay)).with_relay(place, relay._replace(window=()))
    return Step(f"the relay forgets what was confirmed of {_names(setup, relay)}", after)


def _faults(setup: Setup, world: World, place: int, relay: Relay) -> Steps:
    names, faults = _names(setup, relay), world.faults - 1
    on_the_wire = [number for number, what in relay.window if what == WIRE]
    sent = (*(number for number, _ in relay.late), *on_the_wire)
    adrift = tuple(sorted((*world.adrift, sent))) if sent else world.adrift
    if "crash_relay" in setup.kinds:
        crashed = world.with_relay(place, Relay(), adrift=adrift, faults=faults)
        yield Step(f"the relay with {names} ends", crashed, is_fault=True)
    if "cut_relay" in setup.kinds and setup.has("fresh_channel"):
        settled = world.forgetting(_confirmed(relay))
        cut = settled.with_relay(place, relay._replace(window=()), adrift=adrift, faults=faults)
        yield Step(f"the relay with {names} loses its connection or its patience", cut, is_fault=True)
    if "cut_relay" in setup.kinds and not setup.has("fresh_channel"):
        yield _impatient(setup, world, place, relay)
    if "session" in setup.kinds and relay.leads:
        paused = world.with_relay(place, relay._replace(leads=False), faults=faults)
        yield Step(f"the relay with {names} is paused and loses its lock", paused, is_fault=True)


def _impatient(setup: Setup, world: World, place: int, relay: Relay) -> Step[World]:
    """The deadline passes and the channel is used again: confirms still to come are taken by place."""
    late = tuple((number, n) for n, (number, what) in enumerate(relay.window) if what == WIRE)
    patient = Relay(relay.leads, (), relay.late + late)
    after = world.forgetting(_confirmed(relay)).with_relay(place, patient, faults=world.faults - 1)
    return Step(f"the relay with {_names(setup, relay)} loses its patience and keeps the channel", after, is_fault=True)


def _late_confirm(setup: Setup, world: World, place: int, relay: Relay) -> Steps:
    if not relay.late:
        return
    (number, at), *rest = relay.late
    taken, _ = arrived(setup, world, number)
    after = taken.with_relay(place, relay._replace(late=tuple(rest)))
    words = (
        f"the broker puts {setup.messages[number].name} {place_of_event(setup, world)}; its late confirm is taken for"
    )
    if at < len(relay.window) and relay.window[at][1] == WIRE:
        wrong = relay.window[at][0]
        yield Step(f"{words} {setup.messages[wrong].name}", after.forgetting([wrong]))
    else:
        yield Step(f"{words} nothing", after)


def _confirmed(relay: Relay) -> list[int]:
    return [number for number, what in relay.window if what == CONFIRMED]


def _marked(relay: Relay, at: int, what: str) -> Relay:
    slot = (relay.window[at][0], what)
    return relay._replace(window=(*relay.window[:at], slot, *relay.window[at + 1 :]))


def _names(setup: Setup, relay: Relay) -> str:
    return " and ".join(setup.messages[number].name for number, _ in relay.window)
