"""What is set up: the file that ``NOTIFICATION_CHANNELS`` names. Without it, people are told in the page only.

Nothing here knows a vendor: an SMS gateway is an address, a body with places to fill in, and a rule that says from its
answer whether it took the message. Passwords stand in files of their own, which the profile names.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import yaml
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from services.notification.domain.rules import Channel
from shared.runtime.settings import ConfigurationError

VARIABLE = "NOTIFICATION_CHANNELS"
PLACES = frozenset({"phone", "text", "id", "secret"})  # what the body of a gateway's request is filled with


class WrongProfile(ConfigurationError):
    """The file is missing or wrong; the text names the place."""


@dataclass(frozen=True, slots=True)
class Email:
    """A server that takes e-mail."""

    host: str
    port: int
    security: str  # starttls, tls, none
    sender: str
    username: str | None
    password: str | None
    ca_file: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer of a gateway must look like: its status, and a field of its JSON body (``a.b.0``)."""

    status: tuple[int, ...]
    field: str | None
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sms:
    """A gateway that takes SMS by HTTP."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: Any
    form: bool
    secret: str
    accepted: Verdict
    refused: Verdict | None  # for good; everything else is tried again


@dataclass(frozen=True, slots=True)
class Profile:
    """See the module."""

    console_url: str = ""
    email: Email | None = None
    sms: Sms | None = None
    origins: frozenset[str] = frozenset()  # where webhooks may lead

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels besides the page."""
        there = {Channel.EMAIL: self.email, Channel.SMS: self.sms, Channel.WEBHOOK: self.origins}
        return frozenset(channel for channel, how in there.items() if how)

    def allows(self, url: str) -> bool:
        """Whether a webhook may lead there."""
        return _origin(url) in self.origins


def current_profile() -> Profile:
    """What is set up now; read again when another file is named.

    Raises: WrongProfile.
    """
    return read_profile(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=8)
def read_profile(path: str) -> Profile:
    """Read a file; of no file, that nothing is set up.

    Raises: WrongProfile.
    """
    if not path:
        return Profile()
    try:
        told = _ProfileIn().load(yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {})
        return _profile(told)
    except ValidationError as error:
        raise WrongProfile(f"{VARIABLE}: {error.messages}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WrongProfile(f"{VARIABLE} names no file that can be read: {path}") from error


def _profile(told: Mapping[str, Any]) -> Profile:
    email, sms = told.get("email"), told.get("sms")
    if (email or sms) and not told["console_url"]:
        raise WrongProfile(f"{VARIABLE}: console_url is needed, for messages lead there")
    return Profile(
        console_url=told["console_url"].rstrip("/"),
        email=_email(email) if email else None,
        sms=_sms(sms) if sms else None,
        origins=frozenset(map(_origin, told["webhook_origins"])),
    )


def _email(told: Mapping[str, Any]) -> Email:
    kept = {name: told[name] for name in ("host", "port", "security", "sender", "username", "ca_file")}
    return Email(**kept, password=_secret(told["password_file"]) or None)


def _sms(told: Mapping[str, Any]) -> Sms:
    form = told["form"] is not None
    return Sms(
        url=told["url"],
        method=told["method"],
        headers=told["headers"],
        body=told["form"] if form else told["json"],
        form=form,
        secret=_secret(told["secret_file"]),
        accepted=_verdict(told["accepted"]),
        refused=_verdict(told["refused"]) if told["refused"] else None,
    )


def _verdict(told: Mapping[str, Any]) -> Verdict:
    return Verdict(tuple(told["status"]), told["field"], tuple(told["values"]))


def _secret(path: str | None) -> str:
    return Path(path).read_text(encoding="utf-8").strip() if path else ""


def _origin(url: str) -> str:
    """Scheme, host and port; nothing where that cannot be told."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    is_plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return f"{parts.scheme}://{parts.hostname}{port}" if is_plain else ""


def _only_known_places(body: Any) -> None:
    texts = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    for inner in texts:
        _only_known_places(inner)
    if isinstance(body, str):
        template = Template(body)
        unknown = set(template.get_identifiers()) - PLACES if template.is_valid() else {body}
        if unknown:
            raise ValidationError(f"these places are not known: {sorted(unknown)}; those are {sorted(PLACES)}")


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _EmailIn(_Strict):
    host = fields.String(required=True)
    port = fields.Integer(load_default=587, validate=validate.Range(1, 65535))
    security = fields.String(load_default="starttls", validate=validate.OneOf(["starttls", "tls", "none"]))
    sender = fields.String(required=True, validate=validate.ContainsNoneOf("\r\n"))
    username = fields.String(load_default=None)
    password_file = fields.String(load_default=None)
    ca_file = fields.String(load_default=None)


class _VerdictIn(_Strict):
    status = fields.List(fields.Integer(), load_default=lambda: [200])
    field = fields.String(load_default=None)
    values = fields.List(fields.String(), load_default=list)


class _SmsIn(_Strict):
    url = fields.Url(required=True, schemes={"http", "https"}, require_tld=False)
    method = fields.String(load_default="POST", validate=validate.OneOf(["POST", "PUT", "GET"]))
    headers = fields.Dict(keys=fields.String(), values=fields.String(validate=_only_known_places), load_default=dict)
    json = fields.Raw(load_default=None, validate=_only_known_places)
    form = fields.Dict(
        keys=fields.String(), values=fields.String(validate=_only_known_places), load_default=None, allow_none=True
    )
    secret_file = fields.String(load_default=None)
    accepted = fields.Nested(_VerdictIn, load_default=lambda: _VerdictIn().load({}))
    refused = fields.Nested(_VerdictIn, load_default=None, allow_none=True)


class _ProfileIn(_Strict):
    console_url = fields.String(load_default="")
    email = fields.Nested(_EmailIn)
    sms = fields.Nested(_SmsIn)
    webhook_origins = fields.List(fields.Url(schemes={"http", "https"}, require_tld=False), load_default=list)
