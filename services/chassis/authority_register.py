"""What may this caller sign? Asked of a read model of authorities, once for a whole batch of decisions.

Another service's rows may be behind: until a release is seen here, a released officer could sign. So nothing is signed on
rows that were not confirmed to be those of just now (:mod:`chassis.confirmation`). A release therefore holds everywhere
within `LEASE_S` of its answer, also while the stream is away. What was signed in between stands in the history under its
position and its day, where an auditor finds it.
"""

from collections.abc import Awaitable, Callable
from time import monotonic

from chassis.authorities import Authority, Mandate
from chassis.database import Pool, fetch, fetch_rows
from chassis.lease import Lease
from chassis.read_models import ReadModel
from chassis.refusals import Unavailable
from chassis.security import Caller
from chassis.service import Service


class AuthorityRegister:
    """The authorities at hand.

    :param clock: monotonic seconds, for its lease.
    """

    def __init__(self, pool: Pool, model: ReadModel[Authority], clock: Callable[[], float] = monotonic) -> None:
        self._pool, self._model = pool, model
        self.lease = Lease(clock)
        """While it holds, these are the authorities of just now, and decisions may rest on them."""

    async def mandate(self, caller: Caller, matter: str) -> Mandate:
        """Everything by which a caller may sign a matter, whatever the unit and the day.

        :raises Unavailable: that cannot be known just now.
        """
        if not self.lease.holds:
            raise Unavailable(reason="authorities")
        return Mandate(tuple(await fetch_rows(self._pool, self._model, "officer = %s and matter = %s", (caller.id, matter))))

    async def last_change(self) -> int:
        """The position of the last event that changed an authority; 0 when there is none."""
        (found,) = await fetch(self._pool, f"select coalesce(max(position), 0) from {self._model.table}")
        return int(found[0])


def followed(service: Service, model: ReadModel[Authority], record: Callable[[], Awaitable[int]]) -> AuthorityRegister:
    """The authorities that another service records, kept by a service that decides on them.

    :param record: the position of the last event that changed one, asked of the service that records them.
    """
    (follower,) = service.keep(model)
    register = AuthorityRegister(service.pool, model)
    service.confirm("authorities", register.lease, lambda: follower.position, record)
    return register
