"""A person and what may be said of him elsewhere. Pure.

Invariant: an identity number is either absent or formally right, and agrees with the person's sex.
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.kernel.errors import FieldProblem, InvalidInput

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


@dataclass(frozen=True, slots=True)
class Person:
    """A person's file."""

    id: UUID
    version: int
    identity_kind: IdentityKind
    identity_number: str | None
    full_name: str
    sex: Sex
    phone: str | None
    registered_division: str | None
    residence_division: str | None
    residence_detail: str | None
    state: PersonState = PersonState.ACTIVE

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
    """The person lives elsewhere, or has another telephone number."""
    return replace(
        person,
        version=person.version + 1,
        residence_division=residence_division,
        residence_detail=residence_detail,
        phone=phone if phone is not None else person.phone,
    )


def _is_birthday(digits: str, today: date) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return date(1880, 1, 1) <= born <= today


def _fault(code: str, detail: str) -> FieldProblem:
    return FieldProblem("/identity_number", f"identity_number.{code}", detail)
