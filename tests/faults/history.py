"""What clients did and what they were told: one JSON line for each fact, written before anything is believed.

The checks read it back, so they can be repeated long after the run (`Told.read`).
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "history.jsonl"


class History:
    """Writes the facts of a run. May be used by several threads."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - open as long as the run
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def note(self, what: str, **facts: Any) -> None:
        """Add a fact."""
        line = json.dumps({"at": round(time.monotonic() - self._began, 3), "what": what, **facts}, default=str)
        with self._lock:
            self._file.write(line + "\n")

    def close(self) -> None:
        """No more facts."""
        self._file.close()


@dataclass
class ActTold:
    """One act: what was asked, how often, and what was answered."""

    key: str
    kind: str
    life: int
    centre: str
    body: Mapping[str, Any]
    attempts: int = 0
    answers: list[Mapping[str, Any]] = field(default_factory=list)  # successes: id, version, state
    refusal: Mapping[str, Any] | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether a client was told that it is done."""
        return bool(self.answers)

    @property
    def open(self) -> bool:
        """Whether nobody knows: neither a success nor a refusal was told."""
        return not self.answers and self.refusal is None


@dataclass
class Told:
    """A whole history, by the acts' keys."""

    acts: dict[str, ActTold] = field(default_factory=dict)
    unfinished: int = 0  # acts that were laid down and never begun

    @classmethod
    def read(cls, path: Path) -> "Told":
        """From the file."""
        told = cls()
        for line in path.read_text(encoding="utf-8").splitlines():
            told._take(json.loads(line))
        return told

    def _take(self, fact: dict[str, Any]) -> None:
        what = fact["what"]
        if what == "act":
            wanted = ("key", "kind", "life", "centre", "body")
            self.acts[fact["key"]] = ActTold(**{name: fact[name] for name in wanted})
        elif what == "attempt":
            self.acts[fact["key"]].attempts += 1
        elif what == "answer":
            self.acts[fact["key"]].answers.append(fact)
        elif what == "refusal":
            self.acts[fact["key"]].refusal = fact
        elif what == "end":
            self.unfinished = fact["unfinished"]

    def of(self, kind: str) -> list[ActTold]:
        """The acts of one kind."""
        return [act for act in self.acts.values() if act.kind == kind]
