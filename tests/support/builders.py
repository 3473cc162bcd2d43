"""One builder for each kind of aggregate and event: valid by default, anything can be overridden.

``release_planned(kind="death", sequence=3)`` gives an `Event`; fields of the envelope are ``subject``, ``sequence``,
``time`` and ``id``, everything else is data. ``subject`` and the aggregate's own id are kept the same.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from shared.contracts.catalogue import ANY_SERVICE, CATALOGUE
from shared.contracts.envelope import Event
from shared.kernel.ids import new_id
from shared.storage.statements import digest_of

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
_ENVELOPE = ("id", "sequence", "time", "actor")


def event(event_type: str, **overrides: Any) -> Event:
    """An event of any type."""
    contract = CATALOGUE[event_type]
    own_id = _OWN_ID[contract.aggregate]
    subject: UUID = overrides.pop("subject", None) or overrides.get(own_id) or new_id()
    envelope = {key: overrides.pop(key) for key in _ENVELOPE if key in overrides}
    data = {**_DEFAULTS[contract.aggregate](), **_STATES[event_type], **overrides, own_id: subject}
    fixed = {"id": new_id(), "sequence": 1, "time": NOW, **envelope}
    producer = data["service"] if contract.producer == ANY_SERVICE else contract.producer
    return Event(source=f"/baton/{producer}", type=event_type, subject=subject, data=data, **fixed)


def _person() -> dict[str, Any]:
    return {
        "sex": "male",
        "identity_status": "verified",
        "registered_division": "430822",
        "residence_division": "430802001",
        "state": "active",
        "merged_into": None,
    }


def _test_order() -> dict[str, Any]:
    return {
        "person_id": new_id(),
        "station": "STATION-1",
        "division": "430802001",
        "ground": "venue_check",
        "state": "ordered",
        "ordered_at": NOW,
        "collect_due_at": NOW + timedelta(hours=24),
        "collected_at": None,
        "sample_type": None,
        "result": None,
        "told_at": None,
        "objection_due_at": None,
        "opinion": None,
        "lab_result": None,
        "retest_result": None,
        "evasions": 0,
        "exempt_reason": None,
        "settled_at": None,
        "settled_by": None,
        "overturned_at": None,
        "overturned_by": None,
        "due_rule": "T0",
        "due_at": NOW + timedelta(hours=24),
    }


def _order() -> dict[str, Any]:
    return {
        "person_id": new_id(),
        "test_order_id": None,
        "kind": None,
        "state": "decision_due",
        "deciding_organ": None,
        "division": "430802001",
        "isolation_ground": None,
        "replaces": None,
        "decided_on": None,
        "served_at": None,
        "term_first_day": None,
        "term_last_day": None,
        "admission_due_at": None,
        "refusal_reason": None,
        "admitted_at": None,
        "stay_id": None,
        "under_review": False,
        "review_outcome": None,
        "revoked_at": None,
        "due_rule": "Dd",
        "due_at": NOW + timedelta(days=3),
    }


def _stay() -> dict[str, Any]:
    return {
        "order_id": new_id(),
        "person_id": new_id(),
        "centre": "centre-1",
        "state": "in_custody",
        "custody": "compulsory_isolation",
        "admitted_at": NOW - timedelta(days=700),
        "term_first_day": date(2024, 12, 25),
        "term_last_day": date(2026, 12, 24),
        "special": False,
        "away_since": None,
        "days_at_large": 0,
        "extended": False,
        "shortened": False,
        "ended_at": None,
        "end_kind": None,
        "release_id": None,
        "due_rule": "D8",
        "due_at": NOW + timedelta(days=32),
    }


def _release() -> dict[str, Any]:
    return {
        "person_id": new_id(),
        "stay_id": None,
        "order_id": None,
        "centre": "centre-1",
        "kind": "converted",
        "state": "planned",
        "release_at": NOW + timedelta(days=7),
        "term_last_day": None,
        "executed_at": None,
        "certificate_number": None,
        "needs_handover": True,
        "legal_ground": "community_detox_order",
        "reason": None,
        "rehab": None,
        "notified": True,
        "alarm": None,
        "left_alone_at": None,
        "papers_sent_at": None,
        "cancelled_by": None,
        "due_rule": "G1",
        "due_at": NOW + timedelta(days=8),
    }


def _handover_task() -> dict[str, Any]:
    return {
        "kind": "release",
        "release_id": new_id(),
        "order_id": None,
        "release_version": 1,
        "person_id": new_id(),
        "legal_ground": "community_detox_order",
        "state": "offered",
        "holder_kind": "station_of_registration",
        "holder": "430822",
        "office": "OFFICE-430802001",
        "division": "430802001",
        "release_at": NOW + timedelta(days=7),
        "released_at": None,
        "due_rule": "H2",
        "due_at": NOW + timedelta(days=1),
        "escalation_level": 0,
        "accept_due_at": NOW + timedelta(days=1),
        "accepted_at": None,
        "accepted_by": None,
        "rejections": 0,
        "rejected_by": None,
        "met_at": None,
        "outcome": None,
        "contacted_at": None,
        "unknown_at": None,
        "report_due_at": None,
        "registered_at": None,
        "agreement_signed_at": None,
        "contact_done_at": None,
        "refused_at": None,
        "referred_at": None,
        "remote_office": None,
        "paused_at": None,
        "pause_reason": None,
        "closed_at": None,
        "close_reason": None,
        "withdrawn_reason": None,
        "unresolved_reason": None,
        "reminded_at": None,
    }


def _opening() -> dict[str, Any]:
    return {
        "person_id": new_id(),
        "state": "open",
        "subject": "city",
        "organisation": "NCO-4308",
        "opened_at": NOW,
        "until": NOW + timedelta(hours=8),
        "due_rule": "K1",
        "due_at": NOW + timedelta(hours=24),
    }


def _risk_assessment() -> dict[str, Any]:
    return {
        "person_id": new_id(),
        "state": "proposed",
        "proposed_tier": "medium",
        "reasons": "R7",
        "tier": None,
        "decided_at": None,
        "clean_until": NOW + timedelta(days=1096),
        "due_rule": "R-D",
        "due_at": NOW + timedelta(days=3),
        "contact_every_days": None,
        "test_every_days": None,
    }


def _measure() -> dict[str, Any]:
    return {
        "task_id": new_id(),
        "person_id": new_id(),
        "kind": "community_detox",
        "state": "active",
        "holder": "OFFICE-430802001",
        "division": "430802001",
        "started_on": date(2026, 11, 23),
        "last_day": date(2029, 11, 22),
        "last_contact_at": NOW,
        "agreement_signed_at": None,
        "visit_due_at": NOW + timedelta(days=30),
        "evasions": 0,
        "breached_at": None,
        "breach_told_at": None,
        "relapsed_at": None,
        "moving_to": None,
        "suspended_at": None,
        "lost_at": None,
        "unknown_at": None,
        "found_at": None,
        "ended_at": None,
        "end_reason": None,
        "due_rule": "C2",
        "due_at": NOW + timedelta(days=3),
    }


def _stream() -> dict[str, Any]:
    return {
        "service": "release_notification",
        "state": "stated",
        "first_position": 1,
        "last_position": 1,
        "stated_at": NOW,
        "events": [],
    }


def _statement() -> dict[str, Any]:
    return {
        "centre": "centre-1",
        "day": date(2026, 11, 22),
        "state": "issued",
        "part": 0,
        "parts": 1,
        "executed": 0,
        "to_be_met": 0,
        "digest": digest_of(()),
        "stated_at": NOW,
        "releases": [],
    }


def _task_statement() -> dict[str, Any]:
    return {
        "day": date(2026, 11, 22),
        "state": "issued",
        "part": 0,
        "parts": 1,
        "count": 0,
        "digest": digest_of(()),
        "stated_at": NOW,
        "tasks": [],
    }


def _headcount() -> dict[str, Any]:
    return {
        "centre": "centre-1",
        "day": date(2026, 11, 22),
        "state": "stated",
        "counted": 120,
        "expected": 120,
        "yesterday": 119,
        "admitted": 2,
        "returned": 0,
        "transferred_in": 0,
        "transferred_out": 0,
        "released": 1,
        "died": 0,
        "away": 0,
        "stated_at": NOW,
    }


def _discrepancy() -> dict[str, Any]:
    return {
        "kind": "release_without_task",
        "state": "open",
        "subject_kind": "release",
        "subject": str(new_id()),
        "person_id": new_id(),
        "owner": "community_handover",
        "division": "430802001",
        "day": date(2026, 11, 22),
        "detail": "never_made",
        "number": 2,
        "found_at": NOW,
        "explained_at": None,
        "explained_by": None,
        "resolved_at": None,
        "due_rule": "X1",
        "due_at": NOW + timedelta(hours=1),
    }


def _notification() -> dict[str, Any]:
    return {
        "person_id": new_id(),
        "state": "failed",
        "rule": "K1",
        "event_id": new_id(),
        "matter_kind": "handover_task",
        "matter": new_id(),
        "audience": "office:OFFICE-430802001",
        "above": "county_supervisor",
        "division": "430802001",
        "recipients": 2,
        "channels": "email,sms",
        "told_at": NOW,
        "failed_at": NOW + timedelta(hours=8),
        "settled_at": None,
        "settled_by": None,
        "due_rule": None,
        "due_at": None,
    }


_OWN_ID = {
    "person": "person_id",
    "test_order": "test_order_id",
    "order": "order_id",
    "stay": "stay_id",
    "release": "release_id",
    "handover_task": "task_id",
    "risk_assessment": "risk_id",
    "measure": "measure_id",
    "stream": "stream_id",
    "statement": "statement_id",
    "task_statement": "task_statement_id",
    "headcount": "headcount_id",
    "discrepancy": "discrepancy_id",
    "opening": "opening_id",
    "notification": "notification_id",
}
_DEFAULTS: dict[str, Callable[[], dict[str, Any]]] = {
    "person": _person,
    "test_order": _test_order,
    "order": _order,
    "stay": _stay,
    "release": _release,
    "handover_task": _handover_task,
    "risk_assessment": _risk_assessment,
    "measure": _measure,
    "stream": _stream,
    "statement": _statement,
    "task_statement": _task_statement,
    "headcount": _headcount,
    "discrepancy": _discrepancy,
    "opening": _opening,
    "notification": _notification,
}
_TOLD = {"collected_at": NOW, "sample_type": "urine", "told_at": NOW}
_POSITIVE = {**_TOLD, "result": "positive", "objection_due_at": NOW + timedelta(days=4)}
_DECIDED = {
    "kind": "compulsory_isolation",
    "deciding_organ": "GA-430802",
    "isolation_ground": "severe_addiction",
    "decided_on": date(2024, 12, 25),
    "term_first_day": date(2024, 12, 25),
    "term_last_day": date(2026, 12, 24),
}
_SERVED = {**_DECIDED, "served_at": NOW, "due_rule": "D0", "due_at": NOW + timedelta(days=1)}
_ACCEPTED = {"holder_kind": "office", "holder": "OFFICE-430802001", "accepted_at": NOW, "accepted_by": "officer"}
_GONE = {"state": "executed", "executed_at": NOW, "certificate_number": "JC-1"}
_MET = {**_ACCEPTED, "released_at": NOW, "met_at": NOW, "outcome": "met_official", "contacted_at": NOW}
_UNMET = {**_ACCEPTED, "released_at": NOW, "outcome": "left_alone", "report_due_at": NOW + timedelta(days=16)}
_DONE = {"due_rule": None, "due_at": None}
_AGREED = {"agreement_signed_at": NOW, "due_rule": "M1", "due_at": NOW + timedelta(days=30)}
_BREACHED = {**_AGREED, "evasions": 3, "breached_at": NOW}
_LOST = {**_AGREED, "state": "tracing", "visit_due_at": None, "lost_at": NOW, "due_rule": "H7s"}
_OVER = {**_AGREED, "visit_due_at": None, "ended_at": NOW}
_STATES: dict[str, dict[str, Any]] = {
    "person.registered.v1": {},
    "person.changed.v1": {},
    "person.merged.v1": {"state": "merged", "identity_status": "provisional", "merged_into": new_id()},
    "person.sealed.v1": {"state": "sealed"},
    "person.erased.v1": {"state": "erased"},
    "identity.opened.v1": {},
    "identity.opening_answered.v1": {"state": "approved", **_DONE},
    "identity.opening_unanswered.v1": {"state": "unanswered", **_DONE},
    "test.ordered.v1": {},
    "test.refused.v1": {"state": "refused", "due_rule": "T0f"},
    "test.yielded.v1": {},
    "test.force_approved.v1": {"state": "force_approved"},
    "test.left_untested.v1": {**_DONE, "state": "untested"},
    "test.exempted.v1": {**_DONE, "state": "exempted", "exempt_reason": "illness"},
    "test.missed.v1": {**_DONE, "state": "missed", "ground": "scheduled", "evasions": 1},
    "test.collected.v1": {"state": "collected", "collected_at": NOW, "sample_type": "urine", "due_rule": "T0r"},
    "test.card_invalid.v1": {"state": "collected", "collected_at": NOW, "sample_type": "urine", "due_rule": "T0r"},
    "test.resulted.v1": {
        "state": "positive_sealed",
        "collected_at": NOW,
        "sample_type": "urine",
        "result": "positive",
        "due_rule": "T12",
    },
    "test.positive_told.v1": {**_POSITIVE, "state": "positive_told", "due_rule": "T1"},
    "test.negative_told.v1": {**_TOLD, **_DONE, "state": "negative_told", "result": "negative"},
    "test.addiction_determined.v1": {
        **_POSITIVE,
        "state": "positive_told",
        "opinion": "severely_addicted",
        "due_rule": "T1",
    },
    "test.objected.v1": {**_POSITIVE, "state": "lab_requested", "due_rule": "T2"},
    "test.objection_decided.v1": {**_POSITIVE, "state": "lab_approved", "due_rule": "T3"},
    "test.sample_sent.v1": {**_POSITIVE, "state": "lab_sent", "due_rule": "T3t"},
    "test.sample_received.v1": {**_POSITIVE, "state": "lab_sent", "due_rule": "T4"},
    "test.sample_unfit.v1": {**_POSITIVE, "state": "sample_unfit", "due_rule": "T16"},
    "test.resampled.v1": {**_POSITIVE, "state": "lab_approved", "due_rule": "T3"},
    "test.lab_reported.v1": {**_POSITIVE, "state": "lab_reported", "lab_result": "positive", "due_rule": "T5"},
    "test.lab_told.v1": {**_POSITIVE, "state": "lab_told", "lab_result": "positive", "due_rule": "T6"},
    "test.custody_noted.v1": {**_POSITIVE, "state": "positive_told", "due_rule": "T1"},
    "test.settled.v1": {**_POSITIVE, **_DONE, "state": "settled", "settled_at": NOW, "settled_by": "waived"},
    "test.overturned.v1": {
        **_POSITIVE,
        **_DONE,
        "state": "overturned",
        "lab_result": "negative",
        "overturned_at": NOW,
        "overturned_by": "laboratory",
    },
    "test.person_merged.v1": {},
    "test.deadline_settled.v1": {},
    "order.decision_due.v1": {},
    "order.no_measure.v1": {**_DONE, "state": "no_measure", "kind": "no_measure", "deciding_organ": "GA-430802"},
    "order.issued.v1": {**_DECIDED, "state": "issued", "due_rule": "Ds"},
    "order.served.v1": {**_SERVED, "state": "served", "admission_due_at": NOW + timedelta(days=1)},
    "order.notified.v1": {**_SERVED, "state": "served"},
    "order.documented.v1": {**_SERVED, "state": "served"},
    "order.admitted.v1": {**_SERVED, **_DONE, "state": "admitted", "admitted_at": NOW},
    "order.admission_deferred.v1": {**_SERVED, "state": "deferred", "refusal_reason": "danger_to_life"},
    "order.not_admitted.v1": {**_SERVED, **_DONE, "state": "not_admitted", "refusal_reason": "pregnant_or_nursing"},
    "order.absconded.v1": {**_SERVED, "state": "absconded", "due_rule": "D0a"},
    "order.lapsed.v1": {**_DONE, "state": "lapsed"},
    "order.review_opened.v1": {**_SERVED, "state": "served", "under_review": True, "due_rule": "V1"},
    "order.review_closed.v1": {**_SERVED, **_DONE, "state": "admitted", "review_outcome": "upheld"},
    "order.revoked.v1": {**_SERVED, **_DONE, "state": "revoked", "review_outcome": "revoked", "revoked_at": NOW},
    "order.person_merged.v1": {},
    "order.deadline_settled.v1": {},
    "stay.admitted.v1": {},
    "stay.family_told.v1": {},
    "stay.transferred.v1": {"centre": "centre-2"},
    "stay.on_medical_leave.v1": {"state": "on_medical_leave", "away_since": NOW, "due_rule": "D14"},
    "stay.out_to_court.v1": {"state": "out_to_court", "away_since": NOW, "due_rule": "D14"},
    "stay.escaped.v1": {"state": "escaped", "away_since": NOW, "due_rule": "D14"},
    "stay.in_criminal_custody.v1": {"state": "in_criminal_custody", "away_since": NOW, "due_rule": "D14"},
    "stay.returned.v1": {"days_at_large": 10, "term_last_day": date(2027, 1, 3)},
    "stay.assessed.v1": {},
    "stay.term_proposed.v1": {"due_rule": "D5"},
    "stay.term_decided.v1": {"shortened": True, "term_last_day": date(2026, 12, 1)},
    "stay.reopened.v1": {},
    "stay.ended.v1": {**_DONE, "state": "ended", "ended_at": NOW, "end_kind": "term_expired"},
    "stay.person_merged.v1": {},
    "release.planned.v1": {},
    "release.rescheduled.v1": {"reason": "another day", "release_at": NOW + timedelta(days=9)},
    "release.cancelled.v1": {
        **_DONE,
        "state": "cancelled",
        "reason": "planned by mistake",
        "cancelled_by": "centre",
    },
    "release.executed.v1": {**_GONE, "due_rule": "D10"},
    "release.retracted.v1": {**_DONE, "state": "retracted", "reason": "another person"},
    "release.reinstated.v1": {"reason": "back in custody"},
    "release.ground_settled.v1": {
        "kind": "term_expired",
        "rehab": "ordered",
        "legal_ground": "community_rehab_order",
    },
    "release.notified.v1": {"kind": "term_expired", "rehab": "pending", "legal_ground": "contact_only"},
    "release.over_term.v1": {"alarm": "over_term", "release_at": NOW - timedelta(days=1)},
    "release.silent.v1": {"alarm": "silent", "release_at": NOW - timedelta(days=1)},
    "release.notice_late.v1": {"alarm": "notice_late", "notified": False},
    "release.left_alone.v1": {**_GONE, "left_alone_at": NOW, "due_rule": "D12"},
    "release.papers_sent.v1": {**_GONE, **_DONE, "papers_sent_at": NOW},
    "release.person_merged.v1": {},
    "release.deadline_settled.v1": {**_GONE, "due_rule": "D10"},
    "handover.announced.v1": {"state": "announced", "due_rule": "H1", "accept_due_at": None},
    "handover.unresolved.v1": {
        "state": "unresolved",
        "office": None,
        "unresolved_reason": "no_office",
        "accept_due_at": None,
        "due_rule": "H10",
    },
    "handover.offered.v1": {},
    "handover.accepted.v1": {**_ACCEPTED, "state": "accepted", "due_rule": "H3"},
    "handover.acceptance_undone.v1": {},
    "handover.met.v1": {**_MET, "state": "met", "report_due_at": NOW + timedelta(days=16), "due_rule": "C1"},
    "handover.registered.v1": {**_MET, "state": "registered", "registered_at": NOW, "due_rule": "C2"},
    "handover.contact_done.v1": {
        **_MET,
        **_DONE,
        "state": "contact_done",
        "legal_ground": "contact_only",
        "contact_done_at": NOW,
    },
    "handover.rescheduled.v1": {"release_version": 2},
    "handover.escalated.v1": {"escalation_level": 1},
    "handover.withdrawn.v1": {**_DONE, "state": "withdrawn", "withdrawn_reason": "release_cancelled"},
    "handover.rejected.v1": {
        "state": "disputed",
        "rejections": 1,
        "rejected_by": "OFFICE-430802001",
        "due_rule": "H8",
    },
    "handover.party_named.v1": {**_ACCEPTED, "state": "accepted", "due_rule": "H4"},
    "handover.not_met.v1": {**_UNMET, "state": "not_met", "due_rule": "H7"},
    "handover.traced.v1": {**_UNMET, "state": "tracing", "due_rule": "H7s"},
    "handover.contacted.v1": {**_UNMET, "state": "contacted", "contacted_at": NOW, "due_rule": "C1"},
    "handover.whereabouts_unknown.v1": {
        **_UNMET,
        "state": "whereabouts_unknown",
        "unknown_at": NOW,
        "due_rule": "H11",
    },
    "handover.refused_to_report.v1": {**_MET, "state": "refused_to_report", "refused_at": NOW, "due_rule": "C5"},
    "handover.referred.v1": {**_MET, **_DONE, "state": "referred", "refused_at": NOW, "referred_at": NOW},
    "handover.paused.v1": {**_MET, "state": "met", "paused_at": NOW, "pause_reason": "hospital", "due_rule": "H13"},
    "handover.resumed.v1": {**_MET, "state": "met", "report_due_at": NOW + timedelta(days=20), "due_rule": "C1"},
    "handover.remote_sent.v1": {"state": "remote_sent", "remote_office": "Changde", "due_rule": "H9"},
    "handover.remote_accepted.v1": {
        **_DONE,
        "state": "remote_accepted",
        "remote_office": "Changde",
        "holder_kind": "remote_office",
        "holder": "Changde",
        "outcome": "remote",
    },
    "handover.closed.v1": {
        **_MET,
        **_DONE,
        "state": "closed",
        "registered_at": NOW,
        "agreement_signed_at": NOW,
        "closed_at": NOW,
        "close_reason": "agreement_signed",
    },
    "handover.person_merged.v1": {},
    "handover.outcome_corrected.v1": {**_MET, "state": "met", "due_rule": "C1"},
    "handover.reminded.v1": {"reminded_at": NOW + timedelta(hours=12)},
    "handover.deadline_settled.v1": {},
    "risk.proposed.v1": {},
    "risk.facts_changed.v1": {},
    "risk.decided.v1": {"state": "decided", "tier": "medium", "decided_at": NOW, "due_rule": "R-R"},
    "risk.ended.v1": {"state": "ended", **_DONE},
    "risk.merged.v1": {"state": "merged", **_DONE},
    "risk.deadline_settled.v1": {},
    "measure.begun.v1": {},
    "measure.agreed.v1": {**_AGREED},
    "measure.visited.v1": {**_AGREED},
    "measure.pace_set.v1": {**_AGREED, "visit_due_at": NOW + timedelta(days=14)},
    "measure.absence_noted.v1": {**_AGREED},
    "measure.evasion_counted.v1": {**_AGREED, "evasions": 1},
    "measure.breached.v1": {**_BREACHED, "due_rule": "C5", "due_at": NOW + timedelta(days=1)},
    "measure.breach_told.v1": {**_BREACHED, "breach_told_at": NOW},
    "measure.relapse_noted.v1": {**_AGREED, "relapsed_at": NOW},
    "measure.moving.v1": {**_AGREED, "state": "moving", "moving_to": "OFFICE-430802002", "due_rule": "C6"},
    "measure.moved.v1": {**_AGREED, "holder": "OFFICE-430802002", "division": "430802002", "due_rule": "C2"},
    "measure.suspended.v1": {**_AGREED, "state": "suspended", "suspended_at": NOW, "due_rule": "H13"},
    "measure.resumed.v1": {**_AGREED, "last_day": date(2029, 12, 2)},
    "measure.lost.v1": {**_LOST},
    "measure.traced.v1": {**_LOST},
    "measure.whereabouts_unknown.v1": {
        **_LOST,
        "state": "whereabouts_unknown",
        "unknown_at": NOW,
        "due_rule": "H11",
    },
    "measure.found.v1": {**_AGREED, "lost_at": NOW, "found_at": NOW},
    "measure.expired.v1": {**_OVER, "state": "expired", "due_rule": "C7", "due_at": NOW + timedelta(days=7)},
    "measure.completed.v1": {**_OVER, **_DONE, "state": "completed"},
    "measure.terminated.v1": {**_OVER, **_DONE, "state": "terminated", "end_reason": "compulsory_isolation"},
    "measure.person_merged.v1": {},
    "measure.deadline_settled.v1": {},
    "stream.stated.v1": {},
    "statement.issued.v1": {},
    "statement.corrected.v1": {"state": "corrected"},
    "task_statement.issued.v1": {},
    "task_statement.corrected.v1": {"state": "corrected"},
    "headcount.stated.v1": {},
    "headcount.corrected.v1": {"counted": 119},
    "headcount.missed.v1": {"state": "missed", "counted": None, "stated_at": None},
    "discrepancy.found.v1": {},
    "discrepancy.explained.v1": {
        **_DONE,
        "state": "explained",
        "kind": "headcount_differs",
        "subject_kind": "centre",
        "subject": "centre-1",
        "person_id": None,
        "explained_at": NOW,
        "explained_by": "city",
    },
    "discrepancy.resolved.v1": {**_DONE, "state": "resolved", "resolved_at": NOW},
    "notification.failed.v1": {},
    "notification.settled.v1": {"state": "settled", "settled_at": NOW + timedelta(hours=9), "settled_by": "read"},
}

person_registered = partial(event, "person.registered.v1")
person_changed = partial(event, "person.changed.v1")
a_test_settled = partial(event, "test.settled.v1")
a_test_overturned = partial(event, "test.overturned.v1")
stay_admitted = partial(event, "stay.admitted.v1")
stay_ended = partial(event, "stay.ended.v1")
release_planned = partial(event, "release.planned.v1")
release_rescheduled = partial(event, "release.rescheduled.v1")
release_cancelled = partial(event, "release.cancelled.v1")
release_executed = partial(event, "release.executed.v1")
measure_begun = partial(event, "measure.begun.v1")
person_merged = partial(event, "person.merged.v1")
