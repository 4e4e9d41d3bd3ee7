"""What does one client send, wave after wave? All of it drawn from a chance of its own, so that a seed tells it again.

A wave admits people and lets some of them into hardship and out; registers initiatives and has them judged, sometimes by two at
once; opens a gift campaign and gives to those who were just admitted, for which welfare asks membership. Some commands are
forbidden, and some were sent before and must be given their first answer. At its end the auditor is asked, who must have seen it.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol
from uuid import UUID

from google.protobuf.message import Message

from federation.awards.v1 import awards_pb2 as awards
from federation.contract.v1.contract_pb2 import GetFiguresRequest
from federation.membership.v1 import membership_pb2 as membership
from federation.welfare.v1 import welfare_pb2 as welfare
from tests.faults.federation import ON, PROVINCES, YEAR, chair_of, grassroots_of, programme_of

REMEMBERED = 300
"""How many commands a client may repeat later."""
GIFT_VND = 500_000


@dataclass(slots=True, eq=False)
class Item:
    """A command on its way, and what became of it."""

    id: str
    request: Any
    """The message; each kind has its own fields."""
    forbidden: bool = False
    """A rule is against it, so it must never be taken."""
    race: str = ""
    """Of the commands that name the same race, one is taken."""
    answer: Any = None
    unknown: bool = False


class Sending(Protocol):
    """Whoever sends; :class:`tests.faults.load.Client`."""

    async def send(
        self, service: str, rpc: str, items: list[Item], who: tuple[str, str], seen: dict[str, int] | None = None
    ) -> list[Item]: ...
    async def ask(self, service: str, rpc: str, request: Message, who: tuple[str, str], seen: dict[str, int]) -> Any: ...
    def saw(self, service: str, position: int, found: int) -> None: ...
    async def close(self) -> None: ...


class Lane:
    """One client's commands, in one province.

    :param batch: how many commands go together in a batch.
    """

    def __init__(self, client: Sending, number: int, random: Random, batch: int) -> None:
        self.client, self.random, self.batch = client, random, batch
        self.province = PROVINCES[number % len(PROVINCES)]
        self.officer = (f"load-{number}", self.province)
        self.chair = (chair_of(self.province), self.province)
        self.units = grassroots_of(self.province)
        self._seen: dict[str, int] = {}
        self._sent: deque[tuple[str, str, Item, tuple[str, str]]] = deque(maxlen=REMEMBERED)

    async def wave(self) -> None:
        """One round of everything."""
        await asyncio.gather(self._people_and_gifts(), self._initiatives(), self._again())
        await self._auditor_sees()

    async def _auditor_sees(self) -> None:
        """The auditor's figures, with everything that this client has sent: so no client goes on where others do not follow."""
        request = GetFiguresRequest(unit=self.province, year=YEAR)
        await self.client.ask("audit", "GetFigures", request, self.officer, dict(self._seen))

    # -- membership and welfare ----------------------------------------------------------------------------------------

    async def _people_and_gifts(self) -> None:
        campaign = self._id()
        admitted, _ = await asyncio.gather(self._admit(self.batch), self._open(campaign))
        members, seen = [item.request.member_id for item in admitted], _last(admitted)
        if members:
            hardship = asyncio.gather(self._in_hardship(members[: self.batch // 2], seen), self._sees_member(admitted[-1]))
            await asyncio.gather(self._give(campaign, members, seen), hardship)

    async def _admit(self, number: int) -> list[Item]:
        items = [self._admission() for _ in range(number)]
        # A national id belongs to one member, whoever asks first.
        items[-1].request.national_id = items[-2].request.national_id
        items[-1].race = items[-2].race = f"national id of {items[-1].id}"
        return await self._send("membership", "AdmitMember", items)

    def _admission(self) -> Item:
        number = f"{self.random.randrange(10**12):012d}"
        return self._item(
            membership.AdmitMemberRequest(
                member_id=self._id(), unit=self.random.choice(self.units), full_name="Nguyễn Thị Minh Khai", national_id=number,
                birth_date="1990-01-01", on=ON,
            )
        )  # fmt: skip

    async def _in_hardship(self, members: list[str], seen: dict[str, int]) -> None:
        grade = membership.HARDSHIP_GRADE_HARDSHIP
        recorded = [self._item(membership.RecordHardshipRequest(member_id=one, grade=grade, on=ON)) for one in members]
        await self._send("membership", "RecordHardship", recorded)
        ended = self._item(membership.EndHardshipRequest(member_id=members[0], on=ON))
        left = self._item(membership.LeaveUnionRequest(member_id=members[1], reason="chuyển ngành", on=ON))
        unknown = self._item(membership.LeaveUnionRequest(member_id=self._id(), reason="chuyển ngành", on=ON), forbidden=True)
        await self._send("membership", "EndHardship", [ended])
        await self._send("membership", "LeaveUnion", [left])
        await self._send("membership", "LeaveUnion", [unknown])

    async def _sees_member(self, admitted: Item) -> None:
        """The caller's own admission is in the next answer."""
        position, request = admitted.answer.position, membership.GetMemberRequest(member_id=admitted.request.member_id)
        answer = await self.client.ask("membership", "GetMember", request, self.officer, {"membership": position})
        if answer is not None:
            self.client.saw("membership", position, position if answer.member_id == request.member_id else 0)

    async def _open(self, campaign: str) -> None:
        name = f"Tết sum vầy {campaign}"
        opened = welfare.OpenGiftCampaignRequest(
            campaign_id=campaign, unit=self.province, year=YEAR, name=name, occasion=name, on=ON
        )
        await self._send("welfare", "OpenGiftCampaign", [self._item(opened)])
        budget = welfare.ApproveBudgetRequest(campaign_id=campaign, amount_vnd=self.batch * GIFT_VND, on=ON)
        again = welfare.ApproveBudgetRequest(campaign_id=campaign, amount_vnd=GIFT_VND, on=ON)
        await self._send("welfare", "ApproveBudget", [self._item(budget)], self.chair)
        await self._send("welfare", "ApproveBudget", [self._item(again, forbidden=True)], self.chair)

    async def _give(self, campaign: str, members: list[str], seen: dict[str, int]) -> None:
        of: dict[str, Any] = {"campaign_id": campaign, "on": ON}
        proposed = [
            self._item(welfare.ProposeBeneficiaryRequest(member_id=member, amount_vnd=GIFT_VND, **of))
            for member in members[2:]  # one of the others leaves
        ]
        stranger = welfare.ProposeBeneficiaryRequest(member_id=self._id(), amount_vnd=GIFT_VND, **of)
        taken = await self._send("welfare", "ProposeBeneficiary", [*proposed, self._item(stranger, forbidden=True)], seen=seen)
        to = [item.request.member_id for item in taken]
        if not to:
            return
        await self._send(
            "welfare", "ApproveBeneficiary", [self._item(welfare.ApproveBeneficiaryRequest(member_id=one, **of)) for one in to]
        )
        form: dict[str, Any] = {"form": welfare.GIFT_FORM_CASH, "amount_vnd": GIFT_VND, **of}
        gifts = [self._item(welfare.DistributeGiftRequest(member_id=one, **form)) for one in to]
        twice = self._item(welfare.DistributeGiftRequest(member_id=to[0], **form))
        twice.race = gifts[0].race = f"gift {gifts[0].id}"
        given, _ = await asyncio.gather(
            self._send("welfare", "DistributeGift", gifts), self._send("welfare", "DistributeGift", [twice])
        )
        if given:
            await self._sees_gifts(campaign, given)

    async def _sees_gifts(self, campaign: str, given: list[Item]) -> None:
        position = max(item.answer.position for item in given)
        answer = await self.client.ask(
            "welfare", "GetCampaign", welfare.GetCampaignRequest(campaign_id=campaign), self.officer, {"welfare": position}
        )
        if answer is not None:
            self.client.saw("welfare", position, position if answer.distributed >= len(given) else 0)

    # -- awards --------------------------------------------------------------------------------------------------------

    async def _initiatives(self) -> None:
        await asyncio.gather(*(self._judged() for _ in range(2)))

    async def _judged(self) -> None:
        programme = programme_of(self.province)
        registered = await self._send(
            "awards", "RegisterInitiative",
            [
                self._item(
                    awards.RegisterInitiativeRequest(
                        initiative_id=self._id(), programme_id=programme, unit=self.random.choice(self.units),
                        title="Số hoá hồ sơ phục vụ công tác lưu trữ", on=ON,
                    )
                )
                for _ in range(self.batch)
            ],
        )  # fmt: skip
        ids = [item.request.initiative_id for item in registered]
        if not ids:
            return
        accepted = [self._item(awards.AcceptInitiativeRequest(initiative_id=one, on=ON)) for one in ids]
        rejected = self._item(awards.RejectInitiativeRequest(initiative_id=ids[0], reason="Giải pháp không mới", on=ON))
        rejected.race = accepted[0].race = f"initiative {ids[0]}"
        await asyncio.gather(
            self._send("awards", "AcceptInitiative", accepted), self._send("awards", "RejectInitiative", [rejected])
        )

    # -- everywhere ----------------------------------------------------------------------------------------------------

    async def _again(self) -> None:
        """What was sent before, sent again: one command alone, and those of its kind in a batch."""
        if not self._sent:
            return
        service, rpc, item, who = self.random.choice(list(self._sent))
        alike = [one for _, other, one, _ in self._sent if other == rpc and one is not item][:10]
        for items in ([item], alike):
            if items and items[0].answer:
                await self.client.send(service, rpc, items, who)

    async def _send(
        self, service: str, rpc: str, items: list[Item], who: tuple[str, str] | None = None, seen: dict[str, int] | None = None
    ) -> list[Item]:
        taken = await self.client.send(service, rpc, items, who or self.officer, seen)
        self._seen[service] = max([self._seen.get(service, 0), *(item.answer.position for item in taken)])
        self._sent.extend((service, rpc, item, who or self.officer) for item in taken[:10])
        return taken

    def _item(self, request: Any, *, forbidden: bool = False) -> Item:
        request.command_id = self._id()
        return Item(request.command_id, request, forbidden)

    def _id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))


def _last(items: list[Item]) -> dict[str, int]:
    return {"membership": max((item.answer.position for item in items), default=0)}
