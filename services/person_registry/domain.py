"""A person and what may be said of him elsewhere. Pure.

Invariants: an identity number is either absent or formally right, and agrees with the person's sex. A file that was
merged into another one changes no more and says which one remains. A file that was sealed or erased has no identity
that anybody here could read, and changes no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.kernel.errors import Conflict, FieldProblem, InvalidInput, invalid_field

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"


class Sex(StrEnum):
    """Sex, as far as known."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


class IdentityKind(StrEnum):
    """What a person can show. 禁毒法 art. 40 knows people whose identity is not established."""

    RESIDENT_ID = "resident_id"
    FOREIGN = "foreign"
    NONE = "none"


class PersonState(StrEnum):
    """The state of a person's file."""

    ACTIVE = "active"
    MERGED = "merged"  # two files of one person: the other one remains
    SEALED = "sealed"  # 治安管理处罚法 (2025) art. 136: closed to everybody but by a court's order
    ERASED = "erased"  # 个人信息保护法 art. 47


class Act(StrEnum):
    """What can be done with a file, as said of it: the file is …"""

    CHANGED = "changed"
    MERGED = "merged into another file"
    SEALED = "sealed"
    ERASED = "erased"


TRANSITIONS: Mapping[Act, Mapping[PersonState, frozenset[PersonState]]] = {
    Act.CHANGED: {PersonState.ACTIVE: frozenset({PersonState.ACTIVE})},
    Act.MERGED: {PersonState.ACTIVE: frozenset({PersonState.MERGED})},
    Act.SEALED: dict.fromkeys((PersonState.ACTIVE, PersonState.MERGED), frozenset({PersonState.SEALED})),
    Act.ERASED: dict.fromkeys(
        (PersonState.ACTIVE, PersonState.MERGED, PersonState.SEALED), frozenset({PersonState.ERASED})
    ),
}
BEGINNINGS = (PersonState.ACTIVE,)


@dataclass(frozen=True, slots=True)
class Person:
    """A person's file."""

    id: UUID
    version: int
    identity_kind: IdentityKind
    identity_number: str | None
    full_name: str | None  # None of a file that is sealed or erased
    sex: Sex
    phone: str | None
    registered_division: str | None
    residence_division: str | None
    residence_detail: str | None
    state: PersonState = PersonState.ACTIVE
    merged_into: UUID | None = None
    merged_reason: str | None = None
    closed_at: datetime | None = None  # sealed or erased
    closed_ground: str | None = None

    @property
    def identity_status(self) -> str:
        """``verified`` when there is a resident identity number, else ``provisional``."""
        return "verified" if self.identity_kind is IdentityKind.RESIDENT_ID else "provisional"


def check_character(first_17: str) -> str:
    """The 18th character of an identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_17, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def identity_number_fault(number: str, sex: Sex, today: date) -> FieldProblem | None:
    """What is formally wrong with a resident identity number, if something is.

    The area code is only a hint and not checked: numbers of abolished areas stay valid.
    """
    if len(number) != 18:
        return _fault("length", "an identity number has 18 characters")
    if not (number.isascii() and number[:17].isdigit()) or number[17] not in "0123456789X":
        return _fault("characters", "an identity number has 17 digits and a digit or X")
    if not _is_birthday(number[6:14], today):
        return _fault("date", "digits 7 to 14 are not a date of birth")
    if check_character(number[:17]) != number[17]:
        return _fault("checksum", "the check character does not fit; one digit is probably mistyped")
    if sex is not Sex.UNKNOWN and (int(number[16]) % 2 == 1) != (sex is Sex.MALE):
        return _fault("sex", "the number belongs to a person of the other sex")
    return None


def register(person: Person, *, today: date) -> Person:
    """A new file.

    Raises: InvalidInput ``identity_number.*`` naming what is wrong.
    """
    if person.identity_kind is not IdentityKind.RESIDENT_ID:
        return person
    number = (person.identity_number or "").strip().upper()
    fault = identity_number_fault(number, person.sex, today)
    if fault is not None:
        raise InvalidInput(fault.code, fault.detail, fields=[fault])
    return replace(person, identity_number=number)


def move(person: Person, *, residence_division: str | None, residence_detail: str | None, phone: str | None) -> Person:
    """The person lives elsewhere, or has another telephone number.

    Raises: see `require`.
    """
    require(person, Act.CHANGED)
    return replace(
        person,
        version=person.version + 1,
        residence_division=residence_division,
        residence_detail=residence_detail,
        phone=phone if phone is not None else person.phone,
    )


def merge(given_up: Person, remaining: Person, *, reason: str) -> tuple[Person, Person]:
    """Two files turn out to be one person's: one is given up, the other keeps what either knew (个人信息保护法 art. 8:
    personal data are to be right and complete). The file given up keeps its history and no identity number.

    Raises: InvalidInput ``person.same``; Conflict ``person.merged`` or ``person.differs`` with the fields in which the
    two cannot be one person.
    """
    if given_up.id == remaining.id:
        raise invalid_field("/into", "person.same", "a file cannot be merged into itself")
    require(given_up, Act.MERGED)
    require(remaining, Act.CHANGED)
    differs = [name for name in ("sex", "identity_number") if _contradict(given_up, remaining, name)]
    if differs:
        raise Conflict("person.differs", "the two files cannot be one person's", differs=differs)
    known = {name: getattr(remaining, name) or getattr(given_up, name) for name in _COMPLETED}
    sex = remaining.sex if remaining.sex is not Sex.UNKNOWN else given_up.sex
    has_number = remaining.identity_number is not None or given_up.identity_number is None
    kind = remaining.identity_kind if has_number else given_up.identity_kind
    kept = replace(remaining, version=remaining.version + 1, sex=sex, identity_kind=kind, **known)
    gone = replace(
        given_up,
        version=given_up.version + 1,
        state=PersonState.MERGED,
        merged_into=remaining.id,
        merged_reason=reason,
        identity_number=None,
        identity_kind=IdentityKind.NONE,
    )
    return gone, kept


def seal(person: Person, *, at: datetime, ground: str) -> Person:
    """The record is sealed: nobody here learns any more whose it is (治安管理处罚法 2025 art. 136). Not deleted.

    Raises: Conflict ``person.sealed``, ``person.erased``.
    """
    require(person, Act.SEALED)
    return _closed(person, PersonState.SEALED, at, ground)


def erase(person: Person, *, at: datetime, ground: str) -> Person:
    """The identity is erased for ever (个人信息保护法 art. 47); what happened stays, under a pseudonym of nobody.

    Raises: Conflict ``person.erased``.
    """
    require(person, Act.ERASED)
    return _closed(person, PersonState.ERASED, at, ground)


def _closed(person: Person, state: PersonState, at: datetime, ground: str) -> Person:
    return replace(
        person,
        version=person.version + 1,
        state=state,
        closed_at=at,
        closed_ground=ground,
        identity_number=None,
        full_name=None,
        phone=None,
        residence_detail=None,
        merged_reason=None,
    )


def require(person: Person, act: Act) -> None:
    """Check that something can be done with a file.

    Raises: Conflict ``person.merged`` with the file that remains, ``person.sealed`` or ``person.erased``.
    """
    if person.state in TRANSITIONS[act]:
        return
    if person.state is PersonState.MERGED:
        raise Conflict("person.merged", "this file was merged into another one", merged_into=str(person.merged_into))
    raise Conflict(f"person.{person.state.value}", f"this file is {person.state.value}", at=person.closed_at)


_COMPLETED = ("identity_number", "phone", "registered_division", "residence_division", "residence_detail")


def _contradict(one: Person, other: Person, name: str) -> bool:
    """Whether both files know something and it is not the same."""
    mine, theirs = getattr(one, name), getattr(other, name)
    return mine != theirs and None not in (mine, theirs) and Sex.UNKNOWN not in (mine, theirs)


def _is_birthday(digits: str, today: date) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return date(1880, 1, 1) <= born <= today


def _fault(code: str, detail: str) -> FieldProblem:
    return FieldProblem("/identity_number", f"identity_number.{code}", detail)
