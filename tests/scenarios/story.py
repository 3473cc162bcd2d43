"""The scenario format: what it may say, read strictly. A scenario tells one case, with times, in plain words.

Each line has its sentence (``when``, ``then``), which is what a lawyer reads, and beside it what a machine
does with it: ``do`` an act, ``see`` what must be so. Days and times are China's; ``24:00`` is the end of a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from shared.kernel.clock import CHINA

CASES = Path(__file__).parent / "cases"
SITUATIONS = Path(__file__).parent / "situations.yaml"
_KEYS = {"at", "when", "then", "do", "by", "with", "which", "see", "count", "refused", "tells"}


@dataclass(frozen=True)
class Step:
    """One line of a scenario."""

    words: str
    at: datetime | None = None
    do: str | None = None
    by: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    which: Mapping[str, Any] = field(default_factory=dict)
    see: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    count: Mapping[str, int] = field(default_factory=dict)
    refused: str | None = None
    tells: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """One case."""

    id: str
    title: str
    law: str
    start: datetime
    given: tuple[str, ...]
    steps: tuple[Step, ...]


def moment(text: str) -> datetime:
    """A moment as scenarios write it: ``2026-11-23 10:00``; ``24:00`` is the next day's beginning.

    Raises: ValueError.
    """
    day, _, clock = text.partition(" ")
    midnight = clock == "24:00"
    at = datetime.fromisoformat(f"{day}T{'00:00' if midnight else clock}").replace(tzinfo=CHINA)
    return at + timedelta(days=1) if midnight else at


def situations() -> dict[str, str]:
    """What a scenario can find when it begins, by name, in words."""
    named: dict[str, str] = yaml.safe_load(SITUATIONS.read_text(encoding="utf-8"))
    return named


def scenarios() -> list[Scenario]:
    """All of them, in the order of the files.

    Raises: ValueError naming the scenario and what is wrong with it.
    """
    found = [
        _scenario(written)
        for path in sorted(CASES.glob("*.yaml"))
        for written in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
    ids = [scenario.id for scenario in found]
    twice = {one for one in ids if ids.count(one) > 1}
    if twice:
        raise ValueError(f"scenarios of the same id: {sorted(twice)}")
    return found


def _scenario(written: Mapping[str, Any]) -> Scenario:
    try:
        return Scenario(
            written["id"],
            written["title"],
            written["law"],
            moment(written["start"]),
            tuple(written.get("given", ())),
            tuple(map(_step, written["steps"])),
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise ValueError(f"scenario {written.get('id')}: {wrong!r}") from wrong


def _step(written: Mapping[str, Any]) -> Step:
    unknown = written.keys() - _KEYS
    if unknown:
        raise ValueError(f"a line says {sorted(unknown)}, which means nothing")
    words = written.get("when") or written.get("then")
    if not words:
        raise ValueError(f"a line has no sentence: {dict(written)}")
    if ("then" in written) == ("do" in written):
        raise ValueError(f"an act begins with 'when', an expectation with 'then': {words}")
    return Step(
        words=words,
        at=moment(written["at"]) if "at" in written else None,
        do=written.get("do"),
        by=written.get("by"),
        body=written.get("with", {}),
        which=written.get("which", {}),
        see=written.get("see", {}),
        count=written.get("count", {}),
        refused=written.get("refused"),
        tells=written.get("tells", {}),
    )
