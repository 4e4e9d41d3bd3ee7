"""Does a branch's stream go on by itself, complete and in order, whatever happens to the server and its streams?"""

import shutil
from pathlib import Path

import pytest

from chassis.streams import api, set_up, stream_name
from congdoan.embedded import EmbeddedNats
from congdoan.provinces import grant, make_streams
from congdoan.services import RECORDING
from tests.provinces.province import announce, patiently, province, read, services, told

CODES = ("ha-noi", "vinh-phuc")


async def test_the_server_is_killed_again_and_again(own_nats: EmbeddedNats, tmp_path: Path) -> None:
    await set_up(own_nats.url, RECORDING)
    credentials = [await grant(own_nats.hub, code, tmp_path) for code in CODES]
    heard: dict[str, list[str]] = {code: [] for code in CODES}
    for round_ in range(5):
        async with services(own_nats) as client:
            for service in RECORDING:
                for code in CODES:
                    await announce(client, code, range(round_ * 20 + 1, round_ * 20 + 21), service)
            for code, given in zip(CODES, credentials, strict=True):
                async with province(given) as system:
                    heard[code] += told(await read(system, 40))
        own_nats.kill()
        own_nats.start()
    for code, given in zip(CODES, credentials, strict=True):
        async with province(given) as system:
            while not all(numbers_of(heard[code], service, code) == list(range(1, 101)) for service in RECORDING):
                heard[code] += told(await read(system, 1))
        assert all(f" {code} " in each for each in heard[code])


@pytest.mark.long
async def test_a_stream_of_the_services_is_lost_and_filled_anew(own_nats: EmbeddedNats, tmp_path: Path) -> None:
    await set_up(own_nats.url, RECORDING)
    given = await grant(own_nats.hub, "ha-noi", tmp_path)
    async with services(own_nats) as client, province(given) as system:
        for number in range(1, 31):
            for code in CODES:
                await announce(client, code, [number])
        heard = told(await read(system, 30))
        await api(client, f"STREAM.DELETE.{stream_name('membership')}")
        await set_up(own_nats.url, RECORDING)
        for number in range(1, 41):
            for code in CODES:
                await announce(client, code, [number])

        async def all_heard() -> bool:
            heard.extend(told(await read(system, 1)))
            return heard[-1] == "membership ha-noi 40"

        await patiently(all_heard)
    assert first_times([int(each.split()[2]) for each in heard]) == list(range(1, 41))
    assert len(heard) <= 30 + 40, "each comes again at most once"


async def test_everything_the_server_kept_is_lost(own_nats: EmbeddedNats, tmp_path: Path) -> None:
    await set_up(own_nats.url, RECORDING)
    given = await grant(own_nats.hub, "ha-noi", tmp_path)
    own_nats.stop()
    shutil.rmtree(own_nats.hub.data / "jetstream")
    own_nats.start()
    await set_up(own_nats.url, RECORDING)
    await make_streams(own_nats.hub)
    async with services(own_nats) as client, province(given) as system:
        await announce(client, "ha-noi", range(1, 4))
        assert told(await read(system, 3)) == [f"membership ha-noi {number}" for number in range(1, 4)]


async def test_another_suite_on_the_same_data_is_found_where_the_last_one_was(own_nats: EmbeddedNats, tmp_path: Path) -> None:
    await set_up(own_nats.url, RECORDING)
    given = await grant(own_nats.hub, "ha-noi", tmp_path)
    async with province(given, max_reconnect_attempts=-1, reconnect_time_wait=0.05) as system:
        own_nats.stop()
        own_nats.release()
        with EmbeddedNats(own_nats.hub.data, tmp_path / "run") as next_one:
            assert next_one.hub.leaf_address == own_nats.hub.leaf_address
            async with services(next_one) as client:
                await announce(client, "ha-noi", [1])
            assert told(await read(system, 1)) == ["membership ha-noi 1"]


def numbers_of(heard: list[str], service: str, code: str) -> list[int]:
    """The numbers of a service's events without those that were seen before, as a subscriber takes them; no gap."""
    return first_times([int(each.split()[2]) for each in heard if each.startswith(f"{service} {code} ")])


def first_times(numbers: list[int]) -> list[int]:
    """Those that were not seen before."""
    taken: list[int] = []
    for number in numbers:
        assert number <= len(taken) + 1, f"{number} after {len(taken)}: a gap"
        if number == len(taken) + 1:
            taken.append(number)
    return taken
