"""May this member, or this unit, receive a gift of a campaign? Only whoever stands in the campaign's tree now."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal
from uuid import UUID

from chassis.hierarchy import UnitUnknown
from chassis.refusals import NotFound, RuleBroken, Unavailable

Beneficiary = UUID | str
"""A member by id, or a unit by code: a collective gift."""


class MemberUnknown(NotFound):
    """Nobody was admitted under this id."""

    vi = "Không có đoàn viên này."
    en = "There is no such member."


class MemberHasLeft(RuleBroken):
    """Whoever left the union receives no gift."""

    vi = "Đoàn viên đã thôi sinh hoạt, không thể nhận quà."
    en = "The member has left and cannot receive a gift."


class UnitIsDissolved(RuleBroken):
    """Nothing new can happen in a unit that was dissolved."""

    vi = "Đơn vị {code} đã giải thể."
    en = "The unit {code} was dissolved."


class OutsideCampaign(RuleBroken):
    """A campaign gives to members and units of its own tree only."""

    vi = "Người hoặc đơn vị nhận quà không thuộc đơn vị {unit} đang tổ chức đợt tặng quà."
    en = "The recipient does not lie under {unit}, the unit that holds the campaign."


class Presence(Enum):
    """Whether somebody is there: active, there no longer, never heard of."""

    ACTIVE = "active"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a beneficiary stands now: a member's unit, or the unit itself; empty when unknown."""

    presence: Presence
    unit: str
    under_campaign: bool


def eligible(standing: Standing | None, beneficiary: Beneficiary, campaign_unit: str) -> str:
    """The unit at which a beneficiary receives a gift of a campaign.

    :raises Unavailable: nobody could say where the beneficiary stands.
    :raises MemberUnknown, UnitUnknown, MemberHasLeft, UnitIsDissolved, OutsideCampaign:
    """
    field = field_of(beneficiary)
    if standing is None:
        raise Unavailable(reason="membership")
    match standing.presence, beneficiary:
        case Presence.UNKNOWN, UUID():
            raise MemberUnknown(field)
        case Presence.UNKNOWN, _:
            raise UnitUnknown(field, code=str(beneficiary))
        case Presence.GONE, UUID():
            raise MemberHasLeft(field)
        case Presence.GONE, _:
            raise UnitIsDissolved(field, code=beneficiary)
    if not standing.under_campaign:
        raise OutsideCampaign(field, unit=campaign_unit)
    return standing.unit


def field_of(beneficiary: Beneficiary) -> Literal["member_id", "collective"]:
    """The field in which a caller names the beneficiary."""
    return "member_id" if isinstance(beneficiary, UUID) else "collective"
