"""What person_registry says: that a pseudonym exists, and the little that routing and testing need of it."""

from shared.contracts.fields import EventData, division, identifier, one_of


class PersonStateV1(EventData):
    """A person as other services may know them: no name, no number, no address."""

    person_id = identifier()
    sex = one_of("male", "female", "unknown")
    identity_status = one_of("verified", "provisional")
    registered_division = division(nullable=True)
    residence_division = division(nullable=True)
    state = one_of("active")


class PersonRegisteredV1(PersonStateV1):
    """A person was entered."""


class PersonChangedV1(PersonStateV1):
    """A person's residence or other data changed."""
