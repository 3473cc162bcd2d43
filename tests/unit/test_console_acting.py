"""Who was faster is found in the timeline, once it has heard of it."""

from typing import Any

import pytest

from services.console.clients import Refused
from services.console.pages.acting import with_who

CASE = {"id": "case", "version": 4}


def line(sequence: int, state: str, actor: str | None, *, case: str = "case", event: str = "event") -> dict[str, Any]:
    return {
        "aggregate_id": case,
        "sequence": sequence,
        "state": state,
        "actor": actor,
        "type": event,
        "occurred_at": f"{sequence}",
    }


LINES = [
    line(9, "closed", "of another case", case="other"),
    line(4, "told", "who noted something"),
    line(3, "told", "who told", event="test.settled.v1"),
    line(2, "collected", None),
    line(1, "ordered", "who ordered"),
]


@pytest.mark.parametrize(
    ("problem", "lines", "who"),
    [
        ({"code": "test.wrong_state", "state": "told"}, LINES, ("who told", "3")),
        ({"code": "test.wrong_state", "state": "collected"}, LINES[3:], ("系统（自动办理）", "2")),
        ({"code": "test.wrong_state", "state": "closed"}, LINES, None),
        ({"code": "objection.waived"}, LINES, ("who told", "3")),
        ({"code": "aggregate.changed_meanwhile"}, LINES, ("who noted something", "4")),
        ({"code": "aggregate.changed_meanwhile"}, LINES[2:], None),
        ({"code": "objection.exhausted"}, LINES, None),
        ({"code": "test.wrong_state", "state": "told"}, None, None),
    ],
)
def test_who_was_faster_is_named_where_the_timeline_says_it(
    problem: dict[str, Any], lines: list[dict[str, Any]] | None, who: tuple[str, str] | None
) -> None:
    told = with_who(Refused(409, problem), lines, CASE)
    assert told is not None
    assert (told.problem.get("by"), told.problem.get("at")) == (who or (None, None))


def test_nobody_was_faster_where_what_was_entered_is_wrong() -> None:
    wrong = Refused(422, {"code": "aggregate.changed_meanwhile"})
    assert with_who(wrong, LINES, CASE) is wrong
    assert with_who(None, LINES, CASE) is None
