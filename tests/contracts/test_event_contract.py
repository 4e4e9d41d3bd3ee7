"""Is what strangers were told about the events still true: documents, schemas, examples, words?"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chassis.events import Event
from congdoan.event_contract import HUB, PROVINCES, documents
from congdoan.event_contract.examples import example_of
from congdoan.event_contract.headers import HEADERS, OPTIONAL_HEADERS
from congdoan.event_contract.schemas import every_event, schema_name, schema_of, told_to_provinces, versions_of
from membership.events import HardshipRecorded, MemberJoined
from tests.contracts.published import FOLDER, asyncapi_schema, document, named, schemas_of, validator

EVERY, TOLD = every_event(), told_to_provinces()
BOTH = (HUB, PROVINCES)


def test_the_snapshots_are_what_the_classes_say_today() -> None:
    """`make contracts` writes them; what changed is then reviewed."""
    for name, text in documents():
        assert (FOLDER / name).read_text() == text, f"{name} is another today: make contracts"


def test_nothing_else_lies_there() -> None:
    schemas = {f"schemas/{schema_name(event, version)}" for event in EVERY for version in versions_of(event)}
    lies = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert lies == {HUB, PROVINCES, "dictionary.md", *schemas}


@pytest.mark.parametrize("event", EVERY, ids=lambda event: event.topic)
def test_each_schema_of_each_version_is_a_schema_and_each_version_is_kept(event: type[Event]) -> None:
    for version in versions_of(event):
        schema = json.loads((FOLDER / "schemas" / schema_name(event, version)).read_text())
        Draft202012Validator.check_schema(schema)
        assert schema["properties"]["schema_version"]["const"] == version


def test_what_is_stored_fulfils_its_schema() -> None:
    event = HardshipRecorded.decode_body(
        b'{"schema_version":1,"unit":"so-y-te","on":"2021-06-01","member_id":"00000000-0000-0000-0000-000000000001",'
        b'"special":true,"details":""}'
    )
    Draft202012Validator(schema_of(HardshipRecorded)).validate(json.loads(event.encode()))


def test_a_field_says_what_it_means_in_both_languages() -> None:
    schema = schema_of(MemberJoined)
    assert schema["x-vi"] == MemberJoined.vi
    assert schema["properties"]["unit"]["x-vi"] == "mã đơn vị mà sự kiện thuộc về"
    assert schema["properties"]["email"]["description"] == "e-mail address"
    assert schema_of(HardshipRecorded)["$defs"]["HardshipGrade"]["x-vi"]["special_hardship"] == "đặc biệt khó khăn"


def test_personal_fields_are_marked_in_the_contract() -> None:
    properties = schema_of(MemberJoined)["properties"]
    assert {name for name, field in properties.items() if field.get("x-personal")} == {
        "full_name", "national_id", "national_id_hash", "birth_date", "phone", "email"
    }  # fmt: skip


def test_a_personal_field_is_told_of_as_the_ciphertext_that_the_stream_carries() -> None:
    day = schema_of(MemberJoined)["properties"]["birth_date"]
    assert day["type"] == ["string", "null"]
    assert not re.search(day["pattern"], "1990-01-02")
    assert re.search(day["pattern"], "sealed:1:" + "A" * 54)
    assert re.search(day["pattern"], "")


# -- the documents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH)
def test_each_document_is_asyncapi_by_its_official_schema(name: str) -> None:
    asyncapi_schema().validate(document(name))


def test_what_is_no_asyncapi_is_noticed() -> None:
    wrong = json.loads((FOLDER / PROVINCES).read_text())
    wrong["channels"]["membership.member_joined"]["adress"] = "federation"
    assert not asyncapi_schema().is_valid(wrong)


@pytest.mark.parametrize("name", BOTH)
def test_each_document_tells_of_every_event_on_a_channel_of_its_own(name: str) -> None:
    told = document(name)
    for event in EVERY if name == HUB else TOLD:
        service, what = event.topic.split(".")
        channel = told["channels"][event.topic]
        assert channel["address"] == f"federation.{service}.{{branch}}.{what}"
        assert len(channel["messages"]) == event.schema_version
        assert any(operation["channel"] == {"$ref": f"#/channels/{event.topic}"} for operation in told["operations"].values())


@pytest.mark.parametrize("name", BOTH)
def test_every_reference_leads_somewhere(name: str) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for one in value.values() for found in references(one)]
        return [found for one in value for found in references(one)] if isinstance(value, list) else []

    found = set(references(document(name)))
    assert len(found) > len(EVERY)
    for reference in found:
        assert named(name, reference), reference


def test_provinces_are_told_of_all_that_the_hub_announces_and_of_nothing_that_only_it_does() -> None:
    hub, provinces = document(HUB)["channels"], document(PROVINCES)["channels"]
    assert hub.keys() - provinces.keys() == {event.topic for event in EVERY if event not in TOLD}
    assert {topic.partition(".")[0] for topic in hub.keys() - provinces.keys()} == {"audit"}
    assert provinces.keys() - hub.keys() == {"ledger.checkpoint", "snapshot", "snapshot.answer"}
    actions = {name: operation["action"] for name, operation in document(PROVINCES)["operations"].items()}
    assert {name for name, action in actions.items() if action == "send"} == {"ask.snapshot"}


def test_each_message_in_each_version_has_its_schema_and_that_of_today_an_example() -> None:
    messages = document(PROVINCES)["components"]["messages"]
    for event in TOLD:
        for version in versions_of(event):
            message = messages[f"{event.topic}.v{version}"]
            assert message["payload"]["schema"]["$ref"] == f"../schemas/{schema_name(event, version)}"
        assert len(message["examples"]) == 1


@pytest.mark.parametrize("name", sorted(document(PROVINCES)["components"]["messages"]))
def test_each_example_is_as_its_schema_says(name: str) -> None:
    message = document(PROVINCES)["components"]["messages"][name]
    headers, payload = schemas_of(name)
    for example in message.get("examples", []):
        validator(payload).validate(example["payload"])
        if "headers" in example:
            validator(headers).validate(example["headers"])
            assert set(example["headers"]) <= set(headers["properties"])


@pytest.mark.parametrize("event", [event for event in EVERY if event.personal_fields], ids=lambda event: event.topic)
def test_an_example_shows_what_is_personal_as_it_travels(event: type[Event]) -> None:
    message = document(PROVINCES)["components"]["messages"][f"{event.topic}.v{event.schema_version}"]
    (example,) = message["examples"]
    shown = {name: example["payload"][name] for name in event.personal_fields}
    assert all(value is None or value.startswith("sealed:1:") for value in shown.values())
    assert any(shown.values())
    assert event.decode_body(json.dumps(example["payload"]).encode()).model_dump(include=set(shown)) == dict.fromkeys(shown)


def test_the_headers_are_those_of_a_message_and_the_servers_own() -> None:
    schema = document(PROVINCES)["components"]["schemas"]["headers"]
    assert set(schema["properties"]) == {*HEADERS, "Nats-Stream-Source"}
    assert set(schema["required"]) == HEADERS.keys() - OPTIONAL_HEADERS


@pytest.mark.parametrize(
    "word", ["ce-branchposition", "snapshot", "x-personal", "schema_version", "BRANCH", "membership.unit_arrived"]
)
def test_what_may_be_relied_on_is_told_in_both_languages(word: str) -> None:
    info = document(PROVINCES)["info"]
    assert word in info["description"]
    assert word in info["x-vi"]


# -- the dictionary ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVERY, ids=lambda event: event.topic)
def test_the_dictionary_has_a_table_of_each_event(event: type[Event]) -> None:
    page = (FOLDER / "dictionary.md").read_text()
    (start,) = [found.end() for found in re.finditer(rf"^`{re.escape(event.topic)}` · ", page, re.MULTILINE)]
    section = page[start : (page + "\n### ").index("\n### ", start)]
    rows = re.findall(r"^\| `([a-z_]+)`( 🔒)? \|", section, re.MULTILINE)
    assert [name for name, _ in rows] == list(event.model_fields)
    assert {name for name, lock in rows if lock} == set(event.personal_fields)


def test_the_dictionary_is_in_the_order_of_the_vietnamese_alphabet() -> None:
    page = (FOLDER / "dictionary.md").read_text()
    names = re.findall(r'^### <a id="membership-.*"></a>(.*) · ', page, re.MULTILINE)
    assert names[0] == "Bổ nhiệm cán bộ"
    assert names.index("Chứng nhận xoá dữ liệu") < names.index("Đề nghị chuyển sinh hoạt") < names.index("Ghi nhận con đoàn viên")


def test_every_event_is_told_in_a_sentence() -> None:
    assert all((event.__doc__ or "").strip().endswith(".") for event in EVERY)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.md")), ids=lambda path: path.name)
def test_every_link_of_a_page_leads_to_a_file_or_a_place_on_it(path: Path) -> None:
    text = path.read_text()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert f'<a id="{link[1:]}">' in text if link.startswith("#") else (path.parent / link).exists(), link


@pytest.mark.parametrize("event", EVERY, ids=lambda event: event.topic)
def test_an_example_has_something_plausible_in_each_field(event: type[Event]) -> None:
    example = example_of(event)
    assert "of nobody" not in json.dumps([dict(example.headers), example.payload])
