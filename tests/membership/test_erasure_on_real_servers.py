"""A person is erased on the real servers: keys first, whatever dies; then everybody who follows; then the certificate."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from grpc import StatusCode

from chassis.clients import Refused
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
from tests.serving import a_nats_of_its_own

MARKED = {
    "full_name": "Nguyễn Thị Dấu Vết",
    "national_id": "026090777001",
    "birth_date": "1971-09-13",
    "phone": "+84977700177",
    "email": "dau.vet@example.vn",
}


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats, tmp_path: Path) -> AsyncIterator[ErasingSuite]:
    async with erasing_suite(postgres, own_nats.url, tmp_path) as running:
        yield running


@pytest.fixture
async def alone(postgres: EmbeddedPostgres, own_nats: EmbeddedNats, tmp_path: Path) -> AsyncIterator[ErasingSuite]:
    """Membership without anybody who acknowledges."""
    async with erasing_suite(postgres, own_nats.url, tmp_path, following=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ErasingSuite]:
    """The same, for the tests that are each about a person of their own."""
    with a_nats_of_its_own() as nats:
        async with erasing_suite(postgres, nats.url, tmp_path_factory.mktemp("shared"), following=False) as running:
            yield running


async def refused(call: Any, status: StatusCode, rule: str) -> Refused:
    with pytest.raises(Refused) as caught:
        await call
    assert (caught.value.status, caught.value.rule) == (status, rule)
    return caught.value


@pytest.mark.long  # tests/journeys erases, rebuilds and restores too
async def test_from_the_request_to_the_certificate(suite: ErasingSuite) -> None:
    person = await suite.admit(**MARKED)
    await suite.admit()
    await suite.do("RecordHardship", member_id=person, grade=2, details="Bệnh hiểm nghèo Dấu Vết", on="2024-05-05")
    before = {year: await suite.figure(year=year) for year in (2019, 2020, 2026)}
    request_id = await suite.accepted(person)
    await suite.do("EraseSubject", PROVINCE, person_id=person, request_id=request_id, on="2026-03-04")

    standing = await suite.silent(person, "vinh-phuc")
    assert {one.by for one in standing.acknowledgements} == {*FOLLOWING, "vinh-phuc"}
    await refused(suite.call("GetErasureCertificate", PROVINCE, person_id=person), StatusCode.FAILED_PRECONDITION, "NotCertified")
    acknowledging = {"request_id": request_id, "by": "vinh-phuc", "up_to": standing.position, "on": "2026-03-10"}
    await suite.do("AcknowledgeErasure", PROVINCE, **acknowledging)
    certificate = await suite.certificate(person)

    query = "select position from events where position('sealed:1:'::bytea in body) > 0 and aggregate_id = %s order by 1"
    sealed = suite.rows("membership", query, (person,))
    assert list(certificate.positions) == [position for (position,) in sealed]
    assert len(sealed) == 2
    assert {one.by for one in certificate.acknowledgements} == {*FOLLOWING, "vinh-phuc"}
    assert all(certificate.key_destroyed_at <= one.at <= certificate.certified_at for one in certificate.acknowledgements)
    assert (certificate.erased_on, certificate.request_id) == ("2026-03-04", request_id)

    (listed,) = (await suite.call("ListDataRequests", GRASSROOTS, unit="so-y-te", as_of="2026-12-31")).requests
    assert (listed.status, listed.carried_out_on, listed.carry_out_late) == (4, certificate.certified_on, True)
    await nobody_left(suite, person)
    assert {year: await suite.figure(year=year) for year in before} == before


async def nobody_left(suite: ErasingSuite, person: str) -> None:
    """Nothing of the person in any table; the member is there without a name."""
    assert suite.rows("keys", "select 1 from person_keys where person = %s", (person,)) == []
    for name in ALL:
        kept = suite.everything(name)
        for value in [*named(MARKED), "Dấu Vết"]:
            assert value not in kept, (name, value)
    known = await suite.call("GetMember", GRASSROOTS, member_id=person)
    assert (known.full_name, known.birth_date, known.phone, known.email) == ("", "", "", "")


async def test_membership_killed_between_the_event_and_the_key_destroys_it_when_it_is_back(suite: ErasingSuite) -> None:
    person = await suite.admit(**MARKED)
    request_id = await suite.accepted(person)
    with psycopg.connect(suite.conninfo("keys")) as keys:
        # Whoever destroys a key waits for this lock: so the process dies with the event recorded and the key still there.
        keys.execute("select pg_advisory_xact_lock(hashtext('congdoan.person_keys'))")
        await suite.do("EraseSubject", PROVINCE, person_id=person, request_id=request_id, on="2026-03-04")
        # Everybody has heard of it, and nobody is let acknowledge it.
        while not suite.rows("membership", "select 1 from erasures_v1 where person_id = %s", (person,)):
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        standing = await suite.call("GetErasure", PROVINCE, person_id=person)
        assert [one.at for one in standing.acknowledgements] == [""] * 5
        await suite.kill_membership()
        assert suite.rows("keys", "select count(*) from person_keys where person = %s", (person,)) == [(1,)]
    await suite.start_membership()
    await suite.silent(person, "vinh-phuc")
    await nobody_left(suite, person)


@pytest.mark.long  # tests/journeys erases, rebuilds and restores too
async def test_read_models_built_anew_and_a_replayed_history_show_the_person_as_erased_and_the_same_figures(
    alone: ErasingSuite,
) -> None:
    person = await alone.admit(**MARKED)
    await alone.admit()
    await alone.do("CorrectMemberDetails", member_id=person, phone="+84977700177", on="2025-01-01")
    await alone.do("RecordHardship", member_id=person, grade=2, details="Dấu Vết", on="2025-01-01")
    request_id = await alone.accepted(person)
    await alone.do("EraseSubject", PROVINCE, person_id=person, request_id=request_id, on="2026-03-04")
    while alone.rows("keys", "select 1 from person_keys where person = %s", (person,)):
        await asyncio.sleep(0.05)
    shown = await alone.call("GetMember", GRASSROOTS, at_least=alone.head, member_id=person)
    figures = {year: await alone.figure(year=year) for year in (2019, 2020, 2026)}

    await alone.kill_membership()
    for (follower,) in alone.rows("membership", "select follower from followers where follower like '%%.v_'"):
        name, _, version = follower.rpartition(".")
        alone.run("membership", f"truncate {name}_{version}")
    alone.run("membership", "update followers set position = 0")
    await alone.start_membership()

    assert await alone.call("GetMember", GRASSROOTS, at_least=alone.head, member_id=person) == shown
    assert {year: await alone.figure(year=year) for year in figures} == figures
    await nobody_left(alone, person)
    await refused(
        alone.do("CorrectMemberDetails", member_id=person, full_name="Lê Ân"), StatusCode.FAILED_PRECONDITION, "SubjectIsErased"
    )
    await alone.do("LeaveUnion", member_id=person, reason="Nghỉ hưu", on="2026-04-01")
    await alone.admit(**MARKED, on="2026-05-01")


@pytest.mark.long  # tests/journeys erases, rebuilds and restores too
async def test_a_restored_backup_of_the_events_yields_nobody_who_has_a_tombstone(alone: ErasingSuite) -> None:
    person = await alone.admit(**MARKED)
    other = await alone.admit(full_name="Lê Văn Còn")
    request_id = await alone.accepted(person)
    await head_seen(alone)
    await alone.kill_membership()
    administrator, name = alone.postgres.conninfo("postgres"), alone.database("membership")
    with psycopg.connect(administrator, autocommit=True) as connection:
        connection.execute(f'create database "{name}_backup" template "{name}"'.encode())
    await alone.start_membership()
    await alone.do("EraseSubject", PROVINCE, person_id=person, request_id=request_id, on="2026-03-04")
    while alone.rows("keys", "select 1 from person_keys where person = %s", (person,)):
        await asyncio.sleep(0.05)
    await alone.kill_membership()
    with psycopg.connect(administrator, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)'.encode())
        connection.execute(f'alter database "{name}_backup" rename to "{name}"'.encode())
    assert MARKED["full_name"] in alone.everything("membership"), "the backup had the name, in a read model"

    await alone.start_membership()
    known = await alone.call("GetMember", GRASSROOTS, at_least=alone.head, member_id=other)
    assert known.full_name == "Lê Văn Còn"
    await nobody_left(alone, person)
    await refused(
        alone.do("CorrectMemberDetails", member_id=person, full_name="Lê Ân"), StatusCode.FAILED_PRECONDITION, "PersonErased"
    )


@pytest.mark.long  # tests/journeys erases, rebuilds and restores too
async def test_a_restored_backup_of_the_keys_yields_nobody_either(alone: ErasingSuite) -> None:
    person = await alone.admit(**MARKED)
    request_id = await alone.accepted(person)
    (kept,) = alone.rows("keys", "select wrapped, wrapping_key from person_keys where person = %s", (person,))
    await alone.do("EraseSubject", PROVINCE, person_id=person, request_id=request_id, on="2026-03-04")
    while not alone.rows("membership", "select 1 from erased where person_id = %s", (person,)):
        await asyncio.sleep(0.05)
    await alone.kill_membership()
    alone.run("keys", "delete from erased_persons")
    alone.run("keys", "insert into person_keys (person, wrapped, wrapping_key) values (%s, %s, %s)", (person, *kept))
    await alone.start_membership()
    await alone.call("GetMember", GRASSROOTS, member_id=person)
    await nobody_left(alone, person)
    assert alone.rows("keys", "select person from erased_persons") == [(UUID(person),)]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_hold_refuses_the_erasure_until_it_is_lifted(shared: ErasingSuite) -> None:
    person = await shared.admit(**MARKED)
    request_id, hold_id = await shared.accepted(person), str(uuid4())
    hold = {"person_id": person, "hold_id": hold_id, "basis": "Điều 14 Luật 91/2025/QH15", "reason": "Hồ sơ 12/2026/TLST"}
    await refused(shared.do("PlaceLegalHold", GRASSROOTS, field_class=3, **hold), StatusCode.PERMISSION_DENIED, "Forbidden")
    await shared.do("PlaceLegalHold", PROVINCE, field_class=3, **hold)
    erasing = {"person_id": person, "request_id": request_id, "on": "2026-03-04"}
    held = await refused(shared.do("EraseSubject", PROVINCE, **erasing), StatusCode.FAILED_PRECONDITION, "LegallyHeld")
    assert "hardship (Điều 14 Luật 91/2025/QH15)" in held.sentence
    listing = {"unit": "vinh-phuc", "live_only": True}
    (listed,) = (await shared.call("ListLegalHolds", PROVINCE, at_least=shared.head, **listing)).holds
    assert (listed.person_id, listed.hold_id, listed.field_class, listed.unit) == (person, hold_id, 3, "so-y-te")
    await shared.do("LiftLegalHold", PROVINCE, person_id=person, hold_id=hold_id, reason="Bản án 3/2026/DS-ST", on="2026-03-04")
    assert not (await shared.call("ListLegalHolds", PROVINCE, at_least=shared.head, **listing)).holds
    await shared.do("EraseSubject", PROVINCE, **erasing)


async def test_requests_are_listed_by_those_who_may_see_the_person_now_as_open_due_and_late(alone: ErasingSuite) -> None:
    first, second = await alone.admit(), await alone.admit(unit="so-noi-vu")
    requests = [str(uuid4()) for _ in range(3)]
    for request_id, person, on in zip(requests, (first, second, first), ("2026-03-02", "2026-03-03", "2026-03-04"), strict=True):
        await alone.do("ReceiveDataRequest", TOP, request_id=request_id, person_id=person, kind=1, on=on)
    await alone.do("AnswerDataRequest", GRASSROOTS, request_id=requests[0], accepted=True, on="2026-03-05")
    await alone.do("CarryOutDataRequest", GRASSROOTS, request_id=requests[0], on="2026-03-06")

    async def listed(unit: str, caller: Any = PROVINCE, **more: Any) -> list[str]:
        answer = await alone.call("ListDataRequests", caller, at_least=alone.head, unit=unit, **more)
        return [one.request_id for one in answer.requests]

    assert await listed("vinh-phuc") == requests
    assert await listed("vinh-phuc", open_only=True) == requests[1:]
    assert await listed("vinh-phuc", due_before="2026-03-06") == [requests[1]]
    assert await listed("vinh-phuc", person_id=first) == [requests[0], requests[2]]
    assert await listed("so-y-te", GRASSROOTS) == [requests[0], requests[2]]
    await refused(listed("so-noi-vu", GRASSROOTS), StatusCode.PERMISSION_DENIED, "Forbidden")
    answer = await alone.call("ListDataRequests", PROVINCE, unit="vinh-phuc", as_of="2026-03-06")
    assert [one.answer_late for one in answer.requests] == [True, True, False]
    page = await alone.call("ListDataRequests", PROVINCE, unit="vinh-phuc", page={"size": 2})
    rest = await alone.call("ListDataRequests", PROVINCE, unit="vinh-phuc", page={"size": 2, "after": page.next})
    assert [one.request_id for one in (*page.requests, *rest.requests)] == requests
    assert not rest.next


@pytest.mark.asyncio(loop_scope="module")
async def test_after_a_transfer_the_new_unit_answers_and_both_provinces_acknowledge(shared: ErasingSuite) -> None:
    person, transfer_id = await shared.admit(), str(uuid4())
    moving: dict[str, Any] = {"member_id": person, "transfer_id": transfer_id, "on": "2025-01-01"}
    await shared.do("RequestTransfer", to_unit="so-tu-phap", **moving)
    await shared.do("ReleaseMember", **moving)
    await shared.do("AcceptTransfer", **moving)
    request_id = str(uuid4())
    asking = {"request_id": request_id, "person_id": person, "kind": 5}
    await refused(shared.do("ReceiveDataRequest", GRASSROOTS, **asking), StatusCode.PERMISSION_DENIED, "Forbidden")
    await shared.do("ReceiveDataRequest", ELSEWHERE, **asking)
    await shared.do("AnswerDataRequest", ELSEWHERE, request_id=request_id, accepted=True, on="2026-03-03")
    await shared.do("EraseSubject", ELSEWHERE, person_id=person, request_id=request_id, on="2026-03-04")
    standing = await shared.call("GetErasure", ELSEWHERE, at_least=shared.head, person_id=person)
    assert {one.by for one in standing.acknowledgements} == {*FOLLOWING, "vinh-phuc", "hai-duong"}
    while shared.rows("keys", "select 1 from person_keys where person = %s", (person,)):
        await asyncio.sleep(0.05)
    foreign = shared.do("AcknowledgeErasure", ELSEWHERE, request_id=request_id, by="vinh-phuc", up_to=9, on="2026-03-05")
    await refused(foreign, StatusCode.PERMISSION_DENIED, "Forbidden")
    for_a_service = shared.do("AcknowledgeErasure", TOP, request_id=request_id, by="welfare", up_to=9, on="2026-03-05")
    await refused(for_a_service, StatusCode.PERMISSION_DENIED, "Forbidden")
    for caller, branch in ((PROVINCE, "vinh-phuc"), (ELSEWHERE, "hai-duong")):
        await shared.do("AcknowledgeErasure", caller, request_id=request_id, by=branch, up_to=9, on="2026-03-05")
    standing = await shared.call("GetErasure", ELSEWHERE, at_least=shared.head, person_id=person)
    assert {one.by for one in standing.acknowledgements if one.at} == {"vinh-phuc", "hai-duong"}


async def test_the_province_to_which_a_unit_has_come_with_its_members_acknowledges_too(alone: ErasingSuite) -> None:
    person = await alone.admit("so-noi-vu")
    await alone.do("AttachUnit", unit="so-noi-vu", attachment=1, parent="hai-duong", on="2025-01-01")
    request_id = str(uuid4())
    await alone.do("ReceiveDataRequest", ELSEWHERE, request_id=request_id, person_id=person, kind=5)
    await alone.do("AnswerDataRequest", ELSEWHERE, request_id=request_id, accepted=True, on="2026-03-03")
    await alone.do("EraseSubject", ELSEWHERE, person_id=person, request_id=request_id, on="2026-03-04")
    standing = await alone.call("GetErasure", ELSEWHERE, at_least=alone.head, person_id=person)
    assert {one.by for one in standing.acknowledgements} == {*FOLLOWING, "vinh-phuc", "hai-duong"}


@pytest.mark.asyncio(loop_scope="module")
async def test_who_was_not_erased_has_no_erasure_and_nobody_learns_of_persons_elsewhere(shared: ErasingSuite) -> None:
    person = await shared.admit()
    await refused(
        shared.call("GetErasure", PROVINCE, at_least=shared.head, person_id=person), StatusCode.NOT_FOUND, "NobodyErased"
    )
    await refused(shared.call("GetErasure", ELSEWHERE, person_id=person), StatusCode.PERMISSION_DENIED, "Forbidden")
    await refused(shared.call("GetErasure", ELSEWHERE, person_id=str(uuid4())), StatusCode.PERMISSION_DENIED, "Forbidden")
    unknown = shared.do("AnswerDataRequest", GRASSROOTS, request_id=str(uuid4()), accepted=True)
    await refused(unknown, StatusCode.NOT_FOUND, "RequestUnknown")
    of_a_unit = shared.do("ReceiveDataRequest", TOP, request_id=str(uuid4()), person_id=str(uuid4()), kind=1)
    await refused(of_a_unit, StatusCode.NOT_FOUND, "PersonUnknown")


async def head_seen(suite: ErasingSuite) -> None:
    """Every read model shows everything so far."""
    await suite.call("ListLegalHolds", TOP, at_least=suite.head, unit="tld")
