"""How is it kept who is told what belongs to a person? Before it is told; by everybody, of whomever, whoever asks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from chassis.commands import Call, Command, parse
from chassis.refusals import Refusal
from chassis.rpc import CommandPath
from membership.domain.reading import RecordReading

Told = tuple[str, UUID]
"""A unit, and a person whose data it is about to be told of there."""


class Readings:
    """Keeps readings; membership records them by its own right, the actor is the reader.

    :param new_id: makes the id of a reading.
    """

    def __init__(self, commands: CommandPath, today: Callable[[], date], new_id: Callable[[], UUID]) -> None:
        self._commands, self._today, self._new_id = commands, today, new_id

    async def keep(self, call: Call, told: Iterable[Told], fields: Sequence[str], reason: str = "") -> None:
        """Keep who is about to be told some fields of some persons, a unit an event; of nobody, nothing is kept.

        :param reason: empty where none is asked for, as in one's own units.
        :raises Refusal: it cannot be kept, or the reason is no line of text; then nothing may be told.
        """
        by_unit: dict[str, list[UUID]] = {}
        for unit, person_id in told:
            by_unit.setdefault(unit, []).append(person_id)
        if not by_unit:
            return
        caller = call.caller
        reading = {
            "reading_id": self._new_id(),
            "reader": caller.id,
            "reader_role": caller.role.name.lower(),
            "reader_unit": caller.unit,
            "fields_read": tuple(fields),
            "reason": reason or None,
            "on": self._today(),
        }
        commands: list[Command] = [
            parse(RecordReading, {**reading, "command_id": self._new_id(), "unit": unit, "member_ids": tuple(person_ids)})
            for unit, person_ids in sorted(by_unit.items())
        ]
        by_itself = replace(call, caller=replace(caller, service="membership"))
        for outcome in await self._commands.execute_batch(by_itself, commands):
            if isinstance(outcome, Refusal):
                raise outcome
