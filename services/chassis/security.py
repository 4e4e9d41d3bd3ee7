"""Who is asking, and may they? The one place where that is decided.

A right is a role at a unit over its subtree as of now, denied by default. Commands are checked against the aggregate's
own unit (:mod:`chassis.application`), questions through the :class:`Rights` of their call; an answer whose right nobody
checked is not sent (:mod:`chassis.calls`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Protocol, TypeVar

from chassis.lease import Lease
from chassis.recorded import Actor
from chassis.refusals import Forbidden, Language, Unavailable

T = TypeVar("T")


class Role(IntEnum):
    """The roles of ``federation.contract.v1.Role``, by the same numbers."""

    MEMBER = 1
    GRASSROOTS_OFFICER = 2
    PROVINCE_OFFICER = 3
    FEDERATION_OFFICER = 4
    AUDITOR = 5
    SERVICE = 6


PROVINCE = "province:"
"""How the id of a province's system begins; the code of its unit follows."""

EVERYWHERE = (Role.SERVICE, Role.AUDITOR)
"""Roles that are held at no unit in particular."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent the call: subject, role, the unit the role is held at, and the language to answer in.

    ``service`` is the service of the suite whose certificate the call came with, empty for everybody else. A service
    that acts for an officer carries the officer's ``token`` on; then the rest is the officer's.
    """

    id: str
    role: Role
    unit: str
    language: Language = "vi"
    token: str = field(default="", repr=False, compare=False)
    service: str = ""

    @property
    def is_province(self) -> bool:
        """Whether it is the system of a province, and no person."""
        return self.id.startswith(PROVINCE)

    @property
    def actor(self) -> Actor:
        """The caller as it is written into events."""
        return Actor(self.id, self.role.name.lower(), self.unit)


class Tree(Protocol):
    """What rights must know of the units."""

    @property
    def lease(self) -> Lease:
        """While it holds, this is known to be the tree of just now."""

    def ancestors(self, unit: str) -> Iterable[str]:
        """The unit itself and every unit above it, as of now; nothing for an unknown unit."""

    def under(self, top: str, on: date | None = None, *, dissolved: bool = False) -> list[str]:
        """The codes of a unit's subtree on a day, itself first."""

    def __len__(self) -> int:
        """How many units are known."""


def authorise(caller: Caller, needs: Role, unit: str, tree: Tree, *, reading: bool = False) -> None:
    """Allow exactly when the caller's role suffices at an ancestor-or-self of the target's unit.

    Services hold their role everywhere, auditors read everywhere; an officer's rank includes the ranks below it.

    :raises Forbidden: in every other case.
    :raises Unavailable: the right would follow from a tree that is perhaps not that of just now: such a tree widens none.
    """
    if not suffices(caller, needs, reading=reading):
        raise Forbidden()
    if caller.role in EVERYWHERE or caller.unit == unit:
        return
    if caller.unit not in tree.ancestors(unit):
        raise Forbidden()
    if not tree.lease.holds:
        raise Unavailable(reason="tree of units")


def suffices(caller: Caller, needs: Role, *, reading: bool = False) -> bool:
    """Whether a caller's role is enough for a call that needs another, leaving the unit aside."""
    if needs is Role.SERVICE:
        return bool(caller.service) or caller.role is Role.SERVICE
    match caller.role:
        case Role.SERVICE:
            return True
        case Role.AUDITOR:
            return reading
        case role:
            return needs <= Role.FEDERATION_OFFICER and role >= needs


class Rights:
    """What the caller of one call may see, and whether its answer has asked.

    :param needs: the role the RPC states.
    :param reading: whether auditors may ask it.
    :param trusted: the call comes from a service that the RPC is open to, so it is answered whatever the unit.
    """

    __slots__ = ("_everywhere", "_needs", "_reading", "_tree", "asked", "caller")

    def __init__(self, caller: Caller, needs: Role, tree: Tree, *, reading: bool = False, trusted: bool = False) -> None:
        self.caller, self._needs, self._tree, self._reading = caller, needs, tree, reading
        self._everywhere = trusted or caller.role in EVERYWHERE
        self.asked = False

    @property
    def everywhere(self) -> bool:
        """Whether no unit is closed to the caller; asking this alone checks nothing."""
        return self._everywhere

    def at(self, *units: str) -> None:
        """Let the call go on only if the caller may see this unit; or one of several, of something that lies in each.

        :raises Forbidden: its role does not suffice at any of them or above it. :raises Unavailable: see :func:`authorise`.
        """
        self.asked = True
        if self._everywhere:
            return
        own, ancestors = self.caller.unit, self._tree.ancestors
        unit = own if own in units else next((code for code in units if own in ancestors(code)), units[0])
        authorise(self.caller, self._needs, unit, self._tree, reading=self._reading)

    def only(self, items: Iterable[T], unit: Callable[[T], str]) -> list[T]:
        """Those of some items whose unit the caller may see.

        :raises Unavailable: see :func:`authorise`.
        """
        self.asked = True
        return [item for item in items if self._allows(unit(item))]

    def _allows(self, unit: str) -> bool:
        try:
            self.at(unit)
        except Forbidden:
            return False
        return True

    def among(self, unit: str, on: date | None = None, *, dissolved: bool = False) -> list[str]:
        """The units of a subtree, as of a day, that the caller may see now: what lists are filtered by, in SQL.

        :raises Forbidden: it may see none of them. :raises Unavailable: see :func:`authorise`.
        """
        self.asked = True
        units = self._tree.under(unit, on, dissolved=dissolved)
        if self._everywhere:
            return units
        own, ancestors = self.caller.unit, self._tree.ancestors
        above = own in ancestors(unit)
        # Below a unit of one's own everything is one's own, as of now; on another day it may have lain elsewhere.
        if on is not None or dissolved or not above:
            units = [code for code in units if own in ancestors(code)]
        if not units and not above:
            raise Forbidden()
        if units != [own] and not self._tree.lease.holds:
            raise Unavailable(reason="tree of units")
        return units

    def nationwide(self) -> None:
        """Let the call go on only if the caller's role is held at the top: for answers that belong to no unit.

        :raises Forbidden: it is not. :raises Unavailable: see :func:`authorise`.
        """
        self.asked = True
        if self._everywhere:
            return
        if not suffices(self.caller, self._needs, reading=self._reading):
            raise Forbidden()
        # Before the first unit is established nobody stands above anybody; after it, a unit that is not known is no top.
        own = self.caller.unit
        if len(self._tree) and tuple(self._tree.ancestors(own)) != (own,):
            raise Forbidden()
        if not self._tree.lease.holds:
            raise Unavailable(reason="tree of units")


class _NoTree:
    """Nobody stands above anybody."""

    lease = Lease()

    def ancestors(self, unit: str) -> Iterable[str]:
        return ()

    def under(self, top: str, on: date | None = None, *, dissolved: bool = False) -> list[str]:
        return []

    def __len__(self) -> int:
        return 0


NO_RIGHTS = Rights(Caller("", Role.MEMBER, ""), Role.SERVICE, _NoTree())
"""Of what a service does by itself: it asks nobody's questions."""
