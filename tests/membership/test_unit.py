"""Which units may be established, renamed, moved, dissolved?"""

from datetime import date
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import pytest

from chassis.claims import Claim
from chassis.commands import parse
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid
from membership.domain import unit
from membership.domain.unit import UNIT, AttachUnit, DissolveUnit, EstablishUnit, Lineage, RenameUnit, Surroundings, Unit
from membership.events import Attachment, Level, UnitAttached, UnitDissolved, UnitEstablished, UnitRenamed
from tests.given import given

DAY = date(2020, 1, 1)
LATER = date(2021, 1, 1)


def a_unit(code: str, level: Level, parent: str = "", dissolved_on: date | None = None) -> Unit:
    return Unit(code, code, level, parent, "", DAY, DAY, dissolved_on)


TOP = a_unit("tld", Level.CONFEDERATION)
FEDERATION = a_unit("cdvcvn", Level.FEDERATION, "tld")
PROVINCE = a_unit("vinh-phuc", Level.PROVINCE, "cdvcvn")
LINEAGES: dict[str, Lineage] = {
    "tld": (TOP,),
    "cdvcvn": (FEDERATION, TOP),
    "vinh-phuc": (PROVINCE, FEDERATION, TOP),
    "gone": (a_unit("gone", Level.PROVINCE, "cdvcvn", dissolved_on=DAY), FEDERATION, TOP),
}
AROUND = Surroundings(LINEAGES, {})


def established(code: str = "vinh-phuc", level: Level = Level.PROVINCE, parent: str = "cdvcvn") -> UnitEstablished:
    return UnitEstablished(unit=code, on=DAY, name="Tên cũ", level=level, line_parent=parent, functional_parent="")


def establish(**fields: Any) -> EstablishUnit:
    plain = {"unit": "so-y-te", "name": "CĐCS Sở Y tế", "level": "grassroots", "line_parent": "vinh-phuc", "on": "2020-01-01"}
    return EstablishUnit.model_validate({"command_id": uuid4(), **plain, **fields})


def attach(**fields: Any) -> AttachUnit:
    return AttachUnit.model_validate(
        {"command_id": uuid4(), "unit": "vinh-phuc", "attachment": "line", "on": "2021-01-01", **fields}
    )


def test_a_unit_is_established_under_its_parent() -> None:
    given(UNIT).when(unit.establish, establish(), LINEAGES).then(
        UnitEstablished(
            unit="so-y-te", on=DAY, name="CĐCS Sở Y tế", level=Level.GRASSROOTS, line_parent="vinh-phuc", functional_parent=""
        )
    )


def test_a_code_is_given_once() -> None:
    given(UNIT, established("so-y-te")).when(unit.establish, establish(), LINEAGES).refused(unit.UnitExists, "unit")


def test_a_parent_that_is_unknown_is_refused() -> None:
    given(UNIT).when(unit.establish, establish(line_parent="nowhere"), LINEAGES).refused(UnitUnknown, "line_parent")
    given(UNIT).when(unit.establish, establish(functional_parent="nowhere"), LINEAGES).refused(UnitUnknown, "functional_parent")


def test_a_parent_that_was_dissolved_is_refused() -> None:
    given(UNIT).when(unit.establish, establish(line_parent="gone"), LINEAGES).refused(unit.UnitIsDissolved, "line_parent")


@pytest.mark.parametrize("level", ["federation", "province", "ministry"])
def test_a_parent_must_be_of_a_level_above(level: str) -> None:
    given(UNIT).when(unit.establish, establish(level=level), LINEAGES).refused(unit.LevelOrder, "line_parent")


def test_only_the_confederation_has_no_line_parent() -> None:
    given(UNIT).when(unit.establish, establish(line_parent=None), LINEAGES).refused(unit.LineParentMissing, "line_parent")
    top = establish(unit="tld", level="confederation", line_parent=None)
    assert len(given(UNIT).when(unit.establish, top, LINEAGES).decide(None, top, LINEAGES)) == 1


def test_there_is_one_confederation() -> None:
    event = UnitEstablished(unit="tld-2", on=DAY, name="TLĐ", level=Level.CONFEDERATION, line_parent="", functional_parent="")
    (claim,) = UNIT.claims(None, event)

    assert (claim.key, claim.mode) == ("confederation", "take")
    assert claim.refusal is not None
    assert isinstance(claim.refusal(), unit.ConfederationExists)


def test_a_unit_is_not_older_than_its_parent() -> None:
    given(UNIT).when(unit.establish, establish(on="2019-12-31"), LINEAGES).refused(unit.NotBefore, "on")


def test_a_unit_gets_a_new_name() -> None:
    command = RenameUnit(command_id=uuid4(), unit="vinh-phuc", on=LATER, name="Tên mới")
    renamed = UnitRenamed(unit="vinh-phuc", on=LATER, name="Tên mới", former_name="Tên cũ")
    given(UNIT, established()).when(unit.rename, command).then(renamed)
    given(UNIT, established(), renamed).when(unit.rename, command).refused(unit.NothingChanges, "name")


def test_a_unit_that_was_never_established_cannot_be_renamed() -> None:
    given(UNIT).when(unit.rename, RenameUnit(command_id=uuid4(), unit="x-y", on=LATER, name="A")).refused(UnitUnknown, "unit")


def test_a_unit_moves_to_another_line_parent() -> None:
    given(UNIT, established()).when(unit.attach, attach(parent="tld"), AROUND).then(
        UnitAttached(unit="vinh-phuc", on=LATER, attachment=Attachment.LINE, parent="tld", former_parent="cdvcvn")
    )


def test_a_functional_attachment_begins_and_ends() -> None:
    begin, end = attach(attachment="functional", parent="tld"), attach(attachment="functional", on="2022-01-01")
    begun = UnitAttached(unit="vinh-phuc", on=LATER, attachment=Attachment.FUNCTIONAL, parent="tld", former_parent="")
    ended = UnitAttached(unit="vinh-phuc", on=date(2022, 1, 1), attachment=Attachment.FUNCTIONAL, parent="", former_parent="tld")
    given(UNIT, established()).when(unit.attach, begin, AROUND).then(begun)
    given(UNIT, established(), begun).when(unit.attach, end, AROUND).then(ended)


def test_a_line_attachment_does_not_end_without_another() -> None:
    given(UNIT, established()).when(unit.attach, attach(), AROUND).refused(unit.LineParentMissing, "line_parent")


def test_a_unit_cannot_lie_under_itself_or_under_what_lies_under_it() -> None:
    federation = established("cdvcvn", Level.FEDERATION, "tld")
    for parent in ("cdvcvn", "vinh-phuc"):
        command = attach(unit="cdvcvn", parent=parent)
        given(UNIT, federation).when(unit.attach, command, AROUND).refused(unit.CycleInTree, "parent")


def test_a_move_cannot_be_dated_before_the_last_change() -> None:
    given(UNIT, established()).when(unit.attach, attach(parent="tld", on="2019-01-01"), AROUND).refused(unit.NotBefore, "on")


def test_a_unit_is_dissolved_once() -> None:
    command = DissolveUnit(command_id=uuid4(), unit="vinh-phuc", on=LATER, reason="Sáp nhập")
    dissolved = UnitDissolved(unit="vinh-phuc", on=LATER, level=Level.PROVINCE, reason="Sáp nhập")
    given(UNIT, established()).when(unit.dissolve, command).then(dissolved)
    given(UNIT, established(), dissolved).when(unit.dissolve, command).refused(unit.UnitIsDissolved, "unit")


def test_a_unit_keeps_its_parents_and_lets_them_go() -> None:
    first = given(UNIT, established())
    moved = UnitAttached(unit="vinh-phuc", on=LATER, attachment=Attachment.LINE, parent="tld", former_parent="cdvcvn")
    gone = UnitDissolved(unit="vinh-phuc", on=LATER, level=Level.PROVINCE, reason="x")
    assert list(UNIT.claims(None, established())) == [Claim("unit:cdvcvn", "share")]
    assert list(UNIT.claims(first.state, moved)) == [Claim("unit:cdvcvn", "unshare"), Claim("unit:tld", "share")]
    assert list(UNIT.claims(first.state, gone)) == [
        Claim("unit:vinh-phuc", "take", unit.UnitNotEmpty),
        Claim("unit:cdvcvn", "unshare"),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unit", "Hà Nội"),
        ("unit", "a--b"),
        ("unit", "x" * 41),
        ("name", ""),
        ("name", "x" * 201),
        ("name", normalize("NFD", "Sở Y tế")),
        ("name", " Sở Y tế"),
        ("name", "điều\u0007khiển"),
        ("level", "kingdom"),
        ("on", "01/02/2024"),
        ("on", "1900-01-01"),
        ("on", "2024-02-30"),
        ("command_id", "1"),
    ],
)
def test_a_field_that_breaks_its_rule_is_named_without_its_value(field: str, value: str) -> None:
    fields = establish().model_dump(mode="json") | {field: value}
    with pytest.raises(Invalid) as caught:
        parse(EstablishUnit, fields)
    assert [problem.field for problem in caught.value.problems] == [field]
    if len(value) > 3:
        assert value not in caught.value.sentence("vi") + caught.value.sentence("en")


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parse(EstablishUnit, {"command_id": str(uuid4()), "unit": "A"})
    assert {problem.field for problem in caught.value.problems} == {"unit", "name", "level", "on"}
