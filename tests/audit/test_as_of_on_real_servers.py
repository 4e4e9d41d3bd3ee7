"""On both clocks over gRPC, on a real PostgreSQL and NATS: a later correction changes the answer of now and none of before."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import nats
import psycopg
import pytest
from nats.aio.client import Client

from audit.domain.cut import Cut
from audit.settings import Settings
from audit.wiring import FOLLOWED, Audit, real
from awards.events import AwardForm, AwardRevoked, AwardScope, FlagAwarded
from chassis.clients import Refused, RpcClient
from chassis.cloudevents import headers_of, subject_of
from chassis.database import migrate
from chassis.events import Event
from chassis.recorded import Actor, RecordedEvent
from chassis.security import Caller, Role
from chassis.streams import set_up
from congdoan.auditing import as_of
from congdoan.auditing.as_of import Asked, choice_of
from congdoan.clients import connected
from membership.events import Level, MemberJoined, MemberLeft, UnitRenamed
from notifications.events import AnnouncementPublished
from tests.audit.histories import FIRST_DAY
from tests.audit.recording import Recording, id_of
from tests.audit.test_tables import drawn
from tests.serving import credentials, method_of, request_of, settings_of, target_of
from tests.welfare import tet_campaign as tet

AUDITOR = Caller("auditor-1", Role.AUDITOR, "", "en")
TOP, UNIT = "unit-000", "unit-001x"
OFFICER = Caller("officer-1", Role.PROVINCE_OFFICER, UNIT, "en")
PATIENCE_S = 60.0
YEAR = 2024
AS_OF = FIRST_DAY + timedelta(days=900)
MEMBER, FLAG = id_of("member", 999), id_of("award", 999)
NOBODY = dict.fromkeys(("full_name", "national_id", "national_id_hash", "birth_date", "phone", "email"))
OF_FLAG: dict[str, Any] = {
    "unit": TOP, "on": FIRST_DAY, "nomination_id": FLAG, "member_id": None, "form": AwardForm.FLAG, "scope": AwardScope.ADHOC,
    "theme": "", "year": YEAR, "decider": TOP, "decider_level": Level.CONFEDERATION, "decision_number": "7/QĐ-TLĐ",
    "decided_on": FIRST_DAY, "rule_set": "999/QĐ-TLĐ",
}  # fmt: skip
DERIVED = ("contributions_v2", "entries_v2", "unit_facts_v2", "late_v2", "knowledge_v1", "award_steps_v1", "named_cuts_v1")


FOLLOWING = ["figures.%", "knowledge.%", "award_register.%", "named_cuts.%"]


@dataclass
class Archive:
    """Audit running beside the streams of services that are not there, and all that they recorded so far."""

    service: Audit
    settings: Settings
    bus: Client
    recording: Recording

    async def publish(self, events: Iterable[RecordedEvent]) -> None:
        """Put events on their streams as their services would."""
        for event in events:
            subject = subject_of(event.service, event.branch, event.topic)
            await self.bus.jetstream().publish(subject, event.body, headers=headers_of(event))

    async def ask(self, rpc: str, caller: Caller = AUDITOR, **fields: Any) -> Any:
        """One question, answered when everything of the recording was heard."""
        client = RpcClient(target_of(self.service), method_of("audit", rpc).containing_service, credentials(caller))
        heard: Mapping[str, int] = self.recording.positions
        try:
            return await client.call(rpc, request_of("audit", rpc, **fields), at_least=heard, timeout_s=PATIENCE_S)
        finally:
            await client.close()

    async def answers(self, cut: Mapping[str, str]) -> list[bytes]:
        """Everything that can be asked on both clocks, as it comes over the wire."""
        asked: dict[str, Any] = {"as_of": AS_OF.isoformat(), "cut": cut}
        return [
            answer.SerializeToString(deterministic=True)
            for answer in (
                await self.ask("GetFiguresAsOf", unit=TOP, year=YEAR, **asked),
                await self.ask("GetUnitTreeAsOf", unit=TOP, dissolved=True, **asked),
                await self.ask("GetMemberAsOf", member_id=str(MEMBER), **asked),
                await self.ask("GetCampaignAsOf", campaign_id=str(tet.CAMPAIGN), **asked),
                await self.ask("ListAwardsAsOf", unit=TOP, year=YEAR, **asked),
            )
        ]

    async def restart(self, *, rebuilt: bool = False) -> None:
        """Stop and start again; after a rebuild everything that is derived is derived anew."""
        await self.service.stop()
        if rebuilt:
            with psycopg.connect(self.settings.database_url) as connection:
                connection.execute(f"truncate {', '.join(DERIVED)}".encode())
                connection.execute("delete from followers where follower like any(%s)", (FOLLOWING,))
        self.service = real(self.settings)
        await self.service.start()


@pytest.fixture
async def archive(database: str, own_nats: Any) -> AsyncIterator[Archive]:
    await set_up(own_nats.url, FOLLOWED)
    # Nobody is membership here: an auditor needs no tree, and an officer none for its own unit.
    settings = settings_of("audit", database, own_nats.url, membership_target="127.0.0.1:1", checkpoint_interval_s=60.0)
    service = real(settings)
    await asyncio.to_thread(migrate, database, service.schema)
    await service.start()
    bus = await nats.connect(own_nats.url)
    running = Archive(service, settings, bus, federation_history())
    yield running
    await bus.close()
    await running.service.stop()


def federation_history() -> Recording:
    """A busy history, and in it a member, a campaign and a flag that are asked about."""
    recording = drawn(Random(41), 260)
    recording.record(MEMBER, MemberJoined(unit=UNIT, on=FIRST_DAY, member_id=MEMBER, **NOBODY))
    for event in (tet.opened(), tet.budget_approved(), tet.proposed(), tet.approved(), tet.distributed()):
        recording.record(tet.CAMPAIGN, event)
    recording.record(FLAG, FlagAwarded(**OF_FLAG))
    return recording


def corrections() -> Iterable[tuple[UUID, Event]]:
    """What turns out later to have been otherwise, long before."""
    long_ago = FIRST_DAY + timedelta(days=1)
    yield MEMBER, MemberLeft(unit=UNIT, on=long_ago, member_id=MEMBER, reason="ghi nhầm")
    yield tet.CAMPAIGN, tet.returned()
    yield FLAG, AwardRevoked(**{**OF_FLAG, "on": long_ago, "reason": "sai quy trình", "position_id": uuid4()})
    yield id_of(f"unit/{UNIT}", 0), UnitRenamed(unit=UNIT, on=long_ago, name="Tên đúng", former_name=UNIT)


def caused(event: RecordedEvent, by: str) -> RecordedEvent:
    """An event by which a service reacts to another one's."""
    metadata = replace(event.metadata, actor=Actor("notifications", "service", ""), causation_id=by)
    return replace(event, metadata_json=metadata.encode())


async def test_a_later_correction_changes_the_answer_of_now_and_none_of_before(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of, "PAGE", 5)
    recording = archive.recording
    await archive.publish(recording.events)
    before = recording.events[-1].recorded_at
    now = await archive.ask("GetFiguresAsOf", unit=TOP, year=YEAR, as_of=AS_OF.isoformat())
    plain = await archive.ask("GetFigures", unit=TOP, year=YEAR, as_of=AS_OF.isoformat())
    assert list(now.figures) == list(plain.figures)
    assert now.cut == str(Cut.of({**recording.positions, "audit": 0}))

    command_id = str(uuid4())
    named = await archive.ask("NameCut", command_id=command_id, name="truoc-khi-sua", cut={})
    assert (named.name, named.cut, named.named_by) == ("truoc-khi-sua", now.cut, AUDITOR.id)
    first = await archive.answers({"name": "truoc-khi-sua"})

    later = [recording.record(aggregate_id, event) for aggregate_id, event in corrections()]
    await archive.publish(later)
    after = await archive.answers({})

    assert all(one != other for one, other in zip(first, after, strict=True))
    assert await archive.ask("NameCut", command_id=command_id, name="truoc-khi-sua", cut={}) == named
    for cut in ({"name": "truoc-khi-sua"}, {"vector": named.cut}, {"recorded_by": before.isoformat()}):
        assert await archive.answers(cut) == first, cut
    await archive.restart()
    assert await archive.answers({"name": "truoc-khi-sua"}) == first
    await archive.restart(rebuilt=True)
    assert await archive.answers({"name": "truoc-khi-sua"}) == first
    await _the_command_line_reads_it(archive)
    await _no_effect_is_in_a_cut_without_its_cause(archive)
    await _what_cannot_be_asked_is_refused_by_field_and_rule(archive)


async def _the_command_line_reads_it(archive: Archive) -> None:
    """Lists come whole, page by page, at the cut of the first page."""
    async with connected({"audit": target_of(archive.service)}, credentials(AUDITOR)) as federation:
        then, now = Asked(AS_OF, choice_of("truoc-khi-sua", "")), Asked(AS_OF, choice_of("", ""))
        trees = [await as_of.tree(federation, TOP, True, clocks) for clocks in (then, now)]
        registers = [await as_of.awards(federation, TOP, YEAR, clocks) for clocks in (then, now)]
        members = [await as_of.one(federation, "GetMemberAsOf", clocks, member_id=MEMBER) for clocks in (then, now)]
        campaigns = [await as_of.one(federation, "GetCampaignAsOf", clocks, campaign_id=tet.CAMPAIGN) for clocks in (then, now)]
        figures = [await as_of.summary(federation, TOP, YEAR, clocks) for clocks in (then, now)]
        by_day = await as_of.name_cut(federation, "het-ngay", choice_of("", "2026-01-01"))
        named = await as_of.cuts(federation)

    names = [{unit["unit"]: unit["name"] for unit in found["units"]}[UNIT] for found in trees]
    assert names == [UNIT, "Tên đúng"]
    assert [unit["depth"] for unit in trees[0]["units"]] == sorted(unit["depth"] for unit in trees[0]["units"])
    assert trees[0]["units"][0] | {"established_on": ""} == {
        "unit": TOP, "name": TOP, "level": "confederation", "line_parent": "", "functional_parent": "", "established_on": "",
        "dissolved_on": "", "depth": 0,
    }  # fmt: skip
    flags = [next(award for award in found["awards"] if award["nomination_id"] == str(FLAG)) for found in registers]
    assert [flag["revoked_on"] for flag in flags] == ["", "2023-01-02"]
    assert [len(found["awards"]) > as_of.PAGE for found in registers] == [True, True]
    assert [found["member"]["status"] for found in members] == ["active", "left"]
    assert [found["campaign"]["returned_vnd"] for found in campaigns] == [0, 1_300_000]
    assert figures[0]["figures"]["flags_received"]["value"] == figures[1]["figures"]["flags_received"]["value"] + 1
    assert [(one["name"], one["named_by"]) for one in named] == [("het-ngay", AUDITOR.id), ("truoc-khi-sua", AUDITOR.id)]
    assert Cut.parse(by_day["cut"])["membership"] == archive.recording.positions["membership"]


async def _no_effect_is_in_a_cut_without_its_cause(archive: Archive) -> None:
    """An effect that was recorded before its cause, by clocks that differ, is left out with it; a vector with it is refused."""
    recording = archive.recording
    cause = recording.record(MEMBER, MemberLeft(unit=UNIT, on=AS_OF, member_id=MEMBER, reason="nghỉ hưu"))
    number = id_of("announcement", 999)
    told = AnnouncementPublished(unit=UNIT, on=AS_OF, announcement_id=number, year=YEAR, title="Thông báo", body="")
    effect = recording.record(number, told)
    between = cause.recorded_at + timedelta(seconds=1)
    await archive.publish([replace(cause, recorded_at=between + timedelta(seconds=1)), caused(effect, cause.id)])

    by_time = Cut.parse((await archive.ask("GetCut", cut={"recorded_by": between.isoformat()})).cut)
    assert (by_time["membership"], by_time["notifications"]) == (cause.position - 1, effect.position - 1)
    everything = {**recording.positions, "membership": cause.position - 1}
    with pytest.raises(Refused, match="notifications") as caught:
        await archive.ask("GetCut", cut={"vector": str(Cut.of(everything))})
    assert (caught.value.rule, [name for name, _ in caught.value.fields]) == ("CutNotClosed", ["cut.vector"])


async def _what_cannot_be_asked_is_refused_by_field_and_rule(archive: Archive) -> None:
    """By the names of the rule and of the field; and nobody sees what lies outside of the own subtree."""
    figures: dict[str, Any] = {"unit": TOP, "year": YEAR}
    id_ = str(uuid4())
    for rpc, fields, rule, field in (
        ("GetFiguresAsOf", {**figures, "cut": {"vector": "membership:999999"}}, "CutBeyondHistory", "cut.vector"),
        ("GetFiguresAsOf", {**figures, "cut": {"vector": "console:1"}}, "ServiceNotFollowed", "cut.vector"),
        ("GetFiguresAsOf", {**figures, "cut": {"vector": "membership"}}, "Invalid", "cut.vector"),
        ("GetFiguresAsOf", {**figures, "cut": {"name": "khong-co"}}, "CutUnknown", "cut.name"),
        ("GetFiguresAsOf", {**figures, "cut": {"recorded_by": "2026-01-01"}}, "Invalid", "cut.recorded_by"),
        ("GetFiguresAsOf", {**figures, "cut": {"name": "a", "vector": "membership:1"}}, "Invalid", "cut"),
        ("GetFiguresAsOf", {**figures, "as_of": "hôm nay"}, "Invalid", "as_of"),
        ("GetFiguresAsOf", {**figures, "cut": {"vector": "membership:0"}}, "UnitUnknown", "unit"),
        ("GetMemberAsOf", {"member_id": id_}, "MemberNotThere", "member_id"),
        ("GetMemberAsOf", {"member_id": str(MEMBER), "cut": {"vector": "membership:1"}}, "MemberNotThere", "member_id"),
        ("GetCampaignAsOf", {"campaign_id": id_}, "CampaignNotThere", "campaign_id"),
        ("NameCut", {"command_id": id_, "name": "truoc-khi-sua"}, "CutNameTaken", "name"),
        ("NameCut", {"command_id": id_, "name": "Trước khi sửa"}, "Invalid", "name"),
    ):
        with pytest.raises(Refused) as caught:
            await archive.ask(rpc, **fields)
        assert (caught.value.rule, [name for name, _ in caught.value.fields] or [field]) == (rule, [field]), (rpc, fields)
    assert (await archive.ask("GetFiguresAsOf", OFFICER, unit=UNIT, year=YEAR)).figures
    for rpc, fields in (
        ("GetFiguresAsOf", figures),
        ("GetUnitTreeAsOf", {"unit": TOP}),
        ("ListAwardsAsOf", figures),
        ("GetCampaignAsOf", {"campaign_id": str(tet.CAMPAIGN)}),
        ("NameCut", {"command_id": id_, "name": "cua-tinh"}),
    ):
        with pytest.raises(Refused) as caught:
            await archive.ask(rpc, OFFICER, **fields)
        assert caught.value.rule == "Forbidden", rpc
