"""``python -m deploy.growth``: from a county to a country, reckoned from what was measured, as tables for the page.

What is measured stands in ``docs/benchmarks``; what is asked of a cluster stands in the manifests; what is supposed
stands here, and in the page. A test fails when the page says other sums than these.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from deploy.local.stack import ROOT, SERVICES
from shared.storage.streams import AT_LEAST_EVERY, LINGER

PAGE = ROOT / "docs" / "operations-kubernetes.md"
BENCHMARKS = ROOT / "docs" / "benchmarks"
OVERLAYS = ROOT / "deploy" / "k8s" / "overlays"
SIZES = {"county": 0.4, "city": 1.5, "province": 66.0, "country": 1410.0}  # millions of inhabitants
# Supposed, until an installation knows better.
PERSONS_A_YEAR = 1600  # with a case, for each million inhabitants: what `make year` supposes of a city of 1.5 million
WORKING_SECONDS = 250 * 8 * 3600  # a year's events come in these
PEAK = 5  # times the mean of the working hours
PRICES = {"cores": 60.0, "memory": 15.0, "disk": 1.0}  # yuan a month for a core, a GiB of memory, a GiB of disk
GIB = 2**30
_UNITS = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "": 1}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured."""

    events_per_person: float
    lasting: int  # bytes for each event
    wal: int
    drain: int  # events a second, by one process of one service

    @classmethod
    def read(cls) -> "Measured":
        """From the benchmarks' files."""
        storage = json.loads((BENCHMARKS / "storage.json").read_text())
        drain = json.loads((BENCHMARKS / "latest.json").read_text())["drain"]["baton"]
        persons = storage["people"] + storage["inmates"]
        return cls(
            storage["events"] / persons, storage["lasting_bytes_per_event"], storage["wal_bytes_per_event"], drain
        )


def load(measured: Measured) -> list[str]:
    """What comes, and what it leaves, for each size."""
    lines = [
        "| | inhabitants | persons a year | events a day | at the peak | of what one process works off "
        "| a day's outage is caught up in | lasting storage a year | WAL a year |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, millions in SIZES.items():
        persons = millions * PERSONS_A_YEAR
        events = persons * measured.events_per_person
        peak = events / WORKING_SECONDS * PEAK
        lines.append(
            f"| {name} | {millions:g} million | {persons:,.0f} | {events / 365:,.0f} | {peak:.2g}/s "
            f"| {peak / measured.drain * 100:.1g} % | {events / 365 / measured.drain:.2g} s "
            f"| {_gigabytes(events * measured.lasting)} | {_gigabytes(events * measured.wal)} |"
        )
    least, most = (len(SERVICES) * (timedelta(days=1) / every) for every in (AT_LEAST_EVERY, LINGER))
    lines.append(
        f"| besides, in each installation: what its services state of what they said | | | {least:,.0f} to {most:,.0f} "
        f"| {most / 86_400:.1g}/s | {most / 86_400 / measured.drain * 100:.1g} % | {most / measured.drain:.2g} s "
        f"| at most {_gigabytes(most * 365 * measured.lasting)} | at most {_gigabytes(most * 365 * measured.wal)} |"
    )
    return lines


def cost() -> list[str]:
    """What each overlay asks of a cluster, and what that costs at the supposed prices."""
    lines = ["| overlay | pods | cores | memory | disk | yuan a month |", "| --- | --- | --- | --- | --- | --- |"]
    for overlay in sorted(path.name for path in OVERLAYS.iterdir()):
        asked = [one for manifest in _manifests(overlay) for one in _asked(manifest)]
        pods, cores, memory, disk = (sum(column) for column in zip(*asked, strict=True))
        price = cores * PRICES["cores"] + memory / GIB * PRICES["memory"] + disk / GIB * PRICES["disk"]
        lines.append(
            f"| {overlay} | {pods:.0f} | {cores:.1f} | {memory / GIB:.0f} GiB | {disk / GIB:.0f} GiB | {price:,.0f} |"
        )
    return lines


def rendered(page: str) -> str:
    """The page with its tables as they are reckoned now."""
    for name, lines in (("load", load(Measured.read())), ("cost", cost())):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        page = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    return page


def _manifests(overlay: str) -> list[dict[str, Any]]:
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", OVERLAYS / overlay], capture_output=True, text=True, check=True)
    found = list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))
    scaled = {one["metadata"]["name"]: one["spec"]["minReplicaCount"] for one in found if one["kind"] == "ScaledObject"}
    for one in found:
        if one["kind"] == "Deployment":
            one["spec"].setdefault("replicas", scaled.get(one["metadata"]["name"], 1))
    return found


def _asked(manifest: dict[str, Any]) -> Iterator[tuple[float, float, float, float]]:
    """Pods, cores, bytes of memory and of disk of what runs all the time."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Deployment":
        requests = spec["template"]["spec"]["containers"][0]["resources"]["requests"]
        count, disks = spec["replicas"], []
    elif manifest["kind"] == "RabbitmqCluster":
        requests, count, disks = spec["resources"]["requests"], spec["replicas"], [spec["persistence"]["storage"]]
    elif manifest["kind"] == "Cluster":
        requests, count = spec["resources"]["requests"], spec["instances"]
        disks = [spec[name]["size"] for name in ("storage", "walStorage") if name in spec]
    else:
        return
    cores, memory, disk = _number(requests["cpu"]), _number(requests["memory"]), sum(map(_number, disks))
    yield count, count * cores, count * memory, count * disk


def _number(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(text))
    assert found is not None, text
    return float(found[1]) * _UNITS[found[2]]


def _gigabytes(amount: float) -> str:
    return f"{amount / 1e9:.2g} GB" if amount < 1e11 else f"{amount / 1e9:.0f} GB"


def main() -> int:
    """The command line."""
    PAGE.write_text(rendered(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
