"""Who is let in, by which certificate, and does a renewal pass unnoticed by every call?"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc import StatusCode
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import clients
from chassis.clients import Refused, RpcClient, open_channel
from chassis.commands import Call
from chassis.credentials import Credentials
from chassis.identities import SERVICE_URI, Identity, NotPresentable, peer_service, read_authority
from chassis.rpc import Rpc
from chassis.security import Caller, Role
from chassis.server import Server
from congdoan.authority import Authority
from tests.chassis.probe import Obedient, always, around, officer, place, served, token_of
from tests.identities import authority, authority_file, identity_in, identity_of, put, service
from tests.protos import PROBE_SERVICE, message

URI, DNS = x509.UniformResourceIdentifier, x509.DNSName
PATIENCE_S = 120.0


@pytest.fixture
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client gives up at the first refusal, instead of after some 4 s."""
    monkeypatch.setattr(clients, "OPTIONS", (*clients.OPTIONS, ("grpc.enable_retries", 0)))


@pytest.fixture
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client looks at its files for each call."""
    monkeypatch.setattr(clients, "LOOK_AT_FILES_EVERY_S", 0.0)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[grpc.aio.Channel]:
    """Every channel that clients open."""
    channels = []

    def recording(*told: Any) -> grpc.aio.Channel:
        channels.append(open_channel(*told))
        return channels[-1]

    monkeypatch.setattr(clients, "open_channel", recording)
    return channels


def states(channels: Iterable[grpc.aio.Channel]) -> list[str]:
    return [channel.get_state().name for channel in channels]


@dataclass(frozen=True)
class Seen:
    """What a server knows of a call."""

    service: str
    serial: int | None
    metadata: Mapping[str, Any]


@dataclass
class Witness(grpc.GenericRpcHandler):
    """A server that answers every call with nothing, and remembers who called."""

    port: int = 0
    hold: asyncio.Event | None = None
    calls: list[Seen] = field(default_factory=list)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(self.answer)

    async def answer(self, request: bytes, context: Any) -> bytes:
        peer = context.auth_context()
        pem = next(iter(peer.get("x509_pem_cert", ())), None)
        serial = x509.load_pem_x509_certificate(pem).serial_number if pem else None
        self.calls.append(Seen(peer_service(peer), serial, dict(context.invocation_metadata() or ())))
        if self.hold:
            await self.hold.wait()
        return b""

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def witnessing(identity: Identity, *, services_only: bool = True) -> AsyncIterator[Witness]:
    witness, server = Witness(), grpc.aio.server()
    server.add_generic_rpc_handlers((witness,))
    witness.port = server.add_secure_port("127.0.0.1:0", identity.server_credentials(services_only=services_only))
    await server.start()
    try:
        yield witness
    finally:
        await server.stop(0)


async def find(target: str, credentials: Credentials, cause: Call | None = None) -> None:
    client = RpcClient(target, PROBE_SERVICE, credentials)
    try:
        await client.call("FindThings", message("FindThingsRequest"), cause=cause)
    finally:
        await client.close()


async def turned_away(target: str, credentials: Credentials) -> None:
    with pytest.raises(Refused) as caught:
        await find(target, credentials)
    assert (caught.value.status, caught.value.rule, caught.value.transient) == (StatusCode.UNAVAILABLE, "", True)


async def test_a_service_is_known_by_its_certificate() -> None:
    async with witnessing(identity_of("membership")) as witness:
        for name in ("welfare", "awards"):
            await find(witness.target, service(name))

    assert [seen.service for seen in witness.calls] == ["welfare", "awards"]
    assert [seen.metadata["calling-service"] for seen in witness.calls] == ["welfare", "awards"]


@pytest.mark.usefixtures("told_at_once")
async def test_without_a_certificate_nobody_reaches_the_services_address() -> None:
    async with witnessing(identity_of("membership")) as witness:
        await turned_away(witness.target, Credentials(token=lambda: "a token", authority=authority_file()))

    assert not witness.calls


@pytest.mark.usefixtures("told_at_once")
async def test_a_certificate_of_another_authority_is_none(tmp_path: Path) -> None:
    forged = identity_in(tmp_path, "welfare", by=Authority())
    async with witnessing(identity_of("membership")) as witness:
        await turned_away(witness.target, Credentials(identity=forged))

    assert not witness.calls


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize("expired", ["welfare", "membership"])
async def test_an_expired_certificate_is_none_on_either_side(tmp_path: Path, expired: str) -> None:
    clock = [datetime.now(UTC)]
    aging = Authority(lambda: clock[0])

    def certified(name: str) -> Identity:
        clock[0] = datetime.now(UTC) - (timedelta(days=2) if name == expired else timedelta())
        return identity_in(tmp_path / name, name, by=aging, trusts=aging.pem)

    async with witnessing(certified("membership")) as witness:
        await turned_away(witness.target, Credentials(identity=certified("welfare")))

    assert not witness.calls


@pytest.mark.usefixtures("told_at_once")
async def test_a_server_of_another_name_or_authority_is_not_believed(tmp_path: Path) -> None:
    elsewhere = identity_in(tmp_path / "named", "membership", names=[DNS("elsewhere"), URI(SERVICE_URI + "membership")])
    forged = identity_in(tmp_path / "forged", "membership", by=Authority())
    for identity in (elsewhere, forged):
        async with witnessing(identity, services_only=False) as witness:
            for credentials in (service("welfare"), Credentials(authority=authority_file())):
                await turned_away(witness.target, credentials)

        assert not witness.calls


@pytest.mark.usefixtures("told_at_once")
async def test_who_does_not_encrypt_is_not_heard() -> None:
    for services_only in (True, False):
        async with witnessing(identity_of("membership"), services_only=services_only) as witness:
            await turned_away(witness.target, Credentials(token=lambda: "a token"))

        assert not witness.calls


async def test_on_the_users_address_a_certificate_says_nothing() -> None:
    async with witnessing(identity_of("membership"), services_only=False) as witness:
        await find(witness.target, service("welfare"))

    (seen,) = witness.calls
    assert (seen.service, seen.serial) == ("", None)


@pytest.mark.parametrize(
    "names",
    [
        [DNS("membership"), DNS("localhost")],
        [DNS(SERVICE_URI + "membership")],
        [URI("spiffe://elsewhere/service/membership")],
        [URI(SERVICE_URI + "membership/admin")],
        [URI("https://congdoan/service/membership")],
        [URI(SERVICE_URI + "membership"), URI(SERVICE_URI + "welfare")],
    ],
)
async def test_only_one_name_of_one_form_makes_a_service(tmp_path: Path, names: list[x509.GeneralName]) -> None:
    """The common name says membership in each of them."""
    nobody = identity_in(tmp_path, "membership", names=names)
    async with witnessing(identity_of("welfare")) as witness:
        await find(witness.target, Credentials(identity=nobody))

    (seen,) = witness.calls
    assert seen.serial is not None, "the handshake was made, with this certificate"
    assert seen.service == ""
    assert "calling-service" not in seen.metadata


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["x509_common_name", "peer_dns", "peer_uri", "x509_subject"]), st.lists(st.binary())))
def test_nothing_but_a_verified_identity_is_one(words: dict[str, list[bytes]]) -> None:
    everything = {key: [*values, b"membership", SERVICE_URI.encode() + b"membership"] for key, values in words.items()}

    assert peer_service(everything) == ""
    assert peer_service({**everything, "peer_spiffe_id": [SERVICE_URI.encode() + b"welfare"]}) == "welfare"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_service_has_a_plain_name(name: str) -> None:
    plain = name.isascii() and name.replace("-", "a").isalpha() and name.islower() and name[0] != "-" and len(name) <= 40

    assert peer_service({"peer_spiffe_id": [(SERVICE_URI + name).encode()]}) == (name if plain else "")


async def test_a_service_carries_the_officers_token_on_and_a_user_only_its_own() -> None:
    an = Caller("an", Role.PROVINCE_OFFICER, "hn", "en", token="an's token")
    mine = Credentials(token=lambda: "my token", authority=authority_file())
    async with witnessing(identity_of("membership"), services_only=False) as witness:
        await find(witness.target, service("welfare"), cause=Call(an))
        await find(witness.target, service("welfare"), cause=Call(officer()))
        await find(witness.target, mine, cause=Call(an))

    told = [(seen.metadata.get("authorization"), seen.metadata["accept-language"]) for seen in witness.calls]
    assert told == [("Bearer an's token", "en"), (None, "vi"), ("Bearer my token", "vi")]


async def test_a_token_is_asked_for_each_call() -> None:
    tokens = iter(["first", "second"])
    async with witnessing(identity_of("membership"), services_only=False) as witness:
        client = RpcClient(
            witness.target, PROBE_SERVICE, Credentials(token=lambda: next(tokens), authority=authority_file(), language="en")
        )
        for _ in range(2):
            await client.call("FindThings", message("FindThingsRequest"))
        await client.close()

    told = [(seen.metadata["authorization"], seen.metadata["accept-language"]) for seen in witness.calls]
    assert told == [("Bearer first", "en"), ("Bearer second", "en")]


def renew(identity: Identity, name: str, **how: Any) -> int:
    """New files in the place of the old ones, one after the other; answers the new serial number."""
    identity_in(identity.certificate.parent, name, **how)
    return x509.load_pem_x509_certificate(identity.certificate.read_bytes()).serial_number


async def shown_by(target: str, caller: Identity) -> int:
    """The serial number of the certificate that a server shows to who connects now."""
    context = ssl.create_default_context(cafile=str(caller.authority))
    context.load_cert_chain(caller.certificate, caller.key)
    context.set_alpn_protocols(["h2"])
    host, _, port = target.partition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=host)
    serial = int(writer.get_extra_info("peercert")["serialNumber"], 16)
    writer.transport.abort()
    return serial


@asynccontextmanager
async def unceasing(client: RpcClient) -> AsyncIterator[None]:
    """Calls without a pause, while this lasts; none of them may fail."""
    calling = True

    async def call() -> None:
        while calling:
            await client.call("FindThings", message("FindThingsRequest"), timeout_s=PATIENCE_S)

    workers = [asyncio.create_task(call()) for _ in range(8)]
    try:
        yield
    finally:
        calling = False
        await asyncio.gather(*workers)
        await client.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.usefixtures("looking_often", "told_at_once")
async def test_a_renewal_fails_no_call_and_both_sides_take_it(tmp_path: Path) -> None:
    at_server, at_client = (identity_in(tmp_path / name, name) for name in ("membership", "welfare"))
    async with witnessing(at_server) as witness:
        client = RpcClient(witness.target, PROBE_SERVICE, Credentials(identity=at_client))
        async with unceasing(client):
            for _ in range(5):
                renewed, mine = renew(at_server, "membership"), renew(at_client, "welfare")

                assert await shown_by(witness.target, at_client) == renewed
                await until(lambda mine=mine: bool(witness.calls) and witness.calls[-1].serial == mine)  # type: ignore[misc]

    assert {seen.service for seen in witness.calls} == {"welfare"}


@pytest.mark.usefixtures("looking_often", "told_at_once")
async def test_even_the_authority_is_replaced_without_a_failed_call(tmp_path: Path) -> None:
    """First both are trusted, then certificates are of the new one, then the old one is trusted no more."""
    following = Authority()
    both = authority().pem + following.pem
    steps: list[dict[str, Any]] = [
        {"trusts": both},
        {"trusts": both, "by": following},
        {"trusts": following.pem, "by": following},
    ]
    at_server, at_client = (identity_in(tmp_path / name, name) for name in ("membership", "welfare"))
    async with witnessing(at_server) as witness:
        client = RpcClient(witness.target, PROBE_SERVICE, Credentials(identity=at_client))
        async with unceasing(client):
            for step in steps:
                mine = renew(at_client, "welfare", **step)
                await until(lambda mine=mine: bool(witness.calls) and witness.calls[-1].serial == mine)  # type: ignore[misc]
                renewed = renew(at_server, "membership", **step)
                assert await shown_by(witness.target, at_client) == renewed

        await turned_away(witness.target, service("welfare"))


@pytest.mark.usefixtures("looking_often")
async def test_a_renewal_caught_half_way_is_not_taken(tmp_path: Path) -> None:
    at_server, at_client = (identity_in(tmp_path / name, name) for name in ("membership", "welfare"))
    async with witnessing(at_server) as witness:
        client = RpcClient(witness.target, PROBE_SERVICE, Credentials(identity=at_client))
        await client.call("FindThings", message("FindThingsRequest"))
        before, first = await shown_by(witness.target, identity_of("awards")), witness.calls[-1].serial
        for identity, name in ((at_server, "membership"), (at_client, "welfare")):
            certificate, key = authority().certify(name)
            put(identity.certificate, certificate)
            put(tmp_path / f"{name}.key", key)

        await client.call("FindThings", message("FindThingsRequest"))
        assert await shown_by(witness.target, identity_of("awards")) == before
        assert witness.calls[-1].serial == first

        put(at_server.key, (tmp_path / "membership.key").read_bytes())
        put(at_client.key, (tmp_path / "welfare.key").read_bytes())
        await client.call("FindThings", message("FindThingsRequest"))
        assert await shown_by(witness.target, identity_of("awards")) != before
        assert witness.calls[-1].serial != first
        await client.close()


@pytest.mark.usefixtures("looking_often")
async def test_a_call_under_way_ends_on_the_connection_it_began_on(tmp_path: Path, opened: list[grpc.aio.Channel]) -> None:
    mine = identity_in(tmp_path, "welfare")
    async with witnessing(identity_of("membership")) as witness:
        client = RpcClient(witness.target, PROBE_SERVICE, Credentials(identity=mine))
        witness.hold = held = asyncio.Event()
        early = asyncio.create_task(client.call("FindThings", message("FindThingsRequest")))
        await until(lambda: bool(witness.calls))
        renewed = renew(mine, "welfare")
        witness.hold = None
        await client.call("FindThings", message("FindThingsRequest"))

        assert [seen.serial == renewed for seen in witness.calls] == [False, True]
        assert states(opened) == ["READY", "READY"]
        held.set()
        await early
        assert states(opened) == ["SHUTDOWN", "READY"]
        await client.close()


@pytest.mark.usefixtures("looking_often")
async def test_a_closed_client_leaves_no_connection_behind(tmp_path: Path, opened: list[grpc.aio.Channel]) -> None:
    mine = identity_in(tmp_path, "welfare")
    async with witnessing(identity_of("membership")) as witness:
        client = RpcClient(witness.target, PROBE_SERVICE, Credentials(identity=mine))
        witness.hold = asyncio.Event()
        early = asyncio.create_task(client.call("FindThings", message("FindThingsRequest")))
        await until(lambda: bool(witness.calls))
        renew(mine, "welfare")
        witness.hold = None
        await client.call("FindThings", message("FindThingsRequest"))

        await client.close()

        with pytest.raises(asyncio.CancelledError):
            await early
        assert states(opened) == ["SHUTDOWN", "SHUTDOWN"]


async def test_files_that_are_not_there_refuse_a_call_and_are_looked_for_again(tmp_path: Path) -> None:
    async with witnessing(identity_of("membership"), services_only=False) as witness:
        awaited = tmp_path / "authority.pem"
        client = RpcClient(witness.target, PROBE_SERVICE, Credentials(authority=awaited))
        with pytest.raises(Refused, match=r"UNAVAILABLE .*authority\.pem: No such file") as caught:
            await client.call("FindThings", message("FindThingsRequest"))
        assert caught.value.transient

        put(awaited, authority_file().read_bytes())
        await client.call("FindThings", message("FindThingsRequest"))
        await client.close()


@pytest.mark.parametrize("broken", ["crt", "key", "ca"])
async def test_a_file_of_an_identity_that_cannot_be_used_is_named_and_not_quoted(tmp_path: Path, broken: str) -> None:
    identity = identity_in(tmp_path, "membership")
    put(tmp_path / broken, b"-----BEGIN MARKED-----\nmarked\n-----END MARKED-----\n")

    for use in (identity.read, identity.channel_credentials, lambda: identity.server_credentials(services_only=True)):
        with pytest.raises(NotPresentable, match=str(tmp_path / broken)) as caught:
            use()
        assert "marked" not in str(caught.value).lower()
    (tmp_path / broken).unlink()
    with pytest.raises(NotPresentable, match=str(tmp_path / broken)):
        identity.read()


def test_the_key_of_another_certificate_is_refused_and_no_key_is_shown(tmp_path: Path) -> None:
    identity = identity_in(tmp_path, "membership")
    assert "PRIVATE" not in repr(identity.read())
    put(identity.key, identity_of("welfare").key.read_bytes())

    with pytest.raises(NotPresentable, match="is not the key of"):
        identity.read()
    with pytest.raises(NotPresentable, match="no certificate of an authority"):
        read_authority(identity.key)


ON_THREE = {"service_listen": "127.0.0.1:0", "health_listen": "127.0.0.1:0"}


def declared(**more: Any) -> Credentials:
    """The probe takes tokens at their word; here they matter less than the connection."""
    return Credentials(token=lambda: token_of(officer()), **more)


@pytest.mark.usefixtures("told_at_once")
async def test_users_services_and_probes_each_have_their_address() -> None:
    async with served(listening={"identity": identity_of("membership"), **ON_THREE}) as probe:
        users, services, probes = (
            f"127.0.0.1:{port}" for port in (probe.server.port, probe.server.service_port, probe.server.health_port)
        )
        await find(users, declared(authority=authority_file()))
        await find(services, declared(identity=identity_of("welfare")))
        assert await health_at(probes) == HealthCheckResponse.SERVING
        assert await health_at(users, Credentials(authority=authority_file())) == HealthCheckResponse.SERVING

        for target, credentials in (
            (users, declared()),
            (services, declared()),
            (services, declared(authority=authority_file())),
            (probes, declared(authority=authority_file())),
        ):
            await turned_away(target, credentials)


@pytest.mark.parametrize(
    "path",
    [
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        *(f"/{PROBE_SERVICE.full_name}/{method.name}" for method in PROBE_SERVICE.methods),
    ],
)
async def test_the_address_of_probes_answers_nothing_else(path: str) -> None:
    async with (
        served(listening={"identity": identity_of("membership"), **ON_THREE}) as probe,
        open_channel(f"127.0.0.1:{probe.server.health_port}") as channel,
    ):
        call: Callable[..., Any] = channel.unary_unary(path)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", metadata=(("authorization", f"Bearer {token_of(officer())}"),))

        assert caught.value.code() == StatusCode.UNIMPLEMENTED
        assert not probe.application.asked


async def test_probes_hear_of_the_end_while_calls_are_finished() -> None:
    hold = asyncio.Event()
    async with served(Obedient(hold=hold), listening={"identity": identity_of("membership"), **ON_THREE}) as probe:
        client = RpcClient(f"127.0.0.1:{probe.server.service_port}", PROBE_SERVICE, declared(identity=identity_of("welfare")))
        early = asyncio.create_task(client.call("PlaceThing", place()))
        await until(lambda: bool(probe.application.asked))
        stopping = asyncio.create_task(probe.server.stop(10))
        await asyncio.sleep(0)

        assert await health_at(f"127.0.0.1:{probe.server.health_port}") == HealthCheckResponse.NOT_SERVING
        hold.set()
        assert (await early).position == 7
        await stopping
        await client.close()


async def health_at(target: str, credentials: Credentials | None = None) -> int:
    async with open_channel(target, credentials.read() if credentials else None) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        answer: HealthCheckResponse = await check(HealthCheckRequest(service="ready"))
        return int(answer.status)


def test_services_are_not_told_apart_without_certificates() -> None:
    with pytest.raises(ValueError, match="needs an identity"):
        Server(Rpc(around()), "127.0.0.1:0", always, service_listen="127.0.0.1:0")


async def test_a_server_whose_certificate_cannot_be_shown_does_not_start(tmp_path: Path) -> None:
    nowhere = Identity(tmp_path / "crt", tmp_path / "key", tmp_path / "ca")
    with pytest.raises(NotPresentable, match="No such file"):
        async with served(listening={"identity": nowhere}):
            pass
