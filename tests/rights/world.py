"""A federation on the real services, with something of everything in each of its units; then units move and are dissolved.

Everything is made by the RPCs themselves, and named after its unit, so that a request can be written for any unit.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4, uuid5

from chassis.security import Caller, Role
from tests.rights.trees import BEGINNING, FUNCTIONAL, GONE, LINE, DrawnTree, planted
from tests.serving import FOUNDER, PATIENCE_S, Suite, method_of

TOP = FOUNDER.unit
LAYERS = (
    (TOP,),
    ("cdvcvn", "ldld"),
    ("bac", "trung", "nam"),
    ("cs-a", "cs-b", "cs-c", "cs-d", "cs-e"),
    ("bo-phan-a", "bo-phan-b", "bo-phan-c"),
    ("to-a", "to-b"),
)
LEVELS = (1, 2, 3, 5, 6, 7)
PEOPLED = [code for layer in LAYERS[3:] for code in layer]
"""Only grassroots unions and what is below them have members."""

OF_PEOPLE = ("member", "child", "request", "hold", "nomination", "before-parent", "award", "achievement")
OF_STAYING_PEOPLE = ("moving", "transfer", "erased", "erasure")
AUDITOR = Caller("auditor", Role.AUDITOR, "", "en")
ON, YEAR, CLOSES = "2024-03-01", 2024, "2024-12-31"
NAMES = UUID("3f2b6c1e-0a5d-4c7b-8a51-5f6f0f3d9b10")
KIND_ERASURE, KIND_ACCESS = 5, 1
REPORTED = {"unit": TOP, "title": "Báo cáo năm", "year": str(YEAR), "due_on": CLOSES}

Fields = dict[str, Any]
InUnit = Callable[[str], Fields]


def id_of(what: str, unit: str) -> str:
    """The id of something of a unit: the same wherever it is asked for."""
    return str(uuid5(NAMES, f"{what}/{unit}"))


def national_id_of(who: str, unit: str) -> str:
    """Twelve digits that are this person's alone."""
    return f"{uuid5(NAMES, f'{who}/{unit}').int % 10**12:012d}"


@dataclass
class World:
    """The services, the tree as it was drawn, and where pending transfers lead."""

    suite: Suite
    tree: DrawnTree
    to_unit: Mapping[str, str] = field(default_factory=dict)

    @property
    def staying(self) -> list[str]:
        """The units that are not dissolved."""
        return [code for code in self.tree.units if code not in self.tree.dissolved]

    @property
    def absent(self) -> set[str]:
        """The ids and numbers of what is in no such unit: above the grassroots unions there are no members."""
        empty = [code for code in self.tree.units if code not in PEOPLED]
        left = [code for code in self.tree.units if code not in PEOPLED or code in self.tree.dissolved]
        ids = {id_of(what, code) for what in OF_PEOPLE for code in empty} | {
            id_of(what, code) for what in OF_STAYING_PEOPLE for code in left
        }
        return ids | {national_id_of("member", code) for code in left}

    def first_parent(self, code: str) -> str:
        """Under which unit it lay when everything was made."""
        return self.tree.places(code, BEGINNING)[LINE]

    async def each(self, service: str, rpc: str, fields: InUnit, units: list[str] | None = None, by: Caller = FOUNDER) -> None:
        """One command in each unit, all in one batch; every one of them must be kept."""
        codes = self.tree.units if units is None else units
        items = [{"command_id": str(uuid4()), "on": ON, **fields(code)} for code in codes]
        if "on" not in method_of(service, rpc).input_type.fields_by_name:
            items = [{name: value for name, value in item.items() if name != "on"} for item in items]
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await self.suite.call(service, f"Batch{rpc}", by, items=items)
                refused = {code: item.refusal for code, item in zip(codes, answer.items, strict=True) if item.refusal.rule}
                if all(refusal.rule != "Unavailable" for refusal in refused.values()):
                    break
        assert not refused, f"{rpc}: {refused}"
        self.suite.seen[service] = max(item.answer.position for item in answer.items)


async def grown(suite: Suite, chance: Random) -> World:
    """A federation whose tree is drawn; everything of it is there before the units move."""
    tree = planted(LAYERS, chance, moves=6, gone=2)
    world = World(suite, tree)
    await _establish(world)
    places = [code for code in world.staying if code in PEOPLED]
    world.to_unit = {code: chance.choice([other for other in places if other != code]) for code in places}
    await suite.appoint(TOP)
    await _people(world)
    await _papers(world)
    await _gifts(world)
    await _honours(world)
    await _notices(world)
    everybody = [id_of("member", code) for code in PEOPLED]
    await world.suite.call("membership", "GetMemberNames", AUDITOR, member_ids=everybody, reason="Kiểm tra 1")
    await _reorganise(world)
    return world


async def _establish(world: World) -> None:
    levels = {code: level for layer, level in zip(LAYERS, LEVELS, strict=True) for code in layer}
    for code in world.tree.units:
        places = {move.kind: move.parent for move in world.tree.moves if move.unit == code and move.on.year == 2000}
        await world.suite.do(
            "membership",
            "EstablishUnit",
            unit=code,
            name=code,
            level=levels[code],
            on="2000-01-01",
            line_parent=places.get(LINE, ""),
            functional_parent=places.get(FUNCTIONAL, ""),
        )


async def _people(world: World) -> None:
    """A member in each unit with a child and a request, one who is about to move, and one who is erased."""

    def person(who: str) -> InUnit:
        return lambda code: {
            "member_id": id_of(who, code), "unit": code, "full_name": "Nguyễn Thị Lan",
            "national_id": national_id_of(who, code), "birth_date": "1985-03-08", "on": "2010-01-01",
        }  # fmt: skip

    async def member(rpc: str, fields: InUnit, units: list[str] = PEOPLED) -> None:
        await world.each("membership", rpc, fields, units)

    await member("AdmitMember", person("member"))
    await member("RecordHardship", lambda code: {"member_id": id_of("member", code), "grade": 1})
    await member("RegisterChild", lambda code: _child(code))
    await member(
        "GiveConsent",
        lambda code: {"person_id": id_of("member", code), "purpose": 1, "given_by": 1, "text_version": "1", "evidence": "CV 1"},
    )
    await member(
        "ReceiveDataRequest",
        lambda code: {"request_id": id_of("request", code), "person_id": id_of("member", code), "kind": KIND_ACCESS},
    )
    await member(
        "PlaceLegalHold",
        lambda code: {
            "person_id": id_of("member", code),
            "hold_id": id_of("hold", code),
            "field_class": 1,
            "basis": "Điều 5",
            "reason": "Hồ sơ 1",
        },
    )
    staying = list(world.to_unit)
    for who in ("moving", "erased"):
        await member("AdmitMember", person(who), staying)
    moving = {"transfer_id": "transfer", "member_id": "moving"}
    await member(
        "RequestTransfer",
        lambda code: {**{name: id_of(what, code) for name, what in moving.items()}, "to_unit": world.to_unit[code]},
        staying,
    )
    erasing = {"request_id": "erasure", "person_id": "erased"}
    await member(
        "ReceiveDataRequest",
        lambda code: {**{name: id_of(what, code) for name, what in erasing.items()}, "kind": KIND_ERASURE},
        staying,
    )
    await member("AnswerDataRequest", lambda code: {"request_id": id_of("erasure", code), "accepted": True}, staying)
    await member("EraseSubject", lambda code: {name: id_of(what, code) for name, what in erasing.items()}, staying)


def _child(code: str) -> Fields:
    return {
        "child_id": id_of("child", code),
        "member_id": id_of("member", code),
        "full_name": "Lê An",
        "birth_date": "2012-01-01",
    }


async def _papers(world: World) -> None:
    """Reports, plans and officers."""
    report = {"title": "Báo cáo năm", "year": YEAR, "due_on": CLOSES}
    await world.each(
        "membership", "SetReportObligation", lambda code: {"obligation_id": id_of("report", code), "unit": code, **report}
    )
    item = {"year": YEAR, "kind": 1, "title": "Thăm cơ sở"}
    await world.each("membership", "AddPlanItem", lambda code: {"item_id": id_of("item", code), "unit": code, **item})
    office = {"office": 2, "on": "2024-01-01", "until": "2028-12-31"}
    await world.each(
        "membership",
        "AppointOfficer",
        lambda code: {"position_id": id_of("position", code), "unit": code, "officer": f"vice-{code}", **office},
    )


async def _gifts(world: World) -> None:
    """A campaign in each unit, and one of the top that gives to a member of each unit."""
    await world.each(
        "welfare",
        "OpenGiftCampaign",
        lambda code: {"campaign_id": id_of("campaign", code), "unit": code, "year": YEAR, "name": "Tết"},
    )
    await world.each("welfare", "ApproveBudget", lambda code: {"campaign_id": id_of("campaign", code), "amount_vnd": 10**9})
    for rpc, more in (
        ("ProposeBeneficiary", {"amount_vnd": 1_000}),
        ("ApproveBeneficiary", {}),
        ("DistributeGift", {"amount_vnd": 1_000, "form": 1}),
    ):
        await world.each("welfare", rpc, partial(share, TOP, **more), PEOPLED)


def share(holder: str, code: str, /, **more: Any) -> Fields:
    """The share of a unit's member in a holder's campaign."""
    return {"campaign_id": id_of("campaign", holder), "member_id": id_of("member", code), **more}


async def _honours(world: World) -> None:
    """Nominations before the top and before the unit above, awards and flags, quotas, initiatives, children's honours."""

    async def award(rpc: str, fields: InUnit, units: list[str] | None = None) -> None:
        await world.each("awards", rpc, fields, units)

    await award("SetQuota", lambda code: {"decider": code, "form": 4, "year": YEAR, "at_most": 99})
    await award("ProposeAward", lambda code: nomination("nomination", code, TOP), PEOPLED)
    await award("ProposeAward", lambda code: nomination("before-parent", code, world.first_parent(code)), PEOPLED)
    below = world.tree.units[1:]
    await award("ProposeAward", lambda code: nomination("award", code, TOP), PEOPLED)
    flag = {"decider": TOP, "form": 1, "scope": 1, "year": YEAR}
    await award("ProposeAward", lambda code: {"nomination_id": id_of("flag", code), "unit": code, **flag}, below)
    for what, units in (("award", PEOPLED), ("flag", below)):
        await award("EndorseAward", partial(_of_nomination, what, reviewer=TOP), units)
        await award("DecideAward", partial(_of_nomination, what, decision_number="1"), units)
    await award("OpenInitiativeProgramme", _programme)
    await award("RegisterInitiative", lambda code: _initiative("initiative", code, code))
    await award("RegisterInitiative", lambda code: _initiative("top-initiative", code, TOP))
    await award("OpenChildHonourRound", _round)
    await award("RegisterChildAchievement", achievement, PEOPLED)


def _of_nomination(what: str, code: str, **more: Any) -> Fields:
    return {"nomination_id": id_of(what, code), **more}


def _programme(code: str) -> Fields:
    dates = {"opens_on": "2024-01-01", "closes_on": CLOSES}
    return {"programme_id": id_of("programme", code), "unit": code, "year": YEAR, "name": "Sáng kiến", "target": 3, **dates}


def _initiative(what: str, code: str, holder: str) -> Fields:
    return {"initiative_id": id_of(what, code), "programme_id": id_of("programme", holder), "unit": code, "title": "Số hóa"}


def _round(code: str) -> Fields:
    return {"round_id": id_of("round", code), "unit": code, "year": YEAR, "name": "Học giỏi", "closes_on": CLOSES}


def nomination(what: str, code: str, decider: str) -> Fields:
    """A member of a unit is proposed for a public honour."""
    named = {"nomination_id": id_of(what, code), "member_id": id_of("member", code), "decider": decider}
    return {**named, "form": 4, "scope": 2, "theme": f"Chủ đề {what}", "year": YEAR}


def achievement(code: str) -> Fields:
    """What the child of a unit's member won, in the unit's own round."""
    named = {"achievement_id": id_of("achievement", code), "round_id": id_of("round", code), "child_id": id_of("child", code)}
    return {**named, "level": 1, "prize": 1, "contest": "Toán"}


async def _notices(world: World) -> None:
    """An announcement of each unit, and a message to it, which a service sends."""
    await world.each(
        "notifications",
        "PublishAnnouncement",
        lambda code: {"announcement_id": id_of("announcement", code), "unit": code, "title": "Thông báo", "body": "Họp"},
    )
    await world.each("notifications", "RequestNotification", message, by=Caller("welfare", Role.SERVICE, ""))


def message(code: str) -> Fields:
    """A message to the inbox of a unit."""
    parameters = [{"name": name, "value": value} for name, value in REPORTED.items()]
    return {"delivery_id": id_of("delivery", code), "unit": code, "channel": 1, "template": 1, "parameters": parameters}


async def _reorganise(world: World) -> None:
    """Units move; what is in those that are dissolved leaves them before."""
    for move in world.tree.moves:
        if move.on.year != 2000:
            kinds = {LINE: 1, FUNCTIONAL: 2}
            await world.suite.do(
                "membership",
                "AttachUnit",
                unit=move.unit,
                attachment=kinds[move.kind],
                parent=move.parent,
                on=move.on.isoformat(),
            )
    for code in world.tree.dissolved:
        await world.suite.do("membership", "LeaveUnion", member_id=id_of("member", code), reason="Sáp nhập", on=GONE.isoformat())
        await world.suite.do("membership", "DissolveUnit", unit=code, reason="Sáp nhập", on=GONE.isoformat())
