"""Each of the doctor's checks, on an installation that is well and on one in which just that is wrong."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.doctor import gathering, running, standing
from deploy.doctor.__main__ import examine
from deploy.doctor.evidence import Answer, Broker, Certificate, Evidence, Files, KeyFile, QueueSeen, Sample
from deploy.doctor.findings import Finding, Level, as_json, as_text, exit_status
from deploy.doctor.gathering import WANTED
from deploy.local.stack import ROOT, SERVICES
from shared.observability.metrics import Metrics

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)  # noon in China
TODAY = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
Change = Callable[[Evidence], Evidence]


def of(service: str, name: str, value: float, instance: str = "1", **labels: str) -> Sample:
    return Sample(service, f"{service}-{instance}", name, labels, value)


def samples_of(service: str) -> list[Sample]:
    return [
        of(service, "baton_build_info", 1, version="a1", migrations="5.4", schema="5.4"),
        of(service, "baton_relay_leader", 1),
        of(service, "baton_outbox_oldest_age_seconds", 0.2),
        of(service, "baton_dead_letters_waiting", 0),
        of(service, "baton_broker_blocked", 0),
        of(service, "baton_queue_consumers", 2, queue=f"{service}.events"),
        of(service, "baton_queue_messages", 7, queue=f"{service}.events"),
        of(service, "baton_timer_next_run_timestamp_seconds", NOW.timestamp() + 5, timer="prune"),
        of(service, "baton_audit_anchor_timestamp_seconds", TODAY.timestamp()),
    ]


WELL = Evidence(
    at=NOW,
    answers={name: Answer(200, clock_ahead=0.4) for name in (*SERVICES, "identity", "console")},
    samples=[
        *(sample for service in SERVICES for sample in samples_of(service)),
        of("oversight", "baton_reconciliation_age_seconds", 20),
        of("oversight", "baton_discrepancies", 0, kind="release"),
    ],
    broker=Broker([QueueSeen("oversight.events", 3, 3)], ()),
    files=Files(Path("data"), [KeyFile("private.jwk", NOW - timedelta(days=3), True)], (), 10**11, 2 * 10**11),
    certificate=Certificate(NOW + timedelta(days=80)),
    backup_at=NOW - timedelta(hours=7),
)


def answering(name: str, answer: Answer) -> Change:
    return lambda evidence: replace(evidence, answers={**evidence.answers, name: answer})


def showing(*changed: Sample) -> Change:
    """Some samples instead of those of the same process, name and labels' names."""

    def change(evidence: Evidence) -> Evidence:
        gone = {(one.instance, one.name) for one in changed}
        kept = [one for one in evidence.samples or () if (one.instance, one.name) not in gone]
        return replace(evidence, samples=[*kept, *changed])

    return change


def having(**files: Any) -> Change:
    return lambda evidence: replace(evidence, files=replace(evidence.files, **files))


def key(name: str, days: int, closed: bool = True) -> KeyFile:
    return KeyFile(name, NOW - timedelta(days=days), closed)


BROKEN: Mapping[str, tuple[Change, str, Level]] = {
    "services away": (answering("oversight", Answer(None)), "oversight does not answer", Level.WRONG),
    "services waiting": (
        answering("oversight", Answer(503, {"broker": "no answer for 12 s"})),
        "oversight is not ready: broker: no answer for 12 s",
        Level.WRONG,
    ),
    "services elsewhere": (answering("console", Answer(404)), "console answers with status 404", Level.WRONG),
    "versions": (
        showing(of("oversight", "baton_build_info", 1, version="b2", migrations="5.4", schema="5.4")),
        "2 versions run: a1: community_handover",
        Level.WATCH,
    ),
    "schema behind": (
        showing(of("oversight", "baton_build_info", 1, version="a1", migrations="5.10", schema="5.9")),
        "oversight's schema (5.9) waits for a contraction (code 5.10)",
        Level.WATCH,
    ),
    "schema ahead": (
        showing(
            of("oversight", "baton_build_info", 1, "1", version="a1", migrations="5.9", schema="5.9"),
            of("oversight", "baton_build_info", 1, "2", version="a1", migrations="5.10", schema="5.10"),
        ),
        "oversight at oversight-1 (code 5.9) is older than its schema (5.10)",
        Level.WATCH,
    ),
    "clocks ahead": (answering("oversight", Answer(200, clock_ahead=5.2)), "oversight is 5 s ahead", Level.WATCH),
    "clocks behind": (answering("oversight", Answer(200, clock_ahead=-90)), "oversight is 90 s behind", Level.WRONG),
    "relay nobody": (
        showing(of("drug_testing", "baton_relay_leader", 0)),
        "nobody publishes what drug_testing says",
        Level.WRONG,
    ),
    "relay two": (
        showing(of("drug_testing", "baton_relay_leader", 1, "2")),
        "2 of drug_testing say that they publish",
        Level.WATCH,
    ),
    "outbox": (
        showing(of("drug_testing", "baton_outbox_oldest_age_seconds", 400)),
        "an event of drug_testing has waited for 400 s",
        Level.WRONG,
    ),
    "dead letters": (
        showing(of("oversight", "baton_dead_letters_waiting", 2)),
        "2 messages wait for a decision in oversight",
        Level.WATCH,
    ),
    "timers": (
        showing(of("oversight", "baton_timer_next_run_timestamp_seconds", NOW.timestamp() - 7200, timer="prune")),
        "oversight prune should have run 2 h ago",
        Level.WATCH,
    ),
    "reconciliation stale": (
        showing(of("oversight", "baton_reconciliation_age_seconds", 1800)),
        "the last comparison was 30 min ago",
        Level.WRONG,
    ),
    "reconciliation open": (
        showing(of("oversight", "baton_discrepancies", 3, kind="release")),
        "discrepancies are open: 3 × release",
        Level.WATCH,
    ),
    "audit late": (
        showing(of("oversight", "baton_audit_anchor_timestamp_seconds", TODAY.timestamp() - 86_400)),
        "the audit of oversight is signed until 2026-11-22 16:00 UTC",
        Level.WATCH,
    ),
    "audit never": (
        showing(of("oversight", "baton_audit_anchor_timestamp_seconds", 0)),
        "the audit of oversight is never signed",
        Level.WATCH,
    ),
    "broker blocked": (
        showing(of("oversight", "baton_broker_blocked", 1)),
        "it takes nothing from oversight",
        Level.WRONG,
    ),
    "broker alarm": (
        showing(of("rabbitmq", "rabbitmq_alarms_free_disk_space_watermark", 1)),
        "alarm: free_disk_space_watermark",
        Level.WRONG,
    ),
    "broker node": (
        lambda evidence: replace(evidence, broker=Broker((), ("rabbit@b has too little memory",))),
        "alarm: rabbit@b has too little memory",
        Level.WRONG,
    ),
    "queues": (
        showing(of("oversight", "baton_queue_consumers", 0, queue="oversight.events")),
        "nobody takes from oversight.events, where 7 wait",
        Level.WRONG,
    ),
    "quorum one": (
        lambda evidence: replace(evidence, broker=Broker([QueueSeen("a.events", 3, 2)], ())),
        "a.events: 2 of 3 nodes are there",
        Level.WATCH,
    ),
    "quorum lost": (
        lambda evidence: replace(evidence, broker=Broker([QueueSeen("a.events", 3, 1)], ())),
        "a.events: 1 of 3 nodes are there",
        Level.WRONG,
    ),
    "configuration missing": (having(missing=["proxy/tls.key"]), "proxy/tls.key is missing", Level.WRONG),
    "configuration open": (
        having(keys=[key("audit.jwk", 1, closed=False)]),
        "audit.jwk can be read by others",
        Level.WRONG,
    ),
    "configuration closed": (having(complaint="Permission denied: data"), "Permission denied: data", Level.WRONG),
    "configuration escrow": (
        having(has_escrow_key=True),
        "the escrow's private key is on this machine",
        Level.WATCH,
    ),
    "keys": (having(keys=[key("console/private.jwk", 200)]), "has been in use for 200 days", Level.WATCH),
    "certificate soon": (
        lambda evidence: replace(evidence, certificate=Certificate(NOW + timedelta(days=20))),
        "ends on 2026-12-14",
        Level.WATCH,
    ),
    "certificate over": (
        lambda evidence: replace(evidence, certificate=Certificate(None, "certificate has expired")),
        "refused: certificate has expired",
        Level.WRONG,
    ),
    "disk low": (having(free_bytes=2 * 10**10), "only 20.0 GB (10%) are free", Level.WATCH),
    "disk full": (having(free_bytes=10**9), "only 1.0 GB (0%) are free", Level.WRONG),
    "backup old": (
        showing(of("backup", "baton_backup_base_age_seconds", 180_000, server="postgres")),
        "the newest of postgres is 50 h old",
        Level.WRONG,
    ),
    "backup behind": (
        showing(
            of("backup", "baton_backup_base_age_seconds", 3600, server="postgres"),
            of("backup", "baton_backup_received_age_seconds", 1800, server="postgres"),
        ),
        "what postgres wrote in the last 30 min is in no backup",
        Level.WRONG,
    ),
    "backup copy": (
        lambda evidence: replace(evidence, backup_at=NOW - timedelta(hours=50)),
        "the newest is 50 h old",
        Level.WRONG,
    ),
}


def said_of(evidence: Evidence) -> list[Finding]:
    return [found for found in examine(evidence) if found.level in (Level.WATCH, Level.WRONG)]


def test_an_installation_that_is_well_is_said_to_be() -> None:
    findings = examine(WELL)
    assert {found.level for found in findings} == {Level.WELL}
    assert len({found.check for found in findings}) == len(running.CHECKS) + len(standing.CHECKS) + 1  # and the schema
    assert exit_status(findings) == 0
    assert as_text(findings).splitlines()[-1] == "all that was asked is well"


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_said_alone_with_what_to_do(name: str) -> None:
    change, text, level = BROKEN[name]
    (found,) = said_of(change(WELL))
    assert text in found.text
    assert (found.check, found.level) == (
        next(one for one in sorted(CHECK_NAMES, reverse=True) if name.startswith(one)),
        level,
    )
    assert found.advice
    assert exit_status([found]) == 1


CHECK_NAMES = {found.check for found in examine(WELL)}


def test_every_check_has_been_seen_to_fail() -> None:
    assert {found.check for change, _, _ in BROKEN.values() for found in said_of(change(WELL))} == CHECK_NAMES


def test_advice_leads_to_pages_that_exist() -> None:
    advice = {found.advice for change, _, _ in BROKEN.values() for found in said_of(change(WELL))}
    pages = {word.strip(",)(") for text in advice for word in text.split() if word.strip(",)(").startswith("docs/")}
    assert len(pages) > 8
    assert {page for page in pages if not (ROOT / page).is_file()} == set()
    operations = (ROOT / "docs/operations.md").read_text()
    headings = {text.split("“")[1].split("”")[0] for text in advice if "“" in text}
    assert {heading for heading in headings if heading not in operations} == set()


def test_what_cannot_be_asked_is_neither_well_nor_wrong() -> None:
    blind = replace(WELL, samples=None, broker=None, files=None, certificate=None, backup_at=None)
    findings = {found.check: found.level for found in examine(blind)}
    well = {check for check, level in findings.items() if level is Level.WELL}
    assert well == {"services", "clocks"}
    assert set(findings.values()) == {Level.WELL, Level.NOT_ASKED}


def test_what_another_replica_measured_long_ago_is_not_believed() -> None:
    stale = showing(
        of("drug_testing", "baton_outbox_oldest_age_seconds", 400, "2"),
        of("drug_testing", "baton_relay_leader", 0, "2"),
        of("oversight", "baton_reconciliation_age_seconds", 9000, "2"),
    )
    assert said_of(stale(WELL)) == []


def test_backups_that_are_measured_are_believed_and_not_the_folder() -> None:
    fresh = [of("backup", f"baton_backup_{what}_age_seconds", 60, server="postgres") for what in ("base", "received")]
    measured = showing(*fresh)(replace(WELL, backup_at=None))
    assert [found.level for found in examine(measured) if found.check == "backup"] == [Level.WELL]


def test_programs_are_told_the_same() -> None:
    findings = examine(BROKEN["disk full"][0](WELL))
    told = json.loads(as_json(findings))
    assert told["status"] == 1
    assert [one["check"] for one in told["findings"] if one["level"] == "wrong"] == ["disk"]


def test_every_metric_that_is_asked_for_is_one() -> None:
    exposed = {metric._name for metric in vars(Metrics()).values() if hasattr(metric, "_name")}
    assert set(WANTED) <= exposed


def answering_client(pages: Mapping[str, Any]) -> httpx.Client:
    """A stand-in for an installation: what each path says, and nothing at any other."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = pages.get(request.url.path)
        if found is None:
            raise httpx.ConnectError("nobody there")
        text = {"text": found} if isinstance(found, str) else {"json": found}
        return httpx.Response(503 if request.url.path == "/health/ready" else 200, **text)

    return httpx.Client(transport=httpx.MockTransport(answer))


def test_a_service_that_is_not_ready_says_why() -> None:
    http = answering_client({"/health/ready": {"status": "not ready", "wrong": {"database": "OperationalError"}}})
    assert gathering.ask(http, "http://somewhere").wrong == {"database": "OperationalError"}
    assert gathering.ask(answering_client({}), "http://somewhere") == Answer(None)


def test_metrics_come_from_the_services_or_from_prometheus() -> None:
    metrics = Metrics()
    metrics.queue_consumers.labels("oversight.events").set(2)
    direct = answering_client({"/metrics": metrics.exposition().decode()})
    found = gathering.read_metrics(direct, {}, {"oversight": "http://somewhere"}) or []
    assert [(one.service, one.value) for one in found if one.name == "baton_queue_consumers"] == [("oversight", 2)]
    assert gathering.read_metrics(answering_client({}), {}, {"oversight": "http://somewhere"}) is None
    metric = {"__name__": "baton_relay_leader", "job": "oversight", "instance": "10.0.0.1:8000"}
    answer = {"data": {"result": [{"metric": metric, "value": [0, "1"]}]}}
    (leader,) = (
        gathering.read_metrics(answering_client({"/api/v1/query": answer}), {"PROMETHEUS_URL": "http://p/"}, {}) or []
    )
    assert (leader.service, leader.name, leader.value) == ("oversight", "baton_relay_leader", 1)


def test_the_management_names_alarms_and_nodes_that_are_away() -> None:
    node = {"name": "rabbit@b", "running": True, "mem_alarm": True, "disk_free_alarm": False}
    queue = {"name": "a.events", "members": ["x", "y", "z"], "online": ["x", "y"]}
    http = answering_client({"/api/nodes": [node, {"name": "rabbit@c", "running": False}], "/api/queues": [queue]})
    found = gathering.ask_management(http, "http://somewhere")
    assert found == Broker([QueueSeen("a.events", 3, 2)], ("rabbit@b has too little memory", "rabbit@c does not run"))
    silent = gathering.ask_management(answering_client({}), "http://somewhere")
    assert silent == Broker((), ("its management does not answer",))


def test_keys_that_others_can_read_are_found(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o755)
    for name, mode in (("private.jwk", 0o600), ("audit.jwk", 0o644)):
        (keys / name).touch(mode=mode)
        (keys / name).chmod(mode)
    found = gathering.look_at_files({"BATON_DATA": str(tmp_path)})
    assert found is not None
    assert {key.name: key.is_closed for key in found.keys} == {"private.jwk": True, "audit.jwk": False}
    assert found.missing == ["keys/public.jwks", "keys/audit.jwks", "keys/identity.json"]
    absent = gathering.look_at_files({"BATON_DATA": str(tmp_path / "nothing")})
    assert absent is not None
    assert absent.complaint is not None


def test_the_newest_file_tells_when_a_backup_was_made(tmp_path: Path) -> None:
    for name, at in (("old", 1_000), ("new", 2_000)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at, at))
    assert gathering.newest_backup(str(tmp_path)) == datetime.fromtimestamp(2_000, UTC)
    assert gathering.newest_backup(str(tmp_path / "nothing")) == datetime.fromtimestamp(0, UTC)
    assert gathering.newest_backup("") is None
