"""Is every message that a province receives as its document says: subjects, headers, bytes, checkpoints?

One event of each class is recorded in the real stores, sealed by a real key, announced by the real publishers, and read by a
province that was let in by its key. What comes is held against the files of docs/events alone. What the services themselves
announce is held against them in `tests/rights`, where something of everything is done.
"""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jsonschema import ValidationError
from nats.aio.msg import Msg

from chassis.appends import NewEvent
from chassis.events import SEALED, Event
from chassis.publisher import Publisher
from chassis.sealing import EventSeal
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.event_contract.examples import BRANCH, example_of
from congdoan.event_contract.schemas import events_of, told_to_provinces
from congdoan.provinces import grant
from congdoan.services import RECORDING
from tests.chassis.ledger_examples import ENTRIES, message
from tests.connected.example import METADATA, opened, publishing, record, until
from tests.contracts.published import accept
from tests.databases import fresh_database
from tests.folders import fast_folder
from tests.provinces.province import province, read, services

CHECKPOINTS = [message(ENTRIES, 0, 3), message(ENTRIES, 3, 8)]
KEY = AESGCM(AESGCM.generate_key(256))


def new_event(cls: type[Event], branch: str = BRANCH) -> NewEvent:
    """An event of a class as its service would store it."""
    aggregate_id, event = uuid4(), example_of(cls).event
    seal = EventSeal(KEY, aggregate_id, 1, cls.topic)
    # Opening an example brings nothing, so what is sealed anew stands for it.
    named = event.model_copy(update={name: "1990-01-02" for name in cls.personal_fields if example_of(cls).payload[name]})
    return NewEvent(aggregate_id, 1, cls.topic, named.encode(seal), METADATA.encode(), branch)


def _announced(publisher: Publisher, many: int) -> bool:
    return publisher.published == many


async def everything(postgres: EmbeddedPostgres, hub: EmbeddedNats, folder: Path) -> list[Msg]:
    """What the branch receives when each event happened once in it, and once elsewhere, and two checkpoints were signed."""
    await set_up(hub.url, RECORDING)
    async with AsyncExitStack() as stack:
        for service in RECORDING:
            database = stack.enter_context(fresh_database(postgres))
            store = await stack.enter_async_context(opened(service, database))
            publisher = await stack.enter_async_context(publishing(store, database, hub.url))
            happened = [new_event(cls, branch) for cls in events_of(service) for branch in (BRANCH, "hai-duong")]
            await record(store, happened)
            await until(partial(_announced, publisher, len(happened)))
        async with services(hub) as client:
            for told in CHECKPOINTS:
                await client.jetstream().publish(told["subject"], told["note"].encode(), headers=told["headers"])
        async with province(await grant(hub.hub, BRANCH, folder)) as system:
            return await read(system, len(told_to_provinces()) + len(CHECKPOINTS))


@pytest.fixture(scope="module")
def received(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> list[Msg]:
    """Everything, read once."""
    with fast_folder() as folder, EmbeddedNats(folder / "data", folder) as hub:
        return asyncio.run(everything(postgres, hub, tmp_path_factory.mktemp("credentials")))


def test_every_message_is_as_the_document_says_and_each_of_its_messages_is_received(received: list[Msg]) -> None:
    names = sorted(accept(one.subject, one.headers or {}, one.data) for one in received)
    today = [f"{event.topic}.v{event.schema_version}" for event in told_to_provinces()]
    assert names == sorted([*today, *["ledger.checkpoint"] * len(CHECKPOINTS)])


def test_the_positions_are_those_that_may_be_relied_on(received: list[Msg]) -> None:
    positions: dict[str, list[int]] = defaultdict(list)
    for one in received:
        if one.headers and "ce-branchposition" in one.headers:
            positions[one.headers["ce-source"]].append(int(one.headers["ce-branchposition"]))
            assert one.headers["ce-branch"] == BRANCH
    assert positions == {f"/federation/{service}": list(range(1, len(events_of(service)) + 1)) for service in RECORDING}


def test_what_is_personal_came_sealed(received: list[Msg]) -> None:
    sealed = [one for one in received if SEALED.encode() in one.data]
    assert len(sealed) == len([event for event in told_to_provinces() if event.personal_fields])
    assert not [one for one in received if b"1990-01-02" in one.data]


@pytest.mark.parametrize(
    ("topic", "before", "after"),
    [
        ("membership.member_joined", b'"full_name":"sealed:1:', b'"full_name":"Nguyen '),
        ("membership.unit_renamed", b'"name":', b'"label":'),
        ("membership.hardship_recorded", b'"grade":"hardship"', b'"grade":"utter"'),
    ],
)
def test_a_message_that_is_otherwise_is_noticed(received: list[Msg], topic: str, before: bytes, after: bytes) -> None:
    (one,) = [one for one in received if (one.headers or {}).get("ce-type") == topic]
    assert before in one.data
    with pytest.raises(ValidationError):
        accept(one.subject, one.headers or {}, one.data.replace(before, after))


@pytest.mark.parametrize("header", ["ce-id", "ce-branchposition", "ce-metadata", "ledger-consistency"])
def test_a_header_that_is_missing_or_unheard_of_is_noticed(received: list[Msg], header: str) -> None:
    one = next(one for one in received if header in (one.headers or {}))
    headers = dict(one.headers or {})
    with pytest.raises(AssertionError, match="ce-unheard-of"):
        accept(one.subject, {**headers, "ce-unheard-of": "x"}, one.data)
    del headers[header]
    with pytest.raises(ValidationError):
        accept(one.subject, headers, one.data)
