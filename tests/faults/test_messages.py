"""Poison is poison: whoever is expected to refuse a message refuses it, and whoever is not can use it."""

from importlib import import_module
from pathlib import Path
from random import Random

import pytest

from deploy.local.stack import SERVICES
from shared.messaging.delivery import Delivery
from shared.messaging.processor import EventProcessor
from shared.storage.outbox import EVENTS_EXCHANGE
from tests.faults.messages import POISON_KINDS, Letter, hearers, poison
from tests.support.service import service_under_test


def delivery(letter: Letter) -> Delivery:
    return Delivery(letter.body, letter.content_type, letter.message_id, letter.type, {})


@pytest.mark.parametrize("service", SERVICES)
def test_each_kind_is_refused_by_whom_it_should_be(service: str, tmp_path: Path) -> None:
    made = [poison(Random(f"{kind} {number}"), kind) for kind in POISON_KINDS for number in range(10)]
    definition = import_module(f"services.{service}.service").SERVICE
    with service_under_test(definition, f"sqlite:///{tmp_path / 'd.sqlite3'}") as one:
        processor = EventProcessor(one.storage, definition.reactions, one.metrics)
        for message in made:
            if message.letter.exchange != EVENTS_EXCHANGE:
                dead = one.take_in(delivery(message.letter)) if definition.intake else []
            elif service in hearers(message.letter.type):
                dead = processor.process([delivery(message.letter)])
            else:
                dead = []
            assert bool(dead) == (service in message.refused_by), message.kind


def test_every_message_has_an_id_of_its_own_and_somebody_who_refuses_it() -> None:
    made = [poison(Random(number)) for number in range(200)]
    assert len({one.letter.message_id for one in made}) == len(made)
    assert all(one.refused_by for one in made)
    assert {one.kind for one in made} == set(POISON_KINDS)
