"""Message to question, and answer to message: a figure is certified, and the events on which it stands are given."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date
from uuid import UUID

from google.protobuf.message import Message

from audit.application import keep
from audit.domain.certificate import (
    CERTIFICATE,
    CertificateUnknown,
    CompleteForAuditors,
    FigureUnknown,
    NotYetSigned,
    RecordCertificate,
    SubtreeNotOwn,
    certificate_of,
    query_of,
    standing_told,
    statement_of,
)
from audit.domain.cut import Cut
from audit.domain.figures import AuditedFigure
from audit.domain.passport.recount import SOURCES, Query
from audit.domain.passport.statement import Standing
from audit.domain.unit_tree import UnitTree
from audit.events import FigureCertified
from audit.history import History
from audit.ledger import Ledger
from audit.read_models.checkpoints import Signed, covering, of_size
from audit.read_models.contributions import figures, reading
from audit.read_models.evidence import Evidence, evidence_of, leaves, positions
from audit.read_models.nodes import tree_of
from audit.rpc.cuts import Cuts
from chassis.application import Application
from chassis.commands import Call, parse
from chassis.database import Connection, Pool
from chassis.hierarchy import Hierarchy
from chassis.ledger.descent import halves, opened
from chassis.ledger.merkle import Tree
from chassis.ledger.note import Checkpoint, text_of
from chassis.paging import page_of
from chassis.questions import day_of, ids_of, year_of
from chassis.recorded import RecordedEvent
from chassis.refusals import CommandIdReused
from chassis.rpc import Query as Question
from federation.audit.v1 import passport_pb2 as pb

PASSPORT = pb.DESCRIPTOR.services_by_name["PassportService"]
LOOK_S = 0.1
"""How often it is looked whether a checkpoint was signed that is waited for."""
MAX_PAGE_BYTES = 4 << 20
"""A page ends with the event that goes beyond."""


class PassportQuestions:
    """What audit answers about a figure and the events it stands on.

    :param tree: the units by which rights are decided; :param units: audit's own, of the events alone, on which figures stand.
    """

    def __init__(
        self,
        pool: Pool,
        tree: Hierarchy,
        units: UnitTree,
        cuts: Cuts,
        history: History,
        ledger: Ledger,
        commands: Application,
        today: Callable[[], date],
    ) -> None:
        self._pool, self._tree, self._cuts, self._history, self._ledger = pool, tree, cuts, history, ledger
        self._units, self._commands, self._today = units, commands, today

    @property
    def answers(self) -> Mapping[str, Question]:
        """Each question by the name of its RPC."""
        return {"CertifyFigure": self.certify, "ListCertifiedEvents": self.events}

    async def certify(self, request: pb.CertifyFigureRequest, call: Call) -> Message:
        """Certify a figure; the same command once more is answered as it was."""
        query = self._query(request, call)
        (command_id,) = ids_of("command_id", [request.command_id])
        given = await self._commands.live.state(CERTIFICATE, certificate_of(command_id))
        if given is None:
            given = await self._record(request, query, command_id, call)
        elif (given.reader, query_of(given), given.complete) != (call.caller.id, query, request.complete):
            raise CommandIdReused("command_id")
        statement = statement_of(given)
        signed = [await of_size(self._pool, one.service, one.size) for one in statement.standing]
        return pb.CertifyFigureResponse(
            certificate_id=statement.certificate,
            statement=self._ledger.vouched(statement.text),
            checkpoints=[one.note for one in signed],
        )

    def _query(self, request: pb.CertifyFigureRequest, call: Call) -> Query:
        """Which figure is asked for, of a unit that the caller may ask about.

        :raises Refusal: see there.
        """
        as_of, year = day_of(request, "as_of") or self._today(), year_of(request)
        call.rights.at(self._tree.require(request.unit).code)
        if request.complete and not call.rights.everywhere:
            raise CompleteForAuditors("complete")
        if request.figure not in SOURCES:
            raise FigureUnknown("figure")
        return Query(request.figure, request.unit, year, as_of)

    async def _record(self, request: pb.CertifyFigureRequest, query: Query, command_id: UUID, call: Call) -> FigureCertified:
        """Count, and keep what was counted, over which events."""
        cut = await self._cuts.chosen(request.cut, call.deadline_s)
        signed = [await self._covering(one, cut[one], call.deadline_s) for one in query.services if cut[one]]
        async with self._reading() as connection:
            evidence = await self._evidence(connection, query, cut, call, complete=request.complete)
            standing = [await _standing(connection, evidence, one) for one in signed]
        figure = await self._figure(query, cut)
        caller = call.caller
        fields = {
            "command_id": command_id, "unit": caller.unit, "reader": caller.id, "reader_role": caller.role.name.lower(),
            "on": self._today(), "reason": request.reason, "figure": query.figure, "of_unit": query.unit, "year": query.year,
            "as_of": query.as_of, "complete": request.complete, "contributions": figure.events,
            "cut": [{"service": service, "position": position} for service, position in cut.parts],
            "value": None if figure.value is None else str(figure.value),
            "standing": [standing_told(one).model_dump() for one in standing],
        }  # fmt: skip
        await keep(self._commands, call, parse(RecordCertificate, fields))
        recorded: FigureCertified = await self._commands.live.state(CERTIFICATE, certificate_of(command_id))
        return recorded

    async def _figure(self, query: Query, cut: Cut) -> AuditedFigure:
        found = await figures(self._pool, self._units, query.unit, query.year, query.as_of, cut)
        return next(one for one in found if one.name == query.figure)

    async def _covering(self, service: str, position: int, within_s: float) -> Signed:
        """The first checkpoint under which an event lies; one is signed for it where there is none.

        :raises NotYetSigned: it takes too long.
        """
        try:
            async with asyncio.timeout(max(LOOK_S, within_s - 1)):
                while (found := await covering(self._pool, service, position)) is None:
                    self._ledger.hurry(service, position)
                    await asyncio.sleep(LOOK_S)
                return found
        except TimeoutError:
            raise NotYetSigned("cut", service=service, position=position) from None

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Connection]:
        async with self._pool.connection() as connection, connection.transaction():
            await reading(connection)
            yield connection

    async def _evidence(self, connection: Connection, query: Query, cut: Cut, call: Call, *, complete: bool) -> Evidence:
        """On what a figure stands.

        :raises SubtreeNotOwn: events of it are of units that are not the caller's to see today.
        """
        found = await evidence_of(connection, self._units, query, cut, complete=complete)
        if not call.rights.everywhere and len(call.rights.only(found.units, str)) < len(found.units):
            raise SubtreeNotOwn("unit")
        return found

    async def events(self, request: pb.ListCertifiedEventsRequest, call: Call) -> Message:
        """A page of the events of a certificate, each with the way down to it."""
        (certificate_id,) = ids_of("certificate_id", [request.certificate_id])
        given: FigureCertified | None = await self._commands.live.state(CERTIFICATE, certificate_id)
        if given is None or (given.reader, given.unit) != (call.caller.id, call.caller.unit):
            # Nobody is told of the certificates of others, so none is told apart from one that is not there.
            call.rights.at(call.caller.unit)
            raise CertificateUnknown("certificate_id")
        call.rights.at(self._tree.require(given.of_unit).code)
        standing = statement_of(given).standing
        page = page_of(request.page)
        service, after = page.after(str, int) or (standing[0].service if standing else "", 0)
        one = next((one for one in standing if one.service == service), None)
        if one is None:
            return pb.ListCertifiedEventsResponse()
        async with self._reading() as connection:
            cut = Cut.of({one.service: one.position for one in given.cut})
            evidence = await self._evidence(connection, query_of(given), cut, call, complete=given.complete)
            found = await positions(connection, evidence, service, after, page.size)
        if request.positions_only:
            told = [pb.CertifiedEvent(service=service, position=position) for position in found]
        else:
            told = await self._told(service, found, after, one.size)
        is_last = len(told) == len(found) < page.size
        following = _next_service(standing, service) if is_last else f"{service}/{told[-1].position}"
        return pb.ListCertifiedEventsResponse(events=told, next=following)

    async def _told(self, service: str, found: Sequence[int], after: int, size: int) -> list[pb.CertifiedEvent]:
        """Events with the ways down to them, as many as a page holds."""
        events = _at_most(await self._history.fetch(service, found), MAX_PAGE_BYTES)
        ways, before = [], after - 1 if after else None
        for event in events:
            ways.append(opened(before, event.position - 1, size))
            before = event.position - 1
        spans = [span for way in ways for both in way for span in both]
        async with self._reading() as connection:
            nodes = await tree_of(connection, service, spans)
        return [_event(event, halves(nodes, way)) for event, way in zip(events, ways, strict=True)]


async def _standing(connection: Connection, evidence: Evidence, signed: Signed) -> Standing:
    tree = Tree()
    async for leaf in leaves(connection, evidence, signed.service):
        tree.add(leaf)
    checkpoint = Checkpoint.read(text_of(signed.note))
    return Standing(signed.service, signed.size, checkpoint.root, tree.size, tree.root)


def _next_service(standing: Sequence[Standing], service: str) -> str:
    """Where the page after the last one of a service begins; empty when there is none."""
    services = [one.service for one in standing]
    following = services[services.index(service) + 1 :]
    return f"{following[0]}/0" if following else ""


def _at_most(events: Sequence[RecordedEvent], most: int) -> list[RecordedEvent]:
    """The first events, until they have so many bytes; one at least."""
    found: list[RecordedEvent] = []
    for event in events:
        found.append(event)
        most -= len(event.body) + len(event.metadata_json)
        if most < 0:
            break
    return found


def _event(event: RecordedEvent, way: Sequence[bytes]) -> pb.CertifiedEvent:
    return pb.CertifiedEvent(
        service=event.service,
        position=event.position,
        aggregate_id=str(event.aggregate_id),
        version=event.version,
        topic=event.topic,
        branch=event.branch,
        branch_position=event.branch_position,
        recorded_at=event.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        metadata=event.metadata_json,
        body=event.body,
        way=way,
    )
