"""Is what is recorded here still what was sealed when it was announced? Audit has the leaf hash of every event it heard.

The store is the record, but a store that was tampered with must not overwrite what shows it. So before a stream is
filled or replaced from the store, the whole store is held against the ledger.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from chassis.clients import Refused, RpcClient
from chassis.ledger.leaf import leaf_hash
from chassis.refusals import Unavailable
from chassis.store import EventStore
from federation.audit.v1 import audit_pb2
from federation.contract.v1.contract_pb2 import PageRequest

AUDIT = audit_pb2.DESCRIPTOR.services_by_name["AuditService"]
PAGE = 1_000
HOLDS_S = 5.0
"""So soon after a store was held against the ledger it is not again: who takes a stream away and who fills it ask both."""


class StoreDiffers(Exception):
    """The store does not hold what was sealed: nothing may be made of it before an operator has looked."""

    def __init__(self, service: str, position: int) -> None:
        super().__init__(f"store differs from the ledger at {service}/{position}")
        self.service, self.position = service, position


class Sealed(Protocol):
    """What was sealed of one service."""

    async def after(self, position: int) -> list[tuple[int, bytes]]:
        """The next positions with their leaf hashes, in order; none at the end of what is sealed.

        :raises Unavailable: it cannot be asked just now.
        """


class SealedByAudit:
    """Asks audit."""

    def __init__(self, client: RpcClient, service: str) -> None:
        self._client, self._service = client, service

    async def after(self, position: int) -> list[tuple[int, bytes]]:
        """:raises Unavailable: see :class:`Sealed`."""
        page = PageRequest(size=PAGE, after=str(position) if position else "")
        try:
            answer = await self._client.ask("ListLog", audit_pb2.ListLogRequest(service=self._service, page=page))
        except Refused as refused:
            raise Unavailable(reason="audit") from refused
        return [(entry.position, entry.leaf_hash) for entry in answer.entries]


class NothingSealed:
    """Where nobody audits."""

    async def after(self, position: int) -> list[tuple[int, bytes]]:
        """Nothing is."""
        return []


class Agreement:
    """Whether a store and what was sealed of it agree."""

    def __init__(self, store: EventStore, sealed: Sealed, clock: Callable[[], float] = monotonic) -> None:
        self._store, self._sealed, self._clock = store, sealed, clock
        self._holds_until = float("-inf")

    async def hold(self) -> None:
        """Hold the whole store against everything sealed, unless that was done just now.

        :raises StoreDiffers: at the first position; also where something is sealed that is not recorded, as after a restored
            backup. :raises Unavailable: store or audit cannot be asked.
        """
        if self._clock() < self._holds_until:
            return
        position = 0
        while sealed := await self._sealed.after(position):
            stored = {event.position: event for event in await self._store.read(position, len(sealed))}
            for position, leaf in sealed:
                if position not in stored or leaf_hash(stored[position]) != leaf:
                    raise StoreDiffers(self._store.service, position)
        self._holds_until = self._clock() + HOLDS_S
