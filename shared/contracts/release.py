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
    state = one_of("planned", "executed", "cancelled", "retracted")
    release_at = moment()
    term_last_day = day(nullable=True)
    executed_at = moment(nullable=True)
    certificate_number = text(nullable=True)
    needs_handover = flag()
    legal_ground = one_of(*LEGAL_GROUNDS)
    reason = text(nullable=True)
    rehab = one_of("pending", "ordered", "not_ordered", nullable=True)
    notified = flag()
    alarm = one_of("over_term", "silent", "notice_late", nullable=True)
    left_alone_at = moment(nullable=True)
    papers_sent_at = moment(nullable=True)
    cancelled_by = one_of("centre", "stay_ended", "escaped", "in_criminal_custody", nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class ReleasePlannedV1(ReleaseStateV1):
    """A release is foreseen."""


class ReleaseRescheduledV1(ReleaseStateV1):
    """The plan changed: another time, kind or legal ground."""


class ReleaseCancelledV1(ReleaseStateV1):
    """The release will not take place."""


class ReleaseExecutedV1(ReleaseStateV1):
    """The person went through the gate."""


class ReleaseRetractedV1(ReleaseStateV1):
    """The gate was reported in error: the person is still there."""


class ReleaseReinstatedV1(ReleaseStateV1):
    """A release that was cancelled or retracted is foreseen again."""


class ReleaseGroundSettledV1(ReleaseStateV1):
    """It is known whether community rehabilitation was ordered."""


class ReleaseNotifiedV1(ReleaseStateV1):
    """Somebody was told of the release."""


class ReleaseOverTermV1(ReleaseStateV1):
    """The last day of the term passed without a gate event: the most urgent of all alarms."""


class ReleaseSilentV1(ReleaseStateV1):
    """The planned day passed without a gate event."""


class ReleaseNoticeLateV1(ReleaseStateV1):
    """Somebody who must be told before the release was not told in time."""


class ReleaseLeftAloneV1(ReleaseStateV1):
    """Nobody met the person; the centre has to tell the deciding organ."""


class ReleasePapersSentV1(ReleaseStateV1):
    """The papers went to the township."""


class ReleasePersonMergedV1(ReleaseStateV1):
    """The release names the file that remains of two of one person."""


class ReleaseDeadlineSettledV1(ReleaseStateV1):
    """The holidays of a year were announced: a deadline that reaches into it is counted again."""
