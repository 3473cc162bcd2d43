"""Does the planned faults at their times, several at once, and writes down what was done and when."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.faults.faults import Hands
from tests.faults.plan import Planned

FILE = "faults.jsonl"
AT_ONCE = 4


class Driver:
    """`run` returns when every fault is over."""

    def __init__(self, hands: Hands, folder: Path, *, say: Callable[[str], None]) -> None:
        self._hands = hands
        self._path = folder / FILE
        self._say = say
        self._lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self, planned: Sequence[Planned]) -> None:
        """All faults, none before its time, at most `AT_ONCE` at the same time."""
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fault") as hands:
            futures: list[Future[None]] = []
            for fault in planned:
                time.sleep(max(0.0, began + fault.at - time.monotonic()))
                futures.append(hands.submit(self._do, fault, began))
            for future in futures:
                future.result()

    def figures(self) -> dict[str, object]:
        """How many faults were done, and of which kinds."""
        return {"faults": sum(self.done.values()), "by_kind": dict(sorted(self.done.items()))}

    def _do(self, planned: Planned, began: float) -> None:
        from_, details = time.monotonic() - began, {}
        try:
            details = dict(self._hands.do(planned))
            self.done[planned.kind] += 1
        except Exception as failure:
            # A fault that could not be done is a failure of the run, and the others go on.
            self.failures.append(f"fault {planned.number} {planned.kind}: {type(failure).__name__}: {failure}")
            details = {"failed": self.failures[-1]}
        line = {"number": planned.number, "kind": planned.kind, "from": round(from_, 2), **details}
        self._note(line | {"until": round(time.monotonic() - began, 2)})

    def _note(self, line: dict[str, object]) -> None:
        with self._lock, open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            self._say("  ".join(f"{name}={value}" for name, value in line.items()))
