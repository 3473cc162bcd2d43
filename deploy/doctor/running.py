"""Checks of what runs: processes, versions, clocks, and the work that goes on in them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from deploy.doctor.evidence import Answer, Evidence, Sample
from deploy.doctor.findings import Finding, not_asked, runbook, watch, well, wrong
from deploy.local.stack import SERVICES
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day

CLOCK_SECONDS, CLOCK_WRONG_SECONDS = 2.0, 30.0
OUTBOX_SECONDS = 60.0
RECONCILIATION_SECONDS = 600.0
TIMER_LATE_SECONDS = 120.0
ANCHOR_GRACE = timedelta(minutes=30)  # after midnight, to sign the day before
NO_METRICS = "no service's metrics could be read; is PROMETHEUS_URL right?"
UPGRADING = "see docs/upgrading.md"

Check = Callable[[Evidence], Iterator[Finding]]


def services(evidence: Evidence) -> Iterator[Finding]:
    """Every process answers and says that it is ready."""
    for name, answer in evidence.answers.items():
        if answer.status != 200:
            yield wrong("services", f"{name} {_complaint(answer)}", runbook("ServiceDown"))
    ready = sum(answer.status == 200 for answer in evidence.answers.values())
    if ready == len(evidence.answers):
        yield well("services", f"all {ready} are ready")


def versions(evidence: Evidence) -> Iterator[Finding]:
    """One version runs everywhere, on the schema that it expects."""
    builds = evidence.values("baton_build_info")
    if not builds:
        yield not_asked("versions", NO_METRICS)
        return
    found = {one.labels["version"] for one in builds}
    if len(found) > 1:
        where = "; ".join(f"{one}: {_names(builds, one)}" for one in sorted(found))
        yield watch("versions", f"{len(found)} versions run: {where}", f"finish the upgrade, {UPGRADING}")
    else:
        yield well("versions", f"{found.pop()} everywhere")
    yield from _schemas(builds)


def clocks(evidence: Evidence) -> Iterator[Finding]:
    """The machines agree about the time: deadlines are counted from it."""
    ahead = {name: one.clock_ahead for name, one in evidence.answers.items() if one.clock_ahead is not None}
    off = {name: seconds for name, seconds in ahead.items() if abs(seconds) > CLOCK_SECONDS}
    advice = "set the clocks of both machines by NTP; deadlines and signatures depend on them"
    for name, seconds in off.items():
        say = wrong if abs(seconds) > CLOCK_WRONG_SECONDS else watch
        yield say("clocks", f"{name} is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'} of here", advice)
    if ahead and not off:
        yield well("clocks", f"{len(ahead)} agree with this machine")


def relays(evidence: Evidence) -> Iterator[Finding]:
    """In each service one process publishes."""
    leaders = {service: 0.0 for service in SERVICES if evidence.values("baton_relay_leader", service)}
    for one in evidence.values("baton_relay_leader"):
        if one.service in leaders:
            leaders[one.service] += one.value
    for service, count in leaders.items():
        if count < 1:
            yield wrong("relay", f"nobody publishes what {service} says", runbook("RelayWithoutLeader"))
        elif count > 1:
            yield watch("relay", f"{count:.0f} of {service} say that they publish", runbook("RelayWithoutLeader"))
    yield from _all_well("relay", leaders, lambda count: count == 1, "each service has one that publishes")


def outboxes(evidence: Evidence) -> Iterator[Finding]:
    """What is said leaves soon."""
    leads = {one.instance for one in evidence.values("baton_relay_leader") if one.value}
    ages: dict[str, float] = {}
    for one in evidence.values("baton_outbox_oldest_age_seconds"):
        # Only who publishes measures; what another one measured when it did is old.
        ages[one.service] = max(one.value if one.instance in leads else 0.0, ages.get(one.service, 0.0))
    for service, age in ages.items():
        if age > OUTBOX_SECONDS:
            text = f"an event of {service} has waited for {age:.0f} s to be published"
            yield wrong("outbox", text, runbook("OutboxStuck"))
    yield from _all_well("outbox", ages, lambda age: age <= OUTBOX_SECONDS, "nothing waits to be published")


def dead_letters(evidence: Evidence) -> Iterator[Finding]:
    """No message waits for a decision."""
    waiting = evidence.highest("baton_dead_letters_waiting")
    for service, count in waiting.items():
        if count:
            text = f"{count:.0f} messages wait for a decision in {service}: make ops DO=letters"
            yield watch("dead letters", text, runbook("DeadLettersWaiting"))
    yield from _all_well("dead letters", waiting, lambda count: count == 0, "none waits")


def timers(evidence: Evidence) -> Iterator[Finding]:
    """What happens by itself happens."""
    next_run: dict[str, float] = {}
    for one in evidence.values("baton_timer_next_run_timestamp_seconds"):
        name = f"{one.service} {one.labels['timer']}"
        next_run[name] = max(one.value, next_run.get(name, one.value))
    now = evidence.at.timestamp()
    for name, at in next_run.items():
        if now - at > TIMER_LATE_SECONDS:
            yield watch("timers", f"{name} should have run {_ago(now - at)} ago", runbook("TimerFailing"))
    yield from _all_well("timers", next_run, lambda at: now - at <= TIMER_LATE_SECONDS, "all have run in their time")


def reconciliation(evidence: Evidence) -> Iterator[Finding]:
    """What must agree was compared lately, and agrees."""
    ages = [one.value for one in evidence.values("baton_reconciliation_age_seconds", "oversight")]
    if not ages:
        yield not_asked("reconciliation", NO_METRICS)
        return
    age = min(ages)  # one replica compares, the others remember when they did
    if age > RECONCILIATION_SECONDS:
        yield wrong("reconciliation", f"the last comparison was {_ago(age)} ago", runbook("ReconciliationStale"))
    kinds: dict[str, float] = {}
    for one in evidence.values("baton_discrepancies"):
        kinds[one.labels["kind"]] = max(one.value, kinds.get(one.labels["kind"], 0))
    opened = {kind: count for kind, count in kinds.items() if count}
    if opened:
        text = ", ".join(f"{count:.0f} × {kind}" for kind, count in sorted(opened.items()))
        yield watch("reconciliation", f"discrepancies are open: {text}", runbook("DiscrepancyOpen"))
    elif age <= RECONCILIATION_SECONDS:
        yield well("reconciliation", "compared lately, and all agrees")


def audit(evidence: Evidence) -> Iterator[Finding]:
    """Yesterday's audit is signed."""
    until = evidence.highest("baton_audit_anchor_timestamp_seconds")
    today = start_of_day(china_day(evidence.at - ANCHOR_GRACE)).timestamp()
    for service, at in until.items():
        if at < today:
            last = f"signed until {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC" if at else "never signed"
            advice = "is AUDIT_KEY set, and its file readable? see docs/operations.md, “What is kept where”"
            yield watch("audit", f"the audit of {service} is {last}", advice)
    yield from _all_well("audit", until, lambda at: at >= today, "yesterday is signed everywhere")


CHECKS: tuple[Check, ...] = (
    services,
    versions,
    clocks,
    relays,
    outboxes,
    dead_letters,
    timers,
    reconciliation,
    audit,
)


def _complaint(answer: Answer) -> str:
    if answer.status is None:
        return "does not answer"
    said = "; ".join(f"{name}: {text}" for name, text in answer.wrong.items())
    return f"is not ready: {said}" if said else f"answers with status {answer.status}"


def _schemas(builds: list[Sample]) -> Iterator[Finding]:
    schema: dict[str, str] = {}
    for one in builds:
        schema[one.service] = max(one.labels["schema"], schema.get(one.service, ""), key=_numbers)
    behind = [one for one in builds if _numbers(one.labels["migrations"]) > _numbers(schema[one.service])]
    ahead = [one for one in builds if _numbers(one.labels["migrations"]) < _numbers(schema[one.service])]
    for one in behind:
        text = (
            f"{one.service}'s schema ({schema[one.service]}) waits for a contraction (code {one.labels['migrations']})"
        )
        yield watch("schema", text, f"restart {one.service} when nothing older runs any more, {UPGRADING}")
    for one in ahead:
        text = f"{one.service} at {one.instance} (code {one.labels['migrations']}) is older than its schema"
        yield watch("schema", f"{text} ({schema[one.service]})", f"replace it, {UPGRADING}")
    if not behind and not ahead:
        yield well("schema", f"{len(schema)} services are at their newest revision")


def _all_well(check: str, values: dict[str, float], is_well: Callable[[float], bool], text: str) -> Iterator[Finding]:
    if not values:
        yield not_asked(check, NO_METRICS)
    elif all(map(is_well, values.values())):
        yield well(check, text)


def _names(builds: list[Sample], version: str) -> str:
    return ", ".join(sorted({one.service for one in builds if one.labels["version"] == version}))


def _numbers(told: str) -> tuple[int, ...]:
    return tuple(int(part) for part in told.split(".")) if told else ()


def _ago(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 7200 else f"{seconds / 60:.0f} min"
