"""Importing a night's results: a large file with some bad rows, sent, shown, confirmed, applied; and sent once more.

Through the API of drug_testing's real process, on PostgreSQL. Each row is three acts (collected, resulted, told), each
with its event and its audit row. The process is killed with SIGKILL while it applies the xlsx file, and started again.
It counts only if every bad row is named, every good row is applied once, and the second time changes nothing.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import Engine, text

from deploy.local.processes import ManagedProcess
from services.drug_testing import store
from shared.importing.writing import XLSX
from shared.kernel.clock import FixedClock
from shared.kernel.ids import new_id
from shared.storage.engine import Storage
from shared.storage.migrations import upgrade
from shared.web.principal import Principal, Role
from shared.web.tokens import TokenIssuer
from tests.benchmarks import backlog
from tests.benchmarks.drain import service_process
from tests.benchmarks.figures import rounded
from tests.benchmarks.setting import Setting
from tests.support.spreadsheets import STATION, csv_file, night_of, waiting_orders, xlsx_file

SERVICE = "drug_testing"
BAD = 50
DEADLINE_SECONDS = 600
POLL_SECONDS = 0.25
KILL_WHEN = 0.3  # so much of the good rows is applied
_OFFICER = Principal("bench", Role.STATION_OFFICER, STATION, "430802")


def run(setting: Setting) -> dict[str, Any]:
    """Seconds and rows a second, for each form of the file."""
    backlog.declare_topology(setting.broker)
    forms = {"gb18030_csv": (lambda rows: csv_file(rows, "gb18030"), "text/csv"), "xlsx": (xlsx_file, XLSX)}
    results: dict[str, Any] = {"forms": list(forms)}
    for form, (write, kind) in forms.items():
        results[form] = _Night(setting, form).measure(write, kind, kill=form == "xlsx")
        print(f"  {form}: {results[form]}", flush=True)
    return results | {
        "rows": setting.size.import_rows,
        "bad_rows": BAD,
        "how": (
            f"{setting.size.import_rows:,} rows, {BAD} of them bad; preview: from sending to all rows checked, upload"
            " included; each row applied is three acts with events and audit; again: the same file a second time, until"
            " all rows are known to be there; the xlsx import is killed with SIGKILL in the middle and its seconds"
            " include the new start; the slowest answer is to one of the requests for progress meanwhile"
        ),
        "unit": "seconds, one process of drug_testing on PostgreSQL",
    }


class _Night:
    """A database with orders that wait, and the process that serves it."""

    def __init__(self, setting: Setting, form: str) -> None:
        self._setting, self._form = setting, form
        self._name = f"import_{form}"
        self._url = setting.postgres.create_database(self._name)
        self._ordered_at = datetime.now(UTC) - timedelta(hours=8)
        clock = FixedClock(self._ordered_at)
        storage: Storage[store.Work] = Storage(service=SERVICE, url=self._url, work=store.Work, clock=clock)
        upgrade(storage.engine, SERVICE)
        self._orders = waiting_orders(storage, setting.size.import_rows)
        self._engine: Engine = storage.engine
        self._slowest = 0.0

    def measure(self, write: Any, kind: str, *, kill: bool) -> dict[str, Any]:
        """See the module."""
        rows, spoiled = night_of(self._orders, BAD, self._ordered_at)
        content, good = write(rows), len(self._orders) - BAD
        with self._process() as process:
            process.wait_ready(60)
            began = time.monotonic()
            sent = self._send(process, content, kind)
            uploaded = time.monotonic() - began
            ready = self._until(process, sent, "ready")
            preview = time.monotonic() - began
            require(ready["counts"] == {"good": good, "bad": BAD}, ready)
            require(self._bad(process, sent) == spoiled, "every bad row is named")
            began = time.monotonic()
            self._ask(process, "POST", f"/{sent}/confirmation", json={})
            if kill:
                self._until_applied(process, sent, KILL_WHEN * good)
                process.kill()
                process.start()
                process.wait_ready(60)
            done = self._until(process, sent, "done")
            applying = time.monotonic() - began
            require(done["counts"] == {"applied": good, "bad": BAD}, done)
            events = self._events()
            require(events == len(self._orders) + 3 * good, events)
            began = time.monotonic()
            again = self._until(process, self._send(process, content, kind), "done")
            repeated = time.monotonic() - began
            require(again["counts"] == {"known": good, "bad": BAD}, again)
            require(self._events() == events, "the second time changes nothing")
        self._engine.dispose()
        self._setting.postgres.drop_database(self._name)
        return {
            "megabytes": rounded(len(content) / 1e6),
            "upload_seconds": rounded(uploaded),
            "preview_seconds": rounded(preview),
            "preview_rows_a_second": rounded(len(self._orders) / preview),
            "apply_seconds": rounded(applying),
            "apply_rows_a_second": rounded(good / applying),
            "again_seconds": rounded(repeated),
            "slowest_answer_ms": rounded(1000 * self._slowest),
            "killed_in_the_middle": kill,
        }

    def _process(self) -> Any:
        return service_process(self._setting, SERVICE, self._url, name=self._name)

    def _send(self, process: ManagedProcess, content: bytes, kind: str) -> str:
        sent = self._ask(process, "POST", "", content=content, headers={"Content-Type": kind})
        return str(sent["id"])

    def _bad(self, process: ManagedProcess, import_id: str) -> list[int]:
        rows = self._ask(process, "GET", f"/{import_id}/rows?state=bad&limit=200")["items"]
        require(all(row["faults"] for row in rows), "every bad row has its reason")
        return [row["number"] for row in rows]

    def _until(self, process: ManagedProcess, import_id: str, state: str) -> dict[str, Any]:
        until = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < until:
            began = time.monotonic()
            found = self._ask(process, "GET", f"/{import_id}")
            self._slowest = max(self._slowest, time.monotonic() - began)
            if found["state"] == state:
                return found
            time.sleep(POLL_SECONDS)
        raise TimeoutError(state)

    def _until_applied(self, process: ManagedProcess, import_id: str, number: float) -> None:
        until = time.monotonic() + DEADLINE_SECONDS
        while self._ask(process, "GET", f"/{import_id}")["counts"].get("applied", 0) < number:
            if time.monotonic() > until:
                raise TimeoutError(number)
            time.sleep(POLL_SECONDS)

    def _ask(self, process: ManagedProcess, method: str, path: str, **options: Any) -> dict[str, Any]:
        issuer = TokenIssuer.from_file(self._setting.folder / "keys" / "private.jwk")
        headers = {"Authorization": f"Bearer {issuer.issue(_OFFICER)}", "Idempotency-Key": str(new_id())}
        headers |= options.pop("headers", {})
        url = f"{process.url}/result-imports{path}"
        answer = httpx.request(method, url, headers=headers, timeout=DEADLINE_SECONDS, **options)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def _events(self) -> int:
        count = text(f"select count(*) from {SERVICE}.event_log where type like 'test.%'")
        with self._engine.connect() as connection:
            found: int = connection.execute(count).scalar_one()
        return found


def require(is_so: bool, told: Any) -> None:
    """A figure of wrong work is no figure.

    Raises: RuntimeError.
    """
    if not is_so:
        raise RuntimeError(str(told)[:500])
