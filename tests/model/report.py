"""Writes the tables and traces of ``docs/model.md``: ``python -m tests.model.report``. A test holds them to it."""

import re
from collections.abc import Callable, Iterable, Mapping

from deploy.local.stack import ROOT
from tests.model.cases import (
    BUILT,
    EVERY_FAULT,
    EVERY_LOSS,
    REMOVALS,
    Removal,
    verdict_as_built,
    verdict_without,
)
from tests.model.checker import Verdict
from tests.model.setup import FAULTS, MECHANISMS, Setup

DOCUMENT = ROOT / "docs" / "model.md"
_MARKED = "(<!-- {} -->\n)(.*?)(<!-- end -->)"


def faults() -> str:
    """What can go wrong."""
    return _table(("fault", "what happens"), [(f"`{name}`", words) for name, words in FAULTS.items()])


def sizes() -> str:
    """How much of the delivery as it is built was looked at."""
    rows = []
    for name, setup in BUILT.items():
        verdict = verdict_as_built(name)
        assert verdict.violation is None, f"{name}: {verdict.violation}"
        counted = (f"{number:,}" for number in (verdict.states, verdict.steps, verdict.depth))
        rows.append((name, *_sizes(setup), *counted))
    heads = ("configuration", "messages", "relays", "consumers", "faults", "states", "steps", "depth")
    return _table(heads, rows)


def removals() -> str:
    """What follows when mechanisms are left out."""
    rows = []
    for number, removal in enumerate(REMOVALS, 1):
        violation = verdict_without(removal).violation
        seen = f"nothing: {removal.why}" if violation is None else f"**{violation.kind}**"
        steps = "" if violation is None else str(len(violation.trace))
        rows.append((str(number), _left_out(removal), _messages(removal.setup), seen, steps))
    return _table(("", "left out", "messages", "what follows", "steps"), rows)


def mechanisms() -> str:
    """The mechanisms, and the numbers of the removals in which they matter."""
    rows = []
    for name, words in MECHANISMS.items():
        needed = [str(n) for n, removal in enumerate(REMOVALS, 1) if removal.kind and name in removal.without]
        rows.append((f"`{name}`", words, ", ".join(needed)))
    return _table(("mechanism", "what it is", "needed in"), rows)


def traces() -> str:
    """The counter-examples, each the shortest there is."""
    parts = []
    for number, removal in enumerate(REMOVALS, 1):
        if removal.kind is not None:
            parts.append(_trace(f"{number}. Without {_left_out(removal)}", verdict_without(removal)))
    return "\n\n".join(parts)


SECTIONS: Mapping[str, Callable[[], str]] = {
    "faults": faults,
    "sizes": sizes,
    "mechanisms": mechanisms,
    "removals": removals,
    "traces": traces,
}


def section_in(document: str, name: str) -> str:
    """What a document has between a section's marks."""
    found = re.search(_MARKED.format(name), document, re.DOTALL)
    assert found is not None, f"docs/model.md has no section {name}"
    return found[2].removesuffix("\n")


def _trace(title: str, verdict: Verdict) -> str:
    violation = verdict.violation
    assert violation is not None, title
    lines = [f"{number:2}. {words}" for number, words in enumerate(violation.trace, 1)] or ["(from the start)"]
    return "\n".join((f"### {title}", "", "```text", *lines, f"=>  {violation.kind}", "```"))


def _left_out(removal: Removal) -> str:
    return " and ".join(f"`{name}`" for name in removal.without)


def _messages(setup: Setup) -> str:
    return ", ".join(message.name for message in setup.messages if not message.twin)


def _sizes(setup: Setup) -> tuple[str, str, str, str]:
    relays = "(published)" if setup.published else str(setup.relays)
    return _messages(setup), relays, str(setup.consumers), f"{setup.faults} of {_kinds(setup.kinds)}"


def _kinds(kinds: frozenset[str]) -> str:
    if kinds == EVERY_FAULT:
        return "every kind"
    if kinds == EVERY_LOSS:
        return "every kind but `unbind`"
    return ", ".join(f"`{name}`" for name in FAULTS if name in kinds)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Bring the document up to date."""
    document = DOCUMENT.read_text()
    for name, render in SECTIONS.items():
        text = f"\\g<1>{render()}\n\\g<3>"
        document = re.sub(_MARKED.format(name), text, document, flags=re.DOTALL)
    DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
