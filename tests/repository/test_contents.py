"""What may not be in the repository: other people's hosts, this machine's paths, other people's code, secrets."""

import os
import re
from collections.abc import Iterator
from pathlib import PurePath

import pytest

from tests.repository.files import repository_files

# Written in parts, so that this file is not itself what it looks for.
REGISTRIES = ["py" + "pi.", "pythonhosted" + ".", "npm" + "js.", "npm" + "mirror.", "jsde" + "livr.", "unp" + "kg."]
MACHINE_PATHS = re.compile(r"(?<![\w.<])/(?:root|work|Users|home/[a-z]\w*)/")
SECRETS = re.compile("-----BEGIN [A-Z ]*PRIVATE" + ' KEY|"d": ?"[\\w-]{40,}"')
BUILT_FOLDERS = {"node_modules", "dist", "vendor", "third_party", "site-packages", "__pycache__", "build"}
LOCK_FILES = {"package-lock.json", "requirements/run.txt", "requirements/dev.txt"}
LARGEST_BYTES = 250_000
LONGEST_LINE = 1_000


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return repository_files()


@pytest.fixture(scope="module")
def texts(files: dict[str, bytes]) -> dict[str, str]:
    return {path: content.decode() for path, content in files.items() if b"\0" not in content}


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    assert [path for path, text in texts.items() if any(host in text for host in REGISTRIES)] == []


def test_no_file_names_a_path_of_somebodys_machine(texts: dict[str, str]) -> None:
    assert {path: found for path, text in texts.items() if (found := MACHINE_PATHS.findall(text))} == {}


def test_no_file_holds_a_private_key(texts: dict[str, str]) -> None:
    assert [path for path, text in texts.items() if SECRETS.search(text)] == []


def test_nothing_is_built_minified_or_copied_from_others(files: dict[str, bytes]) -> None:
    assert [path for path in files if BUILT_FOLDERS & set(PurePath(path).parts[:-1])] == []
    assert [path for path in files if ".min." in path or path.endswith((".map", ".pyc", ".whl", ".sqlite3"))] == []


def test_no_line_is_longer_than_a_person_reads(texts: dict[str, str]) -> None:
    lines = {path: max(map(len, text.splitlines()), default=0) for path, text in texts.items()}
    assert {path: longest for path, longest in lines.items() if longest > LONGEST_LINE} == {}


def test_no_file_is_large(files: dict[str, bytes]) -> None:
    assert {path: len(content) for path, content in files.items() if len(content) > LARGEST_BYTES} == {}


def test_every_text_ends_its_lines_alike(texts: dict[str, str]) -> None:
    assert [path for path, text in texts.items() if "\r" in text] == []
    assert [path for path, text in texts.items() if text and not text.endswith("\n")] == []
    assert [path for path, text in texts.items() if "\t" in text and PurePath(path).suffix in (".py", ".md")] == []


def test_every_module_says_what_it_is_for(texts: dict[str, str]) -> None:
    modules = {path: text for path, text in texts.items() if path.endswith(".py")}
    assert [path for path, text in modules.items() if not text.lstrip().startswith('"""')] == []


def test_every_package_has_its_marker(files: dict[str, bytes]) -> None:
    folders = {PurePath(path).parent for path in files if path.endswith(".py")}
    importable = {folder for folder in folders if folder.parts[0] in ("shared", "services", "deploy")}
    missing = {folder for folder in importable if "versions" not in folder.parts} - {
        PurePath(path).parent for path in files if path.endswith("__init__.py")
    }
    assert {str(folder) for folder in missing if folder.name not in ("migrations", "alembic")} == set()


def test_every_link_between_documents_leads_somewhere(texts: dict[str, str], files: dict[str, bytes]) -> None:
    there = {*files, *(str(parent) for path in files for parent in PurePath(path).parents)}
    broken = []
    for path, target in links(texts):
        file, _, heading = target.partition("#")
        found = os.path.normpath(PurePath(path).parent / file) if file else path
        if found not in there or (heading and heading not in anchors(texts[found])):
            broken.append(f"{path}: {target}")
    assert broken == []


def links(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each document with what it links to, other places in the network left out."""
    for path, text in texts.items():
        if path.endswith(".md"):
            prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
            yield from ((path, target) for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", prose))


def anchors(text: str) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
