"""Hà Nội and Vĩnh Phúc in a year in which people move, units change hands, gifts are given and awards won and lost."""

from typing import Any
from uuid import UUID, uuid5

from federation.awards.v1 import awards_pb2 as awards_pb
from federation.membership.v1 import membership_pb2 as members_pb
from federation.welfare.v1 import welfare_pb2 as welfare_pb
from tests.serving import Suite

_IDS = UUID("0c1f5a52-6f0c-5b1e-8f2c-0a5d3f6f9b11")
YEAR = 2025
HA_NOI, VINH_PHUC = "ha-noi", "vinh-phuc"
STAYS, LEAVES, ARRIVES = "hn-so-y-te", "hn-cang", "vp-truong"
"""Two unions of Hà Nội, the second of which goes to Vĩnh Phúc; and one of Vĩnh Phúc that comes to Hà Nội."""


SERVICES = ("membership", "welfare", "awards")
FIGURES = {
    "grassroots_units", "members", "gift_shares", "gift_amount_vnd", "flags_received", "certificates_of_merit", "commendations",
    "honoured_delegates",
}  # fmt: skip
"""Those for which the events of a branch suffice."""


def id_of(what: str) -> str:
    """The same for the same thing."""
    return str(uuid5(_IDS, what))


class Federation:
    """What is done at the hub, step by step."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite

    async def begin(self) -> None:
        """Units, members and whoever signs."""
        top = members_pb.LEVEL_CONFEDERATION, members_pb.LEVEL_PROVINCE, members_pb.LEVEL_GRASSROOTS
        await self.suite.establish("tld", top[0])
        for code in (HA_NOI, VINH_PHUC):
            await self.suite.establish(code, top[1], "tld")
        for code, parent in ((STAYS, HA_NOI), (LEAVES, HA_NOI), (ARRIVES, VINH_PHUC)):
            await self.suite.establish(code, top[2], parent)
        await self.suite.establish(f"{ARRIVES}-to", members_pb.LEVEL_SECTION, ARRIVES)
        await self.suite.appoint("tld")
        for unit, count in ((STAYS, 4), (LEAVES, 3), (ARRIVES, 3), (f"{ARRIVES}-to", 2)):
            for number in range(count):
                await self.admit(f"{unit}/{number}", unit)

    async def admit(self, who: str, unit: str) -> None:
        """One member more."""
        born = {"full_name": "Nguyễn Thị Lan", "birth_date": "1985-03-08", "national_id": f"{int(id_of(who)[:8], 16):012d}"}
        await self.of_membership("AdmitMember", member_id=id_of(who), unit=unit, on="2010-01-01", **born)

    async def move(self, who: str, to: str, on: str) -> None:
        """A member changes its unit."""
        ids = {"member_id": id_of(who), "transfer_id": id_of(f"{who} to {to}"), "on": on}
        await self.of_membership("RequestTransfer", **ids, to_unit=to)
        await self.of_membership("ReleaseMember", **ids)
        await self.of_membership("AcceptTransfer", **ids)

    async def leave(self, who: str) -> None:
        """A member leaves the union."""
        await self.of_membership("LeaveUnion", member_id=id_of(who), reason="Nghỉ hưu", on=f"{YEAR}-06-01")

    async def attach(self, unit: str, parent: str) -> None:
        """A unit changes hands."""
        line = members_pb.ATTACHMENT_LINE
        await self.of_membership("AttachUnit", unit=unit, attachment=line, parent=parent, on=f"{YEAR}-07-01")

    async def open_campaign(self, holder: str) -> None:
        """A campaign with a budget."""
        named = {"unit": holder, "year": YEAR, "name": "Tết sum vầy", "campaign_id": id_of(holder)}
        await self.suite.do("welfare", "OpenGiftCampaign", **named, on=f"{YEAR}-01-02")
        await self.suite.do("welfare", "ApproveBudget", campaign_id=id_of(holder), amount_vnd=50_000_000, on=f"{YEAR}-01-03")

    async def give(self, holder: str, who: str = "", unit: str = "", comes_back: bool = False) -> None:
        """A gift, to a member or a unit; it may come back."""
        recipient = {"member_id": id_of(who)} if who else {"collective": unit}
        share: dict[str, Any] = {"campaign_id": id_of(holder), **recipient, "on": f"{YEAR}-01-20"}
        await self.suite.do("welfare", "ProposeBeneficiary", amount_vnd=1_300_000, **share)
        await self.suite.do("welfare", "ApproveBeneficiary", **share)
        await self.suite.do("welfare", "DistributeGift", form=welfare_pb.GIFT_FORM_CASH, amount_vnd=1_200_000, **share)
        if comes_back:
            await self.suite.do("welfare", "ReturnGift", reason=welfare_pb.RETURN_REASON_DECLINED, **share)

    async def award(self, form: int, unit: str = "", who: str = "", revoked: bool = False) -> None:
        """An award, decided by the confederation; it may be lost."""
        recipient = {"member_id": id_of(who)} if who else {"unit": unit}
        nomination = {"nomination_id": id_of(f"award {form} {unit} {who}")}
        scope = {"scope": awards_pb.AWARD_SCOPE_THEMATIC, "theme": "Tham mưu giỏi", "year": YEAR, "decider": "tld", "form": form}
        await self.of_awards("ProposeAward", **nomination, **recipient, **scope)
        await self.of_awards("EndorseAward", **nomination, reviewer="tld")
        await self.of_awards("DecideAward", **nomination, decision_number="345/QĐ-TLĐ")
        if revoked:
            await self.of_awards("RevokeAward", **nomination, reason="Khai man thành tích")

    async def of_membership(self, rpc: str, **fields: Any) -> None:
        await self.suite.do("membership", rpc, **fields)

    async def of_awards(self, rpc: str, **fields: Any) -> None:
        await self.suite.do("awards", rpc, **fields, on=f"{YEAR}-03-01")

    async def figures(self, unit: str) -> dict[str, int]:
        """The figures of a unit's year that a copy can tell, as the hub tells them."""
        told: dict[str, int] = {}
        for service in SERVICES:
            answer = await self.suite.call(service, "GetFigures", unit=unit, year=YEAR)
            told |= {figure.name: figure.count for figure in answer.figures if figure.name in FIGURES}
        return told

    async def branch_positions(self, branch: str) -> dict[str, int]:
        """How many events each service recorded of a branch."""
        heads: dict[str, int] = {}
        for service in SERVICES:
            events = await self.suite.services[service].store.read(0, 10_000)
            heads[service] = max((event.branch_position for event in events if event.branch == branch), default=0)
        return heads
