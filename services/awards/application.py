"""The menu of awards' commands: each with its aggregate, its decision, and what the decision must see."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from awards.domain import decision, initiative, nomination, presentation, programme, proposal, quota
from awards.domain.initiative import INITIATIVE, InitiativeFacts
from awards.domain.nomination import NOMINATION, AwardFacts, Nomination, NominationCommand, Nominee
from awards.domain.programme import PROGRAMME, OpenInitiativeProgramme
from awards.domain.quota import QUOTA, Quota, QuotaKey
from awards.domain.standing import Standing
from chassis.application import AnyHandler
from chassis.commands import Command, Handler
from chassis.hierarchy import Hierarchy
from chassis.live_aggregates import LiveAggregates
from chassis.security import Caller
from membership.events import Level


class Members(Protocol):
    """Whoever knows who is a member."""

    async def nominees(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Nominee]:
        """Those of some persons who were ever admitted, asked for at a unit.

        :raises Unavailable: nobody can say just now.
        """


class FactsAtHand:
    """What decisions see besides their aggregate: the tree, other aggregates of awards, and membership's word on persons."""

    def __init__(self, tree: Hierarchy, members: Members) -> None:
        self.live: LiveAggregates
        self._tree, self._members = tree, members

    async def of_proposals(self, commands: Sequence[proposal.ProposeAward], caller: Caller) -> AwardFacts:
        """The units and persons that proposals name; persons are asked for all at once."""
        nominees = await self._nominees(commands)
        recipients = [command.unit for command in commands if command.unit] + [nominee.unit for nominee in nominees.values()]
        return AwardFacts(self._units([*recipients, *(command.decider for command in commands)]), nominees)

    async def of_nominations(self, commands: Sequence[NominationCommand], caller: Caller) -> AwardFacts:
        """The units of the nominations named, and those that the commands name besides."""
        nominations = await self._nominations(commands)
        named = [code for command in commands if (code := _named(command))]
        return AwardFacts(self._units([*_units_of(nominations), *named]))

    async def of_decisions(self, commands: Sequence[decision.DecideAward], caller: Caller) -> AwardFacts:
        """The units of the nominations named, and the quotas their decisions count against."""
        nominations = await self._nominations(commands)
        keys = dict.fromkeys(key for nomination in nominations for key in nomination.quota_keys)
        return AwardFacts(self._units(_units_of(nominations)), quotas={key: await self._quota(key) for key in keys})

    async def deciders(self, commands: Sequence[quota.SetQuota], caller: Caller) -> Mapping[str, Standing | None]:
        """The units whose quotas are set."""
        return self._units(command.decider for command in commands)

    async def openers(self, commands: Sequence[OpenInitiativeProgramme], caller: Caller) -> Mapping[str, Standing | None]:
        """The units that open programmes."""
        return self._units(command.unit for command in commands)

    async def of_initiatives(self, commands: Sequence[initiative.RegisterInitiative], caller: Caller) -> InitiativeFacts:
        """The programmes and units that registrations name."""
        wanted = dict.fromkeys(command.programme_id for command in commands)
        programmes = {programme_id: await self.live.state(PROGRAMME, programme_id) for programme_id in wanted}
        return InitiativeFacts(self._units(command.unit for command in commands), programmes)

    async def nothing(self, commands: Sequence[Command], caller: Caller) -> None:
        """The aggregate alone decides."""

    async def _nominees(self, commands: Sequence[proposal.ProposeAward]) -> Mapping[UUID, Nominee]:
        wanted = list(dict.fromkeys(command.member_id for command in commands if command.member_id))
        # Persons are asked for at a unit that exists; where every decider is unknown, that alone refuses the proposals.
        at = next((command.decider for command in commands if self._tree.get(command.decider)), None)
        return await self._members.nominees(wanted, at) if wanted and at else {}

    async def _nominations(self, commands: Iterable[Command]) -> list[Nomination]:
        wanted = dict.fromkeys(command.aggregate_id for command in commands)
        states = [await self.live.state(NOMINATION, nomination_id) for nomination_id in wanted]
        return [state for state in states if state is not None]

    async def _quota(self, key: QuotaKey) -> Quota | None:
        found: Quota | None = await self.live.state(QUOTA, key.aggregate_id)
        return found

    def _units(self, codes: Iterable[str]) -> Mapping[str, Standing | None]:
        return {code: self._standing(code) for code in dict.fromkeys(codes)}

    def _standing(self, code: str) -> Standing | None:
        node = self._tree.get(code)
        return Standing(code, Level(node.level), self._tree.ancestors(code), node.dissolved_on) if node else None


def _units_of(nominations: Iterable[Nomination]) -> list[str]:
    return [code for nomination in nominations for code in (nomination.unit, nomination.decider)]


def _named(command: Command) -> str | None:
    """The unit that a command on a nomination names."""
    match command:
        case proposal.ReviewCommand():
            return command.reviewer
        case presentation.PresentAward():
            return command.presenter
        case _:
            return None


def menu(facts: FactsAtHand) -> list[AnyHandler]:
    """Every command of awards."""
    decider: Callable[..., str] = nomination.deciding_unit
    return [
        Handler(
            proposal.ProposeAward, NOMINATION, proposal.propose, facts.of_proposals, at=proposal.proposing_unit, creates=True
        ),
        Handler(proposal.EndorseAward, NOMINATION, proposal.endorse, facts.of_nominations, at=proposal.reviewing_unit),
        Handler(proposal.ReturnAward, NOMINATION, proposal.send_back, facts.of_nominations, at=proposal.reviewing_unit),
        Handler(proposal.ResubmitAward, NOMINATION, proposal.resubmit, facts.nothing, at=nomination.recipients_unit),
        Handler(decision.DecideAward, NOMINATION, decision.decide, facts.of_decisions, at=decider),
        Handler(presentation.PresentAward, NOMINATION, presentation.present, facts.of_nominations, at=nomination.recipients_unit),
        Handler(presentation.RevokeAward, NOMINATION, presentation.revoke, facts.nothing, at=decider),
        Handler(presentation.RecoverArtefact, NOMINATION, presentation.recover, facts.nothing, at=nomination.recipients_unit),
        Handler(quota.SetQuota, QUOTA, quota.set_quota, facts.deciders, at=quota.limited_unit),
        Handler(
            programme.OpenInitiativeProgramme,
            PROGRAMME,
            programme.open_programme,
            facts.openers,
            at=programme.opening_unit,
            creates=True,
        ),
        Handler(
            initiative.RegisterInitiative,
            INITIATIVE,
            initiative.register,
            facts.of_initiatives,
            at=initiative.registering_unit,
            creates=True,
        ),
        Handler(initiative.AcceptInitiative, INITIATIVE, initiative.accept, facts.nothing, at=initiative.judging_unit),
        Handler(initiative.RejectInitiative, INITIATIVE, initiative.reject, facts.nothing, at=initiative.judging_unit),
    ]
