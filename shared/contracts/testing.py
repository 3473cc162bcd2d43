"""What drug_testing says: the way of a test order from suspicion to a settled, overturned or unneeded result."""

from shared.contracts.fields import EventData, division, identifier, moment, number, one_of, text

_RESULTS = ("positive", "negative")
_STATES = (
    "ordered",
    "refused",
    "force_approved",
    "collected",
    "negative",
    "positive_sealed",
    "positive_told",
    "lab_requested",
    "lab_approved",
    "lab_sent",
    "lab_reported",
    "lab_told",
    "retest_requested",
    "retest_approved",
    "retest_sent",
    "retest_reported",
    "sample_unfit",
    "untested",
    "exempted",
    "missed",
    "negative_told",
    "settled",
    "overturned",
)


class TestOrderStateV1(EventData):
    """A test order. Substances are not told; who needs them asks drug_testing."""

    __test__ = False  # not a pytest class

    test_order_id = identifier()
    person_id = identifier()
    station = text()
    division = division()
    ground = text()
    state = one_of(*_STATES)
    ordered_at = moment()
    collect_due_at = moment()
    collected_at = moment(nullable=True)
    sample_type = text(nullable=True)
    result = one_of(*_RESULTS, nullable=True)
    told_at = moment(nullable=True)
    objection_due_at = moment(nullable=True)
    opinion = one_of("not_addicted", "addicted", "severely_addicted", nullable=True)
    lab_result = one_of(*_RESULTS, nullable=True)
    retest_result = one_of(*_RESULTS, nullable=True)
    evasions = number()
    exempt_reason = one_of("suspicion_gone", "illness", "in_custody", "excused", "died", nullable=True)
    settled_at = moment(nullable=True)
    settled_by = one_of("window_passed", "waived", "objection_denied", "retest_confirmed", nullable=True)
    overturned_at = moment(nullable=True)
    overturned_by = one_of("laboratory", "retest", "sample_unusable", nullable=True)
    due_rule = text(nullable=True)
    due_at = moment(nullable=True)


class TestOrderedV1(TestOrderStateV1):
    """Somebody is to be tested (重嫌必检)."""


class TestRefusedV1(TestOrderStateV1):
    """The person refuses the test."""


class TestYieldedV1(TestOrderStateV1):
    """The person agrees to the test after all."""


class TestForceApprovedV1(TestOrderStateV1):
    """A forced test was approved."""


class TestLeftUntestedV1(TestOrderStateV1):
    """No test takes place, without a lawful exemption."""


class TestExemptedV1(TestOrderStateV1):
    """A supervisor approved that no test is needed, or excused a missed one."""


class TestMissedV1(TestOrderStateV1):
    """A scheduled test was evaded."""


class TestCollectedV1(TestOrderStateV1):
    """The sample was collected."""


class TestCardInvalidV1(TestOrderStateV1):
    """The card's control line was missing; the test is repeated."""


class TestResultedV1(TestOrderStateV1):
    """The on-site test gave a result; a positive sample is split and sealed."""


class TestPositiveToldV1(TestOrderStateV1):
    """The person was told a positive result; the objection window runs."""


class TestNegativeToldV1(TestOrderStateV1):
    """The person was told a negative result; the order is done."""


class TestAddictionDeterminedV1(TestOrderStateV1):
    """Two officers gave their opinion on addiction."""


class TestObjectedV1(TestOrderStateV1):
    """The person asks for a laboratory test or a re-test."""


class TestObjectionDecidedV1(TestOrderStateV1):
    """The laboratory test or the re-test was approved."""


class TestSampleSentV1(TestOrderStateV1):
    """A sample went to a laboratory."""


class TestSampleReceivedV1(TestOrderStateV1):
    """The laboratory has the sample."""


class TestSampleUnfitV1(TestOrderStateV1):
    """The sample cannot be examined."""


class TestResampledV1(TestOrderStateV1):
    """A new sample was taken instead of an unfit one."""


class TestLabReportedV1(TestOrderStateV1):
    """A laboratory reported."""


class TestLabToldV1(TestOrderStateV1):
    """The person was told that the laboratory found the same; the window to ask for a re-test runs."""


class TestCustodyNotedV1(TestOrderStateV1):
    """A sealed sample changed hands, or was looked at."""


class TestSettledV1(TestOrderStateV1):
    """A positive result stands: nobody objected in time, or the objection came to nothing."""


class TestOverturnedV1(TestOrderStateV1):
    """A positive result fell: every decision that rests on it is to be reviewed."""


class TestPersonMergedV1(TestOrderStateV1):
    """The test order names the file that remains of two of one person."""


class TestDeadlineSettledV1(TestOrderStateV1):
    """The holidays of a year were announced: a deadline that reaches into it is counted again."""
