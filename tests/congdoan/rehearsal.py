"""The sample played through the services' own rules, in memory and in order: every command decided, every event kept."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from google.protobuf.message_factory import GetMessageClass

import awards.application
import membership.application
import welfare.application
from awards.domain.nomination import Nominee
from chassis.application import AnyHandler
from chassis.authorities import Mandate
from chassis.claims import Claim
from chassis.commands import Aggregate, parse
from chassis.events import Event
from chassis.hierarchy import Hierarchy
from chassis.messages import fields_of, message_of
from chassis.recorded import RecordedEvent
from chassis.security import Caller, Role
from congdoan.clients import contract_of
from congdoan.sample import Sample, Step
from membership.domain.member import MEMBER
from membership.events import AUTHORITIES, UNITS
from welfare.application import Membership

CALLER = Caller("rehearsal", Role.FEDERATION_OFFICER, "tld")


def caller_of(step: Step) -> Caller:
    """As whom a step is sent."""
    sender = step.sender
    return Caller(sender.subject, Role[sender.role.upper()], sender.unit) if sender else CALLER


class Live:
    """Every aggregate, in memory; answers like :class:`chassis.live_aggregates.LiveAggregates`."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, UUID], Any] = {}

    async def state(self, aggregate: Aggregate[Any], aggregate_id: UUID) -> Any:
        return self.states.get((aggregate.name, aggregate_id))


class Rehearsal:
    """All services but notifications, without a server: commands go in, events come out, refusals are raised."""

    def __init__(self) -> None:
        self.live, self.tree = Live(), Hierarchy()
        self.events: dict[str, list[Event]] = defaultdict(list)
        self._held: Counter[str] = Counter()
        self._nodes: dict[tuple[Any, ...], Any] = {}
        self._authorities: dict[tuple[Any, ...], Any] = {}
        units = membership.application.UnitsAtHand(str, self.tree)
        recipients = welfare.application.RecipientsAtHand(self.tree, self, self)
        facts = awards.application.FactsAtHand(self.tree, self, self)
        for asking in (units, recipients, facts):
            asking.live = self.live  # type: ignore[assignment]
        menus: dict[str, list[AnyHandler]] = {
            "membership": membership.application.menu(units),
            "welfare": welfare.application.menu(recipients),
            "awards": awards.application.menu(facts),
        }
        self.handlers = {(service, handler.command.__name__): handler for service, menu in menus.items() for handler in menu}

    def play(self, sample: Sample) -> None:
        """Every command in its order.

        :raises Refusal: the rules do not take one.
        """
        asyncio.run(self._play(step for stage in sample.stages for step in stage))

    async def _play(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if handler := self.handlers.get((step.service, step.rpc)):
                await self._decide(step, handler)

    async def _decide(self, step: Step, handler: AnyHandler) -> None:
        request = GetMessageClass(contract_of(step.service, step.rpc).methods_by_name[step.rpc].input_type)
        command = parse(handler.command, fields_of(message_of(request, None, **step.fields)))
        facts = await handler.facts([command], caller_of(step))
        key = (handler.aggregate.name, command.aggregate_id)
        unit = handler.at(self.live.states.get(key), command, facts) if handler.at else ""
        assert not unit or unit in ("tld",) or self.tree.get(unit), f"{step.rpc} is decided at {unit}, which is not there"
        for event in handler.decide(self.live.states.get(key), command, facts):
            for claim in handler.aggregate.claims(self.live.states.get(key), event):
                self._claim(claim)
            self.live.states[key] = handler.aggregate.evolve(self.live.states.get(key), event)
            self._keep(step.service, command.aggregate_id, event)

    def _claim(self, claim: Claim) -> None:
        held = self._held[claim.key]
        match claim.mode:
            case "take":
                assert held == 0, f"{claim.key} is held"
                self._held[claim.key] = -1
            case "share":
                assert held >= 0, f"{claim.key} is taken"
                assert claim.limit is None or held < claim.limit, f"{claim.key} is used up"
                self._held[claim.key] += 1
            case "release":
                self._held[claim.key] = 0
            case "unshare":
                self._held[claim.key] -= 1

    def _keep(self, service: str, aggregate_id: UUID, event: Event) -> None:
        self.events[service].append(event)
        position, now = len(self.events[service]), datetime.now(UTC)
        recorded = RecordedEvent(service, position, aggregate_id, 1, event.topic, event.encode(), b"", "", 0, now)
        if event.topic in UNITS.topics:
            UNITS.apply(self._nodes, recorded)
            self.tree.put(self._nodes[key] for key in UNITS.keys(recorded))
        AUTHORITIES.apply(self._authorities, recorded)

    # -- what membership would answer --------------------------------------------------------------------------------

    async def check(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Membership]:
        """For welfare."""
        return {member_id: self._membership(member_id, unit) for member_id in member_ids}

    async def mandate(self, caller: Caller, matter: str) -> Mandate:
        """For both: by what somebody signs."""
        found = [one for one in self._authorities.values() if one and (one.officer, one.matter) == (caller.id, matter)]
        return Mandate(tuple(found))

    async def nominees(self, member_ids: Iterable[UUID], unit: str) -> Mapping[UUID, Nominee]:
        """For awards."""
        found = {member_id: self._membership(member_id, unit) for member_id in member_ids}
        return {key: Nominee(who.unit, active=who.status == "active") for key, who in found.items() if who.status != "unknown"}

    def _membership(self, member_id: UUID, unit: str) -> Membership:
        member = self.live.states.get((MEMBER.name, member_id))
        if member is None:
            return Membership("unknown", "", in_subtree=False)
        status = "active" if member.left_on is None else "left"
        return Membership(status, member.unit, self.tree.is_under(member.unit, unit))  # type: ignore[arg-type]
