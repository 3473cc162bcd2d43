"""The delivery of releases to their tasks, as a model for the checker: all parts together, and the state in words."""

from collections.abc import Iterable, Iterator

from tests.model import broker, consuming, producing, promises, relaying
from tests.model.checker import Step
from tests.model.setup import Setup
from tests.model.world import NONE, Consumer, Relay, World


class Delivery:
    """See the module. ``strictly``: a message that only a process or a wire holds counts as not kept."""

    def __init__(self, setup: Setup, *, strictly: bool = True) -> None:
        self._setup = setup
        self._strictly = strictly

    def start(self) -> World:
        """Nothing has happened; or everything is published and the consumers start."""
        setup = self._setup
        every = frozenset(n for n, message in enumerate(setup.messages) if not message.twin)
        return World(
            faults=setup.faults,
            told=every if setup.published else NONE,
            stored=every if setup.published else NONE,
            relays=(Relay(),) * (0 if setup.published else setup.relays),
            bound=broker.BINDINGS,
            queue=tuple((number, 0) for number in sorted(every)) if setup.published else (),
            consumers=(Consumer(wide=setup.at_work or not setup.has("one_by_one")),) * setup.consumers,
            tasks=((),) * len(setup.aggregates),
            dropped=(0,) * len(setup.aggregates),
            suspects=(0,) * len(setup.messages),
            said=(0,) * len(setup.messages),
        )

    def steps(self, state: World) -> Iterator[Step[World]]:
        """All that can happen next."""
        yield from producing.steps(self._setup, state)
        yield from relaying.steps(self._setup, state)
        yield from broker.steps(self._setup, state)
        yield from consuming.steps(self._setup, state)

    def broken_in(self, state: World) -> str | None:
        """See `promises`."""
        return promises.broken_in(self._setup, state, strictly=self._strictly)

    def broken_by(self, before: World, after: World) -> str | None:
        """See `promises`."""
        return promises.broken_by(before, after)

    def is_settled(self, state: World) -> bool:
        """See `promises`."""
        return promises.is_settled(self._setup, state)

    def in_words(self, state: World) -> str:
        """Where everything is."""
        messages = self._setup.messages

        def named(numbers: Iterable[int]) -> str:
            return ", ".join(messages[number].name for number in sorted(numbers)) or "-"

        tasks = (
            f"{messages[chain[0]].release} at {' and '.join(map(str, versions))}"
            for chain, versions in zip(self._setup.aggregates, state.tasks, strict=True)
            if versions
        )
        held = (number for consumer in state.consumers for number, _ in consumer.batch)
        return (
            f"stored {named(state.stored)}; outbox {named(state.outbox)}; "
            f"queue {named(number for number, _ in state.queue)}; in hand {named(held)}; "
            f"dead {named(state.dead)}; inbox {named(state.inbox)}; tasks {', '.join(tasks) or '-'}"
        )
