"""Who is given which events, page by page, after it was recorded? Message to question, and answer to message."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import takewhile
from uuid import UUID

import orjson
from google.protobuf.message import Message

from audit.application import keep
from audit.domain.cut import Cut, microseconds
from audit.domain.replay import ReasonMissing, RecordReplay, ReplayUnknown, replay_of
from audit.domain.unit_tree import UnitTree
from audit.events import HistoryReplayed
from audit.history import History
from audit.read_models.contributions import refresh
from audit.read_models.index import EPOCH, Filter, Key, page
from audit.rpc.cuts import Cuts
from audit.rpc.log_and_figures import ServiceNotFollowed
from chassis.commands import Call, parse
from chassis.database import Pool
from chassis.messages import fields_of, message_of
from chassis.paging import page_of
from chassis.questions import ids_of
from chassis.recorded import RecordedEvent
from chassis.refusals import CommandIdReused
from chassis.rpc import CommandPath, Query
from chassis.store import EventStore
from federation.audit.v1 import replay_pb2 as pb

REPLAY = pb.DESCRIPTOR.services_by_name["ReplayService"]
MAX_PAGE_BYTES = 3 * 1024 * 1024
"""Of the events of a page; the first is told whatever its size."""
_CAUSE = re.compile(r"([a-z][a-z-]{0,39})/([1-9][0-9]{0,17})")


class ReplayQuestions:
    """What audit answers about the history itself.

    :param units: audit's own tree; it learns what became known since it was last asked.
    """

    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        commands: CommandPath,
        cuts: Cuts,
        history: History,
        units: UnitTree,
        today: Callable[[], date],
    ) -> None:
        self._pool, self._store, self._commands, self._cuts, self._history = pool, store, commands, cuts, history
        self._units, self._today = units, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {"BeginReplay": self.begin, "ListReplay": self.events}

    async def begin(self, request: pb.BeginReplayRequest, call: Call) -> Message:
        """Record what is about to be read, up to where."""
        call.rights.nationwide()
        asked = self._asked(request, call)
        begun = await self._begun(replay_of(asked.command_id))
        if begun is None:
            cut = await self._cuts.chosen(request.cut, call.deadline_s)
            _follow(asked, cut)
            if asked.of_unit:
                await self._subtree(asked.of_unit, asked.on, cut)
            parts = tuple({"service": service, "position": position} for service, position in cut.parts)
            await keep(self._commands, call, parse(RecordReplay, {**asked.model_dump(), "cut": parts}))
            begun = await self._begun(asked.aggregate_id)
            assert begun, "it was kept just now"
        replay, position = begun
        if _told(replay) != _told(asked):
            raise CommandIdReused("command_id")
        return pb.BeginReplayResponse(replay_id=str(replay.replay_id), cut=str(cut_of(replay)), position=position)

    async def events(self, request: pb.ListReplayRequest, call: Call) -> Message:
        """A page of a replay, for whoever began it."""
        call.rights.nationwide()
        (replay_id,) = ids_of("replay_id", [request.replay_id])
        begun, _ = await self._begun(replay_id) or (None, 0)
        if begun is None or begun.reader != call.caller.id:
            raise ReplayUnknown("replay_id")
        asked = page_of(request.page)
        after = asked.after(int, str, int)
        keys = await page(self._pool, await self._filter(begun), _key(after) if after else None, asked.size + 1)
        found = await self._fetch([(service, position) for _, service, position in keys[: asked.size]])
        events = _that_fit(found)
        _, following = asked.cut(keys, _cursor) if len(events) == len(found) else ([], _text(keys[len(events) - 1]))
        there = {(event.service, event.position) for event in events}
        causes = await self._fetch(sorted(set(_causes(events, cut_of(begun))) - there))
        return pb.ListReplayResponse(events=map(_message, events), causes=map(_message, causes), next=following)

    def _asked(self, request: pb.BeginReplayRequest, call: Call) -> RecordReplay:
        """What is asked for, without its cut.

        :raises Invalid: a field breaks a rule.
        """
        fields = fields_of(request)
        fields.pop("cut", None)
        if not fields.get("reason", "").strip():
            raise ReasonMissing()
        caller = call.caller
        reader = {"unit": caller.unit, "reader": caller.id, "reader_role": caller.role.name.lower(), "on": self._today()}
        return parse(RecordReplay, {**fields, **reader, "cut": ()})

    async def _begun(self, replay_id: UUID) -> tuple[HistoryReplayed, int] | None:
        """What was begun under an id, and where that is recorded."""
        for recorded in await self._store.load(replay_id):
            if isinstance(recorded.event, HistoryReplayed):
                return recorded.event, recorded.position
        return None

    async def _filter(self, begun: HistoryReplayed) -> Filter:
        cut = cut_of(begun)
        return Filter(
            cut={service: position for service, position in cut.parts if not begun.services or service in begun.services},
            recorded_from=begun.recorded_from,
            recorded_before=begun.recorded_before,
            effective_from=begun.effective_from,
            effective_to=begun.effective_to,
            branch=begun.branch,
            units=await self._subtree(begun.of_unit, begun.on, cut) if begun.of_unit else None,
            member_id=begun.member_id,
            topics=begun.topics,
            of_command=begun.of_command,
            actor=begun.actor,
            correlation=begun.correlation,
        )

    async def _subtree(self, unit: str, on: date, cut: Cut) -> list[str]:
        """The units of a subtree by what a cut knows, dissolved ones where they lay last.

        :raises UnitUnknown: there is no such unit in it.
        """
        upto = cut["membership"]
        async with self._pool.connection() as connection:
            await refresh(connection, self._units)
        return self._units.under(self._units.require(unit, upto), on, upto)

    async def _fetch(self, places: Sequence[tuple[str, int]]) -> list[RecordedEvent]:
        """The events at some places, in their order."""
        by_service: dict[str, list[int]] = {}
        for service, position in places:
            by_service.setdefault(service, []).append(position)
        found = await asyncio.gather(*(self._history.fetch(*asked) for asked in by_service.items()))
        events = {(event.service, event.position): event for one in found for event in one}
        return [events[place] for place in places]


def _follow(asked: RecordReplay, cut: Cut) -> None:
    """:raises ServiceNotFollowed: nobody follows a service that is named."""
    for field, named in (("services", asked.services), ("topics", [topic.partition(".")[0] for topic in asked.topics])):
        if not set(named) <= cut.positions.keys():
            raise ServiceNotFollowed(field)


def cut_of(begun: HistoryReplayed) -> Cut:
    """Up to where a replay goes."""
    return Cut.of({part.service: part.position for part in begun.cut})


def _told(replay: RecordReplay | HistoryReplayed) -> dict[str, object]:
    """What a replay asks for, without when and up to where."""
    fields = replay.model_dump(exclude={"command_id", "expected_version", "cut", "on", "unit", "replay_id"})
    return {name: value or None for name, value in fields.items()}


def _that_fit(events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The first events, as far as they are no more together than a page may be; the first in any case."""
    room = MAX_PAGE_BYTES

    def fits(event: RecordedEvent) -> bool:
        nonlocal room
        room -= len(event.body) + len(event.metadata_json)
        return room > 0

    return [*events[:1], *takewhile(fits, events[1:])]


def _causes(events: Iterable[RecordedEvent], cut: Cut) -> Iterable[tuple[str, int]]:
    """The events that led to some; what the suite's own services say of causes is believed, and nothing else."""
    for event in events:
        metadata = orjson.loads(event.metadata_json)
        cause = _CAUSE.fullmatch(metadata.get("causation_id", ""))
        if cause and metadata["actor"]["role"] == "service" and int(cause[2]) <= cut[cause[1]]:
            yield cause[1], int(cause[2])


def _key(after: tuple[int, str, int]) -> Key:
    at, service, position = after
    return EPOCH + timedelta(microseconds=at), service, position


def _cursor(key: Key) -> tuple[object, ...]:
    at, service, position = key
    return microseconds(at), service, position


def _text(key: Key) -> str:
    return "/".join(map(str, _cursor(key)))


def _message(event: RecordedEvent) -> pb.ReplayedEvent:
    return message_of(pb.ReplayedEvent, event, metadata=event.metadata_json)
