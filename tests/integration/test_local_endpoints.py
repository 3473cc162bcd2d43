"""A broker or database that the environment names: asked for three seconds, refused in a line without its password."""

import socket
import time

import pytest

from deploy.local.broker import PrivateBroker
from deploy.local.endpoints import PATIENCE_SECONDS, Unusable, broker_answers, usable_database
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres

NOBODY = "amqp://guest:guest@127.0.0.1:1//"


def test_a_broker_that_lets_us_in_answers(amqp_uri: str) -> None:
    assert broker_answers(amqp_uri)


def test_one_answering_host_of_several_is_enough(amqp_uri: str) -> None:
    assert broker_answers(f"{NOBODY};{amqp_uri}")
    assert not broker_answers(f"{NOBODY};{NOBODY}")


def test_a_broker_that_refuses_is_not_taken_for_an_absent_one(broker: PrivateBroker, amqp_uri: str) -> None:
    wrong_password = amqp_uri.replace("guest:", "guest:x", 1)
    for uri in (wrong_password, broker.uri.removesuffix("/") + "no-such-host"):
        with pytest.raises(Unusable, match="^AMQP_URI: RabbitMQ answers, but refuses"):
            broker_answers(uri)


def test_a_port_that_says_nothing_is_given_up_after_three_seconds() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        assert not broker_answers(f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}//")
        assert time.monotonic() - began < PATIENCE_SECONDS + 2


@pytest.mark.parametrize("uri", ["http://localhost:15672", "localhost:5672", "amqp://guest@localhost:port//"])
def test_what_is_no_broker_address_names_the_variable(uri: str) -> None:
    with pytest.raises(Unusable, match="^AMQP_URI"):
        broker_answers(uri)


@pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "postgresql", "postgres"])
def test_a_database_is_used_with_the_platforms_driver(postgres: PrivatePostgres, scheme: str) -> None:
    url = postgres.url().replace("postgresql+psycopg2", scheme)
    assert usable_database(url) == postgres.url()


def test_a_password_survives_and_is_never_told(postgres: PrivatePostgres) -> None:
    with_password = postgres.url().replace("baton@", "baton:p%40ss@")
    assert usable_database(with_password) == with_password
    with pytest.raises(Unusable, match='database "nowhere" does not exist$') as refusal:
        usable_database(with_password.replace("/postgres", "/nowhere"))
    assert "ss@" not in str(refusal.value)


def test_a_database_that_is_away_is_told_in_one_line() -> None:
    with pytest.raises(Unusable, match="^DATABASE_URL is set, but PostgreSQL cannot be used: .*refused") as refusal:
        usable_database(f"postgresql://x:secret@127.0.0.1:{free_port()}/y")
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["rubbish", "mysql://x/y", "postgresql+asyncpg://x/y", "sqlite://"])
def test_what_is_no_postgresql_url_names_the_variable(url: str) -> None:
    with pytest.raises(Unusable, match="^DATABASE_URL"):
        usable_database(url)
