"""A client of the platform's public APIs, as a station's or centre's own system would have one.

Every act carries an Idempotency-Key, so it is safely tried again when a service is away for a moment.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from deploy.local.accounts import SYSTEMS
from deploy.local.browsing import AWAY, ProviderAway, token_of_person
from shared.kernel.ids import new_id

SYSTEM_NAMES = frozenset(system.client_id for system in SYSTEMS)
_PAUSE_SECONDS = 0.1


class CallFailed(Exception):
    """The platform refused; the text has status, code and detail."""

    def __init__(self, method: str, url: str, response: httpx.Response) -> None:
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        self.status = response.status_code
        self.code = str(problem.get("code", ""))
        self.problem: Mapping[str, Any] = problem
        super().__init__(f"{method} {url}: {self.status} {self.code} {problem.get('detail', response.text[:200])}")


class TooLate(Exception):
    """Something did not happen within its time."""


class Platform:
    """The platform, seen by somebody who signed in. `sign_in` first."""

    def __init__(
        self, urls: Mapping[str, str], *, patience: float = 60.0, trusted: ssl.SSLContext | None = None
    ) -> None:
        self._urls = dict(urls)
        self._patience = patience
        self._trusted = trusted
        self._http = httpx.Client(timeout=10, verify=trusted or True)
        self._tokens: dict[str, str] = {}
        self._passwords: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> None:
        """Get a token: a system with its secret, a person by signing in.

        Raises: CallFailed, SignInFailed.
        """
        self._passwords[username] = password
        if username in SYSTEM_NAMES:
            self._tokens[username] = self._token_of_system(username, password)
        else:
            self._tokens[username] = self._token_of_person(username, password)

    def _token_of_system(self, client_id: str, secret: str) -> str:
        url = f"{self._urls['identity']}/token"

        def attempt() -> httpx.Response:
            return self._http.post(url, data={"grant_type": "client_credentials"}, auth=(client_id, secret))

        return str(self._until_answered("POST", url, attempt).json()["access_token"])

    def _token_of_person(self, username: str, password: str) -> str:
        until = time.monotonic() + self._patience
        while True:
            try:
                return token_of_person(self._urls["identity"], username, password, self._trusted)
            except ProviderAway:
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_SECONDS)

    def get(self, username: str, service: str, path: str, **query: Any) -> Any:
        """GET."""
        return self._call(username, "GET", service, path, params=query)

    def post(self, username: str, service: str, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """POST one act; tried again under the same key while the service is away."""
        return self._call(username, "POST", service, path, json=dict(body), key=key or str(new_id()))

    def put(self, username: str, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """PUT."""
        return self._call(username, "PUT", service, path, json=dict(body))

    def wait_for(self, what: str, probe: Callable[[], Any]) -> Any:
        """Ask until there is an answer that is not empty.

        Raises: TooLate naming ``what``.
        """
        until = time.monotonic() + self._patience
        pause = 0.005
        while time.monotonic() < until:
            found = probe()
            if found:
                return found
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        raise TooLate(f"{what} did not happen within {self._patience:.0f} s")

    def _call(
        self, username: str, method: str, service: str, path: str, *, key: str | None = None, **options: Any
    ) -> Any:
        url = f"{self._urls[service]}{path}"

        def attempt() -> httpx.Response:
            headers = {"Authorization": f"Bearer {self._tokens[username]}"}
            if key is not None:
                headers["Idempotency-Key"] = key
            return self._http.request(method, url, headers=headers, **options)

        return self._until_answered(method, url, attempt, username).json()

    def _until_answered(
        self, method: str, url: str, attempt: Callable[[], httpx.Response], username: str | None = None
    ) -> httpx.Response:
        until = time.monotonic() + self._patience
        while True:
            try:
                response = attempt()
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_SECONDS)
                continue
            if response.is_success:
                return response
            refused = CallFailed(method, url, response)
            if response.status_code == 401 and username is not None and "invalid_token" in refused.code:
                self.sign_in(username, self._passwords[username])
            elif not _worth_waiting(refused) or time.monotonic() > until:
                raise refused
            time.sleep(_PAUSE_SECONDS)


def _worth_waiting(refused: CallFailed) -> bool:
    """A service that is away comes back; a person just registered becomes known everywhere in a moment."""
    codes = {refused.code, *(fault.get("code") for fault in refused.problem.get("errors", ()))}
    return refused.status in (429, *AWAY) or "person.unknown" in codes
