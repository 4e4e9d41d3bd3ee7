"""Message to question, and answer to message. No rule stands here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from google.protobuf.message import Message

from audit.domain.figures import AuditedFigure
from audit.domain.seal import LogBroken
from audit.domain.unit_tree import UnitTree
from audit.read_models.checkpoints import newest_checkpoints
from audit.read_models.contributions import figures
from audit.read_models.log import log_end, log_entries
from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import message_of
from chassis.paging import page_of
from chassis.questions import day_of, year_of
from chassis.refusals import NotFound
from chassis.rpc import Query
from federation.audit.v1 import audit_pb2 as pb
from federation.contract.v1 import contract_pb2

SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]


class ServiceNotFollowed(NotFound):
    """There is a log only of the services that audit follows."""

    vi = "Kiểm toán không theo dõi dịch vụ này."
    en = "Audit does not follow this service."


class Questions:
    """What audit answers.

    :param followed: the services of whom there is a log; `broken` tells what of one does not follow on.
    :param tree: the units by which rights are decided; figures stand on `units`, audit's own, made of the events alone.
    """

    def __init__(
        self,
        pool: Pool,
        followed: Sequence[str],
        broken: Callable[[str], LogBroken | None],
        tree: Hierarchy,
        units: UnitTree,
        today: Callable[[], date],
    ) -> None:
        self._pool, self._tree, self._today = pool, tree, today
        self._logs, self._broken, self._units = followed, broken, units

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "GetFigures": self.figures,
            "GetLog": self.log,
            "ListLog": self.entries,
            "ListCheckpoints": self.checkpoints,
        }

    async def figures(self, request: contract_pb2.GetFiguresRequest, call: Call) -> Message:
        """Every figure of a unit's year, with the events it stands on."""
        as_of, year = day_of(request, "as_of") or self._today(), year_of(request)
        call.rights.at(self._tree.require(request.unit).code)
        found = await figures(self._pool, self._units, request.unit, year, as_of)
        return contract_pb2.GetFiguresResponse(as_of=as_of.isoformat(), figures=map(figure_message, found))

    async def log(self, request: pb.GetLogRequest, call: Call) -> Message:
        """How far each log has come, and whether it is whole."""
        call.rights.nationwide()
        return pb.GetLogResponse(logs=[await self._state(service) for service in self._logs])

    async def entries(self, request: pb.ListLogRequest, call: Call) -> Message:
        """A page of a service's log."""
        call.rights.nationwide()
        if request.service not in self._logs:
            raise ServiceNotFollowed("service")
        page = page_of(request.page)
        (after,) = page.after(int) or (0,)
        rows, following = page.cut(
            await log_entries(self._pool, request.service, page.size + 1, after), lambda entry: (entry.position,)
        )
        return pb.ListLogResponse(entries=[message_of(pb.LogEntry, entry) for entry in rows], next=following)

    async def checkpoints(self, request: pb.ListCheckpointsRequest, call: Call) -> Message:
        """A page of what was signed."""
        call.rights.nationwide()
        if request.service and request.service not in self._logs:
            raise ServiceNotFollowed("service")
        page = page_of(request.page)
        (before,) = page.after(int) or (None,)
        rows, following = page.cut(
            await newest_checkpoints(self._pool, request.service, page.size + 1, before), lambda signed: (signed.number,)
        )
        return pb.ListCheckpointsResponse(checkpoints=[message_of(pb.Checkpoint, signed) for signed in rows], next=following)

    async def _state(self, service: str) -> pb.ServiceLog:
        position, chain_hash = await log_end(self._pool, service)
        broken = self._broken(service)
        return pb.ServiceLog(
            service=service,
            position=position,
            chain_hash=chain_hash,
            contiguous=broken is None,
            broken_at=broken.position if broken else None,
            flaw=broken.reason if broken else "",
        )


def figure_message(figure: AuditedFigure) -> contract_pb2.Figure:
    """A figure as the contract tells it; a percentage without a target is there without a value."""
    match figure.value:
        case int():
            return contract_pb2.Figure(name=figure.name, events=figure.events, count=figure.value)
        case str():
            return contract_pb2.Figure(name=figure.name, events=figure.events, decimal=figure.value)
        case None:
            return contract_pb2.Figure(name=figure.name, events=figure.events)
