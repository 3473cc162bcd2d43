"""Clients that speak HTTP: each has its own connections and knows every replica, as behind a load balancer.

A replica that does not answer in time is left alone for a moment; the same act then goes to another one, under the
same key.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx

from shared.web.principal import Principal, Role
from shared.web.tokens import TokenIssuer
from tests.faults.courses import TOWNSHIP, Agenda, Course, is_definite
from tests.faults.history import History
from tests.faults.lives import Kind

OFFICE = f"OFFICE-{TOWNSHIP}"
TIMEOUT = httpx.Timeout(6.0, connect=2.0)
AVOIDED_SECONDS = 1.5
LIFETIME = timedelta(hours=12)  # the run's; nobody signs in while services are away

_PATHS = {
    Kind.REGISTER: ("person_registry", "/persons"),
    Kind.PLAN: ("release_notification", "/releases"),
    Kind.RESCHEDULE: ("release_notification", "/releases/{release}/rescheduling"),
    Kind.CANCEL: ("release_notification", "/releases/{release}/cancellation"),
    Kind.EXECUTE: ("release_notification", "/releases/{release}/execution"),
    Kind.ACCEPT: ("community_handover", "/tasks/{task}/acceptance"),
}


class Tokens:
    """Access tokens, signed with the platform's own key."""

    def __init__(self, private_jwk: Path) -> None:
        self._issuer = TokenIssuer.from_file(private_jwk)
        self._issued: dict[tuple[Role, str], str] = {}

    def of(self, role: Role, organisation: str, division: str) -> str:
        """The token of somebody in a role."""
        key = (role, organisation)
        if key not in self._issued:
            principal = Principal(f"faults.{role.value}.{organisation}", role, organisation, division)
            self._issued[key] = self._issuer.issue(principal, LIFETIME)
        return self._issued[key]

    def for_act(self, course: Course) -> str:
        """The token of who does the course's act."""
        match course.act.kind:
            case Kind.REGISTER:
                return self.of(Role.STATION_OFFICER, "STATION-1", "430802")
            case Kind.ACCEPT:
                return self.of(Role.COMMUNITY_OFFICER, OFFICE, TOWNSHIP)
            case _:
                return self.of(Role.CENTRE_CLERK, course.life.centre, "4308")


class Replicas:
    """The addresses of each service; which of them is worth asking."""

    def __init__(self, urls: Mapping[str, Sequence[str]], chance: Random) -> None:
        self._urls = urls
        self._chance = chance
        self._avoided_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def one_of(self, service: str) -> str:
        """A replica that answered lately, or any."""
        with self._lock:
            now = time.monotonic()
            fine = [url for url in self._urls[service] if self._avoided_until.get(url, 0.0) < now]
            return self._chance.choice(fine or list(self._urls[service]))

    def avoid(self, url: str) -> None:
        """It did not answer."""
        with self._lock:
            self._avoided_until[url] = time.monotonic() + AVOIDED_SECONDS


class HttpClient:
    """One thread that works off the agenda by HTTP."""

    def __init__(
        self,
        agenda: Agenda,
        *,
        tokens: Tokens,
        replicas: Replicas,
        history: History,
        done: Callable[[Course], None],
        seed: str,
    ) -> None:
        self._agenda = agenda
        self._tokens = tokens
        self._replicas = replicas
        self._history = history
        self._done = done
        self._chance = Random(seed)
        self._http = httpx.Client(timeout=TIMEOUT, trust_env=False)

    def run(self, stopped: threading.Event) -> None:
        """Until told to stop."""
        with self._http:
            while not stopped.is_set():
                course = self._agenda.next(0.2)
                if course is not None:
                    self._once(course)

    def _once(self, course: Course) -> None:
        body, key = course.begin(self._history), str(course.act.key)
        service, path = _PATHS[course.act.kind]
        url = self._replicas.one_of(service)
        self._history.note("attempt", key=key, to=url)
        headers = {"Authorization": f"Bearer {self._tokens.for_act(course)}", "Idempotency-Key": key}
        try:
            where = path.format(release=course.release_id, task=course.task_id if "task" in path else "")
            response = self._http.post(url + where, json=body, headers=headers)
            self._take(course, response.status_code, json.loads(response.content))
        except (httpx.TransportError, ValueError) as trouble:
            self._replicas.avoid(url)
            self._history.note("trouble", key=key, cause=type(trouble).__name__)
            self._agenda.add(course, time.monotonic() + course.retry_after(self._chance))

    def _take(self, course: Course, status: int, answer: dict[str, Any]) -> None:
        key = str(course.act.key)
        if status < 300:
            told = {name: answer.get(name) for name in ("id", "version", "state")}
            self._history.note("answer", key=key, status=status, **told)
            course.advance(answer)
            self._done(course)
        elif is_definite(course, answer):
            self._history.note("refusal", key=key, status=status, code=answer.get("code"))
            course.end()
            self._done(course)
        else:
            self._history.note("trouble", key=key, cause=f"{status} {answer.get('code')}")
            self._agenda.add(course, time.monotonic() + course.retry_after(self._chance))
