"""The other services, as the console sees them: HTTP with the user's own token."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

TIMEOUT_SECONDS = 5
FILE_TIMEOUT_SECONDS = 60  # a large spreadsheet is read before the answer comes


class Refused(Exception):
    """A service refused. ``problem`` is its problem document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("code", status)))
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable code."""
        return str(self.problem.get("code", ""))


class Away(Exception):
    """A service does not answer."""


class Services:
    """All services' APIs, used in one user's name."""

    def __init__(
        self,
        urls: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
        address: Callable[[], str | None] = lambda: None,
    ) -> None:
        """``address`` says where the user is, for the audit."""
        self._urls = urls
        self._address = address
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, transport=transport)

    @property
    def names(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(self._urls)

    def get(self, token: str, service: str, path: str, **query: Any) -> Any:
        """GET.

        Raises: Refused, Away.
        """
        return self._call(token, "GET", service, path, params=_said(query)).json()

    def get_text(self, token: str, service: str, path: str, **query: Any) -> str:
        """GET, the answer as text.

        Raises: Refused, Away.
        """
        return self._call(token, "GET", service, path, params=_said(query)).text

    def get_bytes(self, token: str, service: str, path: str, **query: Any) -> bytes:
        """GET, the answer as it is.

        Raises: Refused, Away.
        """
        return self._call(token, "GET", service, path, params=_said(query)).content

    def post(self, token: str, service: str, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """POST; ``key`` is the Idempotency-Key of an act.

        Raises: Refused, Away.
        """
        headers = {"Idempotency-Key": key} if key else {}
        return self._call(token, "POST", service, path, json=dict(body), headers=headers).json()

    def put(self, token: str, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """PUT.

        Raises: Refused, Away.
        """
        return self._call(token, "PUT", service, path, json=dict(body)).json()

    def post_file(
        self, token: str, service: str, path: str, content: bytes, kind: str, *, key: str | None, **query: Any
    ) -> Any:
        """POST a file of a media type; ``key`` is the Idempotency-Key.

        Raises: Refused, Away.
        """
        headers = {"Content-Type": kind, **({"Idempotency-Key": key} if key else {})}
        options: dict[str, Any] = {"content": content, "headers": headers, "timeout": FILE_TIMEOUT_SECONDS}
        return self._call(token, "POST", service, path, params=_said(query), **options).json()

    def _call(self, token: str, method: str, service: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        if address := self._address():
            headers["X-Forwarded-For"] = address
        try:
            answer = self._http.request(method, self._urls[service] + path, headers=headers, **options)
        except httpx.TransportError as error:
            raise Away(service) from error
        if answer.is_success:
            return answer
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        if answer.status_code >= 500:
            raise Away(service)
        raise Refused(answer.status_code, problem)


def _said(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
