"""Secrets as files: one folder for each container, which sees its own and no other.

``python -m deploy.compose.secret_files FOLDER`` with ``BATON_PROFILE=dev`` makes what is missing, each installation its
own random values, with demonstration accounts and a certificate of a throw-away authority. With any other profile it
makes nothing and says what is missing, so that nothing starts on a secret that nobody chose. What is there is never
changed, but for the broker's users and rights: they follow from the addresses and from the version, and are written
anew when either has changed.
"""

import json
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.compose import certificates
from deploy.compose.rights import TOPOLOGY_USER, are_current, definitions
from deploy.local.accounts import ACCOUNTS_FILE, PASSWORD_FILE, ensure_accounts
from deploy.local.stack import CONSOLE, IDENTITY, SERVICES
from services.community_handover.photo_box import create_keys as create_attachment_keys
from services.notification.seal import create_keys as create_keys_of_addresses
from services.person_registry.keyring import create_keyring
from shared.web.tokens import create_keys

DEV = "dev"
AMQP_URI, DATABASE_URL, KEYS_DATABASE_URL = "amqp-uri", "database-url", "keys-database-url"
WITH_DATABASE = (*SERVICES, IDENTITY, CONSOLE)
AUDIT_KEY = "audit.jwk"
SIGNING_KEY, PUBLIC_KEYS = f"{IDENTITY}/private.jwk", "public/public.jwks"
CLIENT_SECRET = "sign-in/client-secret"  # noqa: S105 - a file name; of the console at the provider, which both see
DATABASE, KEYS_DATABASE = "baton", "keys"
REGISTRY, KEYRING = "person_registry", "identity.json"
HANDOVER, ATTACHMENT_KEYS = "community_handover", "attachments.keys"
ADDRESS_KEYS = "notification/notification.key"  # under which officers' addresses are stored
SUPERUSER, MONITORING, BACKUP = "postgres", "monitoring", "backup"
DEFINITIONS = "rabbitmq/definitions.json"
PAGER = "alertmanager/webhook-url"  # where alerts go: nobody can make that up


@dataclass(frozen=True, slots=True)
class Secret:
    """A file that has to be there, and how to make it where it may be made up."""

    path: str
    make: Callable[[Path], None]


def wanted() -> list[Secret]:
    """Every secret of the platform, each after what it is made from."""
    return [
        *(Secret(f"{service}/{AMQP_URI}", _text(partial(amqp_uri, service))) for service in SERVICES),
        Secret(f"{TOPOLOGY_USER}/{AMQP_URI}", _text(partial(amqp_uri, TOPOLOGY_USER))),
        *(Secret(f"{name}/{DATABASE_URL}", _text(partial(database_url, name))) for name in WITH_DATABASE),
        *(Secret(f"{service}/{AUDIT_KEY}", _audit_key) for service in (*SERVICES, IDENTITY)),
        Secret("postgres/superuser-password", _text(secrets.token_urlsafe)),
        Secret(f"{REGISTRY}/{KEYRING}", _keyring),
        Secret(ADDRESS_KEYS, create_keys_of_addresses),
        Secret(f"{REGISTRY}/{KEYS_DATABASE_URL}", _text(keys_database_url)),
        Secret(f"{HANDOVER}/{ATTACHMENT_KEYS}", create_attachment_keys),
        Secret("postgres-keys/superuser-password", _text(secrets.token_urlsafe)),
        Secret("postgres-exporter/password", _text(secrets.token_urlsafe)),
        Secret("backup/password", _text(secrets.token_urlsafe)),
        Secret("backup-keys/password", _text(secrets.token_urlsafe)),
        Secret(SIGNING_KEY, _signing_key),
        Secret(PUBLIC_KEYS, _signing_key),
        Secret(f"{IDENTITY}/{ACCOUNTS_FILE}", _accounts),
        Secret(f"{IDENTITY}/cookie-secret", _text(secrets.token_hex)),
        Secret(CLIENT_SECRET, _text(secrets.token_urlsafe)),
        Secret(f"{CONSOLE}/session-secret", _text(secrets.token_hex)),
        Secret("proxy/tls.crt", _certificate),
        Secret("proxy/tls.key", _certificate),
        Secret("grafana/admin-password", _text(secrets.token_urlsafe)),
    ]


def missing(folder: Path) -> list[str]:
    """The secrets that are not there."""
    return [secret.path for secret in wanted() if not (folder / secret.path).is_file()]


def make_missing(folder: Path) -> list[str]:
    """Make them up; what was made."""
    made = []
    for secret in wanted():
        if not (folder / secret.path).exists():
            (folder / secret.path).parent.mkdir(parents=True, exist_ok=True)
            secret.make(folder / secret.path)
            made.append(secret.path)
    return made


def amqp_uri(user: str) -> str:
    """Where a user finds the broker, with a new password."""
    return f"amqp://{user}:{secrets.token_urlsafe(24)}@rabbitmq:5672//"


def database_url(role: str) -> str:
    """Where a role finds the database, with a new password."""
    return f"postgresql+psycopg2://{role}:{secrets.token_urlsafe(24)}@postgres:5432/{DATABASE}"


def keys_database_url() -> str:
    """Where the registry finds the keys of persons, with a new password: a server of its own, backed up apart."""
    return f"postgresql+psycopg2://{REGISTRY}:{secrets.token_urlsafe(24)}@postgres-keys:5432/{KEYS_DATABASE}"


def passwords(folder: Path, name: str) -> dict[str, str]:
    """Each user's password, out of the addresses that the services are given."""
    found = {}
    for path in sorted(folder.glob(f"*/{name}")):
        parts = urlsplit(path.read_text().strip())
        found[unquote(parts.username or "")] = unquote(parts.password or "")
    return found


def write_definitions(folder: Path) -> bool:
    """Write the broker's users and rights from the addresses, if they are not what they should be; whether it did.

    RabbitMQ reads them when it starts.
    """
    path, wanted_users = folder / DEFINITIONS, passwords(folder, AMQP_URI)
    if path.is_file() and are_current(json.loads(path.read_text()), wanted_users):
        return False
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)  # nobody may write to the old one, not even its owner
    path.write_text(json.dumps(definitions(wanted_users), indent=1))
    return True


def main(arguments: list[str], env: Mapping[str, str], say: Callable[[str], None] = print) -> int:
    """The command line."""
    folder = Path(arguments[0])
    if env.get("BATON_PROFILE") == DEV:
        made = make_missing(folder)
        say(f"secrets: {len(made)} made, {len(wanted()) - len(made)} were there")
    else:
        absent = missing(folder) + [PAGER] * (not (folder / PAGER).is_file())
        for path in absent:
            say(f"secrets: {path} is missing")
        if absent:
            return 1
    if write_definitions(folder):
        say("secrets: the broker's users and rights are new; it reads them when it starts")
    _close(folder)
    return 0


def _text(value: Callable[[], str]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(value())

    return make


def _signing_key(path: Path) -> None:
    folder = path.parents[1]
    create_keys(folder / SIGNING_KEY, folder / PUBLIC_KEYS)


def _audit_key(path: Path) -> None:
    """With its public part for who verifies the audit."""
    create_keys(path, _people(path) / f"audit-{path.parent.name}.jwks")


def _keyring(path: Path) -> None:
    create_keyring(path, _people(path) / "escrow-private.key")


def _accounts(path: Path) -> None:
    ensure_accounts(path.parent)
    # The password in clear is for people, not for the provider.
    (path.parent / PASSWORD_FILE).replace(_people(path) / PASSWORD_FILE)


def _certificate(path: Path) -> None:
    names = os.environ.get("BATON_HOSTS", "localhost").split()
    certificates.make(path.with_name("tls.crt"), path.with_name("tls.key"), _people(path) / "ca.crt", names)


def _people(path: Path) -> Path:
    """The folder of what no container sees."""
    people = path.parents[1] / "people"
    people.mkdir(exist_ok=True)
    return people


def _close(folder: Path) -> None:
    """For the owner of the folder only; a container sees its own part, whatever user it runs as."""
    owner = folder.stat()
    folder.chmod(0o700)
    for path in _below(folder):
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(0o755 if stat.S_ISDIR(path.stat().st_mode) else 0o444)


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.name.startswith("."))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
