"""What happens to what is read? Read models rebuilt and switched in the open, and events that a reader does not know yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from congdoan.operations import DeadLetter, dead_letters, replay
from congdoan.rebuilding import Place, change, compare, rebuild, standings
from tests.faults.arena import Arena, Fault, NotRecovered
from tests.faults.bus import until
from tests.faults.persons import Person
from tests.faults.processes import LOADED

LATER = "membership.data_request_received"
BEHIND = "notifications"
PERSONS = 5


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A read model is built again beside itself while it is written, compared, and takes over; then the old one is dropped."""

    name: str = "read-model-rebuilt"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Answers how many rows were compared: new = old at the same position, before and after.

        :raises NotRecovered: rows differ.
        """
        places = [place for place, _ in await standings(arena.federation) if place.service in LOADED]
        for place in random.sample(places, len(places)):
            if rows := await _taken_over(arena, place):
                return rows
        return 0  # nobody has a row


@dataclass(frozen=True, slots=True)
class LaterVersion:
    """A reader of an earlier version meets events of a later one: they lie aside, those of other aggregates go on, and the
    reader that knows them takes them in order.
    """

    name: str = "future-schema"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Have the reader run as of before that event was changed; answers how many lay aside.

        :raises NotRecovered: nothing lies aside, or not everything is taken later.
        """
        servant = arena.services[BEHIND]
        servant.instead = ["-m", "tests.faults.behind", LATER, BEHIND]
        await arena.kill(BEHIND)
        await arena.ready(BEHIND)
        for person in [Person(random) for _ in range(PERSONS)]:
            await person.admitted(arena.federation)
            await person.asks(arena.federation)
        aside: list[DeadLetter] = []

        async def wait_aside() -> bool:
            aside[:] = await dead_letters(arena.federation)
            return len(aside) >= 2 * PERSONS

        await until(wait_aside, f"nothing of {LATER} lies aside")
        if not any(letter.waits_for for letter in aside):
            raise NotRecovered("what is about the same as an event that lies aside does not wait for it")
        await arena.kill(BEHIND)
        await arena.ready(BEHIND)
        arena.fault_over()

        async def empty() -> bool:
            await replay(arena.federation)
            return not await dead_letters(arena.federation)

        await until(empty, "dead letters are not taken by whoever knows them")
        return len(aside)


async def _taken_over(arena: Arena, place: Place) -> int:
    """Build it again, and have what was built take over; answers how many rows it has."""
    await rebuild(arena.federation, place, lambda done, of: None)
    before = await compare(arena.federation, place, 0)
    await change(arena.federation, place, "SwitchReadModel")
    after = await compare(arena.federation, place, 0)
    await change(arena.federation, place, "DropGeneration")
    if not (before.equal and after.equal):
        raise NotRecovered(f"{place.service}/{place.name}: rows differ between two generations")
    return int(before.found.rows_live)


FAULTS: Sequence[Fault] = (Rebuilt(), LaterVersion())
