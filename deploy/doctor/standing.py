"""Checks of what stands around the processes: the broker, keys, certificate, disk, backups, configuration."""

from collections.abc import Iterator
from datetime import timedelta

from deploy.doctor.evidence import Evidence
from deploy.doctor.findings import Finding, not_asked, runbook, watch, well, wrong
from deploy.doctor.running import NO_METRICS, Check

CERTIFICATE_DAYS, CERTIFICATE_WRONG_DAYS = 30, 7
DISK_SHARE, DISK_WRONG_SHARE = 0.15, 0.05
BASE_AGE, BASE_SECONDS = "baton_backup_base_age_seconds", 30 * 3600.0  # one a day, and time to make it
RECEIVED_AGE, RECEIVED_SECONDS = "baton_backup_received_age_seconds", 600.0
BACKUP_AGE = timedelta(hours=30)
# After how many days a key is old. How to rotate each: docs/operations.md.
KEY_DAYS = {"private.jwk": 180, "audit.jwk": 400, "identity.json": 400}
ALARM_PREFIX = "rabbitmq_alarms_"
ROTATING = "see docs/operations.md, “Rotating keys”"


def broker(evidence: Evidence) -> Iterator[Finding]:
    """It takes what is said."""
    blocked = evidence.highest("baton_broker_blocked")
    alarms = {*(evidence.broker.alarms if evidence.broker else ()), *_alarms(evidence)}
    for service in sorted(service for service, value in blocked.items() if value):
        yield wrong("broker", f"it takes nothing from {service}", runbook("BrokerBlocked"))
    for alarm in sorted(alarms):
        yield wrong("broker", f"alarm: {alarm}", runbook("BrokerBlocked"))
    if not blocked:
        yield not_asked("broker", NO_METRICS)
    elif not any(blocked.values()) and not alarms:
        yield well("broker", "reachable, and no alarm")


def consumers(evidence: Evidence) -> Iterator[Finding]:
    """Somebody takes from every queue."""
    taking: dict[str, float] = {}
    waiting: dict[str, float] = {}
    for name, into in (("baton_queue_consumers", taking), ("baton_queue_messages", waiting)):
        for one in evidence.values(name):
            into[one.labels["queue"]] = max(one.value, into.get(one.labels["queue"], 0))
    idle = sorted(queue for queue, count in taking.items() if not count)
    for queue in idle:
        text = f"nobody takes from {queue}, where {waiting.get(queue, 0):.0f} wait"
        yield wrong("queues", text, runbook("ConsumerStalled"))
    if not taking:
        yield not_asked("queues", NO_METRICS)
    elif not idle:
        yield well("queues", f"all {len(taking)} have somebody who takes from them")


def members(evidence: Evidence) -> Iterator[Finding]:
    """Every queue has all its nodes."""
    if evidence.broker is None:
        yield not_asked("quorum", "set RABBITMQ_MANAGEMENT_URL to have the queues' nodes counted")
        return
    short = [queue for queue in evidence.broker.queues if queue.online < queue.members]
    for queue in short:
        say = wrong if queue.online * 2 <= queue.members else watch
        yield say("quorum", f"{queue.name}: {queue.online} of {queue.members} nodes are there", runbook("ServiceDown"))
    if not short:
        yield well("quorum", f"all {len(evidence.broker.queues)} queues have all their nodes")


def configuration(evidence: Evidence) -> Iterator[Finding]:
    """What must be there is there, and for its owner only."""
    files = evidence.files
    if files is None:
        yield not_asked("configuration", "set BATON_SECRETS or BATON_DATA to have keys and disk looked at")
        return
    if files.complaint is not None:
        yield wrong("configuration", files.complaint, "run it as the owner of that folder, or name the right one")
        return
    opened = [key.name for key in files.keys if not key.is_closed]
    for name in files.missing:
        yield wrong("configuration", f"{name} is missing", "see docs/operations.md, “Installing it for real”")
    for name in opened:
        yield wrong("configuration", f"{name} can be read by others", f"chmod go= it, and rotate it: {ROTATING}")
    if files.has_escrow_key:
        advice = "move it away; only a court's order needs it (docs/operations.md)"
        yield watch("configuration", "the escrow's private key is on this machine", advice)
    if not files.missing and not opened and not files.has_escrow_key:
        yield well("configuration", f"{len(files.keys)} keys are there and closed to others")


def keys(evidence: Evidence) -> Iterator[Finding]:
    """No key is in use for too long."""
    if evidence.files is None or not evidence.files.keys:
        return
    ages = {key.name: (evidence.at - key.changed_at).days for key in evidence.files.keys}
    old = {name: days for name, days in ages.items() if days > KEY_DAYS.get(name.rpartition("/")[2], 10_000)}
    for name, days in old.items():
        yield watch("keys", f"{name} has been in use for {days} days", f"rotate it, {ROTATING}")
    if not old:
        yield well("keys", f"the oldest is {max(ages.values())} days old")


def certificate(evidence: Evidence) -> Iterator[Finding]:
    """The front door's certificate holds for a while."""
    found = evidence.certificate
    if found is None:
        return
    if found.ends_at is None:
        yield wrong("certificate", f"refused: {found.complaint}", ROTATING)
        return
    days = (found.ends_at - evidence.at).days
    if days >= CERTIFICATE_DAYS:
        yield well("certificate", f"holds for {days} days")
        return
    say = wrong if days < CERTIFICATE_WRONG_DAYS else watch
    yield say("certificate", f"ends on {found.ends_at:%Y-%m-%d}", f"replace it, {ROTATING}")


def disk(evidence: Evidence) -> Iterator[Finding]:
    """There is room for what will be written."""
    files = evidence.files
    if files is None or not files.total_bytes:
        return
    share, free = files.free_bytes / files.total_bytes, f"{files.free_bytes / 1e9:.1f} GB"
    if share >= DISK_SHARE:
        yield well("disk", f"{free} are free")
        return
    say = wrong if share < DISK_WRONG_SHARE else watch
    yield say("disk", f"only {free} ({share:.0%}) are free at {files.folder}", runbook("BrokerDiskLow"))


def backup(evidence: Evidence) -> Iterator[Finding]:
    """A backup was made lately, and what was written since is in it."""
    if not evidence.values(BASE_AGE):
        yield _copy(evidence)
        return
    old = _over(evidence, BASE_AGE, BASE_SECONDS)
    behind = _over(evidence, RECEIVED_AGE, RECEIVED_SECONDS)
    for server, seconds in old.items():
        yield wrong("backup", f"the newest of {server} is {seconds / 3600:.0f} h old", runbook("BackupOld"))
    for server, seconds in behind.items():
        text = f"what {server} wrote in the last {seconds / 60:.0f} min is in no backup"
        yield wrong("backup", text, runbook("BackupBehind"))
    if not old and not behind:
        yield well("backup", "of every server, and up to the last minutes")


CHECKS: tuple[Check, ...] = (broker, consumers, members, configuration, keys, certificate, disk, backup)


def _copy(evidence: Evidence) -> Finding:
    """Where nobody measures backups: the newest file of a folder that was named."""
    if evidence.backup_at is None:
        return not_asked("backup", "nobody measures it; set BATON_BACKUPS to the folder of the backups")
    age = evidence.at - evidence.backup_at
    text = f"the newest is {age.total_seconds() / 3600:.0f} h old"
    if age > BACKUP_AGE:
        return wrong("backup", text, runbook("BackupOld"))
    return well("backup", text)


def _over(evidence: Evidence, name: str, limit: float) -> dict[str, float]:
    """The servers of which a metric is above its limit, and by how much it is."""
    ages: dict[str, float] = {}
    for one in evidence.values(name):
        ages[one.labels["server"]] = max(one.value, ages.get(one.labels["server"], 0.0))
    return {server: seconds for server, seconds in ages.items() if seconds > limit}


def _alarms(evidence: Evidence) -> set[str]:
    """The alarms that the broker's own metrics show."""
    shown = [one for one in evidence.samples or () if one.name.startswith(ALARM_PREFIX)]
    return {one.name.removeprefix(ALARM_PREFIX) for one in shown if one.value}
