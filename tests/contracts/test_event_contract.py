"""Is what strangers were told about the events still true, and would a breaking change be noticed?"""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import Draft202012Validator

from chassis.events import TOPICS
from congdoan import event_contract
from congdoan.event_contract import SERVICES, BreakingChange, check_compatible, documents, events_of, schema_name, schema_of
from membership.events import HardshipRecorded, MemberJoined

SNAPSHOTS = Path(__file__).parents[2] / "docs" / "events"
EVERY = [event for service in SERVICES for event in events_of(service)]


def test_the_snapshots_are_what_the_classes_say_today() -> None:
    """`make contracts` writes them; what changed is then reviewed."""
    for name, text in documents():
        assert (SNAPSHOTS / name).read_text() == text, name


def test_every_topic_ever_told_of_is_still_known() -> None:
    told = {path.name.rsplit(".v", 1)[0] for path in (SNAPSHOTS / "schemas").iterdir()}
    assert told == {event.topic for event in EVERY}


@pytest.mark.parametrize("event", EVERY, ids=lambda event: event.topic)
def test_each_schema_of_each_version_is_a_schema_and_each_version_is_kept(event: Any) -> None:
    for version in range(1, event.schema_version + 1):
        schema = json.loads((SNAPSHOTS / "schemas" / f"{event.topic}.v{version}.json").read_text())
        Draft202012Validator.check_schema(schema)
        assert schema["properties"]["schema_version"]["const"] == version


def test_what_is_stored_fulfils_its_schema() -> None:
    event = HardshipRecorded.decode_body(
        b'{"schema_version":1,"unit":"so-y-te","on":"2021-06-01","member_id":"00000000-0000-0000-0000-000000000001",'
        b'"special":true,"details":""}'
    )
    Draft202012Validator(schema_of(HardshipRecorded)).validate(json.loads(event.encode()))


def test_the_asyncapi_document_is_one_and_names_every_event() -> None:
    document = json.loads((SNAPSHOTS / "asyncapi.json").read_text())
    ApplicationSchema.model_validate({**document, "servers": {}})
    assert document["asyncapi"].startswith("3.")
    assert set(document["channels"]) == {event.topic for event in EVERY}
    for event in EVERY:
        reference = document["components"]["messages"][event.topic]["payload"]["schema"]["$ref"]
        assert (SNAPSHOTS / reference).exists()


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


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema["properties"].pop("email"),
        lambda schema: schema["properties"]["national_id"].update(type="integer"),
        lambda schema: schema["required"].append("nickname"),
        lambda schema: schema["required"].remove("unit"),
    ],
    ids=["a field goes", "a type changes", "a field becomes required", "a field need no longer be there"],
)
def test_a_breaking_change_under_the_same_version_is_refused(change: Any) -> None:
    released = schema_of(MemberJoined)
    today = deepcopy(released)
    change(today)
    with pytest.raises(BreakingChange, match="raise schema_version"):
        check_compatible(schema_name(MemberJoined), released, today)


def test_a_value_of_an_enum_may_come_and_none_may_go() -> None:
    released = schema_of(HardshipRecorded)
    more = deepcopy(released)
    more["$defs"]["HardshipGrade"]["enum"].append("utter_hardship")
    check_compatible("x", released, more)
    with pytest.raises(BreakingChange):
        check_compatible("x", more, released)


def test_a_field_with_a_default_and_other_words_are_no_breaking_change(tmp_path: Path) -> None:
    released = schema_of(MemberJoined)
    today = deepcopy(released)
    today["properties"]["nickname"] = {"type": "string", "default": ""}
    today["description"] = "Otherwise said."
    check_compatible("x", released, today)


def test_writing_refuses_to_overwrite_what_would_no_longer_hold(tmp_path: Path) -> None:
    event_contract.write(tmp_path)
    assert event_contract.write(tmp_path) == []
    path = tmp_path / "schemas" / schema_name(MemberJoined)
    schema = json.loads(path.read_text())
    schema["properties"]["union_card"] = {"type": "string"}
    path.write_text(json.dumps(schema))
    with pytest.raises(BreakingChange, match="union_card"):
        event_contract.write(tmp_path)


def test_every_event_is_told_in_a_sentence() -> None:
    assert all((event.__doc__ or "").strip().endswith(".") for event in TOPICS.values() if event in EVERY)
