"""What goes in and out of notification's API."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from services.notification import policy
from services.notification.domain import delivery, telling
from services.notification.domain.rules import Channel
from services.notification.domain.timing import MINUTES_A_DAY, Digest
from services.notification.wording import LANGUAGES
from shared.web import CursorQuery, field_error, page_schema

_PHONE = re.compile(r"\+?[0-9]{5,15}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LONGEST = 254  # of an e-mail address, RFC 5321


class TimeOfDay(fields.Field[int]):
    """A time of day in China as ``HH:MM``; minutes after midnight inside."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> str:
        return f"{value // 60:02}:{value % 60:02}"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> int:
        found = _TIME.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError(field_error("time.shape", "not a time of day, HH:MM").messages)
        return (int(found[1]) * 60 + int(found[2])) % MINUTES_A_DAY


def _phone(value: str) -> None:
    if not _PHONE.fullmatch(value):
        raise field_error("phone.shape", "digits only, with + and the country's number if it is abroad")


class _Input(Schema):
    class Meta:
        unknown = RAISE


class NothingIn(_Input):
    """Nothing: the address says everything."""


def _language(**options: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(LANGUAGES), **options)


class VisitIn(_Input):
    """In which language somebody reads."""

    language = _language(load_default=None, allow_none=True)


class AddressIn(_Input):
    """Where an office is reached."""

    language = _language(load_default="zh")
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=_LONGEST))
    phone = fields.String(load_default=None, allow_none=True, validate=_phone)


class ContactIn(AddressIn):
    """How somebody wants to be told. Who leaves an address out has none."""

    channels = fields.List(
        fields.Enum(Channel, by_value=True, validate=validate.OneOf([Channel.EMAIL, Channel.SMS])),
        required=True,
        validate=validate.Length(max=2),
    )
    quiet_from = TimeOfDay(required=True)
    quiet_until = TimeOfDay(required=True)
    digest = fields.Enum(Digest, by_value=True, required=True)


class ContactOut(Schema):
    """How somebody is told, without the addresses: what an act answers, and what may be kept of the answer."""

    subject = fields.String()
    role = fields.String()
    organisation = fields.String()
    division = fields.String()
    language = fields.String()
    seen_at = fields.AwareDateTime()
    channels = fields.List(fields.Enum(Channel, by_value=True))
    quiet_from = TimeOfDay(metadata={"type": "string"})
    quiet_until = TimeOfDay(metadata={"type": "string"})
    digest = fields.Enum(Digest, by_value=True)
    has_email = fields.Function(lambda one: one.email is not None, metadata={"type": "boolean"})
    has_phone = fields.Function(lambda one: one.phone is not None, metadata={"type": "boolean"})


class OwnContactOut(Schema):
    """How the asker is told, and by what people can be told here at all."""

    contact = fields.Nested(ContactOut)
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    set_up = fields.List(fields.Enum(Channel, by_value=True))


class OfficeOut(Schema):
    """Whether the asker's office has an address of its own."""

    organisation = fields.String()
    language = fields.String()
    has_email = fields.Function(lambda one: one.email is not None, metadata={"type": "boolean"})
    has_phone = fields.Function(lambda one: one.phone is not None, metadata={"type": "boolean"})
    changed_by = fields.String()
    changed_at = fields.AwareDateTime()


class NoticeQuery(CursorQuery):
    """Which notices to list."""

    unread = fields.Boolean(load_default=False, metadata={"description": "only those that are unread and not past"})


class NoticeOut(Schema):
    """What somebody was told. It names nobody; who it is about is shown where it leads to."""

    id = fields.UUID()
    rule = fields.String()
    title_zh = fields.Function(lambda one: policy.RULES_BY_ID[one.rule].title_zh, metadata={"type": "string"})
    title_en = fields.Function(lambda one: policy.RULES_BY_ID[one.rule].title_en, metadata={"type": "string"})
    urgent = fields.Function(lambda one: policy.RULES_BY_ID[one.rule].urgent, metadata={"type": "boolean"})
    kind = fields.String()
    subject = fields.UUID()
    event_id = fields.UUID()
    event_type = fields.String()
    made_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime(allow_none=True)
    read_at = fields.AwareDateTime(allow_none=True)
    read_by = fields.String(allow_none=True)
    past_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "since when what it was about has gone on"}
    )


class UnreadOut(Schema):
    """How many are unread."""

    unread = fields.Integer()


class ReadOut(Schema):
    """How many were unread until now."""

    read = fields.Integer()


class TellingQuery(CursorQuery):
    """Which tellings to list."""

    about = fields.UUID(metadata={"description": "the task, release, test, … that they are about"})
    state = fields.Enum(telling.State, by_value=True)


class DeliveryQuery(CursorQuery):
    """Of which system to list what was sent."""

    subscription = fields.UUID()


class DeliveryOut(Schema):
    """One message by one channel."""

    id = fields.UUID()
    channel = fields.Enum(Channel, by_value=True)
    state = fields.Enum(delivery.State, by_value=True)
    attempts = fields.Integer()
    made_at = fields.AwareDateTime()
    next_try_at = fields.AwareDateTime(allow_none=True)
    sent_at = fields.AwareDateTime(allow_none=True)
    reason = fields.String(allow_none=True, metadata={"description": "why the last attempt came to nothing"})


class ToldOut(Schema):
    """Who was told, by what, and when it was read."""

    recipient = fields.String()
    made_at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)
    read_by = fields.String(allow_none=True)
    deliveries = fields.List(fields.Nested(DeliveryOut))


class TellingOut(Schema):
    """One matter told to one audience: for whoever caused it, and for those above."""

    id = fields.UUID()
    rule = fields.String()
    title_zh = fields.Function(lambda one: policy.RULES_BY_ID[one["rule"]].title_zh, metadata={"type": "string"})
    title_en = fields.Function(lambda one: policy.RULES_BY_ID[one["rule"]].title_en, metadata={"type": "string"})
    kind = fields.String()
    subject = fields.UUID()
    event_id = fields.UUID()
    event_type = fields.String()
    audience = fields.String()
    division = fields.String(allow_none=True)
    caused_by = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    made_at = fields.AwareDateTime()
    state = fields.Enum(telling.State, by_value=True)
    told = fields.List(fields.Nested(ToldOut))


class SubscriptionIn(_Input):
    """A system that wants to be told."""

    url = fields.Url(required=True, schemes={"http", "https"}, require_tld=False, validate=validate.Length(max=500))
    topics = fields.List(
        fields.String(validate=validate.OneOf(sorted(policy.RULES_BY_ID))),
        load_default=list,
        metadata={"description": "rules; none: all"},
    )


class SubscriptionOut(Schema):
    """A system that is told; its secret is read apart."""

    id = fields.UUID()
    organisation = fields.String()
    url = fields.String()
    topics = fields.List(fields.String())
    former_until = fields.AwareDateTime(
        allow_none=True, metadata={"description": "until when the former secret signs, too"}
    )
    created_by = fields.String()
    created_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)


class SubscriptionsOut(Schema):
    """All subscriptions of an organisation."""

    items = fields.List(fields.Nested(SubscriptionOut))


class SecretOut(Schema):
    """With what a system checks the signatures, in the form of Standard Webhooks."""

    secret = fields.String(metadata={"description": "whsec_…"})


NoticePage = page_schema(NoticeOut)
TellingPage = page_schema(TellingOut)
DeliveryPage = page_schema(DeliveryOut)
