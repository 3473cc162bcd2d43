"""What detention_intake says: orders until admission (应收尽收), and stays until their end."""

from shared.contracts.fields import EventData, day, division, identifier, moment, one_of, text

CUSTODY = ("compulsory_isolation", "administrative_detention")


class OrderStateV1(EventData):
    """A decision about a person, from the duty to decide to the admission."""

    order_id = identifier()
    person_id = identifier()
    test_order_id = identifier(nullable=True)
    kind = one_of(*CUSTODY, nullable=True)
    state = one_of("decision_due", "issued", "served", "admitted")
    deciding_organ = text(nullable=True)
    division = division()
    decided_on = day(nullable=True)
    served_at = moment(nullable=True)
    term_first_day = day(nullable=True)
    term_last_day = day(nullable=True)
    admission_due_at = moment(nullable=True)
    admitted_at = moment(nullable=True)
    stay_id = identifier(nullable=True)


class OrderDecisionDueV1(OrderStateV1):
    """A settled positive result asks for a decision."""


class OrderIssuedV1(OrderStateV1):
    """The deciding organ signed an order."""


class OrderServedV1(OrderStateV1):
    """The order was served on the person; admission is due."""


class OrderAdmittedV1(OrderStateV1):
    """The order was executed by an admission."""


class StayStateV1(EventData):
    """A person's time in one centre's custody."""

    stay_id = identifier()
    order_id = identifier()
    person_id = identifier()
    centre = text()
    state = one_of("in_custody", "ended")
    custody = one_of(*CUSTODY)
    admitted_at = moment()
    term_last_day = day()
    ended_at = moment(nullable=True)
    end_kind = text(nullable=True)
    release_id = identifier(nullable=True)


class StayAdmittedV1(StayStateV1):
    """A centre took the person in."""


class StayEndedV1(StayStateV1):
    """The stay is over."""
