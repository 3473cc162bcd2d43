"""Invented people for the demonstration: names put together from common characters, numbers that nobody can have.

Telephone numbers start with 170-0000, which is issued to no subscriber block in use here, and are shown, never dialled.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from deploy.local.identity_numbers import invented_identity_number
from shared.reference.divisions import divisions

SEED = 4308
_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN_MALE = ("演一", "演二", "示安", "示平", "例明", "例强")
_GIVEN_FEMALE = ("演兰", "演梅", "示英", "示芳", "例霞", "例静")


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """Somebody who does not exist."""

    full_name: str
    sex: str
    identity_number: str
    phone: str
    registered_division: str
    residence_division: str | None

    def body(self) -> dict[str, str | None]:
        """As the registry takes it."""
        return {
            "full_name": self.full_name,
            "sex": self.sex,
            "identity_number": self.identity_number,
            "phone": self.phone,
            "registered_division": self.registered_division,
            "residence_division": self.residence_division,
        }


def invented_people(count: int) -> list[InventedPerson]:
    """Always the same people, spread over the city's villages."""
    chance = random.Random(SEED)
    villages = [place.code for place in divisions().of_level("village")]
    return [_person(chance, villages, serial) for serial in range(count)]


def _person(chance: random.Random, villages: list[str], serial: int) -> InventedPerson:
    female = chance.random() < 0.2
    born = date(1968, 1, 1) + timedelta(days=chance.randrange(365 * 36))
    registered = chance.choice(villages)
    moved = chance.random() < 0.3
    return InventedPerson(
        full_name=chance.choice(_FAMILY) + chance.choice(_GIVEN_FEMALE if female else _GIVEN_MALE),
        sex="female" if female else "male",
        identity_number=invented_identity_number(born, serial % 500, female=female),
        phone=f"1700000{serial:04d}",
        registered_division=registered,
        residence_division=chance.choice(villages) if moved else registered,
    )
