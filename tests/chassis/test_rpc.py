"""Does every call end in the right status, whatever is sent and whatever goes wrong?"""

import asyncio
import json
from collections.abc import Mapping
from time import monotonic
from typing import Any
from uuid import UUID

import grpc
import psycopg
import pytest
import structlog
from google.protobuf.message import Message
from grpc import StatusCode
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from psycopg_pool import PoolTimeout
from pydantic import BaseModel

from chassis import calls, clients, refusals, rpc
from chassis.appends import Answer
from chassis.clients import Refused, RpcClient, open_channel
from chassis.commands import Call
from chassis.limits import Limits
from chassis.refusals import Problem, Refusal
from chassis.rich_status import DETAILS_KEY, heard
from chassis.rpc import Rpc, needs_of
from chassis.security import Caller, Role
from tests.chassis.probe import Obedient, PlaceThing, around, batch, find_nothing, officer, place, served, token_of
from tests.protos import CARELESS_SERVICE, PROBE_SERVICE, message

METHODS = PROBE_SERVICE.methods_by_name
PLACE = "/probe.v1.ProbeService/PlaceThing"
SECRET = "079 088 012 345"


async def refused(client: RpcClient, name: str, request: Message, **options: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await client.call(name, request, **options)
    return caught.value


async def raw(
    target: str, path: str, data: bytes, metadata: Mapping[str, str] | None = None, timeout_s: float | None = None
) -> grpc.aio.AioRpcError:
    declared = {"authorization": f"Bearer {token_of(officer())}"} if metadata is None else metadata
    async with grpc.aio.insecure_channel(target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _bytes(channel, path)(data, metadata=tuple(declared.items()), timeout=timeout_s)
        return caught.value


def _bytes(channel: grpc.aio.Channel, path: str) -> Any:
    """Calls a method with bytes as they are."""
    return channel.unary_unary(path)


def raising(error: Exception) -> Obedient:
    def decide(command: object) -> Answer:
        raise error

    return Obedient(decide)


async def test_a_command_is_answered_with_position_aggregate_and_version() -> None:
    async with served() as probe:
        thing = UUID("0190a6b2-0000-7000-8000-000000000001")

        answer = await probe.client().call("PlaceThing", place(thing_id=str(thing), colour=2, tags=["a"]))

        assert (answer.position, answer.aggregate_id, answer.version) == (7, str(thing), 1)
        [(call, command)] = probe.application.asked
        assert call.caller == officer()
        assert isinstance(command, PlaceThing)
        assert (command.colour, command.tags, command.expected_version) == ("dark_blue", ("a",), None)


class BudgetExceeded(refusals.RuleBroken):
    vi = "Ngân sách còn {left_vnd} đồng."
    en = "The budget has {left_vnd} đồng left."


EVERY_REFUSAL = [
    (BudgetExceeded("amount_vnd", left_vnd=500), StatusCode.FAILED_PRECONDITION, None),
    (refusals.Invalid(Problem("name", "còn thiếu", "is missing")), StatusCode.INVALID_ARGUMENT, None),
    (refusals.NotFound("thing_id"), StatusCode.NOT_FOUND, None),
    (refusals.AlreadyExists(), StatusCode.ALREADY_EXISTS, None),
    (refusals.RuleBroken(), StatusCode.FAILED_PRECONDITION, None),
    (refusals.Conflict("expected_version"), StatusCode.ABORTED, 0.0),
    (refusals.CommandIdReused("command_id"), StatusCode.ALREADY_EXISTS, None),
    (refusals.Unauthenticated(problem_vi="thiếu", problem_en="missing"), StatusCode.UNAUTHENTICATED, None),
    (refusals.Forbidden(), StatusCode.PERMISSION_DENIED, None),
    (refusals.DeadlinePassed(), StatusCode.DEADLINE_EXCEEDED, None),
]


@pytest.mark.parametrize(("refusal", "status", "retry_after_s"), EVERY_REFUSAL, ids=lambda value: getattr(value, "rule", ""))
@pytest.mark.parametrize("language", ["vi", "en"])
async def test_every_refusal_has_its_status_and_details_in_the_callers_language(
    refusal: Refusal, status: StatusCode, retry_after_s: float | None, language: refusals.Language
) -> None:
    async with served(raising(refusal)) as probe:
        error = await refused(probe.client(officer(language=language)), "PlaceThing", place())

        assert (error.status, error.rule, error.retry_after_s) == (status, refusal.rule, retry_after_s)
        assert error.sentence == refusal.sentence(language)
        assert [name for name, _ in error.fields] == ([refusal.field] if refusal.field else [])
        assert error.message == f"{refusal.rule}: {refusal.sentence('en')}"


@pytest.mark.parametrize("refusal", [refusals.Overloaded(retry_after_s=0.01), refusals.Unavailable(reason="bus")])
async def test_what_may_be_repeated_says_when(refusal: Refusal) -> None:
    async with served(raising(refusal)) as probe:
        error = await raw(probe.target, PLACE, place().SerializeToString())

        trailers = dict(error.trailing_metadata() or ())
        said = heard(trailers[DETAILS_KEY])
        assert error.code().name == refusal.status.name
        assert said.retry_after_s == (0.01 if isinstance(refusal, refusals.Overloaded) else 0.2)
        assert trailers.get("grpc-retry-pushback-ms") == ("10" if isinstance(refusal, refusals.Overloaded) else None)


async def test_the_facts_of_a_refusal_are_there_for_programs() -> None:
    async with served(raising(BudgetExceeded("amount_vnd", left_vnd=500))) as probe:
        error = await refused(probe.client(), "PlaceThing", place())

        assert (error.rule, error.facts) == ("BudgetExceeded", {"left_vnd": "500"})
        assert error.fields == (("amount_vnd", "Ngân sách còn 500 đồng."),)


async def test_every_wrong_field_is_named_at_once_and_no_value_is_repeated() -> None:
    async with served() as probe:
        request = place(name=SECRET + "\0", amount_vnd=-1, placed_on=SECRET, colour=99, parts=[{"name": ""}])

        error = await refused(probe.client(officer(language="en")), "PlaceThing", request)

        assert {name for name, _ in error.fields} == {"name", "amount_vnd", "placed_on", "colour", "parts.0.name"}
        assert dict(error.fields)["amount_vnd"] == "must be greater than 0"
        assert SECRET not in str(error) + error.sentence + repr(error.fields)


async def test_hundreds_of_wrong_fields_still_fit_what_a_client_accepts() -> None:
    async with served() as probe:
        error = await raw(probe.target, PLACE, place(parts=[{"name": ""}] * 500).SerializeToString())

        assert error.code() == StatusCode.INVALID_ARGUMENT
        said = heard(dict(error.trailing_metadata() or ())[DETAILS_KEY])
        assert said.rule == "Invalid"
        assert len(said.fields) > 10


async def test_good_items_of_a_batch_take_effect_and_bad_ones_are_refused_in_their_place() -> None:
    def decide(command: Any) -> Answer:
        if command.name == "cấm":
            raise BudgetExceeded("amount_vnd", left_vnd=1)
        return Answer(command.amount_vnd, command.aggregate_id, 2)

    async with served(Obedient(decide)) as probe:
        items = [place(amount_vnd=11), place(name=""), place(name="cấm"), place(thing_id="x"), place(amount_vnd=15)]
        answer = await probe.client().call("BatchPlaceThing", batch(*items))

        got = [(item.answer.position, item.refusal.rule, item.refusal.field, item.refusal.status) for item in answer.items]
        assert got == [
            (11, "", "", 0),
            (0, "Invalid", "name", StatusCode.INVALID_ARGUMENT.value[0]),
            (0, "BudgetExceeded", "amount_vnd", StatusCode.FAILED_PRECONDITION.value[0]),
            (0, "Invalid", "thing_id", StatusCode.INVALID_ARGUMENT.value[0]),
            (15, "", "", 0),
        ]
        assert answer.items[2].refusal.message == "Ngân sách còn 1 đồng."
        assert answer.items[4].answer.aggregate_id == items[4].thing_id


async def test_a_batch_may_be_empty_or_wholly_wrong_or_full_but_no_larger() -> None:
    async with served() as probe:
        client = probe.client()

        assert not (await client.call("BatchPlaceThing", batch())).items
        wrong = await client.call("BatchPlaceThing", batch(place(name=""), place(name="")))
        assert [item.WhichOneof("outcome") for item in wrong.items] == ["refusal", "refusal"]
        assert not probe.application.asked
        full = await client.call("BatchPlaceThing", batch(*(place() for _ in range(rpc.MAX_ITEMS))))
        assert [item.WhichOneof("outcome") for item in full.items] == ["answer"] * rpc.MAX_ITEMS
        error = await refused(client, "BatchPlaceThing", batch(*(place() for _ in range(rpc.MAX_ITEMS + 1))))
        assert (error.status, error.fields) == (StatusCode.INVALID_ARGUMENT, (("items", "nhiều nhất 1000 mục"),))


async def test_what_stands_against_a_whole_batch_refuses_the_call() -> None:
    class Gone(Obedient):
        async def execute_batch(self, call: Call, commands: object) -> list[Answer | Refusal]:
            raise refusals.NotFound()

    async with served(Gone()) as probe:
        assert (await refused(probe.client(), "BatchPlaceThing", batch(place()))).status == StatusCode.NOT_FOUND


@pytest.mark.parametrize("metadata", [{}, {"authorization": "Bearer "}, {"caller-id": "an", "caller-role": "auditor"}])
async def test_an_unknown_caller_is_unauthenticated(metadata: dict[str, str]) -> None:
    async with served() as probe:
        error = await raw(probe.target, PLACE, place().SerializeToString(), metadata)

        assert error.code() == StatusCode.UNAUTHENTICATED
        assert not probe.application.asked


async def test_a_role_that_does_not_suffice_is_refused_before_the_request_is_looked_at() -> None:
    async with served() as probe:
        for role, name, status in [
            (Role.MEMBER, "PlaceThing", StatusCode.PERMISSION_DENIED),
            (Role.GRASSROOTS_OFFICER, "PlaceThing", StatusCode.INVALID_ARGUMENT),
            (Role.GRASSROOTS_OFFICER, "FindThings", StatusCode.PERMISSION_DENIED),
            (Role.AUDITOR, "PlaceThing", StatusCode.PERMISSION_DENIED),
            (Role.AUDITOR, "FindThings", StatusCode.OK),
            (Role.AUDITOR, "ShakeThings", StatusCode.PERMISSION_DENIED),
            (Role.FEDERATION_OFFICER, "ShakeThings", StatusCode.OK),
            (Role.AUDITOR, "NameOwner", StatusCode.PERMISSION_DENIED),
            (Role.AUDITOR, "NameOwnerOnRecord", StatusCode.OK),
            (Role.GRASSROOTS_OFFICER, "NameOwner", StatusCode.OK),
            (Role.SERVICE, "ShakeThings", StatusCode.PERMISSION_DENIED),
            (Role.SERVICE, "LendThings", StatusCode.PERMISSION_DENIED),
        ]:
            client = probe.client(officer(role))
            request = message(METHODS[name].input_type.name)
            if status is StatusCode.OK:
                await client.call(name, request)
            else:
                assert (await refused(client, name, request)).status == status, (role, name)


async def test_the_chain_of_causes_travels_with_the_call() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    cause = Call(officer(), "first", "welfare/12", trace, 9.0)
    async with served() as probe:
        await probe.client().call("PlaceThing", place(), cause=cause)

        [(call, _)] = probe.application.asked
        assert (call.correlation_id, call.causation_id, call.traceparent) == ("first", "welfare/12", trace)
        assert 1.0 < call.deadline_s < 10.0


async def test_a_malformed_trace_is_dropped_and_a_malformed_chain_is_refused() -> None:
    async with served() as probe:
        client = probe.client()
        await client.call("PlaceThing", place(), cause=Call(officer(), traceparent="00-xyz"))
        assert probe.application.asked[0][0].traceparent == ""
        error = await refused(client, "PlaceThing", place(), cause=Call(officer(), "x" * 201))
        assert (error.status, error.fields[0][0]) == (StatusCode.INVALID_ARGUMENT, "correlation-id")


async def test_a_call_waits_until_the_positions_it_names_are_seen() -> None:
    waited: list[tuple[Mapping[str, int], float]] = []

    async def await_positions(positions: Mapping[str, int], timeout_s: float) -> None:
        waited.append((positions, timeout_s))
        if positions.get("welfare", 0) > 100:
            raise refusals.DeadlinePassed()

    async with served(await_positions=await_positions) as probe:
        client = probe.client()
        await client.call("FindThings", message("FindThingsRequest"), at_least={"membership": 12, "welfare": 3}, timeout_s=20)
        await client.call("FindThings", message("FindThingsRequest"))
        [(positions, timeout_s)] = waited
        assert positions == {"membership": 12, "welfare": 3}
        assert 10 < timeout_s < 21  # gRPC tells what is left on a clock of its own
        late = await refused(client, "FindThings", message("FindThingsRequest"), at_least={"welfare": 101})
        assert late.status == StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("text", ["", "12", "membership", "membership=-1", "a=1,,b=2", "membership=1e5", "Đ=1"])
def test_positions_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(refusals.Invalid):
        calls.positions_of(text)


async def test_a_request_that_is_no_message_is_invalid_and_one_too_large_is_refused() -> None:
    async with served() as probe:
        garbage = await raw(probe.target, PLACE, b"\xff\xff\xff")
        large = await raw(probe.target, PLACE, place(note="x" * rpc.MAX_REQUEST_BYTES).SerializeToString())
        huge = await raw(probe.target, "/probe.v1.ProbeService/BatchPlaceThing", b"x" * (rpc.MAX_BATCH_BYTES + 1))
        unknown = await raw(probe.target, "/probe.v1.ProbeService/Nothing", b"")

        assert garbage.code() == large.code() == StatusCode.INVALID_ARGUMENT
        assert huge.code() == StatusCode.RESOURCE_EXHAUSTED
        assert unknown.code() == StatusCode.UNIMPLEMENTED
        assert not probe.application.asked


async def test_a_service_is_answered_exactly_where_the_proto_names_it_whatever_the_unit() -> None:
    async with served() as probe:
        welfare, audit = (Caller(name, Role.SERVICE, "") for name in ("welfare", "audit"))
        request = message("FindThingsRequest")

        await probe.client(welfare).call("LendThings", request)

        for service, name in [(audit, "LendThings"), (welfare, "FindThings"), (welfare, "NameOwner")]:
            assert (await refused(probe.client(service), name, request)).rule == "Forbidden"
        # An officer is answered for the own subtree alone, and this unit lies under nobody.
        assert (await refused(probe.client(), "LendThings", request)).rule == "Forbidden"


async def test_an_answer_whose_right_nobody_checked_is_not_sent() -> None:
    async def forgetful(request: Any, call: Call) -> Message:
        return message("FindThingsResponse", next="a secret")  # type: ignore[no-any-return]

    async with served(queries={"FindThings": forgetful}) as probe:
        error = await refused(probe.client(), "FindThings", message("FindThingsRequest"))

    assert (error.status, error.rule) == (StatusCode.INTERNAL, "Fault")


async def test_a_caller_that_asks_for_more_than_its_share_is_told_when_to_come_again() -> None:
    clock = iter([0.0] * 20)
    async with served(limits=Limits(10, 4, 2, clock=lambda: next(clock))) as probe:
        client = probe.client()
        # Repeating by itself is what the channel would do.
        async with grpc.aio.insecure_channel(probe.target, options=[("grpc.enable_retries", 0)]) as channel:
            metadata = (("authorization", f"Bearer {token_of(officer())}"),)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await _bytes(channel, "/probe.v1.ProbeService/BatchPlaceThing")(
                    batch(*(place() for _ in range(4))).SerializeToString(), metadata=metadata
                )
        error = clients.refused(caught.value)
        await client.call("FindThings", message("FindThingsRequest"))

    # The call itself cost one, and a batch of four more is beyond what is left; nothing of it was done.
    assert (error.status, error.retry_after_s) == (StatusCode.RESOURCE_EXHAUSTED, 0.2)
    assert not probe.application.asked


async def test_a_call_without_a_deadline_is_given_one() -> None:
    async with served() as probe, open_channel(probe.target) as channel:
        metadata = (("authorization", f"Bearer {token_of(officer())}"),)

        await _bytes(channel, PLACE)(place().SerializeToString(), metadata=metadata)

        assert probe.application.asked[0][0].deadline_s == calls.DEFAULT_DEADLINE_S


async def test_a_call_that_runs_out_of_its_given_deadline_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "DEFAULT_DEADLINE_S", 0.05)
    async with served(Obedient(hold=asyncio.Event())) as probe:
        error = await raw(probe.target, PLACE, place().SerializeToString())

        assert error.code() == StatusCode.DEADLINE_EXCEEDED
        assert probe.application.cancelled == 1


async def test_work_stops_when_the_callers_deadline_passes() -> None:
    async with served(Obedient(hold=asyncio.Event())) as probe:
        error = await refused(probe.client(), "PlaceThing", place(), timeout_s=0.1)

        assert error.status == StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(60):
            while not probe.application.cancelled:
                await asyncio.sleep(0.01)


async def test_one_command_too_many_in_flight_is_refused_at_once_and_questions_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "MAX_COMMAND_CALLS", 3)
    hold = asyncio.Event()
    async with served(Obedient(hold=hold)) as probe:
        client = probe.client()
        inside = [asyncio.ensure_future(client.call("PlaceThing", place())) for _ in range(3)]
        while len(probe.application.asked) < 3:
            await asyncio.sleep(0.01)

        error = await raw(probe.target, PLACE, place().SerializeToString())
        await client.call("FindThings", message("FindThingsRequest"))
        hold.set()
        answers = await asyncio.gather(*inside)
        await client.call("PlaceThing", place())

        assert error.code() == StatusCode.RESOURCE_EXHAUSTED
        assert heard(dict(error.trailing_metadata() or ())[DETAILS_KEY]).retry_after_s == 0.5
        assert [answer.position for answer in answers] == [7, 7, 7]


class Person(BaseModel):
    age: int


def validation_error() -> Exception:
    try:
        Person.model_validate({"age": SECRET})
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("error", [RuntimeError(SECRET), validation_error(), KeyError(SECRET), psycopg.DataError(SECRET)])
async def test_what_nobody_foresaw_is_internal_and_leaks_nothing(error: Exception) -> None:
    with structlog.testing.capture_logs() as logs:
        async with served(raising(error)) as probe:
            told = await refused(probe.client(), "PlaceThing", place())

    [log] = logs
    assert (told.status, told.rule) == (StatusCode.INTERNAL, "Fault")
    assert told.facts == {"reference": log["reference"]}
    assert any("in decide" in line for line in log["raised"])
    assert SECRET not in json.dumps(log) + str(told) + told.sentence + repr(told.facts)


@pytest.mark.parametrize(
    "error", [psycopg.OperationalError(SECRET), PoolTimeout(SECRET), psycopg.InterfaceError(), TimeoutError()]
)
async def test_a_lost_database_is_unavailable_and_never_internal(error: Exception) -> None:
    async with served(raising(error)) as probe:
        told = await raw(probe.target, PLACE, place().SerializeToString())

        assert told.code() == StatusCode.UNAVAILABLE
        assert SECRET not in str(told)


async def health(target: str, name: str) -> int | StatusCode:
    async with grpc.aio.insecure_channel(target) as channel:
        check: Any = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        try:
            return int((await check(HealthCheckRequest(service=name))).status)
        except grpc.aio.AioRpcError as error:
            return error.code()


async def test_health_tells_alive_from_ready() -> None:
    state: list[bool | Exception] = [False]

    async def ready() -> bool:
        if isinstance(state[0], Exception):
            raise state[0]
        return state[0]

    async with served(ready=ready) as probe:
        assert await health(probe.target, "") == HealthCheckResponse.SERVING
        assert await health(probe.target, "ready") == HealthCheckResponse.NOT_SERVING
        state[0] = True
        assert await health(probe.target, "ready") == HealthCheckResponse.SERVING
        state[0] = psycopg.OperationalError()
        assert await health(probe.target, "ready") == HealthCheckResponse.NOT_SERVING
        assert await health(probe.target, "elsewhere") == StatusCode.NOT_FOUND


async def test_a_drain_tells_probes_refuses_new_calls_and_finishes_those_inside() -> None:
    hold = asyncio.Event()
    async with served(Obedient(hold=hold)) as probe, grpc.aio.insecure_channel(probe.target) as channel:
        watching: Any = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        watch = watching(HealthCheckRequest(service="ready"))
        assert (await watch.read()).status == HealthCheckResponse.SERVING
        inside = [asyncio.ensure_future(probe.client().call("PlaceThing", place())) for _ in range(20)]
        while len(probe.application.asked) < 20:
            await asyncio.sleep(0.01)

        stopping = asyncio.ensure_future(probe.server.stop(120))
        await asyncio.sleep(0.05)
        error = await raw(probe.target, PLACE, place().SerializeToString())
        assert error.code() == StatusCode.UNAVAILABLE
        assert await health(probe.target, "") == HealthCheckResponse.NOT_SERVING
        assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
        assert await watch.read() is grpc.aio.EOF
        assert not stopping.done()
        hold.set()

        assert [answer.position for answer in await asyncio.gather(*inside)] == [7] * 20
        async with asyncio.timeout(60):  # long before its grace is over
            await stopping


async def test_what_is_not_done_within_the_grace_is_cancelled() -> None:
    async with served(Obedient(hold=asyncio.Event())) as probe:
        inside = asyncio.ensure_future(raw(probe.target, PLACE, place().SerializeToString()))
        while not probe.application.asked:
            await asyncio.sleep(0.01)

        async with asyncio.timeout(60):
            await probe.server.stop(0.4)

        assert (await inside).code() in (StatusCode.UNAVAILABLE, StatusCode.CANCELLED)
        assert probe.application.cancelled == 1


async def test_reflection_lists_the_services() -> None:
    async with served() as probe, grpc.aio.insecure_channel(probe.target) as channel:
        asking: Any = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )
        asked = asking(iter([ServerReflectionRequest(list_services="")]))

        names = {service.name for service in (await asked.read()).list_services_response.service}

        assert names == {"probe.v1.ProbeService", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_every_call_is_counted_by_its_outcome() -> None:
    seen: list[tuple[str, ...]] = []

    def decide(command: Any) -> Answer:
        raise BudgetExceeded(left_vnd=0)

    async with served(Obedient(decide), on_call=lambda *told: seen.append(told[:3])) as probe:
        await refused(probe.client(), "PlaceThing", place())
        await refused(probe.client(), "PlaceThing", place(name=""))
        await probe.client().call("FindThings", message("FindThingsRequest"))

    assert seen == [
        ("PlaceThing", "FAILED_PRECONDITION", "BudgetExceeded"),
        ("PlaceThing", "INVALID_ARGUMENT", "Invalid"),
        ("FindThings", "OK", "OK"),
    ]


def test_a_service_that_is_not_wholly_answered_does_not_start() -> None:
    methods = Rpc(around())
    methods.queries(PROBE_SERVICE, {"FindThings": find_nothing})

    with pytest.raises(TypeError, match=r"nobody answers .*BatchPlaceThing.*PlaceThing.*ShakeThings"):
        methods.complete()
    with pytest.raises(TypeError, match="answered twice"):
        methods.queries(PROBE_SERVICE, {"FindThings": find_nothing})
    with pytest.raises(TypeError, match="has no RPC LoseThings"):
        methods.queries(PROBE_SERVICE, {"LoseThings": find_nothing})


def test_a_method_that_states_no_role_is_never_served() -> None:
    with pytest.raises(TypeError, match=r"CarelessService\.FindThings states no role"):
        Rpc(around()).queries(CARELESS_SERVICE, {"FindThings": find_nothing})
    with pytest.raises(TypeError, match="states no role"):
        needs_of([CARELESS_SERVICE])
    assert needs_of([PROBE_SERVICE])["FindThings"] is Role.PROVINCE_OFFICER


def test_a_command_and_its_request_have_the_same_fields() -> None:
    class Heavier(PlaceThing):
        weight_kg: int

    Heavier.__name__ = "PlaceThing"
    with pytest.raises(TypeError, match="differ: weight_kg"):
        Rpc(around()).commands(Obedient(), [PROBE_SERVICE], [Heavier])


async def test_the_caller_of_a_service_speaks_vietnamese_unless_it_says_otherwise() -> None:
    async with served() as probe:
        caller = Caller("an", Role.MEMBER, "vn")
        assert (await refused(probe.client(caller), "PlaceThing", place())).sentence.startswith("Người gọi không có quyền")


async def test_what_the_path_of_a_command_costs_beside_an_empty_echo(capsys: pytest.CaptureFixture[str]) -> None:
    async def echo(data: bytes, context: Any) -> bytes:
        return data

    class Echo(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(echo)

    async def rate(target: str, path: str) -> float:
        metadata = (("authorization", f"Bearer {token_of(officer())}"),)
        data = place().SerializeToString()
        async with grpc.aio.insecure_channel(target) as channel:
            call = _bytes(channel, path)
            await call(data, metadata=metadata)
            began = monotonic()
            for _ in range(4):
                await asyncio.gather(*(call(data, metadata=metadata, timeout=20) for _ in range(128)))
            return 4 * 128 / (monotonic() - began)

    plain = grpc.aio.server()
    plain.add_generic_rpc_handlers((Echo(),))
    port = plain.add_insecure_port("127.0.0.1:0")
    await plain.start()
    async with served() as probe:
        both = [(await rate(f"127.0.0.1:{port}", "/any/Echo"), await rate(probe.target, PLACE)) for _ in range(3)]
        echoed, commanded = (max(rates) for rates in zip(*both, strict=True))
    await plain.stop(0)
    with capsys.disabled():
        # Measured and not asserted: the machine may be busy, and client and server share one loop here.
        print(f"\n  128 in flight: echo {echoed:,.0f}/s, command path {commanded:,.0f}/s, ratio {commanded / echoed:.2f}")
