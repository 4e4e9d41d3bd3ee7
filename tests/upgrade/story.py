"""What happens in a history that is kept of a release? At least once everything that the services can say."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

from chassis.appends import Append, Arrangement, NewEvent
from chassis.clients import Refused
from chassis.events import TOPICS, Event
from chassis.recorded import Actor, Metadata
from chassis.security import Caller, Role
from chassis.service import Service
from federation.contract.v1.contract_pb2 import BatchAnswer, CommandAnswer
from notifications.events import (
    Channel,
    DataRequestReminderFired,
    DataRequestReminderScheduled,
    EscalationRaised,
    NotificationFailed,
    NotificationParked,
    NotificationRequested,
    NotificationRetried,
    NotificationSending,
    NotificationSent,
    NotificationWithdrawn,
    RecipientKind,
    ReminderFired,
    ReminderScheduled,
    Template,
)
from tests.rights.specimens import SPECIMENS
from tests.rights.world import ON, PEOPLED, REPORTED, TOP, World, grown, id_of, national_id_of
from tests.serving import FOUNDER, SERVICES, Suite, method_of

WELFARE = Caller("welfare", Role.SERVICE, "")
AUDITOR = Caller("auditor", Role.AUDITOR, "", "en")
PASSES, OF_EACH = 3, 2
PUBLISHING = 2
RETIRED = {
    ("membership.hardship_recorded", 1): b'{"schema_version":1,"unit":"%b","on":"2021-06-01","member_id":"%b",'
    b'"special":true,"details":null}',
}
"""Bytes of schema versions that nobody writes any more, by topic and version."""


class Lived(Suite):
    """A suite that notes each command as it was asked and first answered."""

    def __init__(self, services: dict[str, Service]) -> None:
        super().__init__(services)
        self.commands: list[dict[str, Any]] = []

    async def call(self, name: str, rpc: str, caller: Caller = FOUNDER, /, **fields: Any) -> Any:
        """Call, and keep what was asked and answered."""
        answer = await super().call(name, rpc, caller, **fields)
        if isinstance(answer, CommandAnswer | BatchAnswer) and caller.role is not Role.SERVICE:
            self.commands.append({"service": name, "rpc": rpc, "fields": fields, "answer": answer.SerializeToString().hex()})
        return answer


def is_command(service: str, rpc: str) -> bool:
    """Whether it is answered by an event."""
    return bool(method_of(service, rpc).output_type is CommandAnswer.DESCRIPTOR)


async def lived(suite: Lived, seed: int) -> World:
    """A drawn federation; then each command, where it is possible, over and over."""
    world = await grown(suite, Random(seed))
    await _before_grades_had_names(suite)
    done: dict[tuple[str, str], int] = {}
    for _ in range(PASSES):
        for service in SERVICES:
            for name, specimen in SPECIMENS[service].items():
                rpc = name.split("/")[0]
                if not is_command(service, rpc):
                    continue
                for code in specimen.units(world)[:: (-1 if rpc == "DissolveUnit" else 1)]:
                    if done.get((service, name), 0) == OF_EACH:
                        break
                    fields = specimen.fields(world, code)
                    if await _tried(suite, service, rpc, fields):
                        done[service, name] = done.get((service, name), 0) + 1
    await _further(suite, world)
    return world


async def _tried(suite: Suite, service: str, rpc: str, fields: dict[str, Any]) -> bool:
    more = {"on": ON} if "on" in method_of(service, rpc).input_type.fields_by_name else {}
    try:
        await suite.do(service, rpc, FOUNDER, **{**more, **fields})
    except Refused:
        return False
    return True


async def _further(suite: Lived, world: World) -> None:
    """What needs somebody in office, or one thing after the other."""
    first, second = [code for code in world.staying if code in PEOPLED][:2]
    do = suite.do
    for code in (first, second):
        born = {"full_name": "Trần Thị Hoa", "birth_date": "1990-01-01", "national_id": national_id_of("further", code)}
        await do("membership", "AdmitMember", member_id=id_of("further", code), unit=code, **born, on="2012-01-01")
    position = str(uuid4())
    office: dict[str, Any] = {"officer": FOUNDER.id, "office": 1, "on": "2023-01-01", "until": "2027-12-31"}
    for unit, held in ((first, position), (second, str(uuid4()))):
        await do("membership", "AppointOfficer", position_id=held, unit=unit, **office)
    delegation: dict[str, Any] = {"delegation_id": str(uuid4()), "unit": first}
    handed = {"position_id": position, "to_officer": "x", "matters": [1], "until": "2024-12-31", "on": ON}
    await do("membership", "DelegateAuthority", **delegation, **handed)
    await do("membership", "RevokeDelegation", **delegation, on="2024-06-01")
    report = {"obligation_id": str(uuid4())}
    named = {"unit": first, "title": "Báo cáo quý", "year": 2024, "due_on": "2024-04-30"}
    await do("membership", "SetReportObligation", **report, **named, on=ON)
    await do("membership", "SubmitReport", **report, on="2024-05-05")
    await do("membership", "AcceptReport", **report, on="2024-05-06")
    asked = {"request_id": str(uuid4())}
    await do("membership", "ReceiveDataRequest", **asked, person_id=id_of("further", second), kind=1, on="2026-11-02")
    await do("membership", "AnswerDataRequest", **asked, accepted=True, on="2026-11-03")
    longer = {"carry_out_due_on": "2026-11-20", "reason": "Điều 5"}
    await do("membership", "ExtendDataRequest", **asked, **longer, on="2026-11-04")
    given = {"campaign_id": id_of("campaign", first), "member_id": id_of("further", first)}
    await do("welfare", "ProposeBeneficiary", **given, amount_vnd=500_000, on=ON)
    refused = {"campaign_id": given["campaign_id"], "collective": first, "reason": 1}
    await do("welfare", "ProposeBeneficiary", campaign_id=given["campaign_id"], collective=first, amount_vnd=1, on=ON)
    await do("welfare", "RejectBeneficiary", **refused, on=ON)
    await _honours(suite, first, second)
    await _audits(suite)
    await _mails(suite, first)
    await _reminders(suite)


async def _honours(suite: Lived, first: str, second: str) -> None:
    do = suite.do
    for form in (2, 3):
        award: dict[str, Any] = {"nomination_id": str(uuid4())}
        proposed = {"member_id": id_of("further", first), "decider": TOP, "form": form, "scope": 1, "year": 2024}
        await do("awards", "ProposeAward", **award, **proposed, on=ON)
        await do("awards", "EndorseAward", **award, reviewer=TOP, on=ON)
        await do("awards", "DecideAward", **award, decision_number=f"{form}/QĐ", on=ON)
        await do("awards", "PresentAward", **award, presenter=TOP, on=ON)
        await do("awards", "RevokeAward", **award, reason="Sai quy trình", on="2024-05-01")
        await do("awards", "RecoverArtefact", **award, on="2024-06-01")
    for code in (first, second):
        child: dict[str, Any] = {"child_id": str(uuid4())}
        words = {"full_name": "Lê Minh", "birth_date": "2012-02-02", "member_id": id_of("further", code)}
        await do("membership", "RegisterChild", **child, **words, on=ON)
        for giver in (2, 1):
            consent = {"purpose": PUBLISHING, "given_by": giver, "text_version": "1", "evidence": "CV 3"}
            await do("membership", "GiveConsent", person_id=child["child_id"], **consent, on=ON)
        won: dict[str, Any] = {"achievement_id": str(uuid4())}
        prize = {"round_id": id_of("round", code), **child, "level": 1, "prize": 1, "contest": "Toán"}
        await do("awards", "RegisterChildAchievement", **won, **prize, on=ON)
        await do("awards", "VerifyChildAchievement", **won, on=ON)
        await do("awards", "HonourChild", **won, decision_number="1", on=ON)
        await do("awards", "PublishChildHonour", **child, **won, on=ON)
    await do("membership", "WithdrawConsent", person_id=child["child_id"], purpose=PUBLISHING, given_by=2, on="2024-07-01")


async def _audits(suite: Lived) -> None:
    do, own = suite.call, {"command_id": str(uuid4())}
    await do("audit", "NameCut", AUDITOR, command_id=str(uuid4()), name="truoc-khi-doi", cut={})
    begun = await do("audit", "BeginReplay", AUDITOR, **own, reason="Kiểm toán năm")
    await do("audit", "ListReplay", AUDITOR, replay_id=begun.replay_id, page={"size": 10})
    await do(
        "audit", "CertifyFigure", AUDITOR, command_id=str(uuid4()), unit=TOP, year=2024, figure="members", reason="Kiểm toán"
    )
    key = f"congdoan-ledger+1a2b3c4d+{'A' * 44}"
    part = {"service": "welfare"}
    told = {"command_id": str(uuid4()), "source": "stream", "whole": True, "key": key, "parts": [part]}
    await do("audit", "ReportVerification", AUDITOR, **told)


async def _mails(suite: Lived, unit: str) -> None:
    """A letter that arrives at the second attempt, and one that is taken back; no mail server took part."""
    at = datetime(2024, 3, 1, 8, tzinfo=UTC)
    for withdrawn in (False, True):
        delivery = uuid4()
        of: dict[str, Any] = {"unit": unit, "on": date(2024, 3, 1), "delivery_id": delivery, "channel": Channel.EMAIL}
        addressed = {"recipient_kind": RecipientKind.UNIT, "recipient": unit, "template": Template.REPORT_DUE}
        told: list[Event] = [
            NotificationRequested(**of, **addressed, parameters=dict(REPORTED)),
            NotificationSending(**of, attempt=1, until=at, doubtful=False),
            NotificationFailed(**of, attempt=1, reason="451", retry_at=None if withdrawn else at),
        ]
        if withdrawn:
            told += [
                NotificationParked(**of, attempts=1, reason="451"),
                NotificationRetried(**of, retry_at=at),
                NotificationWithdrawn(**of, reason="đơn vị giải thể"),
            ]
        else:
            told += [
                NotificationSending(**of, attempt=2, until=at, doubtful=True),
                NotificationSent(**of, attempt=2, message_id=f"{delivery}@example.vn"),
            ]
        await tell(suite, "notifications", delivery, [(event.topic, event.encode()) for event in told])


async def _reminders(suite: Lived) -> None:
    """What is due only weeks after it was planned."""
    store = suite.services["notifications"].store
    planned: dict[str, tuple[UUID, Any]] = {}
    for recorded in await store.read(0, 100_000):
        if recorded.topic.endswith("reminder_scheduled"):
            planned.setdefault(recorded.topic, (recorded.aggregate_id, recorded.event))
    aggregate, due = planned[ReminderScheduled.topic]
    of = {"unit": due.unit, "on": due.on, "obligation_id": due.obligation_id, "title": due.title, "year": due.year}
    escalated = {"superior": TOP, "retrospective": False, "still_out": True}
    report = (ReminderFired(**of, due_on=due.due_on, step=due.step), EscalationRaised(**of, due_on=due.due_on, **escalated))
    await tell(suite, "notifications", aggregate, [(event.topic, event.encode()) for event in report])
    aggregate, due = planned[DataRequestReminderScheduled.topic]
    asked = DataRequestReminderFired(
        unit=due.unit, on=due.on, request_id=due.request_id, request_kind=due.request_kind, owed=due.owed,
        due_on=due.due_on, step=due.step,
    )  # fmt: skip
    await tell(suite, "notifications", aggregate, [(asked.topic, asked.encode())])


async def _before_grades_had_names(suite: Suite) -> None:
    """What nobody writes any more was written by an earlier program."""
    for number, ((topic, _), body) in enumerate(RETIRED.items()):
        unit, member = PEOPLED[number], id_of("member", PEOPLED[number])
        await tell(suite, topic.partition(".")[0], UUID(member), [(topic, body % (unit.encode(), member.encode()))])


async def tell(suite: Suite, service: str, aggregate: UUID, bodies: Sequence[tuple[str, bytes]]) -> None:
    """Append events beneath today's commands, each as its bytes."""
    store, command = suite.services[service].store, uuid4()
    version, seen = await store.version(aggregate), await store.arrangement()
    by = Actor("founder", "federation_officer", TOP)
    metadata = Metadata(TOP, date(2024, 3, 1), by, command, str(command), str(command)).encode()
    events = [
        NewEvent(aggregate, version + number, topic, body, metadata, "national") for number, (topic, body) in enumerate(bodies, 1)
    ]
    await store.append(Append(tuple(events), command, bytes(16), (), Arrangement(seen.branches_at)))


def every_version() -> Iterator[tuple[str, int]]:
    """Every topic with every schema version there ever was."""
    for topic, event in sorted(TOPICS.items()):
        if topic.partition(".")[0] in SERVICES:
            yield from ((topic, version) for version in range(1, event.schema_version + 1))
