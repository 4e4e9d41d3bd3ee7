"""What may an operator ask and order about read models: rebuild, compare, switch, roll back, drop, prove?

An auditor may ask, and orders nothing. Who waits long says so by the deadline of the call.
"""

from collections.abc import Mapping, Sequence

from google.protobuf.message import Message

from chassis.commands import Call
from chassis.database import Pool
from chassis.following import Follower
from chassis.generations.beside import SecondGenerations
from chassis.generations.causes import Cause
from chassis.generations.differences import Column, Difference, compared
from chassis.generations.tables import Generations
from chassis.messages import message_of
from chassis.operations import UnknownFollower
from chassis.proving import proof
from chassis.recorded import RecordedEvent
from chassis.refusals import Invalid, Problem
from chassis.rpc import Query
from federation.operations.v1 import operations_pb2 as pb

DEFAULT_ROWS, MAX_ROWS = 20, 200
EVENTS_SHOWN = 10
POSITIONS_SHOWN = 100
_ROWS = Problem("rows", f"phải từ 1 đến {MAX_ROWS}", f"must be from 1 to {MAX_ROWS}")


class Rebuilding:
    """Answers for one service.

    :param followers: everybody who follows a history in it, but for the generations beside.
    """

    def __init__(self, pool: Pool, beside: SecondGenerations, followers: Sequence[Follower]) -> None:
        self._pool, self._beside, self._followers = pool, beside, followers

    @property
    def queries(self) -> Mapping[str, Query]:
        """What may be asked, by name of the RPC."""
        return {
            "ListGenerations": self._list_generations,
            "CompareGenerations": self._compare_generations,
            "ProveFollower": self._prove_follower,
        }

    @property
    def actions(self) -> Mapping[str, Query]:
        """What may be done, by name of the RPC."""
        return {
            "RebuildReadModel": self._rebuild_read_model,
            "SwitchReadModel": self._switch_read_model,
            "RollBackReadModel": self._roll_back_read_model,
            "DropGeneration": self._drop_generation,
        }

    async def _list_generations(self, request: pb.ListGenerationsRequest, call: Call) -> Message:
        call.rights.nationwide()
        return pb.ListGenerationsResponse(generations=[_told(standing) for standing in await self._beside.standing()])

    async def _rebuild_read_model(self, request: pb.RebuildReadModelRequest, call: Call) -> Message:
        call.rights.nationwide()
        model = self._beside.model(request.read_model)
        await self._beside.begin(model)
        return _told(await self._beside.standing_of(model))

    async def _compare_generations(self, request: pb.CompareGenerationsRequest, call: Call) -> Message:
        call.rights.nationwide()
        if not 0 <= request.rows <= MAX_ROWS:
            raise Invalid(_ROWS)
        model = self._beside.model(request.read_model)
        found = await compared(self._beside, model, request.rows or DEFAULT_ROWS, call.deadline_s)
        differences = [_difference(difference) for difference in found.shown]
        return message_of(pb.CompareGenerationsResponse, found, differences=differences)

    async def _switch_read_model(self, request: pb.SwitchReadModelRequest, call: Call) -> Message:
        call.rights.nationwide()
        model = self._beside.model(request.read_model)
        return _told(await self._beside.change_places(model, timeout_s=call.deadline_s))

    async def _roll_back_read_model(self, request: pb.RollBackReadModelRequest, call: Call) -> Message:
        call.rights.nationwide()
        model = self._beside.model(request.read_model)
        return _told(await self._beside.change_places(model, back=True, timeout_s=call.deadline_s))

    async def _drop_generation(self, request: pb.DropGenerationRequest, call: Call) -> Message:
        call.rights.nationwide()
        model = self._beside.model(request.read_model)
        await self._beside.drop(model)
        return _told(await self._beside.standing_of(model))

    async def _prove_follower(self, request: pb.ProveFollowerRequest, call: Call) -> Message:
        call.rights.nationwide()
        follower = self._follower(request.follower)
        found = await proof(self._pool, follower, self._beside.past(follower.source))
        return message_of(
            pb.ProveFollowerResponse,
            found,
            parked=len(found.parked),
            verdict=found.finding.verdict,
            parked_positions=found.parked[:POSITIONS_SHOWN],
            missing_positions=found.finding.missing[:POSITIONS_SHOWN],
            twice_positions=found.finding.twice[:POSITIONS_SHOWN],
        )

    def _follower(self, name: str) -> Follower:
        for follower in (*self._followers, *self._beside.followers):
            models = {follower.name, follower.name.rpartition(".")[0]} if follower.name in self._beside.models else ()
            if name == follower.name or name in models:
                return follower
        raise UnknownFollower("follower")


def _told(standing: Generations) -> pb.Generations:
    return message_of(pb.Generations, standing)


def _difference(difference: Difference) -> pb.Difference:
    cause: Cause[RecordedEvent] | None = difference.cause
    events = cause.events if cause else ()
    return message_of(
        pb.Difference,
        key=difference.key,
        stands=difference.stands,
        columns=[_column(column) for column in difference.columns],
        events=difference.events,
        cause=cause.kind if cause else "not_found",
        because_of=[message_of(pb.EventReference, event) for event in events[:EVENTS_SHOWN]],
        cause_events=len(events),
        alternatives=cause is not None and cause.alternatives,
        later=cause.later if cause else 0,
        aside=cause.aside if cause else 0,
    )


def _column(column: Column) -> pb.DifferingColumn:
    set_by = column.set_by and message_of(pb.EventReference, column.set_by)
    return message_of(pb.DifferingColumn, column, set_by=set_by)
