"""The readable table: ``docs/benchmarks/README.md``, written from ``latest.json`` and nothing else."""

from collections.abc import Iterable, Mapping
from typing import Any

TITLE = """# Benchmarks

Written by `make bench` from [latest.json](latest.json). Everything in one part was measured in one run, in turn
(A B A B), on the same servers; the figures are medians of the rounds, with the least and the greatest.
`make bench ONLY=drain` runs one part; `SIZE=quick` is shorter, `SIZE=full` has ten million tasks.
"""
Results = Mapping[str, Any]


def page(results: Results) -> str:
    """The whole page, of the parts that were measured."""
    sections = [TITLE, _machine(results["machine"])]
    for part, write in SECTIONS.items():
        if part in results:
            sections += [write(results[part]), _measured(results[part])]
    return "\n".join(sections)


def _measured(part: Results) -> str:
    """A part that was measured again by itself may be from another day than its neighbours."""
    measured = part["measured"]
    load = measured["load_before"]
    busy = "the load before it was not noted" if load is None else f"at a load average of {load} before it began"
    return f"Measured with size {measured['size']}; {busy}.\n"


def _machine(machine: Results) -> str:
    told = (f"{name.replace('_', ' ')}: {_text(value)}" for name, value in machine.items())
    return "Machine: " + "; ".join(told) + ".\n"


def _drain(part: Results) -> str:
    return _section(
        "Drain",
        part["unit"],
        _rates(part, ("baton", "plain_nameko", "faststream", "bare")),
        f"Baton is {part['times_plain_nameko']} times plain nameko, {part['times_faststream']} times FastStream and"
        f" {part['share_of_bare']:.0%} of the bare limit.",
        _how(part["how"]),
    )


def _acceptance(part: Results) -> str:
    return _section(
        "Acceptance",
        part["unit"],
        _rates(part, ("baton", "plain_flask", "pgbench")),
        f"Baton is {part['times_plain_flask']} times the plain Flask handler and {part['share_of_pgbench']:.0%} of"
        f" PostgreSQL alone. The load generator used at most {part['load_generator_share_of_a_core']:.0%} of a core.",
        _how(part["how"]),
    )


def _latency(part: Results) -> str:
    names = ("p50_ms", "p95_ms", "p99_ms", "p99_9_ms", "max_ms")
    rows = []
    for at in (value for name, value in part.items() if name.startswith("at_")):
        rows.append([f"{at['offered_a_second']} a second, task", *(at[name] for name in names), at["number"]])
        rows.append([f"{at['offered_a_second']} a second, answer", *(at["answer"][name] for name in names), ""])
    table = _table(["load", *(name.removesuffix("_ms").replace("_", ".") for name in names), "number"], rows)
    return _section("Latency", part["unit"], table, part["how"])


def _growth(part: Results) -> str:
    names = list(part["drain"])
    rows = [["drain, messages a second", *part["drain"].values(), part["times_slower_at_most"]["drain"]]]
    for page_name, times in part["ms"].items():
        rows.append([f"{_words(page_name)}, ms", *times.values(), part["times_slower_at_most"][page_name]])
    rows.append(["database, GB", *part["database_gigabytes"].values(), ""])
    rows.append(["filling, s", *part["filling_seconds"].values(), ""])
    return _section("Growth", part["how"], _table(["tasks", *map(_words, names), "times slower"], rows), part["unit"])


def _officer_page(part: Results) -> str:
    names = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
    rows = [
        [
            f"{_words(number)} tasks, {_words(page_name)}",
            *(times[name] for name in names),
            times["number"],
            times["bytes"],
        ]
        for number, pages in part["by_tasks"].items()
        for page_name, times in pages.items()
    ]
    table = _table(["tasks, page", *(name.removesuffix("_ms") for name in names), "requests", "bytes"], rows)
    promised = part["promised"]
    kept = "kept" if promised["kept"] else "NOT kept"
    told = f"Promised: the list's p95 below {promised['list_p95_ms_at_most']:g} ms with the most tasks: {kept}."
    return _section("Officer page", part["unit"], table, f"{told} {part['how']}.")


def _scale_out(part: Results) -> str:
    table = _rates(part, tuple(name for name in part if name.startswith("replicas_")))
    return _section("Scale-out", part["unit"], table, part["how"])


def _memory(part: Results) -> str:
    rows = [[name, part["idle"][name], part["under_load"][name]] for name in part["idle"]]
    rows.append(["all", part["total_idle"], ""])
    return _section("Memory", part["unit"], _table(["process", "idle", "under load"], rows), part["how"])


def _start(part: Results) -> str:
    names = tuple(name for name in part if name.endswith("_seconds"))
    return _section("Start", part["unit"], _rates(part, names))


def _import(part: Results) -> str:
    names = ("upload_seconds", "preview_seconds", "apply_seconds", "again_seconds", "slowest_answer_ms")
    rows = [
        [
            form,
            *(part[form][name] for name in names),
            part[form]["preview_rows_a_second"],
            part[form]["apply_rows_a_second"],
        ]
        for form in part["forms"]
    ]
    head = ["file", *map(_words, names), "preview, rows a second", "apply, rows a second"]
    return _section("Import", part["unit"], _table(head, rows), part["how"])


SECTIONS = {
    "drain": _drain,
    "acceptance": _acceptance,
    "latency": _latency,
    "growth": _growth,
    "officer_page": _officer_page,
    "scale_out": _scale_out,
    "memory": _memory,
    "start": _start,
    "import": _import,
}
PLOTTED = ("drain", "acceptance", "latency", "growth", "scale_out", "memory")


def _section(title: str, *parts: str) -> str:
    name = title.lower().replace("-", "_")
    plot = [f"![{title}]({name}.svg)"] if name in PLOTTED else []
    head, *rest = parts
    return "\n\n".join([f"## {title}", head[0].upper() + head[1:] + ".", *plot, *rest]) + "\n"


def _rates(part: Results, names: Iterable[str]) -> str:
    rows = [[_words(name), part[name], *part["spread"][name]] for name in names]
    return _table(["", "median", "least", "greatest"], rows)


def _how(how: Mapping[str, str]) -> str:
    return "\n".join(f"- **{_words(name)}**: {told}" for name, told in how.items())


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(_text(cell) for cell in line) + " |" for line in lines)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ") if not name[0].isdigit() else f"{int(name.replace('_', '')):,}"
