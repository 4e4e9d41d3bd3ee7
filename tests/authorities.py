"""Who may sign, as tests that are about something else want it: somebody holds one position everywhere, for ever."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from chassis.authorities import Authority, Mandate
from chassis.security import Caller

POSITION, DELEGATION = UUID(int=7001), UUID(int=7002)


def authority(unit: str, **changes: Any) -> Authority:
    """The chair of a unit, who may sign since the beginning of time."""
    plain = {"authority_id": POSITION, "position_id": POSITION, "matter": "any", "officer": "officer-1", "office": "chair"}
    days = {"since": date(1929, 7, 28), "until": date(2199, 12, 31)}
    return Authority(**{**plain, **days, "unit": unit, "position": 1, **changes})


def chair_of(*units: str) -> Mandate:
    """Whoever may sign everything at some units."""
    return Mandate(tuple(authority(unit) for unit in units))


class PlayedAuthorities:
    """What the register of authorities would say: everybody is the chair of some units, unless `mandates` says otherwise."""

    def __init__(self, units: Iterable[str]) -> None:
        self.everywhere = chair_of(*units)
        self.mandates: dict[str, Mandate] = {}
        self.asked: list[tuple[str, str]] = []

    async def mandate(self, caller: Caller, matter: str) -> Mandate:
        self.asked.append((caller.id, matter))
        return self.mandates.get(caller.id, self.everywhere)
