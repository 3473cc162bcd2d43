"""What the doctor says: one line for each check, and the exit status."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

RUNBOOKS = "docs/runbooks"


class Level(StrEnum):
    """How bad it is."""

    WELL = "well"
    NOT_ASKED = "not_asked"  # nothing is known, because nobody said where to ask
    WATCH = "watch"  # in office hours
    WRONG = "wrong"  # now


SIGNS = {Level.WELL: "✓", Level.NOT_ASKED: "·", Level.WATCH: "!", Level.WRONG: "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it."""

    check: str
    level: Level
    text: str
    advice: str = ""


def well(check: str, text: str) -> Finding:
    """All is as it should be."""
    return Finding(check, Level.WELL, text)


def not_asked(check: str, text: str) -> Finding:
    """Nothing is known about it."""
    return Finding(check, Level.NOT_ASKED, text)


def watch(check: str, text: str, advice: str) -> Finding:
    """Something that can wait until the morning."""
    return Finding(check, Level.WATCH, text, advice)


def wrong(check: str, text: str, advice: str) -> Finding:
    """Something that cannot wait."""
    return Finding(check, Level.WRONG, text, advice)


def runbook(alert: str) -> str:
    """The page of an alert."""
    return f"see {RUNBOOKS}/{alert}.md"


def exit_status(findings: Sequence[Finding]) -> int:
    """1 when anything is wrong, also what can wait."""
    return int(any(found.level in (Level.WATCH, Level.WRONG) for found in findings))


def as_text(findings: Sequence[Finding]) -> str:
    """One line for each check, the advice below it, and a summary."""
    lines = [line for found in findings for line in _lines(found)]
    return "\n".join([*lines, _summary(findings)])


def as_json(findings: Sequence[Finding]) -> str:
    """The same for programs."""
    told = [{name: getattr(found, name) for name in Finding.__slots__} for found in findings]
    return json.dumps({"status": exit_status(findings), "findings": told}, ensure_ascii=False, indent=1)


def _lines(found: Finding) -> list[str]:
    line = f"{SIGNS[found.level]} {found.check:<14} {found.text}"
    return [line, f"  {'':<14} → {found.advice}"] if found.advice else [line]


def _summary(findings: Sequence[Finding]) -> str:
    count = {level: sum(found.level is level for found in findings) for level in Level}
    if not exit_status(findings):
        return "all that was asked is well"
    return f"{count[Level.WRONG]} wrong, {count[Level.WATCH]} to watch"
