"""Would it be noticed if what was released held no longer: an event, a subject, a header, a field, a choice?"""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from awards.events import AwardDecided
from congdoan import event_contract
from congdoan.cli import app
from congdoan.event_contract.compatibility import BreakingChange, check_document, check_schema
from congdoan.event_contract.schemas import schema_name, schema_of
from membership.events import HardshipRecorded, MemberJoined

RELEASED = Path(__file__).parents[2] / "docs" / "events"
JOINED = "membership.member_joined"
Change = Callable[[Any], object]


def channel(document: Any) -> Any:
    """That of members who join."""
    return document["channels"][JOINED]


def headers(document: Any) -> Any:
    """The schema of the headers of events."""
    return document["components"]["schemas"]["headers"]


def checkpoint(document: Any) -> Any:
    """The message of a checkpoint."""
    return document["components"]["messages"]["ledger.checkpoint"]


def page(document: Any) -> Any:
    """The schema of a page of the snapshot."""
    return document["components"]["schemas"]["snapshot.page"]


BREAKING: dict[str, Change] = {
    "an event goes": lambda schema: schema.clear(),
    "a field goes": lambda schema: schema["properties"].pop("email"),
    "a type changes": lambda schema: schema["properties"]["national_id"].update(type="integer"),
    "a format changes": lambda schema: schema["properties"]["on"].update(format="date-time"),
    "a field takes less": lambda schema: schema["properties"]["unit"].update(maxLength=3),
    "a personal field is in clear": lambda schema: schema["properties"]["email"].pop("pattern"),
    "a new field is required": lambda schema: schema["required"].append("nickname"),
    "a field need no longer be there": lambda schema: schema["required"].remove("unit"),
    "nothing else may stand there": lambda schema: schema.update(additionalProperties=False),
    "another version under the same name": lambda schema: schema["properties"]["schema_version"].update(const=2),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_under_the_same_version_is_refused(change: Change) -> None:
    released = schema_of(MemberJoined)
    today = deepcopy(released)
    change(today)
    with pytest.raises(BreakingChange, match="raise schema_version"):
        check_schema(schema_name(MemberJoined), released, today)


def test_a_value_of_an_enum_may_come_and_none_may_go() -> None:
    released = schema_of(HardshipRecorded)
    more = deepcopy(released)
    more["$defs"]["HardshipGrade"]["enum"].append("utter_hardship")
    check_schema("x", released, more)
    with pytest.raises(BreakingChange, match=r"\$defs\.HardshipGrade\.enum"):
        check_schema("x", more, released)


def test_a_field_within_a_field_counts_whatever_it_is_called() -> None:
    released = schema_of(AwardDecided)
    released["$defs"]["QuotaUse"]["properties"]["title"] = {"type": "string"}
    today = deepcopy(released)
    del today["$defs"]["QuotaUse"]["properties"]["title"]
    with pytest.raises(BreakingChange, match=r"\$defs\.QuotaUse\.properties\.title"):
        check_schema("x", released, today)


def test_a_field_with_a_default_and_other_words_are_no_breaking_change() -> None:
    released = schema_of(MemberJoined)
    today = deepcopy(released)
    today["properties"]["nickname"] = {"type": "string", "default": ""}
    today["properties"]["grade"] = {"$ref": "#/$defs/Grade"}
    today["$defs"] = {"Grade": {"type": "string"}}
    today["description"] = "Otherwise said."
    today["properties"]["unit"]["x-vi"] = "nói cách khác"
    check_schema("x", released, today)


OF_A_DOCUMENT: dict[str, Change] = {
    "a channel goes": lambda document: document["channels"].pop(JOINED),
    "an operation goes": lambda document: document["operations"].pop(f"receive.{JOINED}"),
    "a subject changes": lambda document: channel(document).update(address="federation.members.{branch}.joined"),
    "a parameter goes": lambda document: channel(document)["parameters"].pop("branch"),
    "a message goes": lambda document: document["components"]["messages"].pop(f"{JOINED}.v1"),
    "a channel loses a version": lambda document: channel(document)["messages"].pop(f"{JOINED}.v1"),
    "a message has another schema": lambda document: document["components"]["messages"][f"{JOINED}.v1"]["payload"].update(
        schema={"$ref": "../schemas/membership.member_left.v1.json"}
    ),
    "a header goes": lambda document: headers(document)["properties"].pop("ce-branchposition"),
    "a header changes": lambda document: headers(document)["properties"]["ce-id"].update(pattern="^[0-9]+$"),
    "a header becomes required": lambda document: headers(document)["required"].append("traceparent"),
    "a header need no longer be there": lambda document: headers(document)["required"].remove("ce-id"),
    "the checkpoints go": lambda document: document["channels"].pop("ledger.checkpoint"),
    "a checkpoint loses its proof": lambda document: checkpoint(document)["headers"]["properties"].pop("ledger-consistency"),
    "a checkpoint looks otherwise": lambda document: checkpoint(document)["payload"].update(pattern="^.*$"),
    "checkpoints of a service are not told": lambda document: document["channels"]["ledger.checkpoint"]["parameters"]["service"][
        "enum"
    ].remove("welfare"),
    "the snapshot is asked for elsewhere": lambda document: document["channels"]["snapshot"].update(address="state"),
    "a row of the snapshot loses a field": lambda document: page(document)["properties"]["members"]["items"]["properties"].pop(
        "left_on"
    ),
    "more must be asked": lambda document: document["components"]["messages"]["snapshot.request"]["payload"]["required"].append(
        "unit"
    ),
    "another key is needed": lambda document: document["components"]["securitySchemes"]["nkey"].update(type="userPassword"),
    "the server speaks otherwise": lambda document: document["servers"]["hub"].update(protocol="kafka"),
}


@pytest.fixture(scope="module")
def released() -> Any:
    """What provinces were told."""
    return json.loads((RELEASED / event_contract.PROVINCES).read_text())


@pytest.mark.parametrize("change", OF_A_DOCUMENT.values(), ids=OF_A_DOCUMENT)
def test_what_provinces_were_told_of_stays(released: Any, change: Change) -> None:
    today = deepcopy(released)
    change(today)
    with pytest.raises(BreakingChange, match="what was released stays"):
        check_document("x", released, today)


def test_more_may_come(released: Any) -> None:
    today = deepcopy(released)
    today["channels"]["membership.member_suspended"] = {"address": "federation.membership.{branch}.member_suspended"}
    today["operations"]["receive.membership.member_suspended"] = {"action": "receive"}
    today["components"]["messages"]["membership.member_suspended.v1"] = {"payload": {}}
    channel(today)["messages"][f"{JOINED}.v2"] = {"$ref": "x"}
    headers(today)["properties"]["ce-reason"] = {"type": "string"}
    page(today)["properties"]["cards"] = {"type": "array"}
    today["info"]["description"] = "Otherwise said."
    check_document("x", released, today)


# -- written to a folder -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def documents() -> list[tuple[str, str]]:
    """Everything, made once."""
    return list(event_contract.documents())


@pytest.fixture
def folder(tmp_path: Path, documents: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder into which it was all written."""
    monkeypatch.setattr(event_contract, "documents", lambda: iter(documents))
    assert set(event_contract.write(tmp_path)) == {name for name, _ in documents}
    return tmp_path


def changed(path: Path, change: Change) -> None:
    """As if it had been released otherwise."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_what_stands_there_is_not_written_again(folder: Path) -> None:
    assert event_contract.write(folder) == []


def test_writing_refuses_to_overwrite_what_would_no_longer_hold_and_leaves_all_as_it_is(folder: Path) -> None:
    schema = folder / "schemas" / schema_name(MemberJoined)
    changed(schema, lambda document: document["properties"].update(union_card={"type": "string"}))
    (folder / "dictionary.md").write_text("an older one")
    with pytest.raises(BreakingChange, match="union_card"):
        event_contract.write(folder)
    assert (folder / "dictionary.md").read_text() == "an older one"


@pytest.mark.parametrize("name", [event_contract.HUB, event_contract.PROVINCES])
def test_an_event_that_was_released_and_is_known_no_more_is_refused(folder: Path, name: str) -> None:
    gone = "membership.member_beamed_up"
    changed(folder / name, lambda document: document["channels"].update({gone: {"address": "x"}}))
    with pytest.raises(BreakingChange, match=gone):
        event_contract.write(folder)


@pytest.mark.parametrize("gone", ["membership.member_beamed_up.v1.json", "membership.member_joined.v2.json"])
def test_a_schema_that_was_released_and_is_known_no_more_is_refused(folder: Path, gone: str) -> None:
    (folder / "schemas" / gone).write_text("{}")
    with pytest.raises(BreakingChange, match=gone):
        event_contract.write(folder)


def test_the_command_writes_it_all_and_refuses_what_would_break(tmp_path: Path, documents: list[tuple[str, str]]) -> None:
    command = ["events", "contract", "--into", str(tmp_path)]
    told = CliRunner().invoke(app, [*command, "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout) == {"changed": [name for name, _ in documents]}
    assert (tmp_path / "dictionary.md").read_text() == (RELEASED / "dictionary.md").read_text()
    changed(tmp_path / event_contract.PROVINCES, lambda document: document["channels"].update({"welfare.gone": {"address": "x"}}))
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 1
    assert "welfare.gone" in told.stderr
