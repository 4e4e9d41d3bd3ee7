"""Is a branch let in by its key, to what is its own, without anybody else noticing; and out again, at once?"""

import asyncio
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nats
import orjson
import pytest
from nats.aio.msg import Msg

from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats
from congdoan.provinces import Grant, Limits, branch_streams, grant, limit, revoke
from congdoan.provinces.granting import AlreadyGranted, CredentialsInTheWay, NoCode, NotGranted
from congdoan.provinces.hub import Hub
from congdoan.provinces.instructions import write_page
from congdoan.provinces.keys import public_key_of, seed_of
from congdoan.provinces.listing import statuses
from congdoan.services import RECORDING
from tests.provinces.province import announce, patiently, province, read, services, silent, told


@pytest.fixture
async def hub(own_nats: EmbeddedNats, tmp_path: Path) -> Hub:
    """The streams are there, nobody is granted anything."""
    await set_up(own_nats.url, RECORDING)
    return replace(own_nats.hub, published=tmp_path / "issuer/provinces.json")


async def test_a_granted_branch_reads_what_is_its_own(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    async with services(own_nats) as client:
        for number in range(1, 11):
            for code in ("ha-noi", "vinh-phuc"):
                await announce(client, code, [number])
    credentials = await grant(hub, "ha-noi", tmp_path)
    async with province(credentials) as system:
        assert told(await read(system, 10)) == [f"membership ha-noi {number}" for number in range(1, 11)]


async def test_an_event_arrives_as_it_was_announced(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    async with services(own_nats) as client:
        await announce(client, "ha-noi", [1])
        at_the_hub = await client.jetstream().get_msg("FEDERATION_MEMBERSHIP", seq=1)
        async with province(await grant(hub, "ha-noi", tmp_path)) as system:
            [message] = await read(system, 1)
    assert (message.subject, message.data) == (at_the_hub.subject, at_the_hub.data)
    assert message.headers
    assert at_the_hub.headers
    assert set(message.headers) - set(at_the_hub.headers) == {"Nats-Stream-Source"}
    assert at_the_hub.headers.items() <= message.headers.items()


async def test_a_request_for_the_snapshot_tells_whose_it_is(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    async with services(own_nats) as client:

        async def answer(message: Msg) -> None:
            await message.respond(message.subject.encode() + b" " * 900_000)

        await client.subscribe("branches.*.snapshot", queue="membership-snapshots", cb=answer)
        for code in ("ha-noi", "vinh-phuc"):
            given = await grant(hub, code, tmp_path, limits=Limits(payload=1024))
            async with province(given) as system:
                said = await system.request("snapshot", b"{}", timeout=20)
            assert said.data.decode().strip() == f"branches.{code}.snapshot"


async def test_nobody_is_cut_off_while_others_are_granted_and_revoked(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    lost: list[str] = []

    async def note() -> None:
        lost.append("a connection")

    first = await grant(hub, "ha-noi", tmp_path)
    async with services(own_nats, disconnected_cb=note) as client, province(first, disconnected_cb=note) as system:
        for number in range(1, 6):
            await grant(hub, "vinh-phuc", tmp_path)
            await announce(client, "ha-noi", [number])
            await revoke(hub, "vinh-phuc")
            (tmp_path / "vinh-phuc.nk").unlink()
            assert told(await read(system, 1)) == [f"membership ha-noi {number}"]
        assert lost == []


async def test_the_seed_stands_in_the_credentials_alone(hub: Hub, tmp_path: Path) -> None:
    credentials = await grant(hub, "ha-noi", tmp_path / "out", finish=lambda made: write_page(made, "vi"))
    seed = credentials.file.read_bytes()
    assert stat.S_IMODE(credentials.file.stat().st_mode) == 0o600
    assert public_key_of(seed.decode()) == credentials.public_key
    assert seed == seed.strip()
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["ha-noi.md", "ha-noi.nk"]
    holding = [file for file in tmp_path.rglob("*") if file.is_file() and seed in file.read_bytes()]
    holding += [file for file in hub.run.rglob("*") if file.is_file() and seed in file.read_bytes()]
    assert holding == [credentials.file]


async def test_services_find_the_keys_of_those_who_are_granted(hub: Hub, tmp_path: Path) -> None:
    def published() -> dict[str, str]:
        assert hub.published
        return {key["kid"]: key["unit"] for key in orjson.loads(hub.published.read_bytes())["keys"]}

    first = await grant(hub, "ha-noi", tmp_path)
    other = await grant(hub, "vinh-phuc", tmp_path)
    assert published() == {first.public_key: "ha-noi", other.public_key: "vinh-phuc"}
    renewed = await grant(hub, "ha-noi", tmp_path, renew=True)
    assert published() == {renewed.public_key: "ha-noi", other.public_key: "vinh-phuc"}
    await revoke(hub, "ha-noi")
    assert published() == {other.public_key: "vinh-phuc"}


async def test_what_cannot_be_granted_is_refused_and_changes_nothing(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NoCode):
        await grant(hub, "../ha-noi", tmp_path)
    with pytest.raises(NotGranted):
        await grant(hub, "ha-noi", tmp_path, renew=True)
    with pytest.raises(NotGranted):
        await revoke(hub, "ha-noi")
    (tmp_path / "ha-noi.nk").write_text(seed_of(bytes(32)))
    with pytest.raises(CredentialsInTheWay):
        await grant(hub, "ha-noi", tmp_path)
    assert hub.grants.all() == []
    await grant(hub, "ha-noi", tmp_path / "out")
    before = hub.grants.all()
    with pytest.raises(AlreadyGranted):
        await grant(hub, "ha-noi", tmp_path / "out")
    assert hub.grants.all() == before


class Killed(BaseException):
    """The process ends here."""


STEPS = range(1, 9)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("renew", [False, True])
async def test_a_grant_that_was_killed_is_completed_by_another(
    own_nats: EmbeddedNats, hub: Hub, tmp_path: Path, step: int, renew: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services(own_nats) as client:
        await announce(client, "ha-noi", [1])
    if renew:
        await grant(hub, "ha-noi", tmp_path)
    with monkeypatch.context() as patch:
        killed_at(patch, iter([*(False for _ in range(step - 1)), True]))
        try:
            credentials = await grant(hub, "ha-noi", tmp_path, renew=renew)
        except Killed:
            credentials = None
    if credentials is None:
        credentials = await grant(hub, "ha-noi", tmp_path, renew=renew)
    async with province(credentials) as system:
        assert told(await read(system, 1)) == ["membership ha-noi 1"]
    [found] = hub.grants.all()
    assert found.complete
    assert found.key == credentials.public_key == public_key_of(credentials.file.read_text())


def killed_at(patch: pytest.MonkeyPatch, kills: Iterator[bool]) -> None:
    """Whatever a grant does to the world, it is ended at one of these: before it is done."""
    from congdoan.provinces import granting, grants, hub

    def dying(module: object, name: str) -> None:
        does = getattr(module, name)

        def step(*told: object, **more: object) -> object:
            if next(kills, False):
                raise Killed
            return does(*told, **more)

        patch.setattr(module, name, step)

    dying(granting, "write_whole")
    dying(grants, "write_whole")
    dying(hub, "write_whole")
    dying(Hub, "reload")
    dying(branch_streams, "make")


async def test_a_revoked_branch_is_out_at_once(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    credentials = await grant(hub, "ha-noi", tmp_path)
    gone = asyncio.Event()

    async def note() -> None:
        gone.set()

    system = await nats.connect(
        credentials.url, nkeys_seed=str(credentials.file), allow_reconnect=False, disconnected_cb=note, error_cb=silent
    )
    await revoke(hub, "ha-noi")
    await asyncio.wait_for(gone.wait(), 20)
    assert not system.is_connected
    await system.close()
    assert hub.grants.all() == []
    assert not list((hub.data / "jetstream").glob("*ha-noi*/streams/*"))


@pytest.mark.parametrize("step", range(1, 6))
async def test_a_revocation_that_was_killed_is_completed_by_another(
    own_nats: EmbeddedNats, hub: Hub, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = await grant(hub, "ha-noi", tmp_path)
    with monkeypatch.context() as patch:
        killed_at(patch, iter([*(False for _ in range(step - 1)), True]))
        try:
            await revoke(hub, "ha-noi")
        except Killed:
            own_nats.kill()
            own_nats.start()
    if hub.grants.get("ha-noi"):
        await revoke(hub, "ha-noi")
    with pytest.raises(nats.errors.Error):
        await nats.connect(credentials.url, nkeys_seed=str(credentials.file), allow_reconnect=False, error_cb=silent)
    assert hub.grants.all() == []


async def test_a_branch_whose_end_was_killed_is_granted_anew_from_the_beginning(
    own_nats: EmbeddedNats, hub: Hub, tmp_path: Path
) -> None:
    old = await grant(hub, "ha-noi", tmp_path / "old")
    async with services(own_nats) as client:
        await announce(client, "ha-noi", [1])
    async with province(old) as system:
        await read(system, 1)
    hub.grants.put(replace(hub.grants.all()[0], ending=True))
    async with province(await grant(hub, "ha-noi", tmp_path / "new")) as system:
        assert told(await read(system, 1)) == ["membership ha-noi 1"], "no reader of before is there"


async def test_nothing_is_lost_while_others_are_granted_and_revoked(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    first = await grant(hub, "ha-noi", tmp_path)

    async def happen() -> None:
        async with services(own_nats) as client:
            for number in range(1, 1_001):
                await announce(client, "ha-noi", [number])

    happening = asyncio.create_task(happen())
    for number in range(6):
        await grant(hub, f"other-{number}", tmp_path)
    await happening
    async with province(first) as system:
        assert told(await read(system, 1_000)) == [f"membership ha-noi {number}" for number in range(1, 1_001)]


async def test_whoever_is_granted_stays_so_when_the_server_starts_anew(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    credentials = await grant(hub, "ha-noi", tmp_path, limits=Limits(connections=3))
    own_nats.kill()
    own_nats.start()
    async with services(own_nats) as client, province(credentials) as system:
        await announce(client, "ha-noi", [1])
        assert told(await read(system, 1)) == ["membership ha-noi 1"]
    assert [found.limits.connections for found in hub.grants.all()] == [3]


async def test_the_list_tells_who_is_there_and_how_far_behind(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    credentials = await grant(hub, "ha-noi", tmp_path)
    await grant(hub, "vinh-phuc", tmp_path)
    async with services(own_nats) as client:
        await announce(client, "ha-noi", range(1, 11))
        async with province(credentials) as system:
            await read(system, 4)
            there, other = [status async for status in statuses(hub)]
    assert (there.code, there.connections, there.lag, there.behind, there.complete) == ("ha-noi", 1, 6, 0, True)
    assert [(reader.name, reader.lag) for reader in there.readers] == [("reader", 6)]
    assert there.last_contact is not None
    assert there.last_contact > there.since
    assert (other.code, other.connections, other.lag, other.last_contact) == ("vinh-phuc", 0, None, None)
    hub.grants.put(Grant("awaited", there.since, next_key=credentials.public_key))
    await hub_reads(hub)
    assert {each.code: each.complete async for each in statuses(hub)} == {"awaited": False, "ha-noi": True, "vinh-phuc": True}


async def hub_reads(hub: Hub) -> None:
    """The server takes the grants as they lie there."""
    hub.write()
    await hub.reload()


async def test_a_branch_is_given_other_limits_and_keeps_its_key(own_nats: EmbeddedNats, hub: Hub, tmp_path: Path) -> None:
    credentials = await grant(hub, "ha-noi", tmp_path, limits=Limits(connections=1))
    async with province(credentials):
        with pytest.raises(nats.errors.Error):
            await nats.connect(credentials.url, nkeys_seed=str(credentials.file), allow_reconnect=False, error_cb=silent)
        await limit(hub, "ha-noi", {"connections": 2})
        async with province(credentials) as second:
            assert second.is_connected
    with pytest.raises(NotGranted):
        await limit(hub, "vinh-phuc", {})


async def test_streams_of_a_server_without_accounts_are_the_services(own_nats: EmbeddedNats, hub: Hub) -> None:
    async with services(own_nats) as client:
        await announce(client, "ha-noi", [1])
    own_nats.stop()
    streams = hub.data / "jetstream"
    (streams / "FEDERATION").rename(streams / "$G")
    own_nats.start()
    async with services(own_nats) as client:

        async def there() -> bool:
            return (await client.jetstream().stream_info("FEDERATION_MEMBERSHIP")).state.messages == 1

        await patiently(there)
