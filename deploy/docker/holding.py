"""What a check of real containers does when something is not as it was promised: it ends and says what was seen."""


class DoesNotHold(Exception):
    """Something is not as it was promised; the text says what was seen."""


def require(holds: bool, otherwise: str) -> None:
    """Go on only if it holds.

    Raises: DoesNotHold.
    """
    if not holds:
        raise DoesNotHold(otherwise)
