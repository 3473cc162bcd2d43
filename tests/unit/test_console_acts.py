"""What is entered in a form becomes what the API takes."""

import pytest
from werkzeug.datastructures import MultiDict

from services.console.acts import Act, Field, Kind, offered
from shared.web.principal import Role

COLLECTORS = Field(
    "collectors",
    "collectors",
    Kind.ROWS,
    columns=(
        Field("officer", "officer"),
        Field("sex", "sex", Kind.CHOICE, choices={"male": "male", "female": "female"}),
    ),
)
STATION = frozenset({Role.STATION_OFFICER})


@pytest.mark.parametrize(
    ("field", "entered", "said"),
    [
        (Field("note", ""), [("note", "  as it is ")], {"note": "as it is"}),
        (Field("note", "", required=False), [("note", "  ")], {}),
        (Field("days", "", Kind.NUMBER), [("days", "15")], {"days": 15}),
        (Field("days", "", Kind.NUMBER), [("days", "many")], {"days": "many"}),
        (Field("value", "", Kind.DECIMAL), [("value", "0.5")], {"value": 0.5}),
        (Field("signed", "", Kind.YES_OR_NO), [("signed", "yes")], {"signed": True}),
        (Field("signed", "", Kind.YES_OR_NO), [("signed", "no")], {"signed": False}),
        (Field("at", "", Kind.MOMENT), [("at", "2026-11-24T08:30")], {"at": "2026-11-24T08:30:00+08:00"}),
        (Field("at", "", Kind.MOMENT), [("at", "2026-11-24T08:30Z")], {"at": "2026-11-24T08:30:00+00:00"}),
        (Field("at", "", Kind.MOMENT), [("at", "soon")], {"at": "soon"}),
        (Field("drugs", "", Kind.NAMES), [("drugs", "one\n\n two ")], {"drugs": ["one", "two"]}),
        (Field("drugs", "", Kind.NAMES), [], {"drugs": []}),
        (Field("who", "", Kind.CHOICES), [("who", "a"), ("who", "b")], {"who": ["a", "b"]}),
        (Field("kind", "", Kind.FIXED, fixed=3), [("kind", "4")], {"kind": 3}),
    ],
)
def test_a_field_says_what_was_entered(field: Field, entered: list[tuple[str, str]], said: dict[str, object]) -> None:
    assert Act("", "", (field,)).body(MultiDict(entered)) == said


def test_a_row_of_which_only_a_choice_is_made_is_none() -> None:
    entered = MultiDict(
        [
            ("collectors.0.officer", "one"),
            ("collectors.0.sex", "male"),
            ("collectors.1.officer", ""),
            ("collectors.1.sex", "female"),
        ]
    )
    assert COLLECTORS.value(entered) == [{"officer": "one", "sex": "male"}]


def test_what_is_usual_comes_first_and_what_is_not_for_a_role_or_state_does_not_come() -> None:
    rare = Act("", "", roles=STATION, states=frozenset({"ordered"}))
    usual = Act("", "", roles=STATION, is_main=True)
    other = Act("", "", roles=frozenset({Role.CENTRE_CLERK}))
    acts = {"rare": rare, "usual": usual, "other": other}
    assert list(offered(acts, "ordered", Role.STATION_OFFICER)) == ["usual", "rare"]
    assert list(offered(acts, "closed", Role.STATION_OFFICER)) == ["usual"]


def test_a_fault_belongs_to_the_field_that_its_pointer_begins_with() -> None:
    act = Act("", "", (COLLECTORS,))
    assert act.has("/collectors/0/sex")
    assert not act.has("/collector")


def test_what_the_next_deadline_asks_for_is_the_usual_act_where_it_is_offered() -> None:
    acts = {"usual": Act("", "", roles=STATION, is_main=True), "due": Act("", "", roles=STATION)}
    found = offered(acts, "ordered", Role.STATION_OFFICER, "due")
    assert [(name, act.is_main) for name, act in found.items()] == [("due", True), ("usual", False)]
    assert list(offered(acts, "ordered", Role.STATION_OFFICER, "another's")) == ["usual", "due"]


def test_an_act_takes_what_only_the_page_knows() -> None:
    act = Act("", "", (Field("to", "", Kind.CHOICE, choices={}), Field("centre", "", Kind.FIXED)))
    known = act.with_field("centre", fixed="c-1").with_field("to", choices={"c-2": "two"})
    assert known.body(MultiDict([("to", "c-2")])) == {"to": "c-2", "centre": "c-1"}
    assert known.fields[0].choices == {"c-2": "two"}
