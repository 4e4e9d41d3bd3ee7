"""Do messages and values become each other without loss, and what was left out stay left out?"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from timeit import repeat
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from chassis.messages import enum_names, fields_of, message_of
from federation.contract.v1.contract_pb2 import CommandAnswer
from tests.protos import PROBE, message

ID = UUID("0190a6b2-0000-7000-8000-000000000001")
Thing: Any = type(message("Thing"))


def test_what_the_sender_left_out_is_left_out_of_the_fields() -> None:
    assert fields_of(message("PlaceThingRequest")) == {
        "amount_vnd": 0, "fragile": False, "tags": [], "parts": [], "shades": [],
    }  # fmt: skip


def test_every_kind_of_field_reaches_the_command() -> None:
    request = message(
        "PlaceThingRequest", command_id=str(ID), expected_version=0, name="Ấm chén", colour="THING_COLOUR_DARK_BLUE",
        amount_vnd=2**53 + 1, note="", fragile=True, tags=["a", "b"], sealed=False, shades=[1, 2],
        lid={"name": "nắp", "count": 2}, parts=[{"name": "quai", "colour": 1, "count": 1}],
    )  # fmt: skip

    assert fields_of(request) == {
        "command_id": str(ID), "expected_version": 0, "name": "Ấm chén", "colour": "dark_blue",
        "amount_vnd": 2**53 + 1, "note": "", "fragile": True, "tags": ["a", "b"], "sealed": False,
        "shades": ["red", "dark_blue"], "lid": {"name": "nắp", "count": 2},
        "parts": [{"name": "quai", "colour": "red", "count": 1}],
    }  # fmt: skip


def test_a_number_of_a_later_enum_goes_on_so_that_the_command_refuses_it_by_name() -> None:
    assert fields_of(message("PlaceThingRequest", colour=99))["colour"] == 99


def test_a_map_is_no_part_of_a_command() -> None:
    with pytest.raises(TypeError, match=r"probe\.v1\.Mapped\.labels"):
        fields_of(message("Mapped"))


def test_names_of_an_enum_are_lower_case_without_its_own_name() -> None:
    assert enum_names(PROBE.enum_types_by_name["ThingColour"]) == {"red": 1, "dark_blue": 2}


class Colour(StrEnum):
    RED = "red"


class PartRow(BaseModel):
    name: str
    colour: Colour | None = None
    count: int = 1


@dataclass
class ThingRow:
    thing_id: UUID
    name: str
    colour: Colour
    placed_on: date
    recorded_at: datetime
    amount_vnd: int | None
    lid: PartRow | None
    parts: list[PartRow]
    share: Decimal


def test_a_row_becomes_a_message_with_days_times_ids_and_names_as_text() -> None:
    in_hanoi = datetime(2024, 2, 10, 0, 30, tzinfo=timezone(timedelta(hours=7)))
    row = ThingRow(ID, "Ấm", Colour.RED, date(2024, 2, 9), in_hanoi, None, None, [PartRow(name="quai")], Decimal("117.78"))

    built = message_of(Thing, row)

    assert built == message(
        "Thing", thing_id=str(ID), name="Ấm", colour="THING_COLOUR_RED", placed_on="2024-02-09",
        recorded_at="2024-02-09T17:30:00Z", parts=[{"name": "quai", "count": 1}], share="117.78",
    )  # fmt: skip
    assert not built.HasField("amount_vnd")
    assert not built.HasField("lid")


def test_zero_is_not_the_same_as_nothing() -> None:
    assert message_of(Thing, amount_vnd=0).HasField("amount_vnd")


def test_keywords_go_before_the_fields_of_the_source() -> None:
    part = type(message("Part"))

    assert message_of(part, {"name": "quai", "colour": "red", "count": 1}, count=3).count == 3


def test_a_field_the_source_does_not_have_is_an_error_and_not_an_empty_answer() -> None:
    with pytest.raises(KeyError, match="name"):
        message_of(Thing, {"thing_id": ID})
    with pytest.raises(AttributeError, match="thing_id"):
        message_of(Thing, PartRow(name="x"))


def test_a_name_the_enum_does_not_have_and_a_field_the_message_does_not_have_are_errors() -> None:
    with pytest.raises(ValueError, match="red, dark_blue"):
        message_of(Thing, colour="green")
    with pytest.raises(ValueError, match="no field weight"):
        message_of(Thing, weight=3)
    with pytest.raises(TypeError, match="float"):
        message_of(Thing, share=1.5)


def test_a_conversion_costs_microseconds(capsys: pytest.CaptureFixture[str]) -> None:
    request = message("PlaceThingRequest", command_id=str(ID), thing_id=str(ID), name="Ấm", colour=2, placed_on="2024-01-01")
    read = min(repeat(lambda: fields_of(request), number=2_000, repeat=5)) / 2_000
    write = min(repeat(lambda: message_of(CommandAnswer, position=7, aggregate_id=ID, version=1), number=2_000, repeat=5)) / 2_000
    with capsys.disabled():
        print(f"\n  14 fields to a command {read * 1e6:.1f} µs, an answer to a message {write * 1e6:.1f} µs")
