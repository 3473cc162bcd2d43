"""What must be there before anybody can be released to anybody: an office, its coverage, persons; over the APIs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx

from shared.web.principal import Role
from tests.faults.by_http import OFFICE, Tokens
from tests.faults.courses import TOWNSHIP

AT_ONCE = 4


def furnish(urls: Mapping[str, Sequence[str]], tokens: Tokens, *, persons: int) -> list[str]:
    """Enter everything; the persons' ids.

    Raises: httpx.HTTPError: nothing is broken yet, so nothing may fail.
    """
    with httpx.Client(timeout=30, trust_env=False) as http:
        county = _as(tokens.of(Role.COUNTY_SUPERVISOR, "NCO-430802", "430802"))
        handover, registry = urls["community_handover"][0], urls["person_registry"][0]
        office = {"name": "office", "level": "township", "division": TOWNSHIP}
        http.put(f"{handover}/offices/{OFFICE}", json=office, headers=county).raise_for_status()
        covered = f"{handover}/coverage/{TOWNSHIP}"
        http.put(covered, json={"office": OFFICE}, headers=county).raise_for_status()
        station = _as(tokens.of(Role.STATION_OFFICER, "STATION-1", "430802"))

        def register(number: int) -> str:
            place = {"residence_division": TOWNSHIP}
            body = {"identity_kind": "none", "full_name": f"faults person {number}", "sex": "male", **place}
            headers = {**station, "Idempotency-Key": str(uuid4())}
            return str(http.post(f"{registry}/persons", json=body, headers=headers).raise_for_status().json()["id"])

        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(register, range(persons)))


def _as(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
