"""The committee that the tests of membership speak of: Vĩnh Phúc's, its chair and her deputy, its events and commands."""

from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from chassis.commands import Command, parse
from membership.domain.committee import OfficeFacts
from membership.domain.delegation import DelegateAuthority, RevokeDelegation
from membership.domain.office import AppointOfficer, ReleaseOfficer
from membership.domain.unit import Unit
from membership.events import (
    AuthorityDelegated,
    DelegationRevoked,
    Level,
    Matter,
    Office,
    OfficerAppointed,
    OfficerReleased,
    ReleaseReason,
)

C = TypeVar("C", bound=Command)

UNIT = "vinh-phuc"
CHAIR, DEPUTY = UUID(int=501), UUID(int=502)
DELEGATION = UUID(int=601)
LAN, MINH, HOA = "officer-lan", "officer-minh", "officer-hoa"

ONE_DAY = timedelta(days=1)
ELECTED_ON = date(2023, 3, 10)
TERM_ENDS = date(2028, 3, 9)
AWAY_ON, BACK_ON = date(2024, 6, 1), date(2024, 7, 1)
BOTH = (Matter.AWARD_DECISION, Matter.BUDGET_APPROVAL)

UNITS: dict[str, Unit | None] = {
    UNIT: Unit(UNIT, UNIT, Level.PROVINCE, "ldld-vinh-phuc", "cdvcvn", date(1997, 3, 1), date(1997, 3, 1)),
    "tld": Unit("tld", "tld", Level.CONFEDERATION, "", "", date(1929, 7, 28), date(1929, 7, 28)),
    "gone": Unit("gone", "gone", Level.GRASSROOTS, UNIT, "", date(2000, 1, 1), date(2000, 1, 1), date(2020, 1, 1)),
    "nowhere": None,
}


def asked_by(caller: str = LAN, *, nationwide: bool = False) -> OfficeFacts:
    """What a decision sees when somebody asks."""
    return OfficeFacts(caller, nationwide, UNITS)


def appointed(**changes: Any) -> OfficerAppointed:
    """Lan is the chair for a whole term."""
    plain = {"unit": UNIT, "on": ELECTED_ON, "position_id": CHAIR, "officer": LAN, "office": Office.CHAIR, "matters": BOTH}
    return OfficerAppointed(**{**plain, "until": TERM_ENDS, **changes})


def released(**changes: Any) -> OfficerReleased:
    plain = {"unit": UNIT, "on": BACK_ON, "position_id": CHAIR, "officer": LAN, "office": Office.CHAIR}
    return OfficerReleased(**{**plain, "reason": ReleaseReason.MOVED, **changes})


def delegated(**changes: Any) -> AuthorityDelegated:
    """Minh signs awards in Lan's place for a month."""
    plain = {"unit": UNIT, "on": AWAY_ON, "delegation_id": DELEGATION, "position_id": CHAIR, "officer": LAN}
    more = {"office": Office.CHAIR, "to_officer": MINH, "matters": (Matter.AWARD_DECISION,), "until": BACK_ON}
    return AuthorityDelegated(**{**plain, **more, **changes})


def revoked(**changes: Any) -> DelegationRevoked:
    plain = {"unit": UNIT, "on": BACK_ON, "delegation_id": DELEGATION, "position_id": CHAIR, "to_officer": MINH}
    return DelegationRevoked(**{**plain, "with_position": False, **changes})


def appoint(**fields: Any) -> AppointOfficer:
    plain = {"unit": UNIT, "on": ELECTED_ON, "position_id": CHAIR, "officer": LAN, "office": "chair"}
    return _command(AppointOfficer, plain | fields)


def release(**fields: Any) -> ReleaseOfficer:
    return _command(ReleaseOfficer, {"unit": UNIT, "on": BACK_ON, "position_id": CHAIR, "reason": "moved"} | fields)


def delegate(**fields: Any) -> DelegateAuthority:
    plain = {"unit": UNIT, "on": AWAY_ON, "delegation_id": DELEGATION, "position_id": CHAIR, "to_officer": MINH}
    return _command(DelegateAuthority, plain | {"matters": ["award_decision"], "until": BACK_ON} | fields)


def revoke(**fields: Any) -> RevokeDelegation:
    return _command(RevokeDelegation, {"unit": UNIT, "on": BACK_ON, "delegation_id": DELEGATION} | fields)


def _command(cls: type[C], fields: dict[str, Any]) -> C:
    return parse(cls, {"command_id": uuid4(), **fields})
