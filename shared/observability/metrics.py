"""Every metric there is. Prometheus naming: base units, ``_total``; the service is the job's label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)


class Metrics:
    """The metrics of one process. A registry of its own, so that a test can make many."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self.http_requests = Counter(
            "baton_http_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self.http_seconds = Histogram(
            "baton_http_request_duration_seconds",
            "Time to answer",
            ["method", "route", "status"],
            buckets=_FAST,
            registry=registry,
        )
        self.http_limited = Counter(
            "baton_http_limited", "Requests refused because a client sent too many", ["known_by"], registry=registry
        )
        self.outbox_rows = Gauge("baton_outbox_rows", "Messages not yet confirmed by the broker", registry=registry)
        self.outbox_oldest_age = Gauge("baton_outbox_oldest_age_seconds", "Age of the oldest", registry=registry)
        self.relay_leader = Gauge("baton_relay_leader", "1 where the active relay is", registry=registry)
        self.relay_published = Counter("baton_relay_published", "Messages confirmed", registry=registry)
        self.relay_returned = Counter("baton_relay_returned", "Messages that no queue took", registry=registry)
        self.relay_nacked = Counter("baton_relay_nacked", "Messages that the broker refused", registry=registry)
        self.broker_blocked = Gauge("baton_broker_blocked", "1 while the broker takes nothing", registry=registry)
        self.queue_messages = Gauge("baton_queue_messages", "Messages waiting", ["queue"], registry=registry)
        self.queue_consumers = Gauge("baton_queue_consumers", "Who takes from a queue", ["queue"], registry=registry)
        self.inbox_duplicates = Counter("baton_inbox_duplicates", "Messages seen before", registry=registry)
        self.reactions = Counter(
            "baton_reactions", "Events reacted to", ["event", "outcome", "reason"], registry=registry
        )
        self.dead_letters = Counter("baton_dead_letters", "Messages given up", ["reason"], registry=registry)
        self.dead_letters_waiting = Gauge(
            "baton_dead_letters_waiting", "Dead letters that wait for an operator", registry=registry
        )
        self.dead_letters_replayed = Counter(
            "baton_dead_letters_replayed", "Dead letters given again", registry=registry
        )
        self.unclaimed_answers = Counter(
            "baton_unclaimed_answers", "Answers that no centre's queue took", registry=registry
        )
        self.pruned_rows = Counter("baton_pruned_rows", "Rows that were kept long enough", ["table"], registry=registry)
        self.intake_commands = Counter(
            "baton_intake_commands", "Commands by message", ["command", "outcome"], registry=registry
        )
        self.due = Gauge("baton_due", "Cases with something due that is not late yet", ["kind"], registry=registry)
        self.overdue = Gauge("baton_overdue", "Cases with something overdue", ["kind"], registry=registry)
        self.db_connections = Gauge(
            "baton_db_connections_in_use", "Database connections taken from the pool", registry=registry
        )
        self.batch_size = Histogram(
            "baton_batch_size",
            "Messages in a batch",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=registry,
        )
        self.batch_seconds = Histogram("baton_batch_seconds", "Time to apply a batch", buckets=_FAST, registry=registry)
        self.event_age = Histogram(
            "baton_event_age_seconds",
            "From an event's time to its effect here",
            buckets=_SLOW,
            registry=registry,
        )
        self.consumer_last_ack = Gauge(
            "baton_consumer_last_ack_timestamp_seconds",
            "When a batch was last acknowledged",
            registry=registry,
        )
        self.discrepancies = Gauge("baton_discrepancies", "Discrepancies that are open", ["kind"], registry=registry)
        self.reconciliation_age = Gauge(
            "baton_reconciliation_age_seconds", "Age of the last full comparison", registry=registry
        )
        self.notice_attempts = Counter(
            "baton_notice_attempts",
            "Messages to people tried, by what came of it",
            ["channel", "outcome"],
            registry=registry,
        )
        self.notices_unsent = Gauge(
            "baton_notices_unsent", "Messages to people that are due and not sent", ["channel"], registry=registry
        )
        self.notices_oldest_age = Gauge(
            "baton_notices_oldest_unsent_age_seconds", "Age of the oldest of them", ["channel"], registry=registry
        )
        self.notices_unheard = Gauge(
            "baton_notices_unheard", "Notices that nobody of their audience read in time", registry=registry
        )
        self.timer_runs = Counter("baton_timer_runs", "Runs of timers", ["timer", "outcome"], registry=registry)
        self.timer_next_run = Gauge(
            "baton_timer_next_run_timestamp_seconds",
            "When a timer is to run again; not moved by a run that failed",
            ["timer"],
            registry=registry,
        )
        self.audit_anchor = Gauge(
            "baton_audit_anchor_timestamp_seconds", "End of the last day whose audit is signed", registry=registry
        )
        self.build_info = Gauge(
            "baton_build_info",
            "Always 1: a fingerprint of the code, how far its migrations go, how far the schema did at the start",
            ["version", "migrations", "schema"],
            registry=registry,
        )

    def exposition(self) -> bytes:
        """What ``/metrics`` answers."""
        return generate_latest(self.registry)
