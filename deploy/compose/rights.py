"""Who may do what in the broker: one user for each service that says or hears events, and one that alone declares the
topology.

A service writes events of its own types only: the routing key of ``baton.events`` is the event's type, and RabbitMQ
checks it against the user's topic permission. It reads its own queues and configures nothing. What this cannot stop is
written in ``docs/operations.md``.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from deploy.local.stack import SERVICES
from shared.contracts.catalogue import CATALOGUE
from shared.messaging.topology import (
    DEAD,
    INTAKE_COMMANDS,
    REPLIES,
    UNROUTED,
    dead_queue,
    events_queue,
    intake_queue,
)
from shared.storage.outbox import EVENTS_EXCHANGE

VHOST = "/"
TOPOLOGY_USER = "topology"
NOTHING = "^$"
EVERYTHING = ".*"
DEFAULT_EXCHANGE = "amq.default"  # what RabbitMQ calls the nameless one when it checks rights
TAKES_UNROUTED = "oversight"
_SALT_BYTES = 4


def event_types(service: str) -> list[str]:
    """The types that a service says: its own, and those that every service says of itself.

    What no queue took waits with one service, and when an operator gives it again, that service says it: so it may
    say everything.
    """
    if service == TAKES_UNROUTED:
        return sorted(CATALOGUE)
    return sorted(
        contract.type
        for contract in CATALOGUE.values()
        if contract.producer == service or contract.producer not in SERVICES
    )


def permissions(vhost: str = VHOST) -> list[dict[str, str]]:
    """What each user may configure, write to and read from."""
    everything = {"configure": EVERYTHING, "write": EVERYTHING, "read": EVERYTHING}
    return [
        {"user": TOPOLOGY_USER, "vhost": vhost, **everything},
        *(
            {
                "user": service,
                "vhost": vhost,
                "configure": NOTHING,
                "write": any_of(_written(service)),
                "read": any_of(_read(service)),
            }
            for service in SERVICES
        ),
    ]


def topic_permissions(vhost: str = VHOST) -> list[dict[str, str]]:
    """Which routing keys each user may write; only of exchanges of type topic can RabbitMQ check them."""
    return [
        {
            "user": service,
            "vhost": vhost,
            "exchange": EVENTS_EXCHANGE,
            "write": any_of(event_types(service)),
            "read": EVERYTHING,
        }
        for service in SERVICES
    ]


def definitions(passwords: Mapping[str, str]) -> dict[str, Any]:
    """RabbitMQ's definitions file. It holds salted hashes, no password."""
    users = [
        {
            "name": user,
            "password_hash": password_hash(password),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": [],
        }
        for user, password in passwords.items()
    ]
    return {
        "vhosts": [{"name": VHOST}],
        "users": users,
        "permissions": permissions(),
        "topic_permissions": topic_permissions(),
    }


def are_current(told: Mapping[str, Any], passwords: Mapping[str, str]) -> bool:
    """Whether definitions say the users, passwords and rights that this version would."""
    hashes = {user["name"]: user["password_hash"] for user in told["users"]}
    return (
        told["permissions"] == permissions()
        and told["topic_permissions"] == topic_permissions()
        and set(hashes) == set(passwords)
        and all(password_hash(word, _salt(hashes[user])) == hashes[user] for user, word in passwords.items())
    )


def password_hash(password: str, salt: bytes | None = None) -> str:
    """RabbitMQ's form of a salted SHA-256."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _salt(password_hash: str) -> bytes:
    return base64.b64decode(password_hash)[:_SALT_BYTES]


def any_of(names: list[str]) -> str:
    """A pattern that matches these names and nothing else."""
    return "^(" + "|".join(map(re.escape, names)) + ")$" if names else NOTHING


def _written(service: str) -> list[str]:
    answers = [REPLIES] if service in INTAKE_COMMANDS else []
    # Dead letters go to their exchange, and what an operator gives again straight to the queue in which it died.
    return [EVENTS_EXCHANGE, DEAD, DEFAULT_EXCHANGE, *answers]


def _read(service: str) -> list[str]:
    commands = [intake_queue(service)] if service in INTAKE_COMMANDS else []
    unrouted = [UNROUTED] if service == TAKES_UNROUTED else []
    return [events_queue(service), dead_queue(service), *commands, *unrouted]
