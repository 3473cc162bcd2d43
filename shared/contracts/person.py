"""What person_registry says: that a pseudonym exists, and the little that routing and testing need of it."""

from shared.contracts.fields import EventData, division, identifier, later, moment, number, one_of, text


class PersonStateV1(EventData):
    """A person as other services may know them: no name, no number, no address."""

    person_id = identifier()
    sex = one_of("male", "female", "unknown")
    identity_status = one_of("verified", "provisional")
    registered_division = division(nullable=True)
    residence_division = division(nullable=True)
    state = one_of("active", "merged", "sealed", "erased")
    merged_into = later(identifier(nullable=True))


class PersonRegisteredV1(PersonStateV1):
    """A person was entered."""


class PersonChangedV1(PersonStateV1):
    """A person's residence or other data changed."""


class PersonMergedV1(PersonStateV1):
    """Two files were one person's: this one is given up, and ``merged_into`` names the one that remains."""


class PersonSealedV1(PersonStateV1):
    """The record is sealed: nobody learns any more whose it is (治安管理处罚法 2025 art. 136)."""


class PersonErasedV1(PersonStateV1):
    """The identity is erased for ever (个人信息保护法 art. 47)."""


class OpeningStateV1(EventData):
    """An identity opened without a duty: by whom and until when, not why."""

    opening_id = identifier()
    person_id = identifier()
    state = one_of("open", "approved", "disapproved", "unanswered")
    subject = text()
    organisation = text()
    opened_at = moment()
    until = moment()
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class IdentityOpenedV1(OpeningStateV1):
    """Somebody without a duty opened an identity, for a reason; somebody else has to answer for it."""


class IdentityOpeningAnsweredV1(OpeningStateV1):
    """Somebody else said whether the reason was a good one."""


class IdentityOpeningUnansweredV1(OpeningStateV1):
    """Nobody said so in time."""


TIERS = ("high", "medium", "low")


class RiskStateV1(EventData):
    """A person's risk assessment: what the rules propose, why, and the tier that a person decided."""

    risk_id = identifier()
    person_id = identifier()
    state = one_of("proposed", "decided", "ended", "merged")
    proposed_tier = one_of(*TIERS)
    reasons = text()
    tier = one_of(*TIERS, nullable=True)
    decided_at = moment(nullable=True)
    clean_until = moment(nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)
    contact_every_days = later(number(1, nullable=True))
    test_every_days = later(number(1, nullable=True))


class RiskProposedV1(RiskStateV1):
    """Rules propose a tier, or the time of a decision is over; a person has to decide."""


class RiskFactsChangedV1(RiskStateV1):
    """More or less is known, and the proposal stays the same."""


class RiskDecidedV1(RiskStateV1):
    """A person decided the tier that is in force."""


class RiskEndedV1(RiskStateV1):
    """Three years without relapse: dynamic control is over (戒毒条例 art. 7)."""


class RiskMergedV1(RiskStateV1):
    """The person's file was merged into another one, whose assessment goes on."""


class RiskDeadlineSettledV1(RiskStateV1):
    """The holidays of a year were announced: a deadline that reaches into it is counted again."""
