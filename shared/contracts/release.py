"""What release_notification says: planned and executed releases. Each causes exactly one handover task, or none."""

from shared.contracts.fields import EventData, day, flag, identifier, moment, one_of, text

RELEASE_KINDS = (
    "term_expired",
    "early_release",
    "extended_term_expired",
    "converted",
    "medical_leave",
    "detention_expired",
    "revoked",
    "detention_to_isolation",
    "centre_transfer",
    "criminal_custody",
    "death",
)
LEGAL_GROUNDS = ("community_detox_order", "community_rehab_order", "contact_only")


class ReleaseStateV1(EventData):
    """A release, from plan to gate."""

    release_id = identifier()
    person_id = identifier()
    stay_id = identifier(nullable=True)
    order_id = identifier(nullable=True)
    centre = text()
    kind = one_of(*RELEASE_KINDS)
    state = one_of("planned", "executed", "cancelled")
    release_at = moment()
    term_last_day = day(nullable=True)
    executed_at = moment(nullable=True)
    certificate_number = text(nullable=True)
    needs_handover = flag()
    legal_ground = one_of(*LEGAL_GROUNDS)
    reason = text(nullable=True)


class ReleasePlannedV1(ReleaseStateV1):
    """A release is foreseen."""


class ReleaseRescheduledV1(ReleaseStateV1):
    """The plan changed: another time, kind or legal ground."""


class ReleaseCancelledV1(ReleaseStateV1):
    """The release will not take place."""


class ReleaseExecutedV1(ReleaseStateV1):
    """The person went through the gate."""
