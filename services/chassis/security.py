"""Who is asking, and may they?

The one place of both answers. Until tokens are signed the caller declares itself in the metadata of the call
(``caller-id``, ``caller-role``, ``caller-unit``); the check that follows is the real one: a right is a role at a unit
over its subtree, denied by default.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from chassis.events import Actor
from chassis.refusals import Forbidden, Language, Unauthenticated


class Role(IntEnum):
    """The roles of ``federation.contract.v1.Role``, by the same numbers."""

    MEMBER = 1
    GRASSROOTS_OFFICER = 2
    PROVINCE_OFFICER = 3
    FEDERATION_OFFICER = 4
    AUDITOR = 5
    SERVICE = 6


EVERYWHERE = (Role.SERVICE, Role.AUDITOR)
"""Roles that are held at no unit in particular."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent the call: subject, role, the unit the role is held at, and the language to answer in."""

    id: str
    role: Role
    unit: str
    language: Language = "vi"

    @property
    def actor(self) -> Actor:
        """The caller as it is written into events."""
        return Actor(self.id, self.role.name.lower(), self.unit)


Ancestors = Callable[[str], Iterable[str]]
"""The ancestors-or-self of a unit, as of now."""


def identify(metadata: Mapping[str, str]) -> Caller:
    """The caller that the metadata of a call declares.

    :raises Unauthenticated: nothing, or nothing known, is declared.
    """
    subject, role, unit = (metadata.get(key, "") for key in ("caller-id", "caller-role", "caller-unit"))
    try:
        known = Role[role.upper()]
    except KeyError:
        raise Unauthenticated(problem_vi="caller-role không có", problem_en="caller-role is not a role") from None
    if not subject or not (unit or known in EVERYWHERE):
        raise Unauthenticated(problem_vi="thiếu caller-id hoặc caller-unit", problem_en="caller-id or caller-unit is missing")
    return Caller(subject, known, unit, "en" if metadata.get("accept-language", "").lower().startswith("en") else "vi")


def authorise(caller: Caller, needs: Role, unit: str, ancestors: Ancestors, *, reading: bool = False) -> None:
    """Allow exactly when the caller's role suffices at an ancestor-or-self of the target's unit.

    Services hold their role everywhere, auditors read everywhere; an officer's rank includes the ranks below it.

    :raises Forbidden: in every other case.
    """
    if not suffices(caller.role, needs, reading=reading):
        raise Forbidden()
    if caller.role not in EVERYWHERE and caller.unit != unit and caller.unit not in ancestors(unit):
        raise Forbidden()


def suffices(role: Role, needs: Role, *, reading: bool = False) -> bool:
    """Whether a role is enough for a call that needs another, leaving the unit aside."""
    match role:
        case Role.SERVICE:
            return True
        case Role.AUDITOR:
            return reading and needs is not Role.SERVICE
        case _:
            return needs <= Role.FEDERATION_OFFICER and role >= needs
