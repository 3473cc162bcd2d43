"""Indicators: each case of each formula by example, and the arithmetic by property."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oversight.formulas import BY_KEY
from services.oversight.indicators import (
    Case,
    Figure,
    Period,
    Snapshot,
    Verdict,
    compute,
)

BEGINS, ENDS = datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC)
PERIOD = Period(BEGINS, ENDS)
INSIDE = datetime(2026, 11, 10, 2, tzinfo=UTC)

TASK = {
    "kind": "release",
    "state": "met",
    "legal_ground": "community_detox_order",
    "released_at": INSIDE.isoformat(),
    "accept_due_at": INSIDE.isoformat(),
    "accepted_at": None,
    "outcome": None,
    "met_at": INSIDE.isoformat(),
    "contacted_at": None,
    "report_due_at": INSIDE.isoformat(),
    "registered_at": None,
    "agreement_signed_at": None,
    "paused_at": None,
    "pause_reason": None,
    "close_reason": None,
    "withdrawn_reason": None,
    "unknown_at": None,
    "closed_at": None,
}
TEST = {
    "state": "ordered",
    "ground": "scheduled",
    "collect_due_at": INSIDE.isoformat(),
    "told_at": None,
    "exempt_reason": None,
}
MEASURE = {
    "state": "active",
    "agreement_signed_at": INSIDE.isoformat(),
    "breached_at": None,
    "unknown_at": None,
    "found_at": None,
    "ended_at": None,
    "end_reason": None,
}
STAY = {"special": True, "admitted_at": INSIDE.isoformat()}
ORDER = {
    "kind": "compulsory_isolation",
    "state": "served",
    "served_at": INSIDE.isoformat(),
    "admitted_at": None,
    "refusal_reason": None,
}
RISK = {"state": "proposed", "tier": None, "clean_until": None}
BASES = {
    "handover_task": TASK,
    "test_order": TEST,
    "order": ORDER,
    "risk_assessment": RISK,
    "measure": MEASURE,
    "stay": STAY,
}
EARLIER, LATER = (INSIDE - timedelta(hours=1)).isoformat(), (INSIDE + timedelta(hours=1)).isoformat()
OUTSIDE = ENDS.isoformat()


def found(key: str, of: str = "", **changes: Any) -> tuple[str, str] | None:
    indicator = BY_KEY[key]
    kind = of or indicator.kinds[0]
    data = BASES[kind] | changes
    figure = compute(indicator, [Snapshot(UUID(int=1), UUID(int=2), kind, None, data)], PERIOD)
    return (figure.cases[0].verdict.value, figure.cases[0].reason) if figure.cases else None


@pytest.mark.parametrize(
    ("key", "changes", "expected"),
    [
        ("must_test_rate", {}, ("missing", "ordered")),
        ("must_test_rate", {"told_at": LATER}, ("counted", "told")),
        ("must_test_rate", {"state": "exempted"}, ("counted", "exempted")),
        ("must_test_rate", {"collect_due_at": OUTSIDE}, None),
        ("admission_rate", {}, ("missing", "served")),
        ("admission_rate", {"admitted_at": LATER}, ("counted", "admitted")),
        ("admission_rate", {"state": "not_admitted"}, ("excluded", "not_admitted")),
        ("admission_rate", {"kind": "administrative_detention"}, None),
        ("pickup_rate", {}, ("missing", "no_meeting")),
        ("pickup_rate", {"outcome": "met_official"}, ("counted", "met_official")),
        ("pickup_rate", {"outcome": "met_family"}, ("missing", "met_family")),
        (
            "pickup_rate",
            {"outcome": "met_family", "contacted_at": LATER},
            ("counted", "family_and_official_same_day"),
        ),
        (
            "pickup_rate",
            {"outcome": "met_family", "contacted_at": (INSIDE + timedelta(days=1)).isoformat()},
            ("missing", "met_family"),
        ),
        ("pickup_rate", {"outcome": "left_alone"}, ("missing", "left_alone")),
        ("pickup_rate", {"outcome": "other_authority"}, ("excluded", "other_authority")),
        ("pickup_rate", {"state": "withdrawn", "withdrawn_reason": "x"}, ("excluded", "x")),
        ("pickup_rate", {"released_at": None}, None),
        ("pickup_rate", {"kind": "order"}, None),
        ("confirmed_in_time_rate", {}, ("missing", "not_confirmed")),
        ("confirmed_in_time_rate", {"accepted_at": EARLIER}, ("counted", "in_time")),
        ("confirmed_in_time_rate", {"accepted_at": INSIDE.isoformat()}, ("missing", "late")),
        ("report_in_rate", {}, ("missing", "not_reported")),
        ("report_in_rate", {"registered_at": EARLIER}, ("counted", "in_time")),
        ("report_in_rate", {"registered_at": LATER}, ("missing", "late")),
        ("report_in_rate", {"paused_at": EARLIER, "pause_reason": "custody"}, ("excluded", "custody")),
        ("report_in_rate", {"close_reason": "died"}, ("excluded", "died")),
        ("report_in_rate", {"legal_ground": "contact_only"}, None),
        ("execution_rate", {}, ("missing", "met")),
        ("execution_rate", {"registered_at": LATER}, None),  # from then on the measure speaks
        ("execution_rate", {"kind": "order", "released_at": None}, ("missing", "met")),
        ("execution_rate", {"of": "measure"}, ("counted", "agreement_signed")),
        ("execution_rate", {"of": "measure", "agreement_signed_at": None}, ("missing", "no_agreement")),
        ("execution_rate", {"of": "measure", "breached_at": LATER}, ("missing", "grave_breach")),
        ("execution_rate", {"of": "measure", "state": "tracing"}, ("missing", "tracing")),
        ("execution_rate", {"of": "measure", "state": "suspended"}, ("excluded", "suspended")),
        (
            "execution_rate",
            {"of": "measure", "state": "terminated", "end_reason": "died"},
            ("excluded", "died"),
        ),
        ("control_rate", {}, ("counted", "met")),
        ("control_rate", {"state": "not_met"}, ("missing", "not_met")),
        ("control_rate", {"state": "offered"}, None),
        ("control_rate", {"legal_ground": "contact_only", "state": "tracing"}, None),
        ("control_rate", {"registered_at": LATER}, None),
        ("control_rate", {"of": "measure"}, ("counted", "active")),
        ("control_rate", {"of": "measure", "state": "whereabouts_unknown"}, ("missing", "whereabouts_unknown")),
        ("control_rate", {"of": "measure", "state": "suspended"}, ("excluded", "suspended")),
        ("control_rate", {"of": "measure", "state": "completed"}, None),
        ("scheduled_test_rate", {}, ("missing", "ordered")),
        ("scheduled_test_rate", {"told_at": LATER}, ("counted", "told")),
        ("scheduled_test_rate", {"state": "exempted", "exempt_reason": "illness"}, ("excluded", "illness")),
        ("scheduled_test_rate", {"ground": "witness"}, None),
        ("special_admission_rate", {"of": "stay"}, ("counted", "admitted")),
        ("special_admission_rate", {"of": "stay", "special": False}, None),
        ("special_admission_rate", {}, None),
        ("special_admission_rate", {"refusal_reason": "danger_to_life"}, ("missing", "danger_to_life")),
        ("special_admission_rate", {"refusal_reason": "danger_to_life", "admitted_at": LATER}, None),
        ("special_admission_rate", {"refusal_reason": "pregnant_or_nursing"}, None),  # barred, not ill
        ("unknown_count", {"of": "measure", "state": "whereabouts_unknown"}, ("counted", "whereabouts_unknown")),
        ("unknown_cleared_count", {}, None),
        ("unknown_cleared_count", {"unknown_at": EARLIER, "contacted_at": LATER}, ("counted", "found")),
        ("unknown_cleared_count", {"unknown_at": EARLIER, "contacted_at": OUTSIDE}, None),
        ("unknown_cleared_count", {"unknown_at": EARLIER, "state": "whereabouts_unknown"}, None),
        (
            "unknown_cleared_count",
            {"unknown_at": EARLIER, "state": "closed", "closed_at": LATER},
            ("counted", "closed"),
        ),
        ("unknown_cleared_count", {"of": "measure", "unknown_at": EARLIER, "found_at": LATER}, ("counted", "found")),
        ("current_users", {}, ("counted", "not_decided")),
        ("current_users", {"tier": "high", "state": "decided"}, ("counted", "high")),
        ("current_users", {"state": "ended"}, None),
        ("current_users", {"state": "merged"}, None),
        ("execution_rate", {"state": "remote_accepted"}, ("excluded", "remote_accepted")),
        ("execution_rate", {"released_at": OUTSIDE}, None),
        ("unknown_count", {"state": "whereabouts_unknown"}, ("counted", "whereabouts_unknown")),
        ("unknown_count", {}, None),
        ("tiered_rate", {}, ("missing", "not_decided")),
        ("tiered_rate", {"tier": "high"}, ("counted", "high")),
        ("tiered_rate", {"state": "ended"}, None),
        ("clean3_count", {"state": "ended", "clean_until": INSIDE.isoformat()}, ("counted", "clean_three_years")),
        ("clean3_count", {"state": "proposed", "clean_until": INSIDE.isoformat()}, None),
    ],
)
def test_who_counts_who_is_missing_and_who_is_left_out(
    key: str, changes: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    assert found(key, **changes) == expected


@given(st.lists(st.sampled_from(Verdict), max_size=40))
def test_a_rate_is_the_share_of_those_that_count_and_needs_five_cases(verdicts: list[Verdict]) -> None:
    cases = tuple(Case(UUID(int=1), UUID(int=2), None, verdict, "") for verdict in verdicts)
    figure = Figure(BY_KEY["pickup_rate"], cases)
    counted, missing = verdicts.count(Verdict.COUNTED), verdicts.count(Verdict.MISSING)
    assert (figure.numerator, figure.denominator) == (counted, counted + missing)
    if counted + missing < 5:
        assert figure.rate is None
    else:
        assert figure.rate == round(counted / (counted + missing), 4)
    assert Figure(BY_KEY["unknown_count"], cases).rate is None


@given(st.integers(0, 1000))
def test_periods_that_follow_each_other_hold_every_moment_once(hours: int) -> None:
    moment = BEGINS + timedelta(hours=hours)
    assert PERIOD.holds(moment) + Period(ENDS, ENDS + timedelta(days=60)).holds(moment) == 1
