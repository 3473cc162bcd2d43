"""Every event type and version there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from marshmallow import Schema

from shared.contracts import detention, handover, measure, notification, person, reconciliation, release, testing
from shared.contracts.fast_load import Checker, Loader, fast_checker, fast_loader
from shared.contracts.fields import EventData

ANY_SERVICE = "any service"


@dataclass(frozen=True)
class Contract:
    """An event type: who says it (`ANY_SERVICE`: all do), about which aggregate, and what its data looks like."""

    schema_class: type[EventData]
    type: str
    producer: str
    aggregate: str

    @cached_property
    def schema(self) -> Schema:
        """The schema, ready for use."""
        schema: Schema = self.schema_class()
        return schema

    @cached_property
    def fast_load(self) -> Loader:
        """Loads data that is plainly right; see `shared.contracts.fast_load`."""
        return fast_loader(self.schema)

    @cached_property
    def fast_check(self) -> Checker:
        """Names the fields whose values no hearer could load; see `shared.contracts.fast_load`."""
        return fast_checker(self.schema)

    @cached_property
    def own_id(self) -> str:
        """The field that holds the aggregate's id, the same as the event's subject: always the first."""
        return next(iter(self.schema.fields))

    @cached_property
    def keys(self) -> frozenset[str]:
        """The names of the data's fields."""
        return frozenset(self.schema.fields)

    @property
    def summary(self) -> str:
        """What the event means, in one sentence."""
        return (self.schema_class.__doc__ or "").strip()


def _contracts() -> Mapping[str, Contract]:
    said: dict[tuple[str, str], dict[str, type[EventData]]] = {
        ("person_registry", "person"): {
            "person.registered.v1": person.PersonRegisteredV1,
            "person.changed.v1": person.PersonChangedV1,
            "person.merged.v1": person.PersonMergedV1,
            "person.sealed.v1": person.PersonSealedV1,
            "person.erased.v1": person.PersonErasedV1,
        },
        ("person_registry", "opening"): {
            "identity.opened.v1": person.IdentityOpenedV1,
            "identity.opening_answered.v1": person.IdentityOpeningAnsweredV1,
            "identity.opening_unanswered.v1": person.IdentityOpeningUnansweredV1,
        },
        ("person_registry", "risk_assessment"): {
            "risk.proposed.v1": person.RiskProposedV1,
            "risk.facts_changed.v1": person.RiskFactsChangedV1,
            "risk.decided.v1": person.RiskDecidedV1,
            "risk.ended.v1": person.RiskEndedV1,
            "risk.merged.v1": person.RiskMergedV1,
            "risk.deadline_settled.v1": person.RiskDeadlineSettledV1,
        },
        ("drug_testing", "test_order"): {
            "test.ordered.v1": testing.TestOrderedV1,
            "test.refused.v1": testing.TestRefusedV1,
            "test.yielded.v1": testing.TestYieldedV1,
            "test.force_approved.v1": testing.TestForceApprovedV1,
            "test.left_untested.v1": testing.TestLeftUntestedV1,
            "test.exempted.v1": testing.TestExemptedV1,
            "test.missed.v1": testing.TestMissedV1,
            "test.collected.v1": testing.TestCollectedV1,
            "test.card_invalid.v1": testing.TestCardInvalidV1,
            "test.resulted.v1": testing.TestResultedV1,
            "test.positive_told.v1": testing.TestPositiveToldV1,
            "test.negative_told.v1": testing.TestNegativeToldV1,
            "test.addiction_determined.v1": testing.TestAddictionDeterminedV1,
            "test.objected.v1": testing.TestObjectedV1,
            "test.objection_decided.v1": testing.TestObjectionDecidedV1,
            "test.sample_sent.v1": testing.TestSampleSentV1,
            "test.sample_received.v1": testing.TestSampleReceivedV1,
            "test.sample_unfit.v1": testing.TestSampleUnfitV1,
            "test.resampled.v1": testing.TestResampledV1,
            "test.lab_reported.v1": testing.TestLabReportedV1,
            "test.lab_told.v1": testing.TestLabToldV1,
            "test.custody_noted.v1": testing.TestCustodyNotedV1,
            "test.settled.v1": testing.TestSettledV1,
            "test.overturned.v1": testing.TestOverturnedV1,
            "test.person_merged.v1": testing.TestPersonMergedV1,
            "test.deadline_settled.v1": testing.TestDeadlineSettledV1,
        },
        ("detention_intake", "order"): {
            "order.decision_due.v1": detention.OrderDecisionDueV1,
            "order.no_measure.v1": detention.OrderNoMeasureV1,
            "order.issued.v1": detention.OrderIssuedV1,
            "order.served.v1": detention.OrderServedV1,
            "order.notified.v1": detention.OrderNotifiedV1,
            "order.documented.v1": detention.OrderDocumentedV1,
            "order.admitted.v1": detention.OrderAdmittedV1,
            "order.admission_deferred.v1": detention.OrderAdmissionDeferredV1,
            "order.not_admitted.v1": detention.OrderNotAdmittedV1,
            "order.absconded.v1": detention.OrderAbscondedV1,
            "order.lapsed.v1": detention.OrderLapsedV1,
            "order.review_opened.v1": detention.OrderReviewOpenedV1,
            "order.review_closed.v1": detention.OrderReviewClosedV1,
            "order.revoked.v1": detention.OrderRevokedV1,
            "order.person_merged.v1": detention.OrderPersonMergedV1,
            "order.deadline_settled.v1": detention.OrderDeadlineSettledV1,
        },
        ("detention_intake", "stay"): {
            "stay.admitted.v1": detention.StayAdmittedV1,
            "stay.family_told.v1": detention.StayFamilyToldV1,
            "stay.transferred.v1": detention.StayTransferredV1,
            "stay.on_medical_leave.v1": detention.StayOnMedicalLeaveV1,
            "stay.out_to_court.v1": detention.StayOutToCourtV1,
            "stay.escaped.v1": detention.StayEscapedV1,
            "stay.in_criminal_custody.v1": detention.StayInCriminalCustodyV1,
            "stay.returned.v1": detention.StayReturnedV1,
            "stay.assessed.v1": detention.StayAssessedV1,
            "stay.term_proposed.v1": detention.StayTermProposedV1,
            "stay.term_decided.v1": detention.StayTermDecidedV1,
            "stay.ended.v1": detention.StayEndedV1,
            "stay.reopened.v1": detention.StayReopenedV1,
            "stay.person_merged.v1": detention.StayPersonMergedV1,
        },
        ("release_notification", "release"): {
            "release.planned.v1": release.ReleasePlannedV1,
            "release.rescheduled.v1": release.ReleaseRescheduledV1,
            "release.cancelled.v1": release.ReleaseCancelledV1,
            "release.executed.v1": release.ReleaseExecutedV1,
            "release.retracted.v1": release.ReleaseRetractedV1,
            "release.reinstated.v1": release.ReleaseReinstatedV1,
            "release.ground_settled.v1": release.ReleaseGroundSettledV1,
            "release.notified.v1": release.ReleaseNotifiedV1,
            "release.over_term.v1": release.ReleaseOverTermV1,
            "release.silent.v1": release.ReleaseSilentV1,
            "release.notice_late.v1": release.ReleaseNoticeLateV1,
            "release.left_alone.v1": release.ReleaseLeftAloneV1,
            "release.papers_sent.v1": release.ReleasePapersSentV1,
            "release.person_merged.v1": release.ReleasePersonMergedV1,
            "release.deadline_settled.v1": release.ReleaseDeadlineSettledV1,
        },
        ("community_handover", "handover_task"): {
            "handover.announced.v1": handover.HandoverAnnouncedV1,
            "handover.unresolved.v1": handover.HandoverUnresolvedV1,
            "handover.offered.v1": handover.HandoverOfferedV1,
            "handover.accepted.v1": handover.HandoverAcceptedV1,
            "handover.acceptance_undone.v1": handover.HandoverAcceptanceUndoneV1,
            "handover.met.v1": handover.HandoverMetV1,
            "handover.registered.v1": handover.HandoverRegisteredV1,
            "handover.contact_done.v1": handover.HandoverContactDoneV1,
            "handover.rescheduled.v1": handover.HandoverRescheduledV1,
            "handover.escalated.v1": handover.HandoverEscalatedV1,
            "handover.withdrawn.v1": handover.HandoverWithdrawnV1,
            "handover.rejected.v1": handover.HandoverRejectedV1,
            "handover.party_named.v1": handover.HandoverPartyNamedV1,
            "handover.not_met.v1": handover.HandoverNotMetV1,
            "handover.traced.v1": handover.HandoverTracedV1,
            "handover.contacted.v1": handover.HandoverContactedV1,
            "handover.whereabouts_unknown.v1": handover.HandoverWhereaboutsUnknownV1,
            "handover.refused_to_report.v1": handover.HandoverRefusedToReportV1,
            "handover.referred.v1": handover.HandoverReferredV1,
            "handover.paused.v1": handover.HandoverPausedV1,
            "handover.resumed.v1": handover.HandoverResumedV1,
            "handover.remote_sent.v1": handover.HandoverRemoteSentV1,
            "handover.remote_accepted.v1": handover.HandoverRemoteAcceptedV1,
            "handover.closed.v1": handover.HandoverClosedV1,
            "handover.person_merged.v1": handover.HandoverPersonMergedV1,
            "handover.outcome_corrected.v1": handover.HandoverOutcomeCorrectedV1,
            "handover.reminded.v1": handover.HandoverRemindedV1,
            "handover.deadline_settled.v1": handover.HandoverDeadlineSettledV1,
        },
        ("community_handover", "measure"): {
            "measure.begun.v1": measure.MeasureBegunV1,
            "measure.agreed.v1": measure.MeasureAgreedV1,
            "measure.visited.v1": measure.MeasureVisitedV1,
            "measure.pace_set.v1": measure.MeasurePaceSetV1,
            "measure.absence_noted.v1": measure.MeasureAbsenceNotedV1,
            "measure.evasion_counted.v1": measure.MeasureEvasionCountedV1,
            "measure.breached.v1": measure.MeasureBreachedV1,
            "measure.breach_told.v1": measure.MeasureBreachToldV1,
            "measure.relapse_noted.v1": measure.MeasureRelapseNotedV1,
            "measure.moving.v1": measure.MeasureMovingV1,
            "measure.moved.v1": measure.MeasureMovedV1,
            "measure.suspended.v1": measure.MeasureSuspendedV1,
            "measure.resumed.v1": measure.MeasureResumedV1,
            "measure.lost.v1": measure.MeasureLostV1,
            "measure.traced.v1": measure.MeasureTracedV1,
            "measure.whereabouts_unknown.v1": measure.MeasureWhereaboutsUnknownV1,
            "measure.found.v1": measure.MeasureFoundV1,
            "measure.expired.v1": measure.MeasureExpiredV1,
            "measure.completed.v1": measure.MeasureCompletedV1,
            "measure.terminated.v1": measure.MeasureTerminatedV1,
            "measure.person_merged.v1": measure.MeasurePersonMergedV1,
            "measure.deadline_settled.v1": measure.MeasureDeadlineSettledV1,
        },
        (ANY_SERVICE, "stream"): {
            "stream.stated.v1": reconciliation.StreamStatedV1,
        },
        ("release_notification", "statement"): {
            "statement.issued.v1": reconciliation.StatementIssuedV1,
            "statement.corrected.v1": reconciliation.StatementCorrectedV1,
        },
        ("community_handover", "task_statement"): {
            "task_statement.issued.v1": reconciliation.TaskStatementIssuedV1,
            "task_statement.corrected.v1": reconciliation.TaskStatementCorrectedV1,
        },
        ("detention_intake", "headcount"): {
            "headcount.stated.v1": reconciliation.HeadcountStatedV1,
            "headcount.corrected.v1": reconciliation.HeadcountCorrectedV1,
            "headcount.missed.v1": reconciliation.HeadcountMissedV1,
        },
        ("oversight", "discrepancy"): {
            "discrepancy.found.v1": reconciliation.DiscrepancyFoundV1,
            "discrepancy.explained.v1": reconciliation.DiscrepancyExplainedV1,
            "discrepancy.resolved.v1": reconciliation.DiscrepancyResolvedV1,
        },
        ("notification", "notification"): {
            "notification.failed.v1": notification.NotificationFailedV1,
            "notification.settled.v1": notification.NotificationSettledV1,
        },
    }
    return {
        event_type: Contract(schema, event_type, producer, aggregate)
        for (producer, aggregate), types in said.items()
        for event_type, schema in types.items()
    }


CATALOGUE: Mapping[str, Contract] = _contracts()
