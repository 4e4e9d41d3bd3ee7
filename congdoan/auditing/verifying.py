"""Is the history whole, as far as can be shown? What was looked at, what was found, and what nothing speaks for.

A history is walked once (:mod:`congdoan.auditing.walking`); the checkpoints of the ledger's stream, and those of witnesses,
are read before it, so that all they sign must be there. What the walk finds is told by position.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psycopg
from nats.aio.client import Client

from chassis.ledger.note import Verifier
from chassis.ledger.witness import LedgerRefused
from chassis.streams import stream_name
from congdoan.auditing import messages, rows
from congdoan.auditing.kept import Ledger, WitnessFile, read_ledger
from congdoan.auditing.locating import Leaves, Reader, Span, first_difference, span_of
from congdoan.auditing.verified import Verified
from congdoan.auditing.walking import LEDGER, Kept, Part, Start, Walk

STREAM: Literal["stream"] = "stream"
STORE: Literal["store"] = "store"
AUDIT = "audit"
_LAST = 2**63 - 1


class StoreUnavailable(Exception):
    """An event store cannot be read: no server, no right, or no tables of one."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the history can be read, as an auditor; what is None cannot.

    :param server: address of NATS, with the file of the auditor's key.
    :param store: the database of a service, by its name.
    :param sealed: the leaf hashes that audit sealed of a service.
    """

    server: tuple[str, Path] | None = None
    store: Callable[[str], str] | None = None
    sealed: Callable[[str], Reader] | None = None


@dataclass(slots=True)
class Service:
    """What was found of one service."""

    name: str
    source: str
    walk: Walk
    span: Span | None = None
    first_bad: int | None = None
    """The first event that is not what was signed, where somebody has what was."""
    named_by: str = ""
    checked_until: int = 0
    """Until where what lies after the last checkpoint is the same in the other source as well; 0: it was not looked."""
    refused: LedgerRefused | None = None
    """Why a checkpoint on the ledger's stream does not go on from the one before."""

    @property
    def good(self) -> Start:
        """Until where it is what a checkpoint says."""
        matched = [compared.matched for compared in self.walk.compared.values() if compared.matched]
        return max(matched, key=lambda start: start.size, default=self.walk.start)

    @property
    def covered(self) -> int:
        """How many events stand under a checkpoint that matched."""
        return self.good.size

    @property
    def beyond(self) -> int:
        """How many lie after the last checkpoint that matched."""
        return self.walk.size - self.covered

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not (self.span or self.walk.flaws or self.first_bad or self.refused)


@dataclass(slots=True)
class Outcome:
    """What was found of every service, and what was not looked at."""

    source: str
    key: str
    services: list[Service] = field(default_factory=list)
    ledger: Ledger | None = None
    witnesses: Sequence[WitnessFile] = ()
    since: Verified = field(default_factory=Verified)

    @property
    def whole(self) -> bool:
        """Whether nothing was found anywhere."""
        return all(service.whole for service in self.services)

    @property
    def verified(self) -> Verified:
        """From where the next verification may begin: after the last checkpoint of each service that matched."""
        last = dict(self.since.services)
        for service in self.services:
            compared = service.walk.compared.get(LEDGER)
            if service.whole and compared and compared.matched:
                last[service.name] = compared.matched
        return Verified(self.key, self.ledger.sequence if self.ledger else 0, last)


@dataclass
class Verification:
    """One verification.

    :param progress: is told the service and how many events were walked.
    """

    places: Places
    verifier: Verifier
    witnesses: Sequence[WitnessFile] = ()
    since: Verified = field(default_factory=Verified)
    progress: Callable[[str, int], object] = lambda service, many: None
    _client: Client | None = None
    _ledger: Ledger | None = None

    async def run(self, source: Literal["stream", "store"], services: Iterable[str]) -> Outcome:
        """Look at every service.

        :raises StreamUnavailable, StoreUnavailable, WitnessUnreadable: something that was to be looked at cannot be.
        """
        async with AsyncExitStack() as stack:
            if self.places.server:
                self._client = await stack.enter_async_context(messages.entered(*self.places.server))
                self._ledger = await read_ledger(self._client, self.verifier, self.since.ledger())
            outcome = Outcome(source, str(self.verifier), [], self._ledger, self.witnesses, self.since)
            for service in services:
                outcome.services.append(await self._of_service(source, service))
            return outcome

    async def _of_service(self, source: str, service: str) -> Service:
        walk = Walk(self.since.services.get(service, Start()), self._kept(service))
        length = await self._length(service)
        if source == STORE:
            await self._walk_store(service, walk, length)
        else:
            await self._walk_stream(service, walk, length or 0)
        refused = self._ledger.refused.get(service) if self._ledger else None
        found = Service(service, source, walk, span_of(walk), refused=refused)
        await self._look_again(found, length)
        return found

    def _kept(self, service: str) -> Iterable[Kept]:
        ledger = [self._ledger.kept(service)] if self._ledger else []
        return heapq.merge(*ledger, *(witness.kept(service, self.verifier) for witness in self.witnesses))

    async def _length(self, service: str) -> int | None:
        """How long the stream is before anything else is looked at."""
        return await messages.length_of(self._client, stream_name(service)) if self._client else None

    async def _walk_store(self, service: str, walk: Walk, length: int | None) -> None:
        with _reading(self._conninfo(service), service) as store:
            head, branches = store.ends()
            try:
                for part in store.parts(walk.size):
                    if not await self._go_on(service, walk, part):
                        break
            except rows.RowUnreadable as error:
                walk.note("unreadable", error.after + 1, flaw="row")
        walk.end()
        if not {"gap", "unreadable"} & walk.flaws.keys():
            if head != walk.size:
                walk.note("head", min(head, walk.size) + 1, head=head, found=walk.size)
            elif branches != walk.branches:
                walk.note("branches", walk.size)
            if length is not None and length > walk.size:
                walk.note("behind", walk.size + 1, stream=length, found=walk.size)

    async def _walk_stream(self, service: str, walk: Walk, length: int) -> None:
        assert self._client, "the stream was asked for, so there is a server"
        try:
            async for part in messages.parts(self._client, service, walk.size, length):
                if not await self._go_on(service, walk, part):
                    break
        except messages.MessageUnreadable as error:
            walk.note("unreadable", error.after + 1, flaw=str(error))
        walk.end()

    async def _go_on(self, service: str, walk: Walk, part: Part) -> bool:
        follows = walk.take(part)
        self.progress(service, walk.size)
        if self._client:
            await self._client.flush()  # the server must hear of us while we read elsewhere
        return follows

    async def _look_again(self, found: Service, length: int | None) -> None:
        """Name the first bad event by whoever has what was signed; or compare what no checkpoint stands over."""
        ours = self._reader(found.source, found.name)
        others = [name for name in (STREAM, STORE, AUDIT) if name != found.source and self._has(name)]
        if found.span and found.span.by:
            for name in others:
                if await self._named(found, found.span, found.span.by, ours, self._reader(name, found.name)):
                    found.named_by = name
                    return
        elif found.source == STORE and length:
            await self._compare_rest(found, ours, self._reader(STREAM, found.name), length)

    async def _named(self, found: Service, span: Span, by: Kept, ours: Reader, theirs: Reader) -> bool:
        try:
            first, root = await first_difference(ours(span.start.size, _LAST), theirs(span.start.size, by.size), span)
        except (messages.StreamUnavailable, StoreUnavailable):
            return False
        if root != by.root:
            return False
        found.first_bad = first
        return first is not None

    async def _compare_rest(self, found: Service, ours: Reader, theirs: Reader, length: int) -> None:
        """Beside the stream, as far as both go; what the store has more of is perhaps on its way there."""
        upto = length if found.span else min(length, found.walk.size)
        if upto > found.covered:
            span = Span(found.good, upto, None)
            found.first_bad, _ = await first_difference(ours(found.covered, upto), theirs(found.covered, upto), span)
            found.named_by, found.checked_until = STREAM if found.first_bad else "", upto

    def _has(self, source: str) -> bool:
        return {STREAM: self._client, STORE: self.places.store, AUDIT: self.places.sealed}[source] is not None

    def _reader(self, source: str, service: str) -> Reader:
        if source == STORE:
            return lambda after, upto: _leaves_of_store(self._conninfo(service), service, after, upto)
        if source == STREAM:
            assert self._client
            client = self._client
            return lambda after, upto: _leaves_of_stream(client, service, after, upto)
        assert self.places.sealed
        return self.places.sealed(service)

    def _conninfo(self, service: str) -> str:
        if self.places.store is None:
            raise StoreUnavailable("no store is named")
        return self.places.store(service)


def verify_store(conninfo: str, service: str, kept: Iterable[Kept] = (), start: Start | None = None) -> Walk:
    """Walk the event store of a service, beside checkpoints by size, without anything else.

    :raises StoreUnavailable: it cannot be read. :raises RowUnreadable: a row is no event.
    """
    walk = Walk(start or Start(), kept)
    with _reading(conninfo, service) as store:
        for part in store.parts(walk.size):
            if not walk.take(part):
                break
    walk.end()
    return walk


@contextmanager
def _reading(conninfo: str, service: str) -> Iterator[rows.Snapshot]:
    try:
        with rows.snapshot(conninfo, service) as opened:
            yield opened
    except psycopg.Error as error:
        raise StoreUnavailable(str(error).strip()) from None


async def _leaves_of_store(conninfo: str, service: str, after: int, upto: int) -> Leaves:
    with _reading(conninfo, service) as store:
        try:
            for part in store.parts(after, upto):
                yield part.leaves
        except rows.RowUnreadable:
            return


async def _leaves_of_stream(client: Client, service: str, after: int, upto: int) -> Leaves:
    length = await messages.length_of(client, stream_name(service)) or 0
    try:
        async for part in messages.parts(client, service, after, min(upto, length)):
            yield part.leaves
    except messages.MessageUnreadable:
        return
