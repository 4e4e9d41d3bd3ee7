"""Message to question, and answer to message, for a province that asks over NATS what its branch looks like now."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.answering import Question
from chassis.commands import invalid
from chassis.cursors import CursorForged, Cursors
from chassis.database import Pool
from chassis.fields import Code
from chassis.hierarchy import Hierarchy, Node
from chassis.refusals import Forbidden, NotFound
from membership.read_models.branch_snapshot import BranchUnits, MemberOfBranch, members_of_branch

SUBJECT = "branches.*.snapshot"
ROWS = 1_000
"""Of a page, at most. A row is at most some 900 bytes, of which a name takes most."""

UNIT_ROWS = 400
NOBODY = UUID(int=0)


class BranchUnknown(NotFound):
    """Only a province and a central union are branches."""

    vi = "Không có nhánh này."
    en = "There is no such branch."


class UnitElsewhere(Forbidden):
    """A branch is told of its own units; what lies elsewhere, or nowhere, looks the same."""

    vi = "Đơn vị này không thuộc nhánh của bên hỏi."
    en = "The unit does not lie in the branch that asks."


class SnapshotQuestion(BaseModel):
    """What may be asked: the page after a cursor, and only what lies under a unit."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    after: Annotated[str, Field(max_length=1_000)] | None = None
    unit: Code | None = None


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far a reader has come: of which position the first page was, in the branch and in the whole history, when it
    was, under which unit, and after which row."""

    position: int
    shown: int
    recorded_at: str
    top: str
    unit: str = ""
    member: str | None = None
    """None as long as units are read; then the id after which the members of `unit` go on."""

    @property
    def parts(self) -> list[Any]:
        return [self.position, self.shown, self.recorded_at, self.top, self.unit, self.member]


class Snapshots:
    """What membership answers a branch, page by page; between pages nothing is kept.

    All pages of a walk tell the position of the first one. Rows of later pages may be newer: then the events after that
    position say again what they show.

    :param heads: the branch position of the last event of a branch, and at the same moment the position of the last of all.
    :param show: waits until units and members show a position; one lags behind the other otherwise.
    """

    def __init__(
        self,
        pool: Pool,
        tree: Hierarchy,
        secret: bytes,
        clock: Callable[[], datetime],
        *,
        heads: Callable[[str], Awaitable[tuple[int, int]]],
        show: Callable[[int], Awaitable[None]],
    ) -> None:
        self._pool, self._tree, self._clock, self._heads, self._show = pool, tree, clock, heads, show
        self._units, self._cursors = BranchUnits(tree), Cursors(secret)

    async def answer(self, branch: str, question: Question) -> Mapping[str, Any]:
        """One page.

        :raises Invalid, CursorForged, BranchUnknown, UnitElsewhere: see there. :raises Unavailable: ask again.
        """
        asked = _parsed(question)
        walk = self._going_on(branch, asked) if asked.after else await self._begun(branch, asked)
        # What was recorded by then is in the rows of every page, whichever process answers it.
        await self._show(walk.shown)
        codes = self._codes(branch, walk.top)
        units = self._units.after(codes, walk.unit, UNIT_ROWS + 1) if walk.member is None else []
        if len(units) > UNIT_ROWS:
            following: _Walk | None = replace(walk, unit=units[UNIT_ROWS - 1].code)
            return self._page(branch, walk, units[:UNIT_ROWS], [], following)
        room = ROWS - len(units)
        after = (walk.unit, UUID(walk.member)) if walk.member else ("", NOBODY)
        members = await members_of_branch(self._pool, codes, after, room + 1)
        following = replace(walk, unit=members[room - 1][1], member=str(members[room - 1][0])) if len(members) > room else None
        return self._page(branch, walk, units, members[:room], following)

    async def _begun(self, branch: str, asked: SnapshotQuestion) -> _Walk:
        """What the one who asks has heard already is recorded already, so it is among what is shown."""
        recorded_at = self._clock().isoformat().replace("+00:00", "Z")
        return _Walk(*await self._heads(branch), recorded_at, asked.unit or branch)

    def _going_on(self, branch: str, asked: SnapshotQuestion) -> _Walk:
        walk = _Walk(*self._cursors.read(branch, asked.after or ""))
        if asked.unit and asked.unit != walk.top:
            raise CursorForged()
        return walk

    def _codes(self, branch: str, top: str) -> list[str]:
        node = self._tree.get(branch)
        if node is None or not node.opens_branch:
            raise BranchUnknown()
        if self._tree.branch_of(top) != branch:
            raise UnitElsewhere("unit")
        return self._units.codes(branch, top)

    def _page(
        self, branch: str, walk: _Walk, units: Sequence[Node], members: Sequence[MemberOfBranch], following: _Walk | None
    ) -> Mapping[str, Any]:
        return {
            "position": walk.position,
            "recorded_at": walk.recorded_at,
            "units": [_unit(node) for node in units],
            "members": [_member(*row) for row in members],
            "next": self._cursors.write(branch, following.parts) if following else None,
        }


def _parsed(question: Question) -> SnapshotQuestion:
    try:
        return SnapshotQuestion.model_validate(question)
    except ValidationError as error:
        raise invalid(error) from None


def _unit(node: Node) -> Mapping[str, Any]:
    return {
        "unit": node.code,
        "name": node.name,
        "level": node.level,
        "line_parent": node.place("line"),
        "functional_parent": node.place("functional"),
        "established_on": node.established_on,
        "dissolved_on": node.dissolved_on,
    }


def _member(member_id: UUID, unit: str, joined_on: date, left_on: date | None, hardship: str | None) -> Mapping[str, Any]:
    return {"member_id": member_id, "unit": unit, "joined_on": joined_on, "left_on": left_on, "hardship": hardship}
