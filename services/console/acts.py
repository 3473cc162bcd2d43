"""Acts on a case, said as data: when and to whom each is offered, and the fields of its form.

A page lists its acts; `templates/acts.html` draws the form of each; what was entered becomes the body that the
service takes. It alone decides whether an act is lawful: what is offered here only spares people a refusal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from werkzeug.datastructures import MultiDict

from shared.kernel.clock import CHINA
from shared.web.principal import Role

Form = MultiDict[str, str]
_YES, _NO = "yes", "no"


class Kind(StrEnum):
    """How a field is entered."""

    TEXT = "text"
    LONG = "long"  # some lines
    NUMBER = "number"  # a whole number
    DECIMAL = "decimal"
    DAY = "date"
    MOMENT = "datetime-local"  # in China time
    CHOICE = "choice"
    CHOICES = "choices"  # any of them
    YES_OR_NO = "yes_or_no"
    NAMES = "names"  # one in each line
    ROWS = "rows"  # a small table; a row of which nothing is entered is none
    FIXED = "fixed"  # said by the page, not by whoever fills it in


@dataclass(frozen=True, slots=True)
class Field:
    """A field, called as the API calls it. ``choices`` are code and words; ``columns`` are those of a table."""

    name: str
    label: Any  # a text in the user's language
    kind: Kind = Kind.TEXT
    required: bool = True
    choices: Mapping[str, Any] | None = None
    hint: Any = ""
    columns: tuple["Field", ...] = ()
    rows: int = 2
    fixed: Any = None  # the value of a fixed field
    usual: str = ""  # what stands there before anything is entered

    def value(self, form: Form) -> Any:
        """What was entered, as JSON has it; None where nothing was. What makes no sense goes on as it is: the service
        says what is wrong with it.
        """
        match self.kind:
            case Kind.FIXED:
                return self.fixed
            case Kind.CHOICES:
                return form.getlist(self.name)
            case Kind.ROWS:
                return [row for index in range(self.rows) if (row := self._row(form, index))]
        text = form.get(self.name, "").strip()
        if not text:
            return [] if self.kind is Kind.NAMES else None
        return _read(self.kind, text)

    def cell(self, column: "Field", index: int) -> str:
        """What a field of a table's row is called in the form."""
        return f"{self.name}.{index}.{column.name}"

    def _row(self, form: Form, index: int) -> dict[str, Any]:
        entered = {one.name: form.get(self.cell(one, index), "").strip() for one in self.columns}
        filled = any(entered[one.name] for one in self.columns if one.kind is not Kind.CHOICE)
        if not filled:
            return {}
        return {one.name: _read(one.kind, entered[one.name]) for one in self.columns if entered[one.name]}


@dataclass(frozen=True, slots=True)
class Act:
    """One act: what its button says, what is said when it is done, who may do it in which states (none: in all), and
    what it rests on in law. ``step`` is what the API calls it, where that is not the act's own name.
    """

    button: Any
    receipt: Any
    fields: tuple[Field, ...] = ()
    roles: frozenset[Role] = frozenset()
    states: frozenset[str] = frozenset()
    basis: Any = ""  # the legal source, shown beside the button
    is_main: bool = False  # what is usually done next; the others are folded away
    step: str = ""

    def is_offered(self, state: str, role: Role) -> bool:
        """Whether it is worth showing."""
        return role in self.roles and (not self.states or state in self.states)

    def has(self, pointer: str) -> bool:
        """Whether a fault, by its JSON pointer, concerns a field of the form."""
        return any(pointer.split("/")[1:2] == [field.name] for field in self.fields if field.kind is not Kind.FIXED)

    def with_field(self, name: str, **changes: Any) -> "Act":
        """The act with one of its fields changed: what only the page knows, as the choices of today."""
        return replace(self, fields=tuple(replace(one, **changes) if one.name == name else one for one in self.fields))

    def body(self, form: Form) -> dict[str, Any]:
        """What the API takes. What is left empty is not said."""
        entered = {field.name: field.value(form) for field in self.fields}
        return {name: value for name, value in entered.items() if value is not None}


def offered(acts: Mapping[str, Act], state: str, role: Role, due: str | None = None) -> dict[str, Act]:
    """Those of the acts that may come next, what is usual first; ``due`` is the one that the next deadline asks for."""
    found = {name: act for name, act in acts.items() if act.is_offered(state, role)}
    if due in found:
        found = {name: replace(act, is_main=name == due) for name, act in found.items()}
    return dict(sorted(found.items(), key=lambda one: not one[1].is_main))


def _read(kind: Kind, text: str) -> Any:
    """An entry as JSON has it."""
    match kind:
        case Kind.YES_OR_NO:
            return {_YES: True, _NO: False}.get(text, text)
        case Kind.NAMES:
            return [line.strip() for line in text.splitlines() if line.strip()]
        case Kind.NUMBER | Kind.DECIMAL:
            return _number(kind, text)
        case Kind.MOMENT:
            return _moment(text)
    return text


def _number(kind: Kind, text: str) -> Any:
    try:
        return int(text) if kind is Kind.NUMBER else float(text)
    except ValueError:
        return text


def _moment(text: str) -> str:
    """As a browser's field gives it, in China time; with the offset that the API asks for."""
    try:
        entered = datetime.fromisoformat(text)
    except ValueError:
        return text
    return entered.isoformat() if entered.tzinfo else entered.replace(tzinfo=CHINA).isoformat()
