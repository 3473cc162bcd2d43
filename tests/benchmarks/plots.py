"""The plots, as SVG. Runs in the benchmark's own environment: ``python plots.py latest.json FOLDER``."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "baton", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False})

import matplotlib.pyplot as plt  # noqa: E402 - after the choice of what draws

OURS, THEIRS = "#0b6e8a", "#b8c4cc"
PERCENTILES = ("p50_ms", "p95_ms", "p99_ms", "p99_9_ms")


def main(results: Mapping[str, Any], folder: Path) -> None:
    """One file for each part that was measured."""
    for part, draw in PLOTS.items():
        if part in results:
            figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
            draw(axes, results[part])
            figure.savefig(folder / f"{part}.svg", metadata={"Date": None})
            plt.close(figure)


def _rates(names: Sequence[str]) -> Any:
    def draw(axes: Any, part: Mapping[str, Any]) -> None:
        shown = [name for name in names if name in part]
        values = [part[name] for name in shown]
        spread = [part["spread"][name] for name in shown]
        errors = [
            [value - least for value, (least, _) in zip(values, spread, strict=True)],
            [most - value for value, (_, most) in zip(values, spread, strict=True)],
        ]
        colours = [OURS if name.startswith(("baton", "replicas")) else THEIRS for name in shown]
        axes.barh([_words(name) for name in shown], values, xerr=errors, color=colours, capsize=3)
        axes.invert_yaxis()
        axes.set_xlabel(part["unit"].partition(",")[0])

    return draw


def _latency(axes: Any, part: Mapping[str, Any]) -> None:
    for at in (value for name, value in part.items() if name.startswith("at_")):
        values = [at[name] for name in PERCENTILES]
        axes.plot(range(len(values)), values, marker="o", label=f"{at['offered_a_second']} a second")
    axes.set_xticks(range(len(PERCENTILES)), ["p50", "p95", "p99", "p99.9"])
    axes.axhline(100, color=THEIRS, linestyle="--", linewidth=1)
    axes.set_yscale("log")
    axes.set_ylabel("milliseconds, POST to task")
    axes.legend(frameon=False)


def _growth(axes: Any, part: Mapping[str, Any]) -> None:
    series = {"drain": part["drain"], **part["ms"]}
    for name, by_size in series.items():
        values = list(by_size.values())
        slower = [values[0] / value if name == "drain" else value / values[0] for value in values]
        axes.plot(part["tasks"], slower, marker="o", label=_words(name))
    axes.axhline(1.3, color=THEIRS, linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(0, max(2.0, axes.get_ylim()[1]))
    axes.set_xlabel("tasks in the database")
    axes.set_ylabel("times slower than the least")
    axes.legend(frameon=False, fontsize=8)


def _memory(axes: Any, part: Mapping[str, Any]) -> None:
    names = list(part["idle"])
    axes.barh(names, [part["under_load"][name] for name in names], color=THEIRS, label="under load")
    axes.barh(names, [part["idle"][name] for name in names], color=OURS, height=0.45, label="idle")
    axes.invert_yaxis()
    axes.set_xlabel("megabytes")
    axes.legend(frameon=False)


def _words(name: str) -> str:
    return name.replace("_", " ")


PLOTS = {
    "drain": _rates(("baton", "plain_nameko", "faststream", "bare")),
    "acceptance": _rates(("baton", "plain_flask", "pgbench")),
    "latency": _latency,
    "growth": _growth,
    "scale_out": _rates(("replicas_1", "replicas_2", "replicas_4")),
    "memory": _memory,
}

if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
