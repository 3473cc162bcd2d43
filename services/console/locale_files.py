"""Translations: written as ``.po`` files, compiled when the console starts."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = Path(__file__).parent / "locale"


def compile_translations(target: Path) -> Path:
    """Compile every catalogue into ``target``; the folder for Flask-Babel."""
    for source in SOURCE.glob("*/LC_MESSAGES/messages.po"):
        compiled = target / source.relative_to(SOURCE).with_suffix(".mo")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as po, open(compiled, "wb") as mo:
            write_mo(mo, read_po(po))
    return target
