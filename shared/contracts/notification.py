"""What notification says: that people who had to know of something did not read it, and that this is over.

Who was told is a role of an organisation or of a place; what the notice was about is named by its aggregate only.
"""

from shared.contracts.fields import EventData, division, identifier, moment, number, one_of, text

ABOVE = ("county_supervisor", "city_supervisor", "operator")


class NotificationStateV1(EventData):
    """A notice that nobody of its audience has read in time."""

    notification_id = identifier()
    person_id = identifier(nullable=True)
    state = one_of("failed", "settled")
    rule = text()
    event_id = identifier()
    matter_kind = text()
    matter = identifier()
    audience = text()
    above = one_of(*ABOVE)
    division = division(nullable=True)
    recipients = number()
    channels = text(nullable=True)
    told_at = moment()
    failed_at = moment()
    settled_at = moment(nullable=True)
    settled_by = one_of("read", "past", nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class NotificationFailedV1(NotificationStateV1):
    """Every channel was used or is missing, and nobody has read the notice: those above are told."""


class NotificationSettledV1(NotificationStateV1):
    """Somebody has read it after all, or what it was about went on."""
