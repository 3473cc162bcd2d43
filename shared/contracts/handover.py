"""What community_handover says: who is responsible for meeting a released person, until that is done (出所必接)."""

from shared.contracts.fields import EventData, division, identifier, later, moment, number, one_of, text
from shared.contracts.release import LEGAL_GROUNDS

TASK_STATES = (
    "announced",
    "unresolved",
    "offered",
    "disputed",
    "remote_sent",
    "accepted",
    "not_met",
    "tracing",
    "whereabouts_unknown",
    "met",
    "contacted",
    "registered",
    "refused_to_report",
    "contact_done",
    "referred",
    "remote_accepted",
    "closed",
    "withdrawn",
)


class HandoverTaskStateV1(EventData):
    """A handover task: exactly one for a release, and at every moment exactly one holder and one next deadline."""

    task_id = identifier()
    kind = one_of("release", "order")
    release_id = identifier(nullable=True)
    order_id = identifier(nullable=True)
    release_version = number(1)
    person_id = identifier()
    legal_ground = one_of(*LEGAL_GROUNDS)
    state = one_of(*TASK_STATES)
    holder_kind = one_of("station_of_registration", "office", "remote_office")
    holder = text()
    office = text(nullable=True)
    division = division(nullable=True)
    release_at = moment()
    released_at = moment(nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)
    escalation_level = number()
    accept_due_at = moment(nullable=True)
    accepted_at = moment(nullable=True)
    accepted_by = text(nullable=True)
    rejections = number()
    rejected_by = text(nullable=True)
    met_at = moment(nullable=True)
    outcome = text(nullable=True)
    contacted_at = moment(nullable=True)
    unknown_at = moment(nullable=True)
    report_due_at = moment(nullable=True)
    registered_at = moment(nullable=True)
    agreement_signed_at = moment(nullable=True)
    contact_done_at = moment(nullable=True)
    refused_at = moment(nullable=True)
    referred_at = moment(nullable=True)
    remote_office = text(nullable=True)
    paused_at = moment(nullable=True)
    pause_reason = text(nullable=True)
    closed_at = moment(nullable=True)
    close_reason = text(nullable=True)
    withdrawn_reason = text(nullable=True)
    unresolved_reason = text(nullable=True)
    reminded_at = later(moment(nullable=True))


class HandoverAnnouncedV1(HandoverTaskStateV1):
    """A release lies far ahead; its task exists and will be offered in time."""


class HandoverUnresolvedV1(HandoverTaskStateV1):
    """No receiver could be found; a supervisor must."""


class HandoverOfferedV1(HandoverTaskStateV1):
    """An office is asked to confirm that it will meet the person."""


class HandoverAcceptedV1(HandoverTaskStateV1):
    """The office confirmed (确认收到) and is responsible from now on."""


class HandoverAcceptanceUndoneV1(HandoverTaskStateV1):
    """Who had confirmed by mistake took it back within minutes; the office is asked as before."""


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


class HandoverRejectedV1(HandoverTaskStateV1):
    """The office said that it is not the right one; another is asked, or the county decides."""


class HandoverPartyNamedV1(HandoverTaskStateV1):
    """Those who go to the gate are named."""


class HandoverNotMetV1(HandoverTaskStateV1):
    """The person left and nobody of ours was there: lawful for the person, a search for us."""


class HandoverTracedV1(HandoverTaskStateV1):
    """The person is looked for."""


class HandoverContactedV1(HandoverTaskStateV1):
    """An official reached the person."""


class HandoverWhereaboutsUnknownV1(HandoverTaskStateV1):
    """A supervisor signed that the search failed (现状不明); open until the person is found."""


class HandoverRefusedToReportV1(HandoverTaskStateV1):
    """The time to report is over without a good reason."""


class HandoverReferredV1(HandoverTaskStateV1):
    """The police were told of the refusal."""


class HandoverPausedV1(HandoverTaskStateV1):
    """The person cannot report for a good reason; the time stands still."""


class HandoverResumedV1(HandoverTaskStateV1):
    """The reason is over; the time to report goes on."""


class HandoverRemoteSentV1(HandoverTaskStateV1):
    """A letter hands the person to an office outside the platform."""


class HandoverRemoteAcceptedV1(HandoverTaskStateV1):
    """The remote office confirmed by its reply and is responsible."""


class HandoverClosedV1(HandoverTaskStateV1):
    """The task is lawfully over: agreement signed, or another lawful reason."""


class HandoverPersonMergedV1(HandoverTaskStateV1):
    """The task names the file that remains of two of one person."""


class HandoverOutcomeCorrectedV1(HandoverTaskStateV1):
    """What had been entered of the gate was wrong and is set right."""


class HandoverRemindedV1(HandoverTaskStateV1):
    """Half of the time for the next step is over; whoever has to do it is reminded."""


class HandoverDeadlineSettledV1(HandoverTaskStateV1):
    """The holidays of a year were announced: a deadline that reaches into it is counted again."""
