"""Does the command line ask membership about consents, children and names as it was told to, and show what it answers?"""

from datetime import date
from typing import Any, cast
from uuid import UUID

import pytest

from congdoan import consents, texts
from congdoan.clients import Federation, contract_of, request_of
from congdoan.officers import UnknownName
from federation.contract.v1.contract_pb2 import CommandAnswer, Refusal
from federation.membership.v1 import consents_pb2, names_pb2

LAN, KID, ON = UUID(int=1), UUID(int=2), date(2026, 2, 1)


class Recorder:
    """A federation that keeps what it is asked, as messages of the contract, and gives the answers it was told."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[Any]()

    async def call(self, service: str, rpc: str, fields: dict[str, object]) -> Any:
        self.asked.append(request_of(contract_of(service, rpc), rpc, fields))
        return self.answers.pop(0)


def federation(*answers: Any) -> tuple[Federation, list[Any]]:
    recorder = Recorder(*answers)
    return cast(Federation, recorder), recorder.asked


async def test_a_consent_is_given_and_taken_back_as_typed() -> None:
    kept = CommandAnswer(position=7)
    to, asked = federation(kept, kept)
    shown: dict[str, Any] = {"text_version": "2026-01", "evidence": "Phiếu 17"}
    given = await consents.give(to, KID, "photo-publication", given_by="guardian", guardian_id=LAN, on=ON, **shown)
    await consents.withdraw(to, KID, "photo_publication", given_by="guardian", on=ON)
    assert (given.id, given.position) == (str(KID), 7)
    voice = {"purpose": consents_pb2.CONSENT_PURPOSE_PHOTO_PUBLICATION, "given_by": consents_pb2.CONSENT_GIVER_GUARDIAN}
    of: dict[str, Any] = {"person_id": str(KID), "on": "2026-02-01", **voice}
    ids = [request.command_id for request in asked]
    assert len(set(ids)) == 2
    assert asked == [
        consents_pb2.GiveConsentRequest(command_id=ids[0], guardian_id=str(LAN), **shown, **of),
        consents_pb2.WithdrawConsentRequest(command_id=ids[1], **of),
    ]


@pytest.mark.parametrize(("purpose", "given_by"), [("everything", "self"), ("email_notices", "neighbour")])
async def test_what_there_is_not_is_said_before_anybody_is_asked(purpose: str, given_by: str) -> None:
    to, asked = federation()
    with pytest.raises(UnknownName, match="self" if given_by == "neighbour" else "email_notices"):
        await consents.withdraw(to, LAN, purpose, given_by=given_by, on=ON)
    assert asked == []


async def test_lists_show_what_membership_answers() -> None:
    given = consents_pb2.Consent(purpose=1, given_by=1, text_version="1", evidence="Phiếu 17", given_on="2026-02-01")  # type: ignore[arg-type]
    child = consents_pb2.Child(child_id=str(KID), full_name="Minh Anh", birth_date="2018-03-08", registered_on="2025-01-01")
    to, asked = federation(
        consents_pb2.ListConsentsResponse(consents=[given]), consents_pb2.ListChildrenResponse(children=[child])
    )
    (consent,) = await consents.consents(to, LAN)
    (known,) = await consents.children(to, LAN)
    assert consent.row == ["email_notices", "self", "1", "Phiếu 17", "2026-02-01", ""]
    assert known.document == {
        "child_id": str(KID), "full_name": "Minh Anh", "birth_date": "2018-03-08", "registered_on": "2025-01-01"
    }  # fmt: skip
    assert [request.person_id if hasattr(request, "person_id") else request.member_id for request in asked] == [str(LAN)] * 2


async def test_names_are_asked_for_with_the_reason_and_what_is_withheld_says_why() -> None:
    told = names_pb2.MemberName(member_id=str(LAN), full_name="Nguyễn Thị Lan")
    withheld = names_pb2.MemberName(member_id=str(KID), refusal=Refusal(rule="NameWithheld", message="Không có quyền."))
    to, asked = federation(names_pb2.GetMemberNamesResponse(members=[told, withheld]))
    rows = [name.row for name in await consents.names(to, [LAN, KID], "Kiểm toán")]
    assert rows == [[str(LAN), "Nguyễn Thị Lan", False, ""], [str(KID), "", False, "Không có quyền."]]
    assert asked == [names_pb2.GetMemberNamesRequest(member_ids=[str(LAN), str(KID)], reason="Kiểm toán")]


async def test_readings_are_read_to_the_last_page() -> None:
    one = names_pb2.Reading(unit="so-y-te", on="2026-02-01", reader="a", reader_role="auditor", member_ids=["1", "2"], reason="r")
    pages = [names_pb2.ListReadingsResponse(readings=[one], next="x"), names_pb2.ListReadingsResponse(readings=[one])]
    to, asked = federation(*pages)
    found = await consents.readings(to, "so-y-te")
    assert [reading.row for reading in found] == [["so-y-te", "2026-02-01", "a", "auditor", "1, 2", "r"]] * 2
    assert [request.page.after for request in asked] == ["", "x"]


async def test_a_child_is_recorded_and_corrected_as_typed() -> None:
    kept = CommandAnswer(position=1)
    to, asked = federation(kept, kept)
    await consents.register_child(to, KID, LAN, "Minh Anh", date(2018, 3, 8), ON)
    await consents.correct_child(to, KID, None, date(2018, 8, 3), ON)
    assert [type(request).__name__ for request in asked] == ["RegisterChildRequest", "CorrectChildDetailsRequest"]
    assert (asked[0].birth_date, asked[1].full_name, asked[1].birth_date) == ("2018-03-08", "", "2018-08-03")


@pytest.mark.parametrize("row", [consents.Consent, consents.Child, consents.Name, consents.Reading])
def test_every_row_has_a_heading_in_both_languages_or_one_of_its_own(row: Any) -> None:
    own = {"on": "on_day", "member_ids": "members_read"}
    for name in row.__dataclass_fields__:
        assert texts.say(own.get(name, name), "vi") != texts.say(own.get(name, name), "en")
