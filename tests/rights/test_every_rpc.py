"""Every RPC of every service: allowed exactly when the caller's role suffices at an ancestor-or-self of the target's unit.

The real services stand beside each other on real servers, over a drawn tree whose units moved and were dissolved. What is
allowed is told by a walk over the drawn tree and by nothing of the product. Commands carry a version that nothing has, so
whoever may give one is told that the record changed, and the world stays as it is.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from grpc import StatusCode
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.aio.client import Client

from chassis.clients import Refused
from chassis.database import fetch
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedPostgres
from federation.contract.v1 import contract_pb2
from tests.connected.example import announced
from tests.contracts.published import accept, schemas_of, validator
from tests.issuing import token_of
from tests.rights.specimen import Specimen
from tests.rights.specimens import OPERATIONS, SPECIMENS
from tests.rights.world import LAYERS, ON, TOP, World, grown
from tests.serving import (
    FOUNDER,
    PATIENCE_S,
    SERVICES,
    a_nats_of_its_own,
    contracts_of,
    method_of,
    patiently,
    request_of,
    suite_of,
)

T = TypeVar("T")
OFFICERS = (Role.MEMBER, Role.GRASSROOTS_OFFICER, Role.PROVINCE_OFFICER, Role.FEDERATION_OFFICER)
AUDITOR = Caller("auditor", Role.AUDITOR, "", "en")
NO_VERSION = 1_000_000
ANSWERED = "OK"

ORDERS = {"ReplayDeadLetters", "RebuildReadModel", "SwitchReadModel", "RollBackReadModel", "DropGeneration"}
"""What changes something without being a command: no auditor gives them."""

EVERY = [(service, name) for service in SERVICES for name in (*SPECIMENS[service], *OPERATIONS)]


class Running:
    """An event loop of its own, in which the world goes on while a test thinks."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Inhabited(Running):
    """A world, made once; asked in its own loop."""

    def __init__(self, postgres: EmbeddedPostgres, nats_url: str, seed: int) -> None:
        super().__init__()
        self._ending = asyncio.Event()
        self._begun: Future[World] = Future()
        self._living = asyncio.run_coroutine_threadsafe(self._live(postgres, nats_url, seed), self.loop)

    async def _live(self, postgres: EmbeddedPostgres, nats_url: str, seed: int) -> None:
        try:
            async with suite_of(postgres, nats_url, *SERVICES) as suite:
                self._begun.set_result(await grown(suite, Random(seed)))
                await self._ending.wait()
        except BaseException as error:
            if not self._begun.done():
                self._begun.set_exception(error)
            raise

    @property
    def world(self) -> World:
        return self._begun.result()

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self._ending.set)
        wait([self._living])
        self.stop()


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.long)], ids="tree-{}".format)
def inhabited(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Iterator[Inhabited]:
    with a_nats_of_its_own() as nats:
        found = Inhabited(postgres, nats.url, request.param)
        try:
            assert found.world
            yield found
        finally:
            found.end()


# Who may, by the drawn tree and the words of the contract alone.


def options(method: MethodDescriptor) -> Any:
    """What a method states."""
    return method.GetOptions().Extensions


@cache
def is_personal(message: Descriptor) -> bool:
    """Whether a message tells anything of a person; no message of ours holds itself."""
    fields = message.fields
    marked = any(field.GetOptions().Extensions[contract_pb2.personal] for field in fields)
    return marked or any(field.message_type and is_personal(field.message_type) for field in fields)


def is_command(method: MethodDescriptor) -> bool:
    """Whether it changes something by an event."""
    return method.output_type in (contract_pb2.CommandAnswer.DESCRIPTOR, contract_pb2.BatchAnswer.DESCRIPTOR)


def role_suffices(caller: Caller, method: MethodDescriptor) -> bool:
    """Whether somebody may ask this at any unit at all."""
    needs = Role(options(method)[contract_pb2.needs])
    match caller.role:
        case Role.SERVICE:
            return caller.id in options(method)[contract_pb2.services]
        case Role.AUDITOR:
            reads = not is_command(method) and method.name not in ORDERS
            open_to_all = options(method)[contract_pb2.readings_recorded] or not is_personal(method.output_type)
            return reads and open_to_all and needs is not Role.SERVICE
        case role:
            return needs in OFFICERS and OFFICERS.index(role) >= OFFICERS.index(needs)


def sees(world: World, caller: Caller, unit: str) -> bool:
    """Whether a unit is the caller's own, or lies below it."""
    return caller.role in (Role.SERVICE, Role.AUDITOR) or caller.unit in world.tree.above(unit)


def place_suffices(world: World, caller: Caller, specimen: Specimen, code: str) -> bool:
    """Whether the caller's unit is one where this may be asked."""
    if specimen.always:
        return True
    if specimen.at is None:
        return sees(world, caller, TOP)
    below = world.tree.subtree(code, *specimen.below) if specimen.below else ()
    return any(sees(world, caller, unit) for unit in (*specimen.at(world, code), *below))


# Asking.


async def asked(world: World, service: str, rpc: str, caller: Caller, fields: Mapping[str, Any]) -> tuple[str, Any]:
    """The rule by which a call is refused, or its answer."""
    certified = caller if caller.role is Role.SERVICE else FOUNDER
    token = None if caller.role is Role.SERVICE else lambda: token_of_caller(caller)
    client = world.suite.client(service, rpc, certified)
    request = request_of(service, rpc, **fields)
    try:
        return ANSWERED, await patiently(lambda: client.call(rpc, request, timeout_s=PATIENCE_S, token=token))
    except Refused as refused:
        return ("Forbidden" if refused.status is StatusCode.PERMISSION_DENIED else refused.rule), None


@cache
def token_of_caller(caller: Caller) -> str:
    return token_of(caller)


def command(rpc: str, service: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A command that is refused for its version, by the last check before it would be decided."""
    day = {"on": ON} if "on" in method_of(service, rpc).input_type.fields_by_name else {}
    return {"command_id": str(uuid4()), "expected_version": NO_VERSION, **day, **fields}


async def listed(world: World, service: str, rpc: str, caller: Caller, fields: Mapping[str, Any]) -> tuple[str, Any]:
    """The same of a list to its last page, as one answer."""
    rule, answer = await asked(world, service, rpc, caller, fields)
    following = getattr(answer, "next", "")
    while following:
        _, more = await asked(world, service, rpc, caller, {**fields, "page": {**fields["page"], "after": following}})
        answer.MergeFrom(more)
        following = more.next
    return rule, answer


async def is_stored(world: World, service: str, command_ids: list[str]) -> bool:
    """Whether anything came of some commands."""
    query = "select 1 from commands where command_id = any(%s)"
    return bool(await fetch(world.suite.services[service].pool, query, ([UUID(one) for one in command_ids],)))


def rows_of(world: World, specimen: Specimen, caller: Caller, code: str, answer: Any) -> list[bytes]:
    """The rows of an answer that tell something and lie in units that the caller sees."""
    assert specimen.rows
    return [
        row.SerializeToString(deterministic=True)
        for row in getattr(answer, specimen.rows.field)
        if specimen.rows.shown(row) and any(sees(world, caller, unit) for unit in specimen.rows.units(world, code, row))
    ]


async def check_question(world: World, service: str, rpc: str, specimen: Specimen, caller: Caller, code: str) -> None:
    method, fields = method_of(service, rpc), specimen.fields(world, code)
    ask = listed if specimen.rows else asked
    rule, answer = await ask(world, service, rpc, caller, fields)
    if not role_suffices(caller, method):
        assert rule == "Forbidden"
    elif not place_suffices(world, caller, specimen, code):
        assert rule == (specimen.hidden or "Forbidden")
    else:
        assert rule not in ("Forbidden", specimen.hidden), f"{caller} may ask {rpc} about {code}"
        if specimen.rows and rule == ANSWERED:
            # What a role is told may differ from what another is; where it may look may not.
            top = replace(caller, unit=TOP) if caller.role in OFFICERS else FOUNDER
            _, whole = await listed(world, service, rpc, top, fields)
            told = [row for row in getattr(answer, specimen.rows.field) if specimen.rows.shown(row)]
            everything = rows_of(world, specimen, FOUNDER, code, whole)
            assert [row.SerializeToString(deterministic=True) for row in told] == rows_of(world, specimen, caller, code, whole)
            assert len(everything) == sum(map(specimen.rows.shown, getattr(whole, specimen.rows.field)))


async def check_command(world: World, service: str, rpc: str, specimen: Specimen, caller: Caller, code: str) -> None:
    allowed = role_suffices(caller, method_of(service, rpc)) and place_suffices(world, caller, specimen, code)
    fields = command(rpc, service, specimen.fields(world, code))
    rule, _ = await asked(world, service, rpc, caller, fields)
    assert rule == ("Conflict" if allowed else "Forbidden"), f"{caller} gives {rpc} in {code}"
    assert not await is_stored(world, service, [fields["command_id"]])


async def check_batch(world: World, service: str, rpc: str, specimen: Specimen, caller: Caller, codes: list[str]) -> None:
    batch = method_of(service, f"Batch{rpc}")
    items = [command(rpc, service, specimen.fields(world, code)) for code in codes]
    rule, answer = await asked(world, service, batch.name, caller, {"items": items})
    while rule == ANSWERED and any(item.refusal.rule == "Unavailable" for item in answer.items):
        rule, answer = await asked(world, service, batch.name, caller, {"items": items})
    if not role_suffices(caller, batch):
        assert rule == "Forbidden"
    else:
        expected = ["Conflict" if place_suffices(world, caller, specimen, code) else "Forbidden" for code in codes]
        assert [item.refusal.rule for item in answer.items] == expected, f"{caller} gives {rpc} in {codes}"
    assert not await is_stored(world, service, [item["command_id"] for item in items])


def callers(world: World, code: str) -> st.SearchStrategy[Caller]:
    """Officers of every role at every unit, above the target and elsewhere; auditors; services."""
    units = st.one_of(st.sampled_from(sorted(world.tree.above(code))), st.sampled_from([*world.tree.units, "nowhere"]))
    officers = st.builds(Caller, st.just("somebody"), st.sampled_from(OFFICERS), units, st.just("en"))
    services = st.builds(Caller, st.sampled_from(SERVICES), st.just(Role.SERVICE), st.just(""), st.just("en"))
    return st.one_of(officers, officers, officers, st.just(AUDITOR), services)


@pytest.mark.parametrize("service", SERVICES)
def test_every_rpc_has_a_specimen(service: str) -> None:
    stated = {method.name for contract in contracts_of(service) for method in contract.methods}
    specimens = {name.partition("/")[0] for name in (*SPECIMENS[service], *OPERATIONS)}
    batches = {f"Batch{name}" for name in specimens} & stated
    assert specimens | batches == stated


@pytest.mark.parametrize(("service", "name"), EVERY, ids=[f"{service}.{name}" for service, name in EVERY])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_an_rpc_is_allowed_exactly_where_the_role_suffices(inhabited: Inhabited, service: str, name: str, data: Any) -> None:
    world, rpc = inhabited.world, name.partition("/")[0]
    specimen = {**SPECIMENS[service], **OPERATIONS}[name]
    units = specimen.units(world)
    code = data.draw(st.sampled_from(units), "unit")
    caller = data.draw(callers(world, code), "caller")
    if not is_command(method_of(service, rpc)):
        inhabited.run(check_question(world, service, rpc, specimen, caller, code))
    elif data.draw(st.booleans(), "alone"):
        inhabited.run(check_command(world, service, rpc, specimen, caller, code))
    else:
        others = data.draw(st.lists(st.sampled_from(units), max_size=3, unique=True), "further units")
        inhabited.run(check_batch(world, service, rpc, specimen, caller, [code, *(other for other in others if other != code)]))


LISTS = [(service, name) for service in SERVICES for name, specimen in SPECIMENS[service].items() if specimen.rows]


@pytest.mark.parametrize(("service", "name"), LISTS, ids=[f"{service}.{name}" for service, name in LISTS])
def test_an_officer_of_every_unit_is_told_its_own_part_of_a_list(inhabited: Inhabited, service: str, name: str) -> None:
    world, specimen = inhabited.world, SPECIMENS[service][name]
    first, *_, last = specimen.units(world)
    for code in (first, last):
        for unit in world.tree.units:
            officer = Caller("somebody", Role.FEDERATION_OFFICER, unit, "en")
            inhabited.run(check_question(world, service, name.partition("/")[0], specimen, officer, code))


def _without_the_servers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those by which a publisher and the server agree are not handed on to provinces."""
    return {name: value for name, value in headers.items() if not name.startswith("Nats-")}


async def announcements(world: World) -> dict[str, Any]:
    """Every message on the streams, and the snapshot of each branch."""
    client = Client()
    await client.connect(world.suite.services["membership"].settings.nats_url)
    try:
        streams = {service: await announced(client, service) for service in SERVICES if service != "audit"}
        asked = {branch: await client.request(f"branches.{branch}.snapshot", b"{}", timeout=PATIENCE_S) for branch in LAYERS[2]}
        return {"messages": [one for stream in streams.values() for one in stream], "snapshots": asked}
    finally:
        await client.close()


def test_what_is_announced_and_answered_is_as_provinces_were_told(inhabited: Inhabited) -> None:
    found = inhabited.run(announcements(inhabited.world))
    names = {accept(one.subject, _without_the_servers(one.headers), one.data) for one in found["messages"]}
    assert len(names) > 40
    assert {"membership.unit_attached.v1", "membership.subject_erased.v1", "welfare.gift_distributed.v1"} <= names
    _, page = schemas_of("snapshot.page")
    for answer in found["snapshots"].values():
        told = json.loads(answer.data)
        validator(page).validate(told)
        assert told["units"]
