"""A transaction begins with its first statement, in one round trip, and is a transaction like any other."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from shared.storage.engine import make_engine

IDLE = 0


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url, schema="public")
    with engine.begin() as connection:
        connection.execute(text("create table thing (number int primary key)"))
    yield engine
    engine.dispose()


def numbers(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(text("select number from thing order by number")).scalars())


def enter(connection: Connection, *given: int) -> None:
    connection.execute(text("insert into thing values (:number)"), [{"number": number} for number in given])


def status(connection: Connection) -> int:
    driver = connection.connection.dbapi_connection
    assert driver is not None
    return int(driver.info.transaction_status)


def test_what_is_rolled_back_was_never_there(engine: Engine) -> None:
    with engine.connect() as connection:
        enter(connection, 1)
        enter(connection, 2, 3)
        connection.rollback()
        assert status(connection) == IDLE
        enter(connection, 4, 5)
    assert numbers(engine) == []


def test_what_is_committed_stays_and_the_next_statement_begins_anew(engine: Engine) -> None:
    with engine.connect() as connection:
        enter(connection, 1)
        connection.commit()
        assert status(connection) == IDLE
        enter(connection, 2)
        connection.rollback()
    assert numbers(engine) == [1]


def test_after_a_first_statement_that_nobody_understands_the_next_one_begins_the_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(DBAPIError):
            connection.execute(text("this is no statement"))
        enter(connection, 1)
        connection.rollback()
    assert numbers(engine) == []


def test_after_a_first_statement_that_fails_the_transaction_can_only_be_rolled_back(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(DBAPIError):
            connection.execute(text("select 1 / 0"))
        with pytest.raises(DBAPIError):
            enter(connection, 1)
        connection.rollback()
        assert status(connection) == IDLE


def test_the_number_of_rows_and_the_rows_are_the_statements_own(engine: Engine) -> None:
    with engine.connect() as connection:
        entered = connection.execute(text("insert into thing values (7), (8) returning number"))
        assert (entered.rowcount, list(entered.scalars())) == (2, [7, 8])


def test_in_autocommit_each_statement_is_a_transaction_and_afterwards_none_is(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        enter(connection, 1)
        assert status(connection) == IDLE
    with engine.connect() as connection:
        enter(connection, 2)
        assert status(connection) != IDLE
    assert numbers(engine) == [1]
