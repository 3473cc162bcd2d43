"""Who hears which events: the one table from which queues are bound and AsyncAPI's consumers are written.

Each service's reactions are held against it by a test. It stands here, and not in the services, because every
service declares the whole topology when it starts: an event said before its hearer's first start must wait in
the hearer's queue.
"""

from collections.abc import Mapping

from shared.contracts.catalogue import CATALOGUE

# What a case is made of. Everything else repeats it: statements, counts, discrepancies.
_CASES = ("test_order", "order", "stay", "release", "handover_task", "measure")
# What people are told of, by whoever's event; and that they did not read it.
_TOLD_OF = ("test_order", "release", "handover_task", "opening", "discrepancy", "notification")
SUBSCRIPTIONS: Mapping[str, frozenset[str]] = {
    # Whoever has a duty toward a person may know who it is: so the registry hears of all that makes or ends one.
    "person_registry": frozenset(event for event, contract in CATALOGUE.items() if contract.aggregate in _CASES),
    "drug_testing": frozenset(
        {
            "person.registered.v1",
            "person.changed.v1",
            "person.merged.v1",
            "measure.begun.v1",
            "measure.moved.v1",
            "measure.suspended.v1",
            "measure.resumed.v1",
            "measure.whereabouts_unknown.v1",
            "measure.found.v1",
            "measure.expired.v1",
            "measure.terminated.v1",
            "measure.person_merged.v1",
            "risk.decided.v1",
            "risk.ended.v1",
            "risk.merged.v1",
        }
    ),
    "detention_intake": frozenset(
        {
            "person.registered.v1",
            "person.changed.v1",
            "person.merged.v1",
            "test.positive_told.v1",
            "test.addiction_determined.v1",
            "test.objected.v1",
            "test.settled.v1",
            "test.overturned.v1",
            "test.person_merged.v1",
            "release.executed.v1",
            "release.retracted.v1",
            "handover.referred.v1",
            "measure.breach_told.v1",
        }
    ),
    "release_notification": frozenset(
        {
            "person.registered.v1",
            "person.changed.v1",
            "person.merged.v1",
            "stay.admitted.v1",
            "stay.transferred.v1",
            "stay.on_medical_leave.v1",
            "stay.escaped.v1",
            "stay.in_criminal_custody.v1",
            "stay.returned.v1",
            "stay.term_decided.v1",
            "stay.ended.v1",
            "stay.reopened.v1",
            "stay.person_merged.v1",
            "order.served.v1",
            "order.revoked.v1",
            "handover.not_met.v1",
        }
    ),
    "community_handover": frozenset(
        {
            "person.registered.v1",
            "person.changed.v1",
            "person.merged.v1",
            "person.sealed.v1",
            "person.erased.v1",
            "release.planned.v1",
            "release.rescheduled.v1",
            "release.cancelled.v1",
            "release.executed.v1",
            "release.retracted.v1",
            "release.reinstated.v1",
            "release.ground_settled.v1",
            "order.served.v1",
            "order.revoked.v1",
            "risk.decided.v1",
            "risk.ended.v1",
            "risk.merged.v1",
            "test.missed.v1",
            "test.refused.v1",
            "test.exempted.v1",
            "test.settled.v1",
            "test.overturned.v1",
            "stay.admitted.v1",
            "stay.ended.v1",
        }
    ),
    "oversight": frozenset(CATALOGUE),
    "notification": frozenset(event for event, contract in CATALOGUE.items() if contract.aggregate in _TOLD_OF),
}
