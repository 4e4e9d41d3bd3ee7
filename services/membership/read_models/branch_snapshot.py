"""Which units and members does a branch have now?"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from chassis.database import Pool, fetch
from chassis.hierarchy import Hierarchy, Node
from membership.read_models.members import MEMBERS

REMEMBERED = 64
MemberOfBranch = tuple[UUID, str, date, date | None, str | None]
"""Id, unit, the day it joined, the day it left or None, hardship or None: nothing personal."""

MEMBERS_OF_BRANCH = (
    f"select member_id, unit, joined_on, left_on, hardship from {MEMBERS.table}"
    " where unit = any(%s) and (unit, member_id) > (%s, %s) order by unit, member_id limit %s"
)


class BranchUnits:
    """The units of branches by their codes, dissolved ones too: those whose events the branch's subscribers receive."""

    def __init__(self, tree: Hierarchy) -> None:
        self._tree = tree
        self._known: OrderedDict[tuple[str, str], tuple[int, list[str]]] = OrderedDict()

    def codes(self, branch: str, top: str) -> list[str]:
        """The units of a branch that lie under one of its units, in the order of their codes."""
        known, changes = self._known.get((branch, top)), self._tree.changes
        if known is None or known[0] != changes:
            under = self._tree.under(top, dissolved=True)
            known = changes, sorted(code for code in under if self._tree.branch_of(code) == branch)
            self._known[branch, top] = known
        self._known.move_to_end((branch, top))
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known[1]

    def after(self, codes: Sequence[str], code: str, size: int) -> list[Node]:
        """At most so many units, from the one after a code."""
        start = bisect_right(codes, code)
        return [self._tree.require(each) for each in codes[start : start + size]]


async def members_of_branch(pool: Pool, codes: Sequence[str], after: tuple[str, UUID], size: int) -> list[MemberOfBranch]:
    """At most so many members of some units, from the one after a unit and an id; those who left, too."""
    return await fetch(pool, MEMBERS_OF_BRANCH, (list(codes), *after, size))
