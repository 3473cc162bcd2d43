"""SMS through whatever gateway takes them by HTTP, as the profile describes it."""

from string import Template
from typing import Any

import httpx

from services.notification.channels.message import TIMEOUT_SECONDS, Message
from services.notification.channels.profile import Sms, Verdict
from services.notification.domain.delivery import Answer, Kind


def post(message: Message, gateway: Sms) -> Answer:
    """Hand a message to the gateway; its answer is read by the profile's rules."""
    places = {"phone": message.to, "text": message.text, "id": message.id, "secret": gateway.secret}
    filled = _filled(gateway.body, places)
    sent: dict[str, Any] = {"data": filled} if gateway.form else {"json": filled}
    if gateway.method == "GET":
        sent = {"params": filled}
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
            answer = http.request(gateway.method, gateway.url, headers=_filled(gateway.headers, places), **sent)
    except httpx.HTTPError:
        return Answer(Kind.LATER, "gateway_away")
    if _says(answer, gateway.accepted):
        return Answer(Kind.ACCEPTED)
    if gateway.refused is not None and _says(answer, gateway.refused):
        return Answer(Kind.NEVER, "gateway_refused")
    return Answer(Kind.LATER, "gateway_refused")


def _filled(body: Any, places: dict[str, str]) -> Any:
    """The body with its places filled in; each stays one value, whatever is in it."""
    if isinstance(body, str):
        return Template(body).substitute(places)
    if isinstance(body, list):
        return [_filled(inner, places) for inner in body]
    if isinstance(body, dict):
        return {name: _filled(inner, places) for name, inner in body.items()}
    return body


def _says(answer: httpx.Response, verdict: Verdict) -> bool:
    if answer.status_code not in verdict.status:
        return False
    return verdict.field is None or str(_at(answer, verdict.field)) in verdict.values


def _at(answer: httpx.Response, path: str) -> Any:
    """The value at a place of a JSON answer, e.g. ``result.0.code``; None where there is none."""
    try:
        found = answer.json()
        for step in path.split("."):
            found = found[int(step)] if isinstance(found, list) else found[step]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return found
