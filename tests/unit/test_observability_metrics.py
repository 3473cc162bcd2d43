"""Every metric follows Prometheus' naming, so that dashboards and alerts can rely on it."""

import re

import pytest
from prometheus_client import Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families

from shared.observability.metrics import Metrics

EXPECTED = {
    "baton_http_requests": {"method", "route", "status"},
    "baton_http_request_duration_seconds": {"method", "route", "status"},
    "baton_outbox_rows": set(),
    "baton_outbox_oldest_age_seconds": set(),
    "baton_relay_published": set(),
    "baton_relay_returned": set(),
    "baton_relay_nacked": set(),
    "baton_relay_leader": set(),
    "baton_inbox_duplicates": set(),
    "baton_reactions": {"event", "outcome", "reason"},
    "baton_dead_letters": {"reason"},
    "baton_dead_letters_waiting": set(),
    "baton_dead_letters_replayed": set(),
    "baton_unclaimed_answers": set(),
    "baton_pruned_rows": {"table"},
    "baton_intake_commands": {"command", "outcome"},
    "baton_batch_size": set(),
    "baton_batch_seconds": set(),
    "baton_consumer_last_ack_timestamp_seconds": set(),
    "baton_queue_messages": {"queue"},
    "baton_broker_blocked": set(),
    "baton_timer_runs": {"timer", "outcome"},
    "baton_event_age_seconds": set(),
    "baton_discrepancies": {"kind"},
    "baton_reconciliation_age_seconds": set(),
    "baton_due": {"kind"},
    "baton_overdue": {"kind"},
    "baton_db_connections_in_use": set(),
    "baton_queue_consumers": {"queue"},
    "baton_timer_next_run_timestamp_seconds": {"timer"},
    "baton_audit_anchor_timestamp_seconds": set(),
    "baton_build_info": {"version", "migrations", "schema"},
    "baton_http_limited": {"known_by"},
    "baton_notice_attempts": {"channel", "outcome"},
    "baton_notices_unsent": {"channel"},
    "baton_notices_oldest_unsent_age_seconds": {"channel"},
    "baton_notices_unheard": set(),
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_the_metrics_are_those_that_dashboards_know(metrics: Metrics) -> None:
    ours = {m._name: set(m._labelnames) for m in vars(metrics).values() if hasattr(m, "_labelnames")}
    assert ours == EXPECTED


def test_names_are_lower_case_with_base_units(metrics: Metrics) -> None:
    for name in EXPECTED:
        assert re.fullmatch(r"baton_[a-z_]+", name)
        assert not re.search(r"_(ms|minutes|hours|kb)\b|_total$", name), "units are seconds and bytes"


def test_counters_end_in_total_and_histograms_have_buckets(metrics: Metrics) -> None:
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Histogram):
            labels = metric.labels(*("x" for _ in metric._labelnames)) if metric._labelnames else metric
            labels.inc() if isinstance(labels, Counter) else labels.observe(1)
    families = list(text_string_to_metric_families(metrics.exposition().decode()))
    samples = {sample.name for family in families for sample in family.samples}
    assert "baton_reactions_total" in samples
    assert "baton_http_request_duration_seconds_bucket" in samples
    assert "process_cpu_seconds_total" in samples
    assert all(family.documentation for family in families)


def test_each_has_a_registry_of_its_own(metrics: Metrics) -> None:
    metrics.inbox_duplicates.inc(3)
    assert b"baton_inbox_duplicates_total 3.0" in metrics.exposition()
    assert b"baton_inbox_duplicates_total 0.0" in Metrics().exposition()
