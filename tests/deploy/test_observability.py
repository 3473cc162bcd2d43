"""What is watched exists, what alarms was tested, and whoever is woken finds a page that says what to do."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deploy.backup import exporter
from deploy.local.stack import IDENTITY, ROOT, SERVICES
from deploy.local.system_packages import program
from deploy.observability.dashboards import DASHBOARDS, FOLDER, expressions, rendered
from shared.contracts.catalogue import CATALOGUE
from shared.observability.metrics import Metrics

OBSERVABILITY = ROOT / "deploy" / "observability"
PROMETHEUS = OBSERVABILITY / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
SECTIONS = ("## What it means", "## Look", "## Do")
# What Prometheus adds, and what stands in the labels of others' metrics.
FOREIGN_LABELS = {"job", "instance", "le", "code", "handler", "datname", "state"}
FOREIGN = {
    line
    for line in (OBSERVABILITY / "foreign_metrics.txt").read_text().splitlines()
    if line and not line.startswith("#")
}


def rules(kind: str) -> list[dict[str, Any]]:
    loaded = [yaml.safe_load(path.read_text()) for path in RULES]
    return [rule for file in loaded for group in file["groups"] for rule in group["rules"] if kind in rule]


ALERTS = {rule["alert"]: rule for rule in rules("alert")}
RECORDS = {rule["record"] for rule in rules("record")}


@cache
def exposed() -> dict[str, set[str]]:
    """Every sample that a service or the backups' exporter can expose, as it is exposed, with its labels."""
    metrics = Metrics()
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            one = metric.labels(*metric._labelnames) if metric._labelnames else metric
            one.observe(1) if isinstance(one, Histogram) else one.inc()
    found: dict[str, set[str]] = {}
    backups = generate_latest(exporter.registry([Path("server")]))
    for family in text_string_to_metric_families((metrics.exposition() + backups).decode().replace("# EOF\n", "")):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run([program("promtool"), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names_in(expression: str) -> set[str]:
    """The names of metrics in an expression: what is neither a function, a keyword, a label nor a text."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\b[a-z_]+\s*\(", "(", bare)
    words = set(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", bare))
    return words - {"and", "or", "unless", "by", "on", "vector", "bool"}


def labels_in(expression: str) -> set[str]:
    matchers = "".join(re.findall(r"\{([^}]*)\}", expression))
    grouped = ",".join(re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression))
    named = re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers)
    return {*named, *(part.strip() for part in grouped.split(",") if part.strip())}


EXPRESSIONS = [
    *(expression for dashboard in DASHBOARDS.values() for expression in expressions(dashboard)),
    *(rule["expr"] for rule in (*rules("alert"), *rules("record"))),
]


def test_the_names_of_metrics_are_found_in_an_expression() -> None:
    asked = 'sum by (job) (rate(a_total{status=~"5.."}[5m])) or 0 * time() - max(b:c) and on (job) up{job="x"} == 1'
    assert names_in(asked) == {"a_total", "b:c", "up"}
    assert labels_in(asked) == {"job", "status"}


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_everything_asked_for_is_exposed_by_somebody(expression: str) -> None:
    names = names_in(expression)
    assert names, "it asks for nothing"
    unknown = names - set(exposed()) - FOREIGN - RECORDS
    assert unknown == set()
    known = set().union(*(exposed().get(name, set()) for name in names)) | FOREIGN_LABELS
    assert labels_in(expression) <= known


def test_a_metric_that_nobody_exposes_would_be_found() -> None:
    assert names_in("max(baton_nothing_of_this_name)") - set(exposed()) == {"baton_nothing_of_this_name"}


def test_an_event_that_a_panel_counts_is_an_event() -> None:
    counted = {event for text in EXPRESSIONS for event in re.findall(r'event="([^"]+)"', text)}
    assert counted
    assert counted <= set(CATALOGUE)


def test_a_kind_that_is_watched_is_an_aggregate() -> None:
    watched = {
        kind
        for text in EXPRESSIONS
        if "baton_due" in text or "baton_overdue" in text
        for kinds in re.findall(r'kind=~?"([^"]+)"', text)
        for kind in kinds.split("|")
    }
    assert {"test_order", "order", "handover_task"} <= watched
    assert watched <= {contract.aggregate for contract in CATALOGUE.values()}


@pytest.mark.parametrize("name", sorted(DASHBOARDS))
def test_the_dashboards_are_those_that_the_code_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == rendered(DASHBOARDS[name])


def test_no_dashboard_is_written_by_hand() -> None:
    assert {path.name for path in FOLDER.glob("*")} == set(DASHBOARDS)


@pytest.mark.parametrize("name", sorted(DASHBOARDS))
def test_panels_lie_beside_each_other_and_each_says_what_it_means(name: str) -> None:
    told = json.loads((FOLDER / name).read_text())
    taken: set[tuple[int, int]] = set()
    for panel in told["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or panel["description"]
    assert len({panel["id"] for panel in told["panels"]}) == len(told["panels"])


def test_grafana_is_given_the_source_and_the_folder_that_the_dashboards_name() -> None:
    (source,) = yaml.safe_load((OBSERVABILITY / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    used = {
        panel["datasource"]["uid"]
        for name in DASHBOARDS
        for panel in json.loads((FOLDER / name).read_text())["panels"]
        if panel["type"] != "row"
    }
    assert used == {source["uid"]}


def test_the_rules_are_rules_and_do_what_they_say() -> None:
    promtool("check", "rules", *RULES)
    promtool("test", "rules", *TESTS)
    promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")


def test_a_wrong_rule_fails_its_test(tmp_path: Path) -> None:
    for path in (*RULES, *TESTS):
        target = tmp_path / path.relative_to(PROMETHEUS)
        target.parent.mkdir(exist_ok=True)
        target.write_text(path.read_text().replace("> 60\n", "> 6000\n"))
    done = subprocess.run([program("promtool"), "test", "rules", tmp_path / "tests" / "machinery.yml"])
    assert done.returncode == 1


@cache
def rule_cases() -> list[dict[str, Any]]:
    loaded = [yaml.safe_load(path.read_text()) for path in TESTS]
    return [case for file in loaded for test in file["tests"] for case in test["alert_rule_test"]]


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_every_alert_was_seen_to_fire_and_to_be_silent(alert: str) -> None:
    expected = [bool(case["exp_alerts"]) for case in rule_cases() if case["alertname"] == alert]
    assert set(expected) == {True, False}


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_every_alert_has_a_page_that_says_what_to_do(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{alert}.md"
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("page", "ticket")
    page = (RUNBOOKS / f"{alert}.md").read_text()
    assert page.startswith(f"# {alert}\n")
    assert [section for section in SECTIONS if section not in page] == []


def test_there_is_no_page_for_an_alert_that_is_not_there() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == set(ALERTS)
    index = (RUNBOOKS / "README.md").read_text()
    assert [alert for alert in ALERTS if f"[{alert}]({alert}.md)" not in index] == []


def test_a_page_names_metrics_and_events_that_there_are() -> None:
    known = set(exposed()) | FOREIGN
    families = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in known}
    for path in RUNBOOKS.glob("*.md"):
        named = set(re.findall(r"\bbaton_[a-z_]+", path.read_text()))
        assert named <= known | families, path.name


def test_an_alert_reaches_somebody_by_its_severity() -> None:
    told = yaml.safe_load((OBSERVABILITY / "alertmanager/alertmanager.yml").read_text())
    receivers = {receiver["name"]: receiver for receiver in told["receivers"]}
    assert told["route"]["receiver"] == "ticket"
    (page,) = told["route"]["routes"]
    assert (page["matchers"], page["receiver"]) == (['severity="page"'], "page")
    assert all(receiver["webhook_configs"] for receiver in receivers.values())
    silenced = {
        name
        for rule in told["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        for name in re.findall(r'alertname=~?"([^"]+)"', matcher)
    }
    assert {part for name in silenced for part in name.split("|")} <= set(ALERTS)


def test_prometheus_asks_every_service() -> None:
    told = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    (services,) = [job for job in told["scrape_configs"] if job["job_name"] == "services"]
    assert services["dns_sd_configs"][0]["names"] == [*SERVICES, IDENTITY]


def test_no_metric_has_a_label_that_could_name_a_person() -> None:
    labels = set().union(*exposed().values())
    assert labels <= {
        "method", "route", "status", "event", "outcome", "reason", "command",
        "queue", "timer", "table", "kind", "server", "channel", "le", "version", "migrations", "schema",
        "known_by",
    }  # fmt: skip
