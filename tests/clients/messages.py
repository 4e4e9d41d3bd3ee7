"""What stands on the stream of a branch, when a test says it: events of Hà Nội as membership would announce them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from chassis.cloudevents import headers_of, subject_of
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats
from congdoan.provinces import branch_streams, grant
from congdoan.services import RECORDING
from membership.events import PlanItemAdded, PlanItemKind
from tests.audit.recording import Recording, id_of
from tests.clients.programs import Branch
from tests.provinces.province import patiently, services

UNIT = "hn-001"
"""Of the branch in which :class:`Recording` puts a code of this length."""


@dataclass(frozen=True)
class Message:
    """What is put on a stream of the services."""

    subject: str
    body: bytes
    headers: dict[str, str]


def events(count: int) -> list[Message]:
    """The first events of Hà Nội."""
    recording = Recording()
    for number in range(count):
        item = id_of("item", number)
        fields: dict[str, Any] = {"item_id": item, "year": 2024, "kind": PlanItemKind.FOCAL, "title": "Hội thi"}
        recording.record(item, PlanItemAdded(unit=UNIT, on=date(2024, 1, 1), **fields))
    told = [(subject_of(each.service, "ha-noi", each.topic), each.body, headers_of(each)) for each in recording.events]
    return [Message(*each) for each in told]


async def told(nats: EmbeddedNats, folder: Path, messages: Sequence[Message], ledger_key: str) -> Branch:
    """Hà Nội, let in, when its stream holds some messages."""
    await set_up(nats.url, RECORDING)
    credentials = await grant(nats.hub, "ha-noi", folder)
    await more(nats, messages)
    return Branch("ha-noi", credentials.url, credentials.file, ledger_key)


async def more(nats: EmbeddedNats, messages: Sequence[Message]) -> None:
    """Further messages are announced; returns when the stream of the branch holds them."""
    async with services(nats) as client:

        async def held() -> int:
            return int((await branch_streams.info(client, "ha-noi"))["state"]["messages"])

        wanted = await held() + len(messages)
        for message in messages:
            await client.jetstream().publish(message.subject, message.body, headers=message.headers)

        async def all_there() -> bool:
            return await held() == wanted

        await patiently(all_there)
