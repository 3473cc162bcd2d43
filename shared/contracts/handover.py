"""What community_handover says: who is responsible for meeting a released person, until that is done (出所必接)."""

from shared.contracts.fields import EventData, division, identifier, moment, number, one_of, text
from shared.contracts.release import LEGAL_GROUNDS

TASK_STATES = (
    "announced",
    "unresolved",
    "offered",
    "accepted",
    "met",
    "registered",
    "contact_done",
    "withdrawn",
)


class HandoverTaskStateV1(EventData):
    """A handover task: exactly one for a release, and at every moment exactly one holder."""

    task_id = identifier()
    release_id = identifier()
    release_version = number(1)
    person_id = identifier()
    legal_ground = one_of(*LEGAL_GROUNDS)
    state = one_of(*TASK_STATES)
    holder_kind = one_of("station_of_registration", "office")
    holder = text()
    office = text(nullable=True)
    division = division(nullable=True)
    release_at = moment()
    released_at = moment(nullable=True)
    offered_at = moment(nullable=True)
    accept_due_at = moment(nullable=True)
    accepted_at = moment(nullable=True)
    accepted_by = text(nullable=True)
    met_at = moment(nullable=True)
    outcome = text(nullable=True)
    report_due_at = moment(nullable=True)
    registered_at = moment(nullable=True)
    contact_done_at = moment(nullable=True)
    withdrawn_reason = text(nullable=True)
    unresolved_reason = text(nullable=True)
    escalation_level = number()


class HandoverAnnouncedV1(HandoverTaskStateV1):
    """A release lies far ahead; its task exists and will be offered in time."""


class HandoverUnresolvedV1(HandoverTaskStateV1):
    """No receiver could be found; a supervisor must."""


class HandoverOfferedV1(HandoverTaskStateV1):
    """An office is asked to confirm that it will meet the person."""


class HandoverAcceptedV1(HandoverTaskStateV1):
    """The office confirmed (确认收到) and is responsible from now on."""


class HandoverMetV1(HandoverTaskStateV1):
    """The person was met."""


class HandoverRegisteredV1(HandoverTaskStateV1):
    """The person reported and was registered with the community."""


class HandoverContactDoneV1(HandoverTaskStateV1):
    """Contact was made and help offered; without an order there is no duty beyond."""


class HandoverRescheduledV1(HandoverTaskStateV1):
    """The release changed; the task follows it."""


class HandoverEscalatedV1(HandoverTaskStateV1):
    """The confirmation is overdue; the next level was told."""


class HandoverWithdrawnV1(HandoverTaskStateV1):
    """The release will not take place or needs no handover."""
