"""The city's administrative divisions (National Bureau of Statistics, 2023-06-30): city, county, township, village.

A code starts with its parent's: 4 digits city, 6 county, 9 township, 12 village or community.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_LENGTHS = (12, 9, 6, 4)


@dataclass(frozen=True, slots=True)
class Division:
    """One place."""

    code: str
    name: str
    level: str
    parent: str


class Divisions:
    """All places, by code."""

    def __init__(self, divisions: dict[str, Division]) -> None:
        self._by_code = divisions

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Division]:
        return iter(self._by_code.values())

    def get(self, code: str) -> Division | None:
        """The place of a code, or None."""
        return self._by_code.get(code)

    def full_name(self, code: str | None) -> str:
        """County, township and village, e.g. ``永定区 南庄坪街道``; the code itself when it is unknown."""
        if code not in self._by_code:
            return code or ""
        places = [self._by_code[part] for part in reversed(containing(code)) if part in self._by_code]
        return " ".join(place.name for place in places if place.level != "city") or places[-1].name

    def of_level(self, level: str, within: str = "") -> list[Division]:
        """The places of a level (``county``, ``township``, ``village``), in the order of their codes."""
        return [d for d in self._by_code.values() if d.level == level and d.code.startswith(within)]


@lru_cache(maxsize=4096)
def containing(code: str) -> tuple[str, ...]:
    """The code itself and the codes of everything it lies in, nearest first."""
    return tuple(code[:length] for length in _LENGTHS if len(code) >= length)


@cache
def divisions() -> Divisions:
    """Zhangjiajie's divisions."""
    with open(Path(__file__).with_name("divisions.csv"), encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return Divisions({r["code"]: Division(r["code"], r["name"], r["level"], r["parent"]) for r in rows})
