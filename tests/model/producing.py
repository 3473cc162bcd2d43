"""The centre and the service it tells: each act is one transaction of state, event and outbox, and then an answer.

A centre that has no answer asks again with the same idempotency key, until it has one. The next version of a release
is asked for when the one before is answered.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.model.broker import arrived
from tests.model.checker import Step
from tests.model.setup import Setup
from tests.model.world import World


def steps(setup: Setup, world: World) -> Iterator[Step[World]]:
    """What the centres can do."""
    for number, message in enumerate(setup.messages):
        before = setup.predecessor[number]
        if message.twin or number in world.told or (before is not None and before not in world.told):
            continue
        if number in world.stored:
            yield _repeated(setup, world, number)
        else:
            yield from _first(setup, world, number)


def _first(setup: Setup, world: World, number: int) -> Iterator[Step[World]]:
    name = setup.messages[number].name
    stored, told = world.stored | {number}, world.told | {number}
    if setup.has("outbox"):
        written = world._replace(stored=stored, outbox=(*world.outbox, number))
        yield Step(f"{name} is asked for, committed and answered", written._replace(told=told))
        unanswered = written
    else:
        written = world._replace(stored=stored, told=told)
        yield Step(f"{name} is committed, answered and published", arrived(setup, written, number)[0])
        unanswered = written
    if not (world.faults and "crash_service" in setup.kinds):
        return
    if not setup.has("answer_after_commit"):
        unanswered = world._replace(told=told)
        words = f"{name} is answered, and the service ends before it commits"
    elif not setup.has("outbox"):
        words = f"{name} is committed, and the service ends before it publishes"
    else:
        words = f"{name} is committed, but the answer is lost"
    yield Step(words, unanswered._replace(faults=world.faults - 1), is_fault=True)


def _repeated(setup: Setup, world: World, number: int) -> Step[World]:
    name = setup.messages[number].name
    told = world._replace(told=world.told | {number})
    twin = _twin_of(setup, number)
    if setup.has("idempotency_key") or twin is None:
        return Step(f"{name} is asked for again and gets the first answer", told)
    again = told._replace(stored=told.stored | {twin}, outbox=(*told.outbox, twin))
    return Step(f"{name} is asked for again and done again, as {setup.messages[twin].name}", again)


def _twin_of(setup: Setup, number: int) -> int | None:
    wanted = replace(setup.messages[number], twin=True)
    return setup.messages.index(wanted) if wanted in setup.messages and not setup.messages[number].twin else None
