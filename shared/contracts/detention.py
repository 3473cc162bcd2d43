"""What detention_intake says: decisions until they are executed (应收尽收), and stays until their end."""

from shared.contracts.fields import EventData, day, division, flag, identifier, moment, number, one_of, text

CUSTODY = ("compulsory_isolation", "administrative_detention")
_KINDS = (*CUSTODY, "no_measure", "fine", "community_detox", "community_rehab")
_ORDER_STATES = (
    "decision_due",
    "issued",
    "served",
    "deferred",
    "absconded",
    "admitted",
    "in_force",
    "completed",
    "no_measure",
    "not_admitted",
    "lapsed",
    "revoked",
)
_STAY_STATES = ("in_custody", "on_medical_leave", "out_to_court", "escaped", "in_criminal_custody", "ended")


class OrderStateV1(EventData):
    """A decision about a person, from the duty to decide until it is executed or falls."""

    order_id = identifier()
    person_id = identifier()
    test_order_id = identifier(nullable=True)
    kind = one_of(*_KINDS, nullable=True)
    state = one_of(*_ORDER_STATES)
    deciding_organ = text(nullable=True)
    division = division()
    isolation_ground = text(nullable=True)
    replaces = identifier(nullable=True)
    decided_on = day(nullable=True)
    served_at = moment(nullable=True)
    term_first_day = day(nullable=True)
    term_last_day = day(nullable=True)
    admission_due_at = moment(nullable=True)
    refusal_reason = text(nullable=True)
    admitted_at = moment(nullable=True)
    stay_id = identifier(nullable=True)
    under_review = flag()
    review_outcome = one_of("upheld", "revoked", nullable=True)
    revoked_at = moment(nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class OrderDecisionDueV1(OrderStateV1):
    """A settled positive result, or an order that cannot be executed, asks for a decision."""


class OrderNoMeasureV1(OrderStateV1):
    """It was decided that nothing follows."""


class OrderIssuedV1(OrderStateV1):
    """The deciding organ signed an order."""


class OrderServedV1(OrderStateV1):
    """The order was served on the person: admission is due, or the duty to report begins."""


class OrderNotifiedV1(OrderStateV1):
    """Somebody was told of the order."""


class OrderDocumentedV1(OrderStateV1):
    """A document of the case was entered."""


class OrderAdmittedV1(OrderStateV1):
    """The order was executed by an admission."""


class OrderAdmissionDeferredV1(OrderStateV1):
    """The centre could not take the person in yet."""


class OrderNotAdmittedV1(OrderStateV1):
    """Isolation does not fit the person; another decision takes its place."""


class OrderAbscondedV1(OrderStateV1):
    """The person evades the order."""


class OrderLapsedV1(OrderStateV1):
    """The result that asked for a decision was overturned before one was made."""


class OrderReviewOpenedV1(OrderStateV1):
    """The result that the order rests on was overturned: the order is reviewed."""


class OrderReviewClosedV1(OrderStateV1):
    """The review found that the order stands on other evidence."""


class OrderPersonMergedV1(OrderStateV1):
    """The order names the file that remains of two of one person."""


class OrderRevokedV1(OrderStateV1):
    """The order is revoked: the person owes nothing, and leaves custody at once."""


class OrderDeadlineSettledV1(OrderStateV1):
    """The holidays of a year were announced: a deadline that reaches into it is counted again."""


class StayStateV1(EventData):
    """A person's time in custody under one order."""

    stay_id = identifier()
    order_id = identifier()
    person_id = identifier()
    centre = text()
    state = one_of(*_STAY_STATES)
    custody = one_of(*CUSTODY)
    admitted_at = moment()
    term_first_day = day()
    term_last_day = day()
    special = flag()
    away_since = moment(nullable=True)
    days_at_large = number()
    extended = flag()
    shortened = flag()
    ended_at = moment(nullable=True)
    end_kind = text(nullable=True)
    release_id = identifier(nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class StayAdmittedV1(StayStateV1):
    """A centre took the person in."""


class StayFamilyToldV1(StayStateV1):
    """The family was told of the admission."""


class StayTransferredV1(StayStateV1):
    """The person was moved to another centre."""


class StayOnMedicalLeaveV1(StayStateV1):
    """The person left for treatment; the term runs on."""


class StayOutToCourtV1(StayStateV1):
    """The person was taken to court."""


class StayEscapedV1(StayStateV1):
    """The person escaped; the term stands still."""


class StayInCriminalCustodyV1(StayStateV1):
    """The person was taken into criminal custody; the term runs on."""


class StayReturnedV1(StayStateV1):
    """The person is back in the centre."""


class StayAssessedV1(StayStateV1):
    """A diagnostic assessment was made."""


class StayTermProposedV1(StayStateV1):
    """The centre proposed another end of the stay."""


class StayTermDecidedV1(StayStateV1):
    """The deciding organ answered the proposal."""


class StayEndedV1(StayStateV1):
    """The stay is over."""


class StayReopenedV1(StayStateV1):
    """The release that had ended the stay was reported in error: the person never left."""


class StayPersonMergedV1(StayStateV1):
    """The stay names the file that remains of two of one person."""
