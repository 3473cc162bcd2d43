"""The two dashboards, as code: ``python -m deploy.observability.dashboards`` writes what Grafana is given.

One for the mission (the three promises) and one for the machinery that carries them. A test fails when what is
committed is not what this writes, or when a panel asks for a metric that nothing exposes.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "prometheus"}
GREEN, RED = "green", "red"
# Of several handlers that a request passes, the one that asks console and services.
DOOR, PROXIED = "caddy_http_request_duration_seconds", '{handler="reverse_proxy"}'
TIMERS_THAT_FAIL = 'baton_timer_runs_total{outcome=~"failed|unavailable"}'


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. ``series`` are pairs of an expression and what its lines are called."""

    title: str
    series: Sequence[tuple[str, str]]
    meaning: str
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 7
    bad_from: float | None = None  # a figure from here on is shown in red


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and the panels below it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """See the module."""

    uid: str
    title: str
    rows: Sequence[Row]


def figure(title: str, expression: str, meaning: str, *, bad_from: float | None = None, unit: str = "short") -> Panel:
    """One number."""
    return Panel(title, [(expression, "")], meaning, "stat", unit, width=4, height=4, bad_from=bad_from)


def _due(kind: str) -> str:
    return f'max(baton_due{{kind="{kind}"}}) or vector(0)'


def _overdue(kind: str) -> str:
    return f'max(baton_overdue{{kind="{kind}"}}) or vector(0)'


def _said(event: str, window: str) -> str:
    """How often an event was said, as oversight heard it, which hears every event once."""
    heard = f'increase(baton_reactions_total{{job="oversight",event="{event}",outcome="applied"}}[{window}])'
    return f"round(sum({heard})) or vector(0)"


def _quantile(quantile: float, metric: str, by: str = "job") -> str:
    return f"histogram_quantile({quantile}, sum by ({by}, le) (rate({metric}_bucket[5m])))"


MISSION = Dashboard(
    "baton-mission",
    "Baton: the mission",
    [
        Row(
            "重嫌必检 · 应收尽收 · 出所必接: what is due and what is overdue now",
            [
                figure("Tests due", _due("test_order"), "Test orders whose next step is not late yet"),
                figure("Tests overdue", _overdue("test_order"), "Test orders whose next step is late", bad_from=1),
                figure(
                    "Admissions due", _due("order"), "Orders that wait for the next step, the last one an admission"
                ),
                figure("Admissions overdue", _overdue("order"), "Orders whose next step is late", bad_from=1),
                figure("Handovers due", _due("handover_task"), "Handover tasks whose next step is not late yet"),
                figure("Handovers overdue", _overdue("handover_task"), "Handovers whose next step is late", bad_from=1),
            ],
        ),
        Row(
            "Releases and their handovers, the last 30 days",
            [
                figure("Released", _said("release.executed.v1", "30d"), "Persons who went through a gate"),
                figure("Asked", _said("handover.offered.v1", "30d"), "Requests to an office to confirm a handover"),
                figure(
                    "Acknowledged",
                    _said("handover.accepted.v1", "30d"),
                    "Handovers that an office confirmed (确认收到)",
                ),
                figure(
                    "Not acknowledged in time",
                    _said("handover.escalated.v1", "30d"),
                    "Times that a confirmation was late and the next level was told",
                    bad_from=1,
                ),
                figure("Met", _said("handover.met.v1", "30d"), "Persons whom an officer met"),
                figure("Not met", _said("handover.not_met.v1", "30d"), "Persons for whom nobody was there", bad_from=1),
            ],
        ),
        Row(
            "What does not agree",
            [
                Panel(
                    "Open discrepancies",
                    [("max by (kind) (baton_discrepancies)", "{{kind}}")],
                    "What reconciliation found and nobody has resolved, by kind. All of them should be nought.",
                    width=12,
                ),
                Panel(
                    "Age of the last comparison",
                    [('min(baton_reconciliation_age_seconds{job="oversight"})', "age")],
                    "Everything is compared every half minute. A high line is blindness, not peace.",
                    unit="s",
                    width=6,
                ),
                Panel(
                    "Alarms of custody and silence",
                    [
                        (_said("release.over_term.v1", "1d"), "beyond the term"),
                        (_said("release.silent.v1", "1d"), "no gate on the planned day"),
                        (_said("release.notice_late.v1", "1d"), "notice late"),
                    ],
                    "Alarms raised within a day",
                    width=6,
                ),
            ],
        ),
        Row(
            "Whether people are told",
            [
                Panel(
                    "Messages that are due and not sent",
                    [("max by (channel) (baton_notices_unsent)", "{{channel}}")],
                    "E-mail, SMS and webhooks; what quiet hours and digests hold back is not counted",
                ),
                Panel(
                    "Attempts, by what came of them",
                    [("sum by (channel, outcome) (rate(baton_notice_attempts_total[5m]))", "{{channel}} {{outcome}}")],
                    "accepted: the other side took it; later: tried again; failed: the next channel takes over",
                ),
                Panel(
                    "Notices that nobody has read in time",
                    [("max(baton_notices_unheard)", "unheard")],
                    "Told to those above; they end when somebody reads them or the matter goes on",
                ),
            ],
        ),
        Row(
            "Over time",
            [
                Panel("Due", [("max by (kind) (baton_due)", "{{kind}}")], "Cases with something due, by kind"),
                Panel("Overdue", [("max by (kind) (baton_overdue)", "{{kind}}")], "Cases with something late, by kind"),
                Panel(
                    "From an event to its effect",
                    [
                        (_quantile(0.5, "baton_event_age_seconds"), "{{job}} half"),
                        (_quantile(0.99, "baton_event_age_seconds"), "{{job}} 99 %"),
                    ],
                    "How old an event is when its hearer has acted on it: the age of the queues",
                    unit="s",
                ),
            ],
        ),
    ],
)

MACHINERY = Dashboard(
    "baton-machinery",
    "Baton: the machinery",
    [
        Row(
            "APIs: rate, errors, duration",
            [
                Panel(
                    "Requests",
                    [("sum by (job) (rate(baton_http_requests_total[5m]))", "{{job}}")],
                    "Requests a second",
                    unit="reqps",
                ),
                Panel(
                    "Errors of our own",
                    [("job:baton_http_errors:ratio_rate5m", "{{job}}")],
                    "Share of answers with a status of 500 or above. The objective is 0.1 % over 30 days.",
                    unit="percentunit",
                ),
                Panel(
                    "Duration",
                    [(_quantile(0.99, "baton_http_request_duration_seconds"), "{{job}} 99 %")],
                    "The slowest hundredth of the answers",
                    unit="s",
                ),
                Panel(
                    "Front door",
                    [(f"sum by (code) (rate({DOOR}_count{PROXIED}[5m]))", "{{code}}")],
                    "Requests a second that were passed on, by status, the console's among them",
                    unit="reqps",
                ),
                Panel(
                    "Front door, duration",
                    [(f"histogram_quantile(0.99, sum by (le) (rate({DOOR}_bucket{PROXIED}[5m])))", "99 %")],
                    "The slowest hundredth of the answers",
                    unit="s",
                ),
                Panel(
                    "Error budget",
                    [
                        ("job:baton_http_errors:ratio_rate1h / 0.001", "{{job}} 1 h"),
                        ("job:baton_http_errors:ratio_rate6h / 0.001", "{{job}} 6 h"),
                    ],
                    "How fast the error budget burns; 1 uses it up in exactly 30 days",
                ),
            ],
        ),
        Row(
            "Saying: outbox and relay",
            [
                Panel(
                    "Outbox, oldest",
                    [
                        (
                            "max by (job) (baton_outbox_oldest_age_seconds * on (job, instance) baton_relay_leader)",
                            "{{job}}",
                        )
                    ],
                    "How long the oldest event has waited to be confirmed by the broker",
                    unit="s",
                ),
                Panel(
                    "Outbox, rows",
                    [("max by (job) (baton_outbox_rows * on (job, instance) baton_relay_leader)", "{{job}}")],
                    "Events that are not confirmed yet",
                ),
                Panel(
                    "Relay leaders", [("sum by (job) (baton_relay_leader)", "{{job}}")], "Always one for each service"
                ),
                Panel(
                    "Published",
                    [("sum by (job) (rate(baton_relay_published_total[5m]))", "{{job}}")],
                    "Messages a second that the broker confirmed",
                ),
                Panel(
                    "Returned or refused",
                    [
                        ("sum by (job) (increase(baton_relay_returned_total[5m]))", "{{job}} returned"),
                        ("sum by (job) (increase(baton_relay_nacked_total[5m]))", "{{job}} refused"),
                    ],
                    "Messages that no queue took, or that the broker would not take. They stay and are tried again.",
                ),
            ],
        ),
        Row(
            "Hearing: queues and batches",
            [
                Panel(
                    "Queues",
                    [("max by (queue) (baton_queue_messages)", "{{queue}}")],
                    "Messages waiting",
                ),
                Panel(
                    "Age at effect",
                    [(_quantile(0.99, "baton_event_age_seconds"), "{{job}} 99 %")],
                    "How old an event is when its hearer has acted on it",
                    unit="s",
                ),
                Panel(
                    "Since the last acknowledgement",
                    [("time() - max by (job) (baton_consumer_last_ack_timestamp_seconds > 0)", "{{job}}")],
                    "High and growing while its queue is not empty means that a consumer stands still",
                    unit="s",
                ),
                Panel(
                    "Batch size",
                    [
                        (_quantile(0.5, "baton_batch_size"), "{{job}} half"),
                        (_quantile(0.95, "baton_batch_size"), "{{job}} 95 %"),
                    ],
                    "Messages in one transaction: near 1 when idle, near BATCH_SIZE behind a backlog",
                ),
                Panel(
                    "Batch duration",
                    [(_quantile(0.95, "baton_batch_seconds"), "{{job}} 95 %")],
                    "Time to apply a batch",
                    unit="s",
                ),
                Panel(
                    "Outcomes",
                    [("sum by (outcome) (rate(baton_reactions_total[5m]))", "{{outcome}}")],
                    "What became of events heard",
                ),
                Panel(
                    "Heard before",
                    [("sum by (job) (rate(baton_inbox_duplicates_total[5m]))", "{{job}}")],
                    "Messages that came again and had no second effect",
                ),
                Panel(
                    "Dead letters waiting",
                    [("max by (job) (baton_dead_letters_waiting)", "{{job}}")],
                    "For an operator: `make ops`",
                ),
                Panel(
                    "Given up",
                    [("sum by (job, reason) (increase(baton_dead_letters_total[1h]))", "{{job}} {{reason}}")],
                    "Messages given up within an hour, by reason",
                ),
            ],
        ),
        Row(
            "Below: processes, database, broker",
            [
                Panel(
                    "Processor",
                    [("sum by (job) (rate(process_cpu_seconds_total[5m]))", "{{job}}")],
                    "Cores in use",
                ),
                Panel(
                    "Memory",
                    [("max by (job) (process_resident_memory_bytes)", "{{job}}")],
                    "Resident memory of each process",
                    unit="bytes",
                ),
                Panel(
                    "Timers that fail",
                    [(f"sum by (job, timer) (increase({TIMERS_THAT_FAIL}[15m]))", "{{job}} {{timer}}")],
                    "Runs that failed within a quarter of an hour",
                ),
                Panel(
                    "Database pool",
                    [("max by (job, instance) (baton_db_connections_in_use)", "{{job}}")],
                    "Connections taken from the pool, of 20 for each process",
                ),
                Panel(
                    "PostgreSQL connections",
                    [
                        ("sum by (state) (pg_stat_activity_count)", "{{state}}"),
                        ("max(pg_settings_max_connections)", "at most"),
                    ],
                    "Connections by state",
                ),
                Panel(
                    "PostgreSQL",
                    [
                        ('rate(pg_stat_database_xact_commit{datname="baton"}[5m])', "transactions a second"),
                    ],
                    "Transactions committed",
                ),
                Panel(
                    "Size of the database",
                    [('pg_database_size_bytes{datname="baton"}', "size")],
                    "All schemas together",
                    unit="bytes",
                ),
                Panel(
                    "RabbitMQ memory and disk",
                    [
                        ("rabbitmq_process_resident_memory_bytes", "memory"),
                        ("rabbitmq_resident_memory_limit_bytes", "memory limit"),
                        ("rabbitmq_disk_space_available_bytes", "disk left"),
                    ],
                    "At the limit it takes nothing any more",
                    unit="bytes",
                ),
                Panel(
                    "RabbitMQ",
                    [("rabbitmq_connections", "connections"), ("rabbitmq_queue_messages_ready", "messages ready")],
                    "Connections, and messages that no consumer has yet",
                ),
            ],
        ),
    ],
)

DASHBOARDS = {"mission.json": MISSION, "machinery.json": MACHINERY}


def rendered(dashboard: Dashboard) -> str:
    """A dashboard as Grafana reads it."""
    told = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["baton"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "Asia/Shanghai",
        "panels": list(_placed(dashboard)),
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def expressions(dashboard: Dashboard) -> list[str]:
    """Every expression that a dashboard asks."""
    return [expression for row in dashboard.rows for panel in row.panels for expression, _ in panel.series]


def _placed(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in dashboard.rows:
        number += 1
        yield {"id": number, "type": "row", "title": row.title, "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}}
        top, left = top + 1, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left = top + panel.height, 0
            number += 1
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield _panel(panel, number, place)
            left += panel.width
        top += row.panels[-1].height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": GREEN, "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": RED, "value": panel.bad_from})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "gridPos": place,
        "datasource": SOURCE,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "options": _options(panel.kind),
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for place, (expression, legend) in enumerate(panel.series)
        ],
    }


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "none"}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}


def main() -> None:
    """Write them."""
    for name, dashboard in DASHBOARDS.items():
        (FOLDER / name).write_text(rendered(dashboard), encoding="utf-8")


if __name__ == "__main__":
    main()
