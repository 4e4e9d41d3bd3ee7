"""Which cut is asked for: by name, by its line, by time, or of now? And has everyone here seen it?"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

from audit.domain.cut import Cut
from audit.domain.named_cut import CutUnknown
from audit.read_models.knowledge import heads, largest_closed, recorded_by
from audit.read_models.named_cuts import NamedCut, named_cut
from audit.rpc.log_and_figures import ServiceNotFollowed
from chassis.database import Pool
from chassis.refusals import Invalid, Problem, RuleBroken
from federation.audit.v1 import as_of_pb2 as pb

Seen = Callable[[Mapping[str, int], float], Awaitable[None]]
"""Waits until everybody here has seen some positions; raises DeadlinePassed when they have not in so many seconds."""


class CutBeyondHistory(RuleBroken):
    """Nothing can be asked about what was not recorded, or not heard of yet."""

    vi = "Kiểm toán chưa nghe đến vị trí này của {service}; đến nay mới có {position}."
    en = "Audit has not heard of this position of {service}; so far there are {position}."


class CutNotClosed(RuleBroken):
    """An effect without its cause is a state that never was."""

    vi = "Lát cắt có sự kiện của {service} mà sự kiện gây ra nó nằm ngoài lát cắt; chỉ được đến {position}."
    en = "In this cut {service} has an event that was caused by one outside of it; no more than {position} may be in it."


class Cuts:
    """Finds cuts over the services that audit follows.

    :param current: waits until the named cuts show every command answered so far.
    """

    def __init__(self, pool: Pool, services: Sequence[str], seen: Seen, current: Callable[[], Awaitable[None]]) -> None:
        self._pool, self._services, self._seen, self._current = pool, services, seen, current

    async def chosen(self, choice: pb.CutChoice, patience_s: float) -> Cut:
        """The cut of a choice, causally closed, once everybody here has seen it.

        :raises Invalid: more than one is given, or it is no line or no time. :raises ServiceNotFollowed, CutUnknown,
            CutBeyondHistory, CutNotClosed: :raises DeadlinePassed: it was not seen within `patience_s`.
        """
        if sum(map(bool, (choice.name, choice.vector, choice.recorded_by))) > 1:
            raise Invalid(_ONE_OF_THREE)
        there = await heads(self._pool, self._services)
        if choice.name or choice.vector:
            cut = Cut.parse((await self.named(choice.name)).cut) if choice.name else self._told(choice.vector, there)
            await self._seen(cut.positions, patience_s)
            return cut if choice.name else await self._closed(cut)
        until = _time_of(choice.recorded_by) if choice.recorded_by else None
        await self._seen(there.positions, patience_s)
        return await largest_closed(self._pool, await recorded_by(self._pool, there, until) if until else there)

    async def named(self, name: str) -> NamedCut:
        """:raises CutUnknown:"""
        found = await self.find(name)
        if found is None:
            raise CutUnknown("cut.name")
        return found

    async def find(self, name: str) -> NamedCut | None:
        """The cut of a name, also one that was given just now."""
        await self._current()
        return await named_cut(self._pool, name)

    def _told(self, line: str, there: Cut) -> Cut:
        cut = Cut.parse(line, "cut.vector")
        if any(service not in self._services for service, _ in cut.parts):
            raise ServiceNotFollowed("cut.vector")
        for service in cut.beyond(there):
            raise CutBeyondHistory("cut.vector", service=service, position=there[service])
        return cut.over(self._services)

    async def _closed(self, cut: Cut) -> Cut:
        closed = await largest_closed(self._pool, cut)
        for service in cut.beyond(closed):
            raise CutNotClosed("cut.vector", service=service, position=closed[service])
        return cut


def _time_of(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else _wrong_time()
    except (ValueError, OverflowError):
        return _wrong_time()


def _wrong_time() -> datetime:
    raise Invalid(_NO_TIME)


_ONE_OF_THREE = Problem("cut", "chỉ chọn một trong: name, vector, recorded_by", "takes one of name, vector, recorded_by")
_NO_TIME = Problem("cut.recorded_by", "phải là thời điểm dạng RFC 3339", "must be a time, RFC 3339")
