"""Tables of notification: who can be told, what is known of each matter, what was told to whom and what became of it.

Addresses, telephone numbers and secrets of webhooks are stored sealed. Nothing here names the person of a case.
"""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, Uuid, and_

from services.notification.domain import delivery, telling
from services.notification.domain.rules import Channel
from services.notification.domain.timing import Digest
from shared.storage import EnumText, UtcDateTime, new_metadata
from shared.storage.types import JsonValue

metadata = new_metadata()

contacts = Table(
    "contact",
    metadata,
    Column("subject", Text, primary_key=True),  # as the provider names the person
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=False, index=True),
    Column("division", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("email", LargeBinary),
    Column("phone", LargeBinary),
    Column("channels", JsonValue(tuple[Channel, ...]), nullable=False),
    Column("quiet_from", Integer, nullable=False),
    Column("quiet_until", Integer, nullable=False),
    Column("digest", EnumText(Digest), nullable=False),
    Index("ix_contact_role", "role", "division"),
)
offices = Table(
    "office",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("email", LargeBinary),
    Column("phone", LargeBinary),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
subscriptions = Table(
    "subscription",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation", Text, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("topics", JsonValue(tuple[str, ...]), nullable=False),  # ids of rules; none: all
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary),
    Column("former_until", UtcDateTime),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)
matters = Table(
    "matter",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("person_id", Uuid),
    Column("organisation", Text),
    Column("division", Text),
    Column("due_at", UtcDateTime),
    Column("said_at", UtcDateTime, nullable=False),
    Column("overdue_at", UtcDateTime),  # from when on it is told to be overdue; null where it was, or never will be
)
Index("ix_matter_overdue", matters.c.overdue_at, postgresql_where=matters.c.overdue_at.is_not(None))
Index("ix_matter_said_at", matters.c.said_at)
tellings = Table(
    "telling",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("holds_while", Text, nullable=False),  # how the matter stood of which this was told
    Column("audience", Text, nullable=False),
    Column("audience_role", Text, nullable=False),
    Column("division", Text),
    Column("caused_by", Text),
    Column("due_at", UtcDateTime),
    Column("made_at", UtcDateTime, nullable=False),
    Column("state", EnumText(telling.State), nullable=False),
    Column("check_at", UtcDateTime),  # when it is looked whether somebody has read it
)
Index("ix_telling_subject", tellings.c.subject, tellings.c.made_at)
Index("ix_telling_check", tellings.c.check_at, postgresql_where=tellings.c.check_at.is_not(None))
is_unheard = tellings.c.state == telling.State.UNHEARD.value
Index("ix_telling_unheard", tellings.c.state, postgresql_where=is_unheard, sqlite_where=is_unheard)
Index("ix_telling_made_at", tellings.c.made_at, tellings.c.id)
Index("ix_telling_caused_by", tellings.c.caused_by, tellings.c.made_at)
notices = Table(
    "notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("telling_id", Uuid, nullable=False, index=True),
    Column("event_id", Uuid, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("read_by", Text),
    Column("past_at", UtcDateTime),  # since when its matter has gone on
    UniqueConstraint("event_id", "recipient"),  # nobody is told twice of the same event
)
is_unread = and_(notices.c.read_at.is_(None), notices.c.past_at.is_(None))
Index("ix_notice_recipient", notices.c.recipient, notices.c.made_at, notices.c.id)
Index("ix_notice_unread", notices.c.recipient, postgresql_where=is_unread, sqlite_where=is_unread)
deliveries = Table(
    "delivery",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("notice_id", Uuid, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("channel", EnumText(Channel), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("state", EnumText(delivery.State), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("next_try_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("digest_id", Uuid),
    Column("reason", Text),
    UniqueConstraint("notice_id", "channel"),  # nobody is told twice by the same channel
)
Index("ix_delivery_next_try", deliveries.c.next_try_at, postgresql_where=deliveries.c.next_try_at.is_not(None))
Index("ix_delivery_recipient", deliveries.c.recipient, deliveries.c.made_at, deliveries.c.id)
failures = Table(
    "failure",
    metadata,
    Column("id", Uuid, primary_key=True),  # the telling's
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("person_id", Uuid),
    Column("rule", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("matter_kind", Text, nullable=False),
    Column("matter", Uuid, nullable=False),
    Column("audience", Text, nullable=False),
    Column("above", Text, nullable=False),
    Column("division", Text),
    Column("recipients", Integer, nullable=False),
    Column("channels", Text),
    Column("told_at", UtcDateTime, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by", Text),
)
