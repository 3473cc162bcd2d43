"""What drug_testing says: the way of a test order from suspicion to a settled result."""

from shared.contracts.fields import EventData, division, identifier, moment, one_of, text


class TestOrderStateV1(EventData):
    """A test order. Substances are not told; who needs them asks drug_testing."""

    __test__ = False  # not a pytest class

    test_order_id = identifier()
    person_id = identifier()
    station = text()
    division = division()
    ground = text()
    state = one_of("ordered", "collected", "negative", "positive_sealed", "negative_told", "positive_told", "settled")
    ordered_at = moment()
    collect_due_at = moment()
    collected_at = moment(nullable=True)
    sample_type = text(nullable=True)
    result = one_of("positive", "negative", nullable=True)
    told_at = moment(nullable=True)
    objection_due_at = moment(nullable=True)
    settled_at = moment(nullable=True)
    settled_by = one_of("window_passed", "waived", nullable=True)


class TestOrderedV1(TestOrderStateV1):
    """A suspected person is to be tested (重嫌必检)."""


class TestCollectedV1(TestOrderStateV1):
    """The sample was collected."""


class TestResultedV1(TestOrderStateV1):
    """The on-site test gave a result; a positive sample is split and sealed."""


class TestPositiveToldV1(TestOrderStateV1):
    """The person was told a positive result; the objection window runs."""


class TestNegativeToldV1(TestOrderStateV1):
    """The person was told a negative result; the order is done."""


class TestSettledV1(TestOrderStateV1):
    """A positive result stands: the window passed, or the person waived."""
