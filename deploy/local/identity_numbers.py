"""Identity numbers that are formally right and can belong to nobody: their area, 430899, was never assigned."""

from datetime import date

UNASSIGNED_AREA = "430899"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"


def invented_identity_number(born: date, serial: int, *, female: bool) -> str:
    """A number with a right check character; ``serial`` (0 to 499) tells people of one birthday apart."""
    order = serial * 2 + (0 if female else 1)
    first_17 = f"{UNASSIGNED_AREA}{born:%Y%m%d}{order:03d}"
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_17, strict=True))
    return first_17 + _CHECK_CHARACTERS[total % 11]
