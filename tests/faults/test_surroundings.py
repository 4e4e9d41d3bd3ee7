"""Does everything that must hold hold while streams, consumers, readers, credentials and persons go? Each fault once.

The shorter forms are the tests of each part: tests/connected, tests/membership, tests/chassis.
"""

from random import Random

import pytest

from tests.faults import bus, credentials, persons, reading
from tests.faults.arena import Arena
from tests.faults.rounds import Scope, drill
from tests.folders import fast_folder

FAULTS = [*bus.FAULTS, *reading.FAULTS, *credentials.FAULTS, *persons.FAULTS]
SCOPE = Scope(before=60, after=60, clients=2, batch=20, pause_s=0.3)


@pytest.mark.long
@pytest.mark.timeout(1_800)
async def test_each_fault_of_the_surroundings_is_lived_through() -> None:
    random = Random(7)
    with fast_folder() as folder:
        async with Arena(folder, random) as arena:
            outcome = await drill(arena, FAULTS, random, SCOPE)
    assert not outcome.broken, outcome.told
    assert {name for name, times in outcome.strikes.items() if times} == {fault.name for fault in FAULTS}
