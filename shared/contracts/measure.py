"""What community_handover says of measures in the community (社戒社康), from the registration to their end."""

from shared.contracts.fields import EventData, day, division, identifier, moment, number, one_of, text

MEASURE_STATES = (
    "active",
    "moving",
    "suspended",
    "tracing",
    "whereabouts_unknown",
    "expired",
    "completed",
    "terminated",
)


class MeasureStateV1(EventData):
    """A person's community detox or rehabilitation: one holder, and one next deadline until it is over."""

    measure_id = identifier()
    task_id = identifier()
    person_id = identifier()
    kind = one_of("community_detox", "community_rehab")
    state = one_of(*MEASURE_STATES)
    holder = text()
    division = division(nullable=True)
    started_on = day()
    last_day = day()
    last_contact_at = moment()
    agreement_signed_at = moment(nullable=True)
    visit_due_at = moment(nullable=True)
    evasions = number()
    breached_at = moment(nullable=True)
    breach_told_at = moment(nullable=True)
    relapsed_at = moment(nullable=True)
    moving_to = text(nullable=True)
    suspended_at = moment(nullable=True)
    lost_at = moment(nullable=True)
    unknown_at = moment(nullable=True)
    found_at = moment(nullable=True)
    ended_at = moment(nullable=True)
    end_reason = text(nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class MeasureBegunV1(MeasureStateV1):
    """The person reported and was registered: the measure runs from that day (戒毒条例 art. 14)."""


class MeasureAgreedV1(MeasureStateV1):
    """The agreement is signed, at first or after a change of place (arts 16, 22)."""


class MeasureVisitedV1(MeasureStateV1):
    """Somebody of the working group spoke with the person."""


class MeasurePaceSetV1(MeasureStateV1):
    """The risk tier says anew how often the person is seen."""


class MeasureAbsenceNotedV1(MeasureStateV1):
    """The person was, or is, away from the county (art. 19)."""


class MeasureEvasionCountedV1(MeasureStateV1):
    """A scheduled test was refused or evaded, or that was excused (art. 20)."""


class MeasureBreachedV1(MeasureStateV1):
    """The agreement is gravely breached (art. 20); the police are to be told (art. 21)."""


class MeasureBreachToldV1(MeasureStateV1):
    """The police were told of the grave breach; what follows they decide."""


class MeasureRelapseNotedV1(MeasureStateV1):
    """A positive test was settled during the measure, or fell after all."""


class MeasureMovingV1(MeasureStateV1):
    """The person goes to live elsewhere and has to report there (art. 22)."""


class MeasureMovedV1(MeasureStateV1):
    """The person reported at the new place; that office has the measure now."""


class MeasureSuspendedV1(MeasureStateV1):
    """The person is detained or arrested; the measure stands still (art. 24)."""


class MeasureResumedV1(MeasureStateV1):
    """The person is free again; the measure goes on, longer by the days it stood still."""


class MeasureLostV1(MeasureStateV1):
    """Nobody reached the person in time: a search begins (查找)."""


class MeasureTracedV1(MeasureStateV1):
    """An attempt to find the person."""


class MeasureWhereaboutsUnknownV1(MeasureStateV1):
    """A supervisor signed that the search failed (现状不明); open until the person is found."""


class MeasureFoundV1(MeasureStateV1):
    """The person was found."""


class MeasureExpiredV1(MeasureStateV1):
    """The term is over, and with it the measure (arts 23, 40); the notices remain to be given."""


class MeasureCompletedV1(MeasureStateV1):
    """The end notice was given and the township told."""


class MeasureTerminatedV1(MeasureStateV1):
    """The measure ended before its time (art. 24)."""


class MeasurePersonMergedV1(MeasureStateV1):
    """The measure names the file that remains of two of one person."""


class MeasureDeadlineSettledV1(MeasureStateV1):
    """The holidays of a year were announced: a deadline that reaches into it is counted again."""
