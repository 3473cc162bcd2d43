"""Demonstration accounts: one for each role; clients of a station's and a centre's system, and of the command line.

One random password for each data folder, so that a published default opens nobody's door. People's names are
invented; organisations and divisions are Zhangjiajie's.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from werkzeug.security import generate_password_hash

from shared.web.principal import Role

PASSWORD_FILE = "demo-password"  # noqa: S105 - a file name
ACCOUNTS_FILE = "accounts.json"
STATION = "ZJJ-YD-PCS-01"
LABORATORY = "ZJJ-SFJDZX"
CENTRE = "ZJJ-QZGLJDS"
LOCKUP = "ZJJ-JLS"
OFFICE_TOWNSHIP = "430802001"  # 永定区 永定街道
OFFICE = f"OFFICE-{OFFICE_TOWNSHIP}"


# The client of the platform's own commands, in the name of whoever signs in. It has no secret (RFC 8252).
COMMAND_LINE = "command-line"
COMMAND_LINE_ADDRESS = "http://127.0.0.1/signed-in"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in."""

    username: str
    role: str
    organisation: str
    division: str
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class System:
    """A system that gets tokens with a secret of its own."""

    client_id: str
    role: str
    organisation: str
    division: str
    title_zh: str
    title_en: str


ACCOUNTS = (
    Account("station", Role.STATION_OFFICER, STATION, "430802", "派出所民警（永定）", "Police station officer"),
    Account("laboratory", Role.LABORATORY, LABORATORY, "4308", "司法鉴定中心", "Laboratory"),
    Account("centre", Role.CENTRE_CLERK, CENTRE, "4308", "强制隔离戒毒所民警", "Isolation centre clerk"),
    Account("lockup", Role.CENTRE_CLERK, LOCKUP, "4308", "拘留所民警", "Lock-up clerk"),
    Account("officer", Role.COMMUNITY_OFFICER, OFFICE, OFFICE_TOWNSHIP, "街道禁毒专干", "Community officer"),
    Account("officer2", Role.COMMUNITY_OFFICER, OFFICE, OFFICE_TOWNSHIP, "街道禁毒专干（二）", "Community officer 2"),
    Account("township", Role.TOWNSHIP_SUPERVISOR, OFFICE, OFFICE_TOWNSHIP, "街道办负责人", "Township supervisor"),
    Account("county", Role.COUNTY_SUPERVISOR, "NCO-430802", "430802", "永定区禁毒办", "County supervisor"),
    Account("city", Role.CITY_SUPERVISOR, "NCO-4308", "4308", "张家界市禁毒办", "City narcotics-control office"),
    Account("auditor", Role.AUDITOR, "AUDIT-4308", "4308", "审计员", "Auditor"),
    Account("operator", Role.OPERATOR, "IT-4308", "4308", "运维人员", "Operator"),
)
SYSTEMS = (
    System("station-system", Role.STATION_OFFICER, STATION, "430802", "派出所系统", "A station's system"),
    System("centre-system", Role.CENTRE_CLERK, CENTRE, "4308", "戒毒所系统", "A centre's system"),
)


def ensure_accounts(folder: Path) -> str:
    """Write the accounts file once; the password that all of them have."""
    folder.mkdir(parents=True, exist_ok=True)
    password_file = folder / PASSWORD_FILE
    if not password_file.exists():
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(9))
    password = password_file.read_text()
    accounts_file = folder / ACCOUNTS_FILE
    if not _is_written(accounts_file):
        hashed = generate_password_hash(password)
        told = {
            "accounts": [{**asdict(account), "password": hashed} for account in ACCOUNTS],
            "clients": [
                *({**asdict(system), "secret": hashed} for system in SYSTEMS),
                {"client_id": COMMAND_LINE, "redirect_uris": [COMMAND_LINE_ADDRESS]},
            ],
        }
        accounts_file.touch(mode=0o600)
        accounts_file.write_text(json.dumps(told, ensure_ascii=False, indent=1))
    return password


def _is_written(path: Path) -> bool:
    """Whether it is there in today's form; it used to be a list of accounts."""
    return path.exists() and isinstance(json.loads(path.read_text()), dict)


def table(password: str) -> str:
    """The accounts as a person reads them."""
    people = [_row(one.username, password, one) for one in ACCOUNTS]
    systems = [_row(one.client_id, password, one) for one in SYSTEMS]
    return "\n".join(["demonstration accounts (user name, password):", *people, "systems (client, secret):", *systems])


def _row(name: str, password: str, one: Account | System) -> str:
    return f"  {name:<15} {password}   {one.title_en} · {one.title_zh}"
