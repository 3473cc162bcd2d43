"""Who hears which events: the one table from which queues are bound and AsyncAPI's consumers are written.

Each service's reactions are held against it by a test. It stands here, and not in the services, because every
service declares the whole topology when it starts: an event said before its hearer's first start must wait in
the hearer's queue.
"""

from collections.abc import Mapping

from shared.contracts.catalogue import CATALOGUE

SUBSCRIPTIONS: Mapping[str, frozenset[str]] = {
    "person_registry": frozenset(),
    "drug_testing": frozenset({"person.registered.v1", "person.changed.v1"}),
    "detention_intake": frozenset(
        {"person.registered.v1", "person.changed.v1", "test.settled.v1", "release.executed.v1"}
    ),
    "release_notification": frozenset(
        {"person.registered.v1", "person.changed.v1", "stay.admitted.v1", "stay.ended.v1"}
    ),
    "community_handover": frozenset(
        {
            "person.registered.v1",
            "person.changed.v1",
            "release.planned.v1",
            "release.rescheduled.v1",
            "release.cancelled.v1",
            "release.executed.v1",
            "order.served.v1",
        }
    ),
    "oversight": frozenset(CATALOGUE),
}
