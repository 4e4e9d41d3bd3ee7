"""Which cuts have a name, who gave it and when?"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from audit.domain.cut import Cut
from audit.events import CutNamed
from chassis.database import Pool, fetch_rows
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent

_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NamedCut:
    """A cut as its line, with its name; `number` is the position at which it was named."""

    name: str
    number: int
    cut: str
    named_by: str
    named_on: date
    command_id: UUID


NAMED_CUTS = ReadModel("named_cuts", 1, NamedCut, key=("name",), source="audit", indexes=[("number",)])


@NAMED_CUTS.on(CutNamed, key=lambda event: (event.name,))
def named(row: NamedCut | None, event: CutNamed, at: RecordedEvent) -> NamedCut:
    """A name stays with its cut."""
    cut = Cut.of({part.service: part.position for part in event.cut})
    command_id = at.metadata.command_id
    assert command_id, "a command names it"
    return NamedCut(event.name, at.position, str(cut), event.reader, event.on, command_id)


async def named_cut(pool: Pool, name: str) -> NamedCut | None:
    """The cut of a name, if there is one."""
    return next(iter(await fetch_rows(pool, NAMED_CUTS, "name = %s", (name,))), None)


async def newest_cuts(pool: Pool, many: int, before: int | None) -> list[NamedCut]:
    """One page of the named cuts: the last named first, from below a number."""
    wanted = "number < %s order by number desc limit %s"
    return await fetch_rows(pool, NAMED_CUTS, wanted, (_LAST if before is None else before, many))
