"""Notifications beside membership, as they are put together: reports come over NATS, contacts over gRPC, mails go out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from google.protobuf.message_factory import GetMessageClass

import membership.rpc
import membership.settings
import membership.wiring
import notifications.rpc
import notifications.settings
import notifications.wiring
from chassis.clients import Refused, RpcClient
from chassis.database import migrate
from chassis.security import Caller, Role
from chassis.service import Service
from chassis.streams import Connection, set_up, stream_name
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.embedded.ports import reserve_port
from federation.notifications.v1 import notifications_pb2 as pb
from notifications.domain.calendar import HANOI
from tests import identities
from tests.identities import authority_file
from tests.issuing import credentials_of, token_settings
from tests.keys import fresh_keys, key_settings
from tests.notifications.mailbox import Mailbox, listening
from tests.notifications.running import ShiftedClock, eventually

FEEDER = Caller("feeder", Role.FEDERATION_OFFICER, "tld")
OFFICER = Caller("officer", Role.PROVINCE_OFFICER, "ha-noi", "en")
WELFARE = Caller("welfare", Role.SERVICE, "", service="welfare")
SERVICES = {"membership": membership.rpc.SERVICE, "notifications": notifications.rpc.SERVICE}
CONTRACTS = {
    rpc: contract
    for contract in (membership.rpc.CONSENTS, membership.rpc.PERSONAL_DATA, *SERVICES.values())
    for rpc in contract.methods_by_name
}
"""The contract of each RPC; GetFigures is asked of notifications alone."""


class Suite:
    """Both services, and how to call them: each call sees everything that was answered before."""

    def __init__(self, services: dict[str, Service], mailbox: Mailbox) -> None:
        self.services, self.mailbox = services, mailbox
        self.seen: dict[str, int] = {}
        self._clients: dict[tuple[str, str, Caller], RpcClient] = {}

    async def call(self, service: str, rpc: str, caller: Caller = FEEDER, **fields: Any) -> Any:
        server = self.services[service].server
        assert server
        contract, port = CONTRACTS[rpc], server.service_port if caller.service else server.port
        credentials = identities.service(caller.service) if caller.service else credentials_of(caller, authority_file())
        client = RpcClient(f"127.0.0.1:{port}", contract, credentials)
        client = self._clients.setdefault((service, contract.full_name, caller), client)
        request = GetMessageClass(contract.methods_by_name[rpc].input_type)(**fields)
        # What membership says reaches notifications over NATS, and not the other way round.
        seen = {name: position for name, position in self.seen.items() if service == "notifications" or name == service}
        answer = await client.call(rpc, request, at_least=seen or None)
        if hasattr(answer, "position"):
            self.seen[service] = answer.position
        return answer

    async def do(self, service: str, rpc: str, caller: Caller = FEEDER, **fields: Any) -> Any:
        return await self.call(service, rpc, caller, **{"command_id": str(uuid4()), "on": "2023-11-01", **fields})

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


@pytest.fixture
async def suite(postgres: EmbeddedPostgres, own_nats: EmbeddedNats, tmp_path: Path) -> AsyncIterator[Suite]:
    """Both services, with Hà Nội, a grassroots union in it, and a mail server; to notifications it is 14 December 2023."""
    await set_up(own_nats.url, SERVICES)
    told: dict[str, Any] = {"nats_url": own_nats.url, "secret": "ab" * 32, "drain_s": 0.5, **token_settings()}
    mailbox, port = Mailbox(), reserve_port()
    clock = ShiftedClock()
    clock.show(datetime(2023, 12, 14, 10, tzinfo=HANOI))
    async with AsyncExitStack() as stack:
        smtp_url = stack.enter_context(listening(mailbox, port.number))
        keys = key_settings(stack.enter_context(fresh_keys(postgres)), tmp_path)
        settings_of_members = membership.settings.Settings(
            database_url=database(postgres, stack), **told, **keys, **tls("membership")
        )
        members = membership.wiring.real(settings_of_members)
        await start(members, stack)
        assert members.server
        settings = notifications.settings.Settings(
            database_url=database(postgres, stack),
            membership_target=f"127.0.0.1:{members.server.service_port}",
            smtp_url=smtp_url,
            mail_from="congdoan@example.vn",
            **told,
            **tls("notifications"),
        )
        notices = notifications.wiring.real(settings, clock=clock)
        await start(notices, stack)
        suite = Suite({"membership": members, "notifications": notices}, mailbox)
        stack.push_async_callback(suite.close)
        for code, level, parent in (("tld", 1, ""), ("ha-noi", 3, "tld"), ("ba-dinh", 5, "ha-noi")):
            unit: dict[str, Any] = {"unit": code, "name": f"CĐ {code}", "level": level, "line_parent": parent}
            await suite.do("membership", "EstablishUnit", **unit, on="2000-01-01")
        yield suite
    port.release()


def tls(service: str) -> dict[str, Any]:
    """Where the certificate of a service lies."""
    return {**identities.tls_settings(service)}


def database(postgres: EmbeddedPostgres, stack: AsyncExitStack) -> str:
    """An empty database for this test."""
    name = f"test_{uuid4().hex}"
    postgres.create_database(name)

    def drop() -> None:
        with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)".encode())

    stack.callback(drop)
    return postgres.conninfo(name)


async def start(service: Service, stack: AsyncExitStack) -> None:
    await asyncio.to_thread(migrate, service.settings.database_url, service.schema)
    stack.push_async_callback(service.stop)
    await service.start()


async def figure(suite: Suite, name: str, year: int) -> int:
    answer = await suite.call("notifications", "GetFigures", unit="tld", year=year)
    return int(next(found.count for found in answer.figures if found.name == name))


async def test_a_report_due_tomorrow_reminds_its_unit_in_the_inbox_and_by_mail(suite: Suite) -> None:
    office: dict[str, Any] = {"unit": "ba-dinh", "channel": pb.CHANNEL_EMAIL, "open": True, "office_address": "vp@badinh.example"}
    await suite.do("notifications", "SetChannelPreference", OFFICER, **office)
    obligation: dict[str, Any] = {"unit": "ba-dinh", "title": "Báo cáo năm", "year": 2023, "due_on": "2023-12-15"}
    await suite.do("membership", "SetReportObligation", obligation_id=str(uuid4()), **obligation)

    async def reminded() -> bool:
        inbox = await suite.call("notifications", "ListInbox", OFFICER, unit="ba-dinh")
        return bool(inbox.items) and bool(suite.mailbox.mails)

    await eventually(reminded, 30)
    inbox = await suite.call("notifications", "ListInbox", OFFICER, unit="ba-dinh")
    assert [item.subject for item in inbox.items] == ["Report due: Báo cáo năm"]
    assert suite.mailbox.recipients == ["vp@badinh.example"]
    assert await figure(suite, "reminders_sent", 2023) == 1


async def test_a_late_report_of_the_past_counts_as_escalated_and_writes_to_nobody(suite: Suite) -> None:
    which = str(uuid4())
    owed: dict[str, Any] = {"unit": "ba-dinh", "title": "Báo cáo năm", "year": 2022, "due_on": "2022-12-15"}
    await suite.do("membership", "SetReportObligation", obligation_id=which, **owed, on="2022-11-01")
    await suite.do("membership", "SubmitReport", obligation_id=which, on="2022-12-20")

    async def escalated() -> bool:
        return await figure(suite, "escalations", 2022) == 1

    await eventually(escalated, 30)
    assert await figure(suite, "reminders_sent", 2022) == 0
    inbox = await suite.call("notifications", "ListInbox", OFFICER, unit="ha-noi")
    assert list(inbox.items) == []


async def test_a_member_who_agrees_is_written_to_at_the_address_membership_knows_until_it_agrees_no_more(suite: Suite) -> None:
    who = str(uuid4())
    person: dict[str, Any] = {
        "full_name": "Lê Văn Đức Xqzmark",
        "national_id": "001190012345",
        "birth_date": "1990-01-02",
        "email": "xqzmark@example.vn",
    }
    await suite.do("membership", "AdmitMember", member_id=who, unit="ba-dinh", **person)
    await suite.do("notifications", "SetChannelPreference", OFFICER, member_id=who, channel=pb.CHANNEL_EMAIL, open=True)
    values = {"unit": "ba-dinh", "title": "Báo cáo", "year": "2023", "due_on": "2023-12-15"}
    parameters = [pb.Parameter(name=name, value=value) for name, value in values.items()]
    message: dict[str, Any] = {"channel": pb.CHANNEL_EMAIL, "template": pb.TEMPLATE_REPORT_DUE, "parameters": parameters}
    which = str(uuid4())
    await suite.do("notifications", "RequestNotification", WELFARE, delivery_id=which, member_id=who, **message)

    async def put_aside() -> bool:
        parked = await suite.call("notifications", "ListDeliveries", OFFICER, unit="ba-dinh")
        return [(row.delivery_id, row.reason) for row in parked.deliveries] == [(which, "NoConsent")]

    await eventually(put_aside, 30)
    agreed: dict[str, Any] = {"purpose": 1, "given_by": 1, "text_version": "2023-01", "evidence": "12/PDT"}
    await suite.do("membership", "GiveConsent", person_id=who, **agreed)
    await suite.do("notifications", "RetryNotification", OFFICER, delivery_id=which)

    async def arrived() -> bool:
        return bool(suite.mailbox.mails)

    await eventually(arrived, 30)
    assert suite.mailbox.recipients == ["xqzmark@example.vn"]
    nats = Connection(suite.services["notifications"].settings.nats_url, "auditor")
    await nats.start()
    await eventually(lambda: asyncio.sleep(0, nats.is_connected))
    said = [body for name in SERVICES for body in await messages_of(nats, stream_name(name))]
    await nats.stop()
    assert len(said) > 8
    assert not [body for body in said if b"xqzmark" in body.lower()]


async def messages_of(nats: Connection, stream: str) -> list[bytes]:
    """The body of every message of a stream."""
    jetstream = nats.client.jetstream()
    last = (await jetstream.stream_info(stream)).state.last_seq
    return [(await jetstream.get_msg(stream, number)).data or b"" for number in range(1, last + 1)]


async def test_only_services_request_notifications_and_only_known_commands_are_answered(suite: Suite) -> None:
    with pytest.raises(Refused) as caught:
        await suite.do("notifications", "RequestNotification", OFFICER, delivery_id=str(uuid4()), unit="ba-dinh")
    assert caught.value.rule == "Forbidden"
    with pytest.raises(Refused) as caught:
        await suite.do("notifications", "MarkInboxRead", OFFICER, delivery_id=str(uuid4()))
    assert caught.value.rule == "DeliveryUnknown"
    assert not {"WatchReport", "BeginSending", "TakeReminderStep"} & set(SERVICES["notifications"].methods_by_name)
