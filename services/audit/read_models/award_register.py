"""Which awards were there for a year, on both clocks? A row for each step of each, with its position and its day."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from audit.domain.as_of.award import GIVEN, STEPS, AwardStep, AwardThen, award_step, awards_then
from chassis.database import Connection
from chassis.following import unprocessable
from chassis.recorded import RecordedEvent

VERSION = 1
TABLE = f"award_steps_v{VERSION}"
SCHEMA = (
    f"""create table if not exists {TABLE} (
        position bigint primary key,
        nomination_id uuid not null,
        step text not null,
        day date not null,
        unit text not null,
        year integer not null,
        member_id text not null,
        form text not null,
        scope text not null,
        theme text not null,
        decider text not null,
        decision_number text not null,
        decided_on date not null
    )""",
    f"create index if not exists {TABLE}_given on {TABLE} (year, position) where step = '{GIVEN}'",
    f"create index if not exists {TABLE}_given_by_unit on {TABLE} (unit, year, position) where step = '{GIVEN}'",
    f"create index if not exists {TABLE}_later on {TABLE} (nomination_id) where step <> '{GIVEN}'",
)
_NAMES = [field.name for field in fields(AwardStep)]
_COLUMNS = ", ".join(_NAMES)
_TYPES = ("bigint", "uuid", "text", "date", "text", "integer", *["text"] * 6, "date")
_ADD = f"insert into {TABLE} ({_COLUMNS}) select * from unnest({', '.join(f'%b::{kind}[]' for kind in _TYPES)})"
_GIVEN = f"""select {_COLUMNS} from {TABLE} where step = '{GIVEN}' and unit = any(%s) and year = %s and day <= %s
    and position > %s and position <= %s order by position limit %s"""
_LATER = f"""select {_COLUMNS} from {TABLE} where step <> '{GIVEN}' and nomination_id = any(%s) and day <= %s
    and position <= %s order by position"""


class AwardKeeper:
    """Keeps what happened to awards: the effect that a follower drives."""

    source = "awards"
    topics = frozenset(STEPS)

    def __init__(self) -> None:
        self.name = f"award_register.v{VERSION}"

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Keep what some events say.

        :raises Unprocessable: an event cannot be read.
        """
        steps = [_read(event) for event in events]
        await transaction.execute(_ADD.encode(), [[getattr(step, name) for step in steps] for name in _NAMES])

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is held in memory, so nothing is to be told."""


def _read(event: RecordedEvent) -> AwardStep:
    try:
        return award_step(event)
    except Exception as error:
        raise unprocessable(event, error) from error


async def awards_as_of(
    connection: Connection, units: Sequence[str], year: int, as_of: date, upto: int, after: int, size: int
) -> list[AwardThen]:
    """One page of the awards for a year that some units had by a day, of what awards had recorded up to a position.

    :param after: position of the last award of the page before.
    """
    given = await _steps(connection, _GIVEN, (list(units), year, as_of, after, upto, size))
    return awards_then(given, await _steps(connection, _LATER, ([step.nomination_id for step in given], as_of, upto)))


async def _steps(connection: Connection, query: str, values: Sequence[object]) -> list[AwardStep]:
    rows: list[Any] = await (await connection.execute(query.encode(), values)).fetchall()
    return [AwardStep(*row) for row in rows]
