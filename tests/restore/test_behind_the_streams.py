"""The database server is lost, and what was not archived yet with it; the streams have it. Is all that was answered there again?

One journey: a federation at work, a base backup while it writes, an archive that ends in the middle; a person is erased after
what the key store's archive holds. Then other servers, elsewhere.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import orjson
import pytest

from chassis.clients import Refused
from chassis.ledger.note import Signer
from chassis.recovery.tail import CannotRecover
from chassis.security import Caller, Role
from congdoan.embedded import reserve_port
from congdoan.embedded.process import plain_environment
from congdoan.provinces import grant
from federation.awards.v1 import awards_pb2 as awards
from tests.clients.programs import Branch, Subscriber, python_subscriber
from tests.clients.two_branches import ARRIVES, HA_NOI, LEAVES, STAYS, VINH_PHUC, YEAR, Federation, id_of
from tests.notifications.mailbox import Mailbox, listening
from tests.provinces.province import patiently, services
from tests.restore.places import places
from tests.restore.world import Remembering, World, in_branch
from tests.serving import variables_of

pytestmark = pytest.mark.timeout(600)

NAME = "Quách Thị Tuyệt Nhiên"
"""Nobody else's."""
NATIONAL_ID = "001199887766"
OFFICER = Caller("officer-hn", Role.GRASSROOTS_OFFICER, STAYS, "en")
WELFARE = Caller("welfare", Role.SERVICE, "")
ERASURE, EMAIL, SENT = 5, 2, 3
EMAIL_CONSENT, SELF = 1, 1
LOAD = 40


@dataclass
class Before:
    """What must be the same afterwards."""

    history: dict[str, Any]
    announced: dict[str, bytes]
    figures: dict[str, int]
    mails: list[str]
    cuts: list[str]
    proven: dict[str, int]


async def test_what_was_answered_is_there_again_and_who_was_erased_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.group_commit.OUTAGE_PATIENCE_S", 0.3)
    monkeypatch.setattr("chassis.recovery.tail.PAGE", 20)  # what is stored, and what is signed, ends in the middle of some page
    mailbox, port = Mailbox(), reserve_port()
    with places() as found, listening(mailbox, port.number) as smtp_url:
        world = World(found, smtp_url, mailbox)
        granted = await grant(found.nats.hub, HA_NOI, tmp_path)
        branch = Branch(HA_NOI, granted.url, granted.file, str(world.verifier))
        stopped, gone_on = (python_subscriber(folder(tmp_path, name)) for name in ("stopped", "gone-on"))
        async with world.serving() as suite:
            before = await work_until_the_loss(world, suite, branch, stopped, gone_on)
        for server in (found.events, found.keys):
            await asyncio.to_thread(server.lose)
            await asyncio.to_thread(server.put_back)
        assert key_of(world, id_of("erased")) == 1, "the backup of the key store brought the key back"
        async with world.serving() as suite:
            assert key_of(world, id_of("erased")) == 0, "destroyed again before anybody was answered"
            await nothing_is_recorded_before_the_tail_is_back(world, suite, before)
            await the_tail_is_taken_back(world, suite)
            await suite.settle()
            await all_is_as_it_was(world, suite, before, gone_on.kept)
            await it_goes_on(suite)
            await each_event_stands_once_in_the_branch(world, suite)
            await provinces_end_equal(suite, branch, (stopped, gone_on))


def folder(place: Path, name: str) -> Path:
    made = place / name
    made.mkdir()
    return made


def key_of(world: World, person: str) -> int:
    """How many keys the key store holds of somebody."""
    return len(world.places.rows("keys", f"select 1 from person_keys where person = '{person}'"))


# -- before ----------------------------------------------------------------------------------------------------------


async def work_until_the_loss(
    world: World, suite: Remembering, branch: Branch, stopped: Subscriber, gone_on: Subscriber
) -> Before:
    federation = Federation(suite)
    await federation.begin()
    born = {"full_name": NAME, "birth_date": "1990-01-01", "national_id": NATIONAL_ID, "email": "nhien@example.vn"}
    await suite.do("membership", "AdmitMember", member_id=id_of("erased"), unit=STAYS, on="2020-01-01", **born)
    async with under_load(federation):
        await asyncio.to_thread(world.places.events.back_up)
        await asyncio.to_thread(world.places.keys.back_up)
        await federation.open_campaign(HA_NOI)
        await federation.give(HA_NOI, who=f"{STAYS}/0")
        await federation.award(awards.AWARD_FORM_FLAG, unit=STAYS)
        await mail_to(suite, f"{STAYS}/0")
        await cut(suite, "ngay-sao-luu")
        await taken(stopped, branch)
        await asyncio.to_thread(world.places.events.archived)
        # From here on the archive has nothing; the streams have everything.
        await federation.give(HA_NOI, who=f"{LEAVES}/0")
        await federation.give(HA_NOI, unit=STAYS)
        await federation.award(awards.AWARD_FORM_CERTIFICATE_OF_MERIT, who=f"{STAYS}/1")
        await federation.award(awards.AWARD_FORM_COMMENDATION, who=f"{STAYS}/0", revoked=True)
        await federation.move(f"{STAYS}/3", ARRIVES, f"{YEAR}-05-01")
        await federation.leave(f"{STAYS}/2")
        await federation.attach(ARRIVES, HA_NOI)
        await federation.attach(LEAVES, VINH_PHUC)
        await federation.admit("late", STAYS)
        await mail_to(suite, f"{STAYS}/1")
        await cut(suite, "truoc-khi-mat")
    await asyncio.to_thread(world.places.keys.archived)
    await erased(suite, id_of("erased"))
    await suite.settle()
    await taken(gone_on, branch)
    figures = await federation.figures(HA_NOI)
    return Before(
        world.history(), await world.announced(), figures, sorted(world.mailbox.ids), await cuts(suite), await suite.proven()
    )


@asynccontextmanager
async def under_load(federation: Federation) -> AsyncIterator[None]:
    """Members are admitted meanwhile, one after the other."""

    async def admit() -> None:
        for number in range(LOAD):
            await federation.admit(f"load/{number}", f"{ARRIVES}-to")
            await asyncio.sleep(0.05)

    working = asyncio.create_task(admit())
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def cut(suite: Remembering, name: str) -> None:
    """The auditor's office gives a cut a name, which is an event of audit's own."""
    await suite.call("audit", "NameCut", command_id=str(uuid4()), name=name, cut={})


async def cuts(suite: Remembering) -> list[str]:
    """What the named cuts say."""
    return [(await suite.call("audit", "GetCut", cut={"name": name})).cut for name in ("ngay-sao-luu", "truoc-khi-mat")]


async def mail_to(suite: Remembering, who: str) -> None:
    """A mail that arrives."""
    await suite.do(
        "membership", "CorrectMemberDetails", member_id=id_of(who), email=f"{id_of(who)[:8]}@example.vn", on="2026-01-01"
    )
    shown = {"text_version": "2026-01", "evidence": "Phiếu số 7", "on": "2026-01-01"}
    await suite.do("membership", "GiveConsent", person_id=id_of(who), purpose=EMAIL_CONSENT, given_by=SELF, **shown)
    await suite.do("notifications", "SetChannelPreference", member_id=id_of(who), channel=EMAIL, open=True, on="2026-01-01")
    values = {"unit": STAYS, "title": "Báo cáo", "year": "2026", "due_on": "2026-12-15"}
    which: dict[str, Any] = {"delivery_id": str(uuid4()), "member_id": id_of(who), "channel": EMAIL, "template": 1}
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    await suite.do("notifications", "RequestNotification", WELFARE, **which, parameters=parameters, on="2026-01-01")

    async def arrived() -> bool:
        listed = await suite.call("notifications", "ListDeliveries", unit=STAYS, status=SENT)
        return which["delivery_id"] in [one.delivery_id for one in listed.deliveries]

    await patiently(arrived)


async def erased(suite: Remembering, person: str) -> None:
    """Somebody is erased, and it is certified: all four services said that they know."""
    request = str(uuid4())
    await suite.do("membership", "ReceiveDataRequest", request_id=request, person_id=person, kind=ERASURE, on="2026-03-02")
    await suite.do("membership", "AnswerDataRequest", request_id=request, accepted=True, on="2026-03-03")

    await suite.do("membership", "EraseSubject", request_id=request, person_id=person, on="2026-03-04")

    async def known() -> bool:
        status = await suite.call("membership", "GetErasure", person_id=person)
        return {one.by for one in status.acknowledgements if not one.at} <= {HA_NOI}

    await patiently(known)


async def taken(subscriber: Subscriber, branch: Branch) -> None:
    """The province takes what there is, each of its copies by a name of its own."""
    code, _, errors = await subscriber.take_all(branch, "--name", subscriber.kept.parent.name)
    assert code == 0, errors


# -- after -----------------------------------------------------------------------------------------------------------


async def nothing_is_recorded_before_the_tail_is_back(world: World, suite: Remembering, before: Before) -> None:
    """A position that was announced would be given to another event."""
    restored = world.history()
    member = {"full_name": "Người Đến Sau", "birth_date": "1990-01-01", "national_id": "001199887700", "on": "2026-04-01"}
    fields: dict[str, Any] = {"command_id": str(uuid4()), "member_id": str(uuid4()), "unit": STAYS, **member}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await suite.ask_once("membership", "AdmitMember", Caller("founder", Role.FEDERATION_OFFICER, "tld", "en"), **fields)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "lacks what was announced" in (refused.value.details() or "")
    for name, service in suite.services.items():
        assert service.publisher

        async def says_it(service: Any = service) -> bool:
            return "the store does not hold that event" in service.publisher.trouble

        await patiently(says_it)
        heads = [dict(restored)[f"{name}.head"], before.history[f"{name}.head"]]
        assert heads[0][0][1] < heads[1][0][1], name
    now = world.history()
    assert {place: rows for place, rows in now.items() if rows != restored[place]} == {}
    for name, messages in (await world.announced()).items():
        assert messages == before.announced[name], name


async def the_tail_is_taken_back(world: World, suite: Remembering) -> None:
    """Service by service; an operator looks first, and another ledger's key is no key."""
    with pytest.raises(CannotRecover, match="not signed by this key"):
        await world.recover(suite.services["welfare"], apply=True, verifier=Signer("congdoan-ledger", bytes(32)).verifier)
    for name, service in suite.services.items():
        looked = await world.recover(service, apply=False)
        assert looked.missing > 0
        assert (looked.signed, looked.unsigned) == (looked.last, 0), "the ledger had signed everything"
        if name != "membership":
            assert await world.recover(service, apply=True) == looked
    told = await by_the_command_line(world, suite.services["membership"], "--apply")
    assert told["taken_back"] == told["stream"] - told["store"] > 0
    again = await by_the_command_line(world, suite.services["membership"])
    assert (again["missing"], again["taken_back"]) == (0, 0)


async def by_the_command_line(world: World, service: Any, *more: str) -> dict[str, Any]:
    """``python -m membership recover``, beside the service that runs."""
    command = [sys.executable, "-m", service.name, "recover", "--ledger-key", str(world.verifier), *more]
    environment = plain_environment(**variables_of(service.settings))
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=-1, stderr=-1)
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return dict(orjson.loads(out))


async def all_is_as_it_was(world: World, suite: Remembering, before: Before, witness: Path) -> None:
    now = world.history()
    assert set(now) == set(before.history)
    for place, rows in before.history.items():
        assert now[place][: len(rows)] == rows if place.endswith(".events") else now[place] == rows, place
    for name, messages in (await world.announced()).items():
        assert messages.startswith(before.announced[name]), name
    assert [one.answer for one in world.acknowledged] == [await suite.again(one) for one in world.acknowledged]
    await an_id_is_not_used_again(world, suite)
    assert await Federation(suite).figures(HA_NOI) == before.figures
    assert await suite.proven() == before.proven
    assert sorted(world.mailbox.ids) == before.mails
    assert await cuts(suite) == before.cuts
    await suite.settle()
    for source, outcome in (await world.verified(witness)).items():
        assert outcome.whole, (source, outcome)
        assert all(one.covered >= 1 and not one.first_bad for one in outcome.services)
    for place, data in (await world.everything()).items():
        assert NAME.encode() not in data, place
        assert NATIONAL_ID.encode() not in data, place


async def an_id_is_not_used_again(world: World, suite: Remembering) -> None:
    """Of a command whose words nobody knows any more, the aggregate alone tells a repetition from another command."""
    late = next(one for one in world.acknowledged if one.fields.get("member_id") == id_of("late"))
    born = {"full_name": "Người Khác", "birth_date": "1990-01-01", "on": "2026-04-01", "unit": STAYS}
    other = {"member_id": str(uuid4()), "national_id": "001199887711", **born}
    with pytest.raises(Refused, match="CommandIdReused"):
        await suite.call("membership", "AdmitMember", **other, command_id=late.fields["command_id"])


async def it_goes_on(suite: Remembering) -> None:
    """What was claimed in the tail is claimed; what is new is recorded and told."""
    born = {"full_name": "Người Khác", "birth_date": "1990-01-01", "on": "2026-04-01", "unit": STAYS}
    taken = f"{int(id_of('late')[:8], 16):012d}"
    with pytest.raises(Refused, match="NationalIdTaken"):
        await suite.do("membership", "AdmitMember", member_id=str(uuid4()), national_id=taken, **born)
    await Federation(suite).admit("after", STAYS)
    await Federation(suite).give(HA_NOI, who="after")
    await suite.settle()


async def provinces_end_equal(suite: Remembering, branch: Branch, subscribers: tuple[Subscriber, ...]) -> None:
    """Whoever had stopped before what was lost, and whoever had taken more than the store held for a while."""
    wanted = await Federation(suite).figures(HA_NOI)
    for subscriber in subscribers:

        async def equal(subscriber: Subscriber = subscriber) -> bool:
            await taken(subscriber, branch)
            return bool((await subscriber.figures(branch, YEAR))["figures"] == wanted)

        await patiently(equal)


async def each_event_stands_once_in_the_branch(world: World, suite: Remembering) -> None:
    """The branch's own stream went on, without a gap and with nothing twice."""
    recorded = await Federation(suite).branch_positions(HA_NOI)

    async def so() -> bool:
        async with services(world.places.nats) as bus:
            held = await in_branch(bus, HA_NOI)
        return {
            name: sum(many for subject, many in held.items() if subject.startswith(f"federation.{name}.")) for name in recorded
        } == recorded

    await patiently(so)
