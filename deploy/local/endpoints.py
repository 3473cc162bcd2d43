"""A broker or database that the environment names, to be used instead of our own: asked before it is believed."""

from urllib.parse import urlsplit

from amqp.exceptions import AccessRefused, AMQPError, NotAllowed
from kombu import Connection
from kombu.exceptions import OperationalError
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import OperationalError as DatabaseError

PATIENCE_SECONDS = 3
DRIVER = "postgresql+psycopg2"


class Unusable(Exception):
    """Something answers but will not let us in, or the address makes no sense; the text names the variable."""


def broker_answers(uri: str) -> bool:
    """Whether a broker at one of the addresses (separated by ``;``) lets us in.

    Raises: Unusable when one answers and refuses, or an address cannot be read.
    """
    return any(_one_answers(part.strip()) for part in uri.split(";") if part.strip())


def usable_database(url: str) -> str:
    """Connect once; the URL, with the driver that the platform uses.

    Raises: Unusable with the reason and without the password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Unusable("DATABASE_URL is not a database URL, e.g. postgresql+psycopg2://user@host/database") from error
    if parsed.drivername not in ("postgres", "postgresql", DRIVER):
        raise Unusable(f"DATABASE_URL must begin with {DRIVER}://, not {parsed.drivername}://")
    parsed = parsed.set(drivername=DRIVER)
    engine = create_engine(parsed, connect_args={"connect_timeout": PATIENCE_SECONDS})
    try:
        engine.connect().close()
    except DatabaseError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise Unusable(f"DATABASE_URL is set, but PostgreSQL cannot be used: {reason}") from error
    finally:
        engine.dispose()
    return parsed.render_as_string(hide_password=False)


def _one_answers(uri: str) -> bool:
    if urlsplit(uri).scheme not in ("amqp", "amqps", "pyamqp"):
        raise Unusable("AMQP_URI must begin with amqp:// or amqps://")
    try:
        connection = Connection(uri, connect_timeout=PATIENCE_SECONDS)
    except ValueError as error:
        raise Unusable(f"AMQP_URI: {error}") from error
    try:
        # One attempt; `connect` would make a second one two seconds later.
        connection.transport.establish_connection().collect()
    except (AccessRefused, NotAllowed) as refusal:
        raise Unusable("AMQP_URI: RabbitMQ answers, but refuses this user, password or virtual host") from refusal
    except (OSError, AMQPError, OperationalError):
        return False
    return True
