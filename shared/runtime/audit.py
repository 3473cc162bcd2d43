"""``make audit-verify``: prove that the audit is what was written, or name the first thing that is not.

    python -m shared.runtime.audit verify [SERVICE …] [--kept FILE]
    python -m shared.runtime.audit anchors [SERVICE …]
    python -m shared.runtime.audit rotate

``anchors`` prints each service's signed days, one a line, to be kept elsewhere; ``verify --kept`` also checks against
such a file. ``rotate`` makes a new key in ``AUDIT_KEY``, for services that are started from then on, and adds its
public part to ``AUDIT_JWKS``, where every earlier one stays: what it signed is still to be proved. Databases are found
as the services find them (``DATABASE_URL`` or ``BATON_DATA``), the public keys in ``AUDIT_JWKS``. Proving only reads,
and a running platform does not notice.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, select

from shared.audit.verifying import Broken, verify
from shared.runtime.settings import DEFAULT_PORTS, ConfigurationError, data_url
from shared.storage.chassis import AUDIT_ANCHOR, AUDIT_SEAL
from shared.storage.engine import make_engine
from shared.web.tokens import add_key

SERVICES = tuple(name for name in DEFAULT_PORTS if name != "console")
Kept = Mapping[str, Mapping[date, str]]


class NotThere(Exception):
    """The audit or its keys are not to be found; the text says where they were looked for."""


def verify_services(services: Sequence[str], kept: Kept) -> bool:
    """Check each service and say what was found; whether all is well."""
    keys = json.loads(_file("AUDIT_JWKS").read_text())
    found = [_verify(service, keys, kept.get(service, {})) for service in services]
    return all(found)  # every one is checked, also after one that is broken


def print_anchors(services: Sequence[str]) -> None:
    """Print every service's signed days."""
    for service in services:
        with _reading(service) as connection:
            for row in connection.execute(select(AUDIT_ANCHOR).order_by(AUDIT_ANCHOR.c.day)):
                print(service, row.day.isoformat(), row.signed)


def read_kept(path: Path) -> Kept:
    """Anchors as `print_anchors` printed them. Raises: ValueError naming the line."""
    kept: dict[str, dict[date, str]] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            service, day, signed = line.split()
            kept.setdefault(service, {})[date.fromisoformat(day)] = signed
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: not a service, a day and an anchor") from error
    return kept


def _file(name: str) -> Path:
    path = os.environ.get(name)
    if not path:
        raise NotThere(f"{name} must name a file with the keys of the audit")
    return Path(path)


def _verify(service: str, keys: Mapping[str, Any], outside: Mapping[date, str]) -> bool:
    with _reading(service) as connection:
        try:
            proof = verify(connection, service, keys, outside)
        except Broken as error:
            print(f"{service:<22} BROKEN: {error}")
            return False
    print(
        f"{service:<22} intact: {proof.rows} rows in {proof.seals} seals, {proof.anchors} days signed, "
        f"{proof.waiting} rows not sealed yet; ends with {proof.end}"
    )
    return True


@contextmanager
def _reading(service: str) -> Iterator[Connection]:
    engine = make_engine(data_url(service), schema=service)
    try:
        with engine.connect().execution_options(read_only=True) as connection:
            if not inspect(connection).has_table(AUDIT_SEAL.name):
                raise NotThere(f"no audit of {service} in {engine.url.render_as_string()}")
            yield connection
    finally:
        engine.dispose()


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m shared.runtime.audit", description="Prove the audit.")
    parser.add_argument("act", choices=("verify", "anchors", "rotate"))
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(SERVICES)}; all by default")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="anchors that were printed and kept elsewhere")
    chosen = parser.parse_args(arguments)
    services = chosen.services or SERVICES
    if unknown := sorted(set(services) - set(SERVICES)):
        parser.error(f"there is no service {unknown[0]}")
    try:
        if chosen.act == "rotate":
            add_key(_file("AUDIT_KEY"), _file("AUDIT_JWKS"))
            return 0
        if chosen.act == "anchors":
            print_anchors(services)
            return 0
        return 0 if verify_services(services, read_kept(chosen.kept) if chosen.kept else {}) else 1
    except (OSError, ValueError, NotThere, ConfigurationError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
