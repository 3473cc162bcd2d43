"""All that the checks look at: what clients were told, what is found, and the poison; with indexes over it."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.messaging.subscriptions import SUBSCRIPTIONS
from tests.faults import evidence, history, messages
from tests.faults.evidence import Evidence, Said
from tests.faults.history import ActTold, Told
from tests.faults.lives import Kind

# Where an act's key stands in its event.
TAG = {
    "release.planned.v1": "order_id",
    "release.rescheduled.v1": "reason",
    "release.cancelled.v1": "reason",
    "release.executed.v1": "certificate_number",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """A poison message and where it must have ended."""

    id: str
    kind: str
    key: str
    refused_by: tuple[str, ...]
    is_event: bool


@dataclass
class Case:
    """All that the checks look at."""

    told: Told
    found: Evidence
    poison: list[Expected] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> "Case":
        """From a run's folder."""
        poison = folder / messages.FILE
        lines = poison.read_text(encoding="utf-8").splitlines() if poison.exists() else []
        expected = [Expected(**{**line, "refused_by": tuple(line["refused_by"])}) for line in map(json.loads, lines)]
        return cls(Told.read(folder / history.FILE), Evidence.read(folder / evidence.FILE), expected)

    @cached_property
    def said(self) -> dict[str, Said]:
        """Every event in every log, by its id."""
        return {one.id: one for service in self.found.services.values() for one in service.said}

    @cached_property
    def streams(self) -> dict[str, list[Said]]:
        """The events of each aggregate, in order."""
        streams: dict[str, list[Said]] = defaultdict(list)
        for one in self.said.values():
            streams[one.subject].append(one)
        return {subject: sorted(said, key=lambda one: one.sequence) for subject, said in streams.items()}

    @cached_property
    def effects(self) -> dict[tuple[str, str], list[Said]]:
        """The events of each act: by the event's type and the key that the act left in it."""
        effects: dict[tuple[str, str], list[Said]] = defaultdict(list)
        for one in self.said.values():
            if one.type in TAG and (tag := one.data.get(TAG[one.type])):
                effects[one.type, str(tag)].append(one)
        return effects

    @cached_property
    def tasks_of(self) -> dict[str, list[dict[str, Any]]]:
        """The tasks of each release."""
        tasks: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for task in self.found.tasks:
            tasks[str(task["release_id"])].append(task)
        return tasks

    @cached_property
    def releases(self) -> dict[str, dict[str, Any]]:
        """The releases as the API tells them, by their id."""
        return {str(release["id"]): release for release in self.found.releases}

    def newest_heard(self, release_id: str) -> Said | None:
        """The release's newest event among those that the task's service hears."""
        heard = SUBSCRIPTIONS["community_handover"]
        return next((one for one in reversed(self.streams.get(release_id, [])) if one.type in heard), None)

    @cached_property
    def accepted(self) -> list[str]:
        """The releases that exist, as clients were told or as is found for those who were told nothing."""
        return sorted(self.releases.keys() | {str(act.answers[0]["id"]) for act in self._acknowledged_plans()})

    def _acknowledged_plans(self) -> list[ActTold]:
        return [act for act in self.told.of(Kind.PLAN) if act.acknowledged]
