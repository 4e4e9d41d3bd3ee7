"""Data requests, legal holds and erasures from the command line: what is sent, and what is told."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from congdoan import personal_data
from congdoan.cli import app
from congdoan.clients import request_of
from congdoan.commands import asking
from congdoan.commands import personal_data as commands
from congdoan.officers import UnknownName
from congdoan.texts import say
from federation.contract.v1.contract_pb2 import CommandAnswer
from federation.membership.v1 import personal_data_pb2 as pb

PERSON, REQUEST, HOLD = (UUID(int=number) for number in range(1, 4))
ON = date(2026, 3, 2)
CONTRACT = pb.DESCRIPTOR.services_by_name["PersonalDataService"]
CERTIFICATE = pb.GetErasureCertificateResponse(
    person_id=str(PERSON),
    request_id=str(REQUEST),
    unit="so-y-te",
    erased_on="2026-03-04",
    position=17,
    certified_on="2026-03-10",
    certified_at="2026-03-10T02:00:00Z",
    key_destroyed_at="2026-03-04T02:00:00Z",
    positions=[3, 9],
    acknowledgements=[pb.ErasureAcknowledgement(by="audit", at="2026-03-04T02:00:01Z")],
)


class PlayedSuite:
    """Keeps what it is asked, as the request it makes, and answers what it was given."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]

    async def call(self, service: str, rpc: str, fields: Mapping[str, object]) -> Any:
        assert service == "membership"
        self.asked.append((rpc, request_of(CONTRACT, rpc, fields)))
        return self.answers.pop(0) if self.answers else CommandAnswer(position=5)

    @property
    def only(self) -> tuple[str, Any]:
        (asked,) = self.asked
        return asked  # type: ignore[no-any-return]


def suite(*answers: Any) -> Any:
    return PlayedSuite(*answers)


async def test_a_request_is_received_and_its_id_is_told() -> None:
    asked = suite()
    kept = await personal_data.receive(asked, PERSON, "erasure", ON, REQUEST)
    rpc, request = asked.only
    assert (rpc, request.person_id, request.kind, request.on) == ("ReceiveDataRequest", str(PERSON), 5, "2026-03-02")
    assert (kept.id, kept.position) == (str(REQUEST), 5)


async def test_a_kind_or_class_that_there_is_not_names_those_that_there_are() -> None:
    with pytest.raises(UnknownName, match="access, correction, withdrawal, restriction, erasure"):
        await personal_data.receive(suite(), PERSON, "deletion", ON, REQUEST)
    with pytest.raises(UnknownName, match="identity, contact, hardship, photo"):
        await personal_data.place(suite(), PERSON, "name", "Điều 14", "Hồ sơ 1", ON, HOLD)


async def test_every_command_says_what_its_rpc_asks() -> None:
    asked = suite()
    await personal_data.answer(asked, REQUEST, False, "Điều 14", ON)
    await personal_data.extend(asked, REQUEST, date(2026, 4, 1), "Công văn 7", ON)
    await personal_data.carry_out(asked, REQUEST, ON)
    await personal_data.place(asked, PERSON, "hardship", "Điều 14", "Hồ sơ 1", ON, HOLD)
    await personal_data.lift(asked, PERSON, HOLD, "Bản án 3", ON)
    await personal_data.erase(asked, PERSON, REQUEST, ON)
    named = dict(asked.asked)
    assert (named["AnswerDataRequest"].accepted, named["AnswerDataRequest"].reason) == (False, "Điều 14")
    assert named["ExtendDataRequest"].carry_out_due_on == "2026-04-01"
    assert named["PlaceLegalHold"].field_class == pb.FIELD_CLASS_HARDSHIP
    assert named["LiftLegalHold"].hold_id == str(HOLD)
    assert (named["EraseSubject"].person_id, named["EraseSubject"].request_id) == (str(PERSON), str(REQUEST))
    assert all(request.command_id and request.on == "2026-03-02" for request in named.values())


async def test_a_branch_acknowledges_the_erasure_that_there_was() -> None:
    asked = suite(pb.GetErasureResponse(request_id=str(REQUEST), position=17))
    await personal_data.acknowledge(asked, PERSON, "vinh-phuc", ON)
    rpc, request = asked.asked[1]
    assert (rpc, request.request_id, request.by, request.up_to) == ("AcknowledgeErasure", str(REQUEST), "vinh-phuc", 17)


async def test_a_list_is_read_to_its_end_and_says_what_is_late() -> None:
    late = pb.DataRequest(
        request_id="1", kind=pb.DATA_REQUEST_KIND_ACCESS, status=pb.DATA_REQUEST_STATUS_ACCEPTED, answer_late=True
    )
    other = pb.DataRequest(request_id="2", kind=pb.DATA_REQUEST_KIND_ERASURE, status=pb.DATA_REQUEST_STATUS_RECEIVED)
    asked = suite(pb.ListDataRequestsResponse(requests=[late], next="a"), pb.ListDataRequestsResponse(requests=[other]))
    found = await personal_data.data_requests(asked, "so-y-te", True, None)
    assert [(one.request_id, one.kind, one.status, one.late) for one in found] == [
        ("1", "access", "accepted", "answer"),
        ("2", "erasure", "received", ""),
    ]
    assert [request.page.after for _, request in asked.asked] == ["", "a"]


async def test_a_certificate_is_told_in_both_languages_and_as_a_document() -> None:
    found = await personal_data.certificate(suite(CERTIFICATE), PERSON)
    for language, title in (("vi", "CHỨNG NHẬN XOÁ"), ("en", "CERTIFICATE OF ERASURE")):
        text = found.text(language)  # type: ignore[arg-type]
        assert title in text
        for fact in (str(PERSON), str(REQUEST), "2026-03-04", "3, 9", "2026-03-04T02:00:01Z  audit", "2026-03-10"):
            assert fact in text
    assert (found.document["position"], found.document["positions"]) == (17, [3, 9])
    assert found.document["acknowledgements"] == [{"by": "audit", "at": "2026-03-04T02:00:01Z"}]


async def test_who_has_acknowledged_who_is_awaited_and_which_children_are_still_registered_is_told() -> None:
    acknowledgements = [*CERTIFICATE.acknowledgements, pb.ErasureAcknowledgement(by="vinh-phuc")]
    told = pb.GetErasureResponse(acknowledgements=acknowledgements, registered_children=[str(HOLD)])
    found = await personal_data.status(suite(told), PERSON)
    assert [one.row for one in found.acknowledgements] == [["audit", "2026-03-04T02:00:01Z"], ["vinh-phuc", ""]]
    assert found.document == {
        "acknowledgements": [{"by": "audit", "at": "2026-03-04T02:00:01Z"}, {"by": "vinh-phuc", "at": ""}],
        "registered_children": [str(HOLD)],
    }


STANDING = personal_data.Standing((personal_data.Acknowledgement("audit", "2026-03-04T02:00:01Z"),), (str(HOLD),))
LISTS = {
    "datarequests list --unit so-y-te": [
        personal_data.DataRequest("1", "2", "so-y-te", "access", "received", "a", "b", "answer")
    ],
    "holds list --unit so-y-te": [personal_data.LegalHold("1", "2", "so-y-te", "photo", "Điều 14", "Hồ sơ 1", "a", "")],
    f"erasure status --person {PERSON}": STANDING,
    f"erasure status --member {PERSON}": STANDING,
}


@pytest.mark.parametrize("typed", LISTS)
@pytest.mark.parametrize(("language", "heading"), [("vi", "Người|Bên xác nhận"), ("en", "Person|By")])
def test_what_is_typed_shows_a_table_in_the_readers_language(
    typed: str, language: str, heading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (asking, commands):
        monkeypatch.setattr(module, "asked", lambda *_: LISTS[typed])
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, [*typed.split(), "--lang", language])
    assert shown.exit_code == 0
    assert any(word in shown.output for word in heading.split("|"))
    said = say("registered_children", language, children=HOLD)  # type: ignore[arg-type]
    assert (said in shown.output) is typed.startswith("erasure")
