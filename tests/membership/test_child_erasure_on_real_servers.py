"""A child is erased on the real servers by the same path as a member: request, holds, event, key, certificate."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from grpc import StatusCode

from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.membership.erasing_suite import (
    ALL,
    ELSEWHERE,
    FOLLOWING,
    GRASSROOTS,
    PROVINCE,
    TOP,
    ErasingSuite,
    erasing_suite,
    named,
)
from tests.membership.test_erasure_on_real_servers import refused

MARKED: dict[str, Any] = {"full_name": "Nguyễn Minh Dấu Vết", "birth_date": "2016-09-13"}
EVIDENCE, CORRECTED = "Phiếu Dấu Vết 17", "Nguyễn Mai Dấu Vết"
GUARDIAN, PHOTO, ERASURE, IDENTITY = 2, 3, 5, 1


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats, tmp_path: Path) -> AsyncIterator[ErasingSuite]:
    async with erasing_suite(postgres, own_nats.url, tmp_path) as running:
        yield running


async def test_a_child_from_the_request_to_the_certificate(suite: ErasingSuite) -> None:
    parent = await suite.admit()
    kid, sibling = await suite.register(parent, **MARKED), await suite.register(parent)
    agreeing: dict[str, Any] = {"purpose": PHOTO, "given_by": GUARDIAN, "text_version": "2026-01", "evidence": EVIDENCE}
    await suite.do("GiveConsent", person_id=kid, **agreeing)
    await suite.do("CorrectChildDetails", child_id=kid, full_name=CORRECTED)

    request_id = await asked_and_held(suite, kid, sibling)
    await suite.do("EraseSubject", PROVINCE, person_id=kid, request_id=request_id, on="2026-03-04")
    await nothing_more_is_recorded(suite, kid, parent, agreeing)
    certificate = await certified(suite, kid, request_id)

    about = "position('sealed:1:'::bytea in body) > 0 and position(%s::bytea in body) > 0"
    sealed = suite.rows("membership", f"select position from events where {about} order by 1", (kid.encode(),))
    assert list(certificate.positions) == [position for (position,) in sealed]
    assert len(sealed) == 3, "registered, corrected, agreed to"
    (listed,) = (await suite.call("ListDataRequests", GRASSROOTS, unit="so-y-te", person_id=kid)).requests
    assert (listed.status, listed.unit) == (4, "so-y-te")
    await nobody_left(suite, kid)
    await the_parent_goes_alone(suite, parent, sibling)


async def asked_and_held(suite: ErasingSuite, kid: str, sibling: str) -> str:
    """The request that was accepted, after everything that stands against the erasure."""
    asking: dict[str, Any] = {"request_id": str(uuid4()), "person_id": kid, "kind": ERASURE}
    await refused(suite.do("ReceiveDataRequest", ELSEWHERE, **asking), StatusCode.PERMISSION_DENIED, "Forbidden")
    await suite.do("ReceiveDataRequest", GRASSROOTS, **asking)
    (due,) = (await suite.call("ListDataRequests", GRASSROOTS, at_least=suite.head, unit="so-y-te")).requests
    assert (due.person_id, due.unit, due.carry_out_due_on) == (kid, "so-y-te", "2026-03-22")
    request_id = str(asking["request_id"])
    erasing: dict[str, Any] = {"person_id": kid, "request_id": request_id, "on": "2026-03-04"}
    unanswered = suite.do("EraseSubject", PROVINCE, **erasing)
    await refused(unanswered, StatusCode.FAILED_PRECONDITION, "NotAnErasureRequest")
    await suite.do("AnswerDataRequest", GRASSROOTS, request_id=request_id, accepted=True, on="2026-03-03")
    for_another = suite.do("EraseSubject", PROVINCE, **{**erasing, "person_id": sibling})
    await refused(for_another, StatusCode.FAILED_PRECONDITION, "NotAnErasureRequest")

    hold: dict[str, Any] = {"person_id": kid, "hold_id": str(uuid4())}
    why = {"basis": "Điều 14 Luật 91/2025/QH15", "reason": "Hồ sơ 12/2026/TLST"}
    await suite.do("PlaceLegalHold", PROVINCE, field_class=IDENTITY, **hold, **why)
    held = await refused(suite.do("EraseSubject", PROVINCE, **erasing), StatusCode.FAILED_PRECONDITION, "LegallyHeld")
    assert "identity (Điều 14 Luật 91/2025/QH15)" in held.sentence
    (listed,) = (await suite.call("ListLegalHolds", PROVINCE, at_least=suite.head, unit="vinh-phuc")).holds
    assert (listed.person_id, listed.unit) == (kid, "so-y-te")
    await suite.do("LiftLegalHold", PROVINCE, **hold, reason="Bản án 3/2026/DS-ST", on="2026-03-04")
    await refused(suite.do("EraseSubject", GRASSROOTS, **erasing), StatusCode.PERMISSION_DENIED, "Forbidden")
    return request_id


async def nothing_more_is_recorded(suite: ErasingSuite, kid: str, parent: str, agreeing: dict[str, Any]) -> None:
    """Every command that would add something about the child is refused."""
    hold = {"hold_id": str(uuid4()), "field_class": IDENTITY, "basis": "Điều 14", "reason": "Hồ sơ 13"}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("CorrectChildDetails", {"child_id": kid, "full_name": "Ai đó"}, "SubjectIsErased"),
        ("GiveConsent", {"person_id": kid, **agreeing}, "SubjectIsErased"),
        ("ReceiveDataRequest", {"request_id": str(uuid4()), "person_id": kid, "kind": 1}, "SubjectIsErased"),
        ("PlaceLegalHold", {"person_id": kid, **hold}, "SubjectIsErased"),
        ("EraseSubject", {"person_id": kid, "request_id": str(uuid4())}, "SubjectIsErased"),
    ]
    for rpc, fields, rule in cases:
        await refused(suite.do(rpc, TOP, on="2026-03-05", **fields), StatusCode.FAILED_PRECONDITION, rule)
    again = suite.do("RegisterChild", child_id=kid, member_id=parent, **MARKED, on="2026-03-05")
    await refused(again, StatusCode.ALREADY_EXISTS, "ChildExists")


async def certified(suite: ErasingSuite, kid: str, request_id: str) -> Any:
    """The certificate, when all have acknowledged."""
    standing = await suite.silent(kid, "vinh-phuc")
    assert {one.by for one in standing.acknowledgements} == {*FOLLOWING, "vinh-phuc"}
    assert (standing.unit, list(standing.registered_children)) == ("so-y-te", [])
    early = suite.call("GetErasureCertificate", PROVINCE, person_id=kid)
    await refused(early, StatusCode.FAILED_PRECONDITION, "NotCertified")
    await refused(suite.call("GetErasure", ELSEWHERE, person_id=kid), StatusCode.PERMISSION_DENIED, "Forbidden")
    acknowledging: dict[str, Any] = {"request_id": request_id, "by": "vinh-phuc", "up_to": standing.position}
    await suite.do("AcknowledgeErasure", PROVINCE, on="2026-03-10", **acknowledging)
    certificate = await suite.certificate(kid)
    assert {one.by for one in certificate.acknowledgements} == {*FOLLOWING, "vinh-phuc"}
    assert all(certificate.key_destroyed_at <= one.at <= certificate.certified_at for one in certificate.acknowledgements)
    return certificate


async def nobody_left(suite: ErasingSuite, kid: str) -> None:
    """Nothing of the child in any table, and no key."""
    assert suite.rows("keys", "select 1 from person_keys where person = %s", (kid,)) == []
    for name in ALL:
        kept = suite.everything(name)
        for value in (*named(MARKED), EVIDENCE, CORRECTED, "Dấu Vết"):
            assert value not in kept, (name, value)


async def the_parent_goes_alone(suite: ErasingSuite, parent: str, sibling: str) -> None:
    """Of an erased member's children those are told that are still registered; they stay."""
    request_id = await suite.accepted(parent)
    await suite.do("EraseSubject", PROVINCE, person_id=parent, request_id=request_id, on="2026-03-04")
    standing = await suite.silent(parent, "vinh-phuc")
    assert list(standing.registered_children) == [sibling]
    (child,) = (await suite.call("ListChildren", GRASSROOTS, member_id=parent)).children
    assert (child.child_id, child.full_name) == (sibling, "Đỗ Minh Ế")
    later = await suite.accepted(sibling)
    await suite.do("EraseSubject", PROVINCE, person_id=sibling, request_id=later, on="2026-03-04")
    await suite.silent(sibling, "vinh-phuc")
    assert list((await suite.call("GetErasure", PROVINCE, at_least=suite.head, person_id=parent)).registered_children) == []
