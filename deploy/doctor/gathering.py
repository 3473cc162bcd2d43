"""Asks an installation: its services, their metrics, the broker, the front door, the disk. Whatever does not answer in
time is missing in the evidence, or stands there as not answering.

| variable | what is asked |
| --- | --- |
| ``BASE_URL`` | the installation behind this front door; else the one on this machine, at its services' own ports |
| ``PROMETHEUS_URL`` | the services' metrics; behind a front door by default the one on this machine |
| ``RABBITMQ_MANAGEMENT_URL`` | the nodes and their queues, with user and password in the address |
| ``BATON_SECRETS``, ``BATON_DATA`` | keys and disk |
| ``BATON_BACKUPS`` | the folder of the backups, whose newest file tells when one was made last |
"""

import os
import shutil
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.compose.secret_files import missing
from deploy.doctor.evidence import Answer, Broker, Certificate, Evidence, Files, KeyFile, QueueSeen, Sample
from deploy.local.where import SECRETS, trusted, urls_from_environment

PATIENCE_SECONDS = 3.0
PROMETHEUS = "http://localhost:9090"
WANTED = (
    "baton_audit_anchor_timestamp_seconds",
    "baton_broker_blocked",
    "baton_build_info",
    "baton_dead_letters_waiting",
    "baton_discrepancies",
    "baton_outbox_oldest_age_seconds",
    "baton_queue_consumers",
    "baton_queue_messages",
    "baton_reconciliation_age_seconds",
    "baton_relay_leader",
    "baton_timer_next_run_timestamp_seconds",
)
_OTHERS = ("rabbitmq_alarms_.+", "baton_backup_.+")  # which only Prometheus knows
_KEYS = ("*.jwk", "*.key", "identity.json", "amqp-uri", "*database-url", "*password", "*-secret")
_EMBEDDED = ("private.jwk", "public.jwks", "audit.jwk", "audit.jwks", "identity.json")
_ESCROW = "escrow-private.key"


def gather(env: Mapping[str, str]) -> Evidence:
    """Ask everything at once, so that what does not answer costs its patience once."""
    context = trusted(env)
    with (
        httpx.Client(timeout=PATIENCE_SECONDS, verify=context, trust_env=False) as http,
        ThreadPoolExecutor(16) as pool,
    ):
        urls = urls_from_environment(env)
        answers = {name: pool.submit(ask, http, url) for name, url in urls.items()}
        samples = pool.submit(read_metrics, http, env, urls)
        broker = pool.submit(ask_management, http, env.get("RABBITMQ_MANAGEMENT_URL", ""))
        certificate = pool.submit(look_at_certificate, env.get("BASE_URL", ""), context)
        return Evidence(
            at=datetime.now(UTC),
            answers={name: answer.result() for name, answer in answers.items()},
            samples=samples.result(),
            broker=broker.result(),
            files=look_at_files(env),
            certificate=certificate.result(),
            backup_at=newest_backup(env.get("BATON_BACKUPS", "")),
        )


def ask(http: httpx.Client, url: str) -> Answer:
    """Whether a process is ready, and what its clock says."""
    before = time.time()
    try:
        response = http.get(f"{url}/health/ready")
    except httpx.HTTPError:
        return Answer(None)
    here = (before + time.time()) / 2
    return Answer(response.status_code, _complaints(response), _ahead(response.headers.get("date"), here))


def read_metrics(http: httpx.Client, env: Mapping[str, str], urls: Mapping[str, str]) -> list[Sample] | None:
    """The services' metrics: from Prometheus where there is one, else from themselves. None when nobody answers."""
    prometheus = env.get("PROMETHEUS_URL") or (PROMETHEUS if env.get("BASE_URL") else "")
    if prometheus:
        return _from_prometheus(http, prometheus.rstrip("/"))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: _from_service(http, *one), urls.items()))
    return [sample for samples in found for sample in samples or ()] if any(found) else None


def ask_management(http: httpx.Client, url: str) -> Broker | None:
    """The broker's nodes and queues, from the API of its management."""
    if not url:
        return None
    try:
        queues, nodes = (_json(http, f"{url.rstrip('/')}/api/{what}") for what in ("queues", "nodes"))
    except (httpx.HTTPError, ValueError):
        return Broker((), ("its management does not answer",))
    seen = [
        QueueSeen(one["name"], len(one["members"]), len(one.get("online", ()))) for one in queues if "members" in one
    ]
    return Broker(seen, tuple(_alarms(nodes)))


def look_at_certificate(url: str, context: ssl.SSLContext) -> Certificate | None:
    """The front door's certificate, if the door has one."""
    door = urlsplit(url)
    if door.scheme != "https" or not door.hostname:
        return None
    try:
        with (
            socket.create_connection((door.hostname, door.port or 443), PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=door.hostname) as secure,
        ):
            told: Any = secure.getpeercert()
    except ssl.SSLCertVerificationError as error:
        return Certificate(None, error.verify_message)
    except OSError as error:
        return Certificate(None, type(error).__name__)
    return Certificate(datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), UTC))


def look_at_files(env: Mapping[str, str]) -> Files | None:
    """Keys and disk: the secrets of an installation behind a front door, else the data folder of this machine."""
    behind_door = bool(env.get("BASE_URL"))
    folder = Path(env.get("BATON_SECRETS") or SECRETS) if behind_door else Path(env.get("BATON_DATA") or "data")
    if behind_door and not env.get("BATON_SECRETS") and not (folder / "people").is_dir():
        return None  # it is somewhere else, and nobody said where
    try:
        usage = shutil.disk_usage(folder)
        where = folder if behind_door else folder / "keys"
        found = sorted({path for pattern in _KEYS for path in where.rglob(pattern) if path.is_file()})
        absent = missing(folder) if behind_door else [f"keys/{one}" for one in _EMBEDDED if not (where / one).is_file()]
        keys = [_key(path, where) for path in found]
        escrow = behind_door and (folder / "people" / _ESCROW).exists()
        return Files(folder, keys, absent, usage.free, usage.total, escrow)
    except OSError as error:
        return Files(folder, (), (), 0, 0, complaint=f"{error.strerror}: {error.filename}")


def newest_backup(folder: str) -> datetime | None:
    """When the newest file below a folder was written."""
    if not folder:
        return None
    written = [path.stat().st_mtime for path in Path(folder).rglob("*") if path.is_file()]
    return datetime.fromtimestamp(max(written, default=0.0), UTC)


def _complaints(response: httpx.Response) -> dict[str, str]:
    try:
        told = response.json()
        return {str(name): str(text) for name, text in told["wrong"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _ahead(date: str | None, here: float) -> float | None:
    """A Date header is cut off to the second."""
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp() + 0.5 - here
    except ValueError:
        return None


def _from_service(http: httpx.Client, service: str, url: str) -> list[Sample] | None:
    try:
        text = http.get(f"{url}/metrics").raise_for_status().text
    except httpx.HTTPError:
        return None
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return [Sample(service, url, one.name, one.labels, one.value) for one in samples if one.name in WANTED]


def _from_prometheus(http: httpx.Client, url: str) -> list[Sample] | None:
    names = "|".join((*WANTED, *_OTHERS))
    try:
        answer = http.get(f"{url}/api/v1/query", params={"query": f'{{__name__=~"{names}"}}'}).raise_for_status()
        return [_told(one["metric"], one["value"][1]) for one in answer.json()["data"]["result"]]
    except (httpx.HTTPError, ValueError, KeyError):
        return None


def _told(metric: dict[str, str], value: str) -> Sample:
    return Sample(metric["job"], metric["instance"], metric["__name__"], metric, float(value))


def _json(http: httpx.Client, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get(url).raise_for_status().json()
    return found


def _alarms(nodes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes:
        if not node.get("running", True):
            yield f"{node['name']} does not run"
        for alarm, words in (("mem_alarm", "memory"), ("disk_free_alarm", "disk")):
            if node.get(alarm):
                yield f"{node['name']} has too little {words}"


def _key(path: Path, folder: Path) -> KeyFile:
    """A container sees its own folder only, so there the folder above all of them is what keeps others out."""
    status, above = path.stat(), folder.stat()
    closed = not status.st_mode & 0o077 or not above.st_mode & 0o077
    name = str(path.relative_to(folder))
    return KeyFile(name, datetime.fromtimestamp(status.st_mtime, UTC), closed and os.access(path, os.R_OK))
