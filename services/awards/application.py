"""The menu of awards' commands: each with its aggregate, its decision, and what the decision must see."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from awards.domain import (
    child_honour,
    child_honour_round,
    child_publication,
    decision,
    initiative,
    nomination,
    presentation,
    programme,
    proposal,
    quota,
)
from awards.domain.child_honour import ACHIEVEMENT, Achievement, HonourFacts, Word
from awards.domain.child_honour_round import ROUND
from awards.domain.child_publication import PUBLICATIONS, PublicationFacts, PublishChildHonour
from awards.domain.initiative import INITIATIVE, InitiativeFacts
from awards.domain.nomination import NOMINATION, AwardFacts, Nomination, NominationCommand, Nominee
from awards.domain.programme import PROGRAMME, OpenInitiativeProgramme
from awards.domain.quota import QUOTA, Quota, QuotaKey
from awards.domain.standing import Standing, Units
from chassis.application import AnyHandler
from chassis.authorities import Authorities, Mandate
from chassis.commands import Command, Handler
from chassis.hierarchy import Hierarchy
from chassis.live_aggregates import LiveAggregates
from chassis.security import Caller
from membership.events import Level, Matter


class Members(Protocol):
    """Whoever knows who is a member."""

    async def nominees(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Nominee]:
        """Those of some persons who were ever admitted, asked for at a unit.

        :raises Unavailable: nobody can say just now.
        """


class FactsAtHand:
    """What decisions see besides their aggregate: the tree, other aggregates of awards, membership's word on persons and
    on who may sign."""

    def __init__(self, tree: Hierarchy, members: Members, authorities: Authorities) -> None:
        self.live: LiveAggregates
        self._tree, self._members, self._authorities = tree, members, authorities

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
        """The units of the nominations named, the quotas their decisions count against, and by what the caller signs them.

        :raises Unavailable: that cannot be known just now.
        """
        nominations = await self._nominations(commands)
        keys = dict.fromkeys(key for nomination in nominations for key in nomination.quota_keys)
        quotas = {key: await self._quota(key) for key in keys}
        return AwardFacts(self._units(_units_of(nominations)), quotas=quotas, mandate=await self._mandate(caller))

    async def of_revocations(self, commands: Sequence[Command], caller: Caller) -> AwardFacts:
        """By what the caller signs that a decision is undone.

        :raises Unavailable: it cannot be known just now.
        """
        return AwardFacts({}, mandate=await self._mandate(caller))

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

    async def _mandate(self, caller: Caller) -> Mandate:
        return await self._authorities.mandate(caller, Matter.AWARD_DECISION)

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
        return standings(self._tree, codes)


def standings(tree: Hierarchy, codes: Iterable[str]) -> Units:
    """Units as the tree has them now; None for one that is not known."""
    return {code: _standing(tree, code) for code in dict.fromkeys(codes)}


def _standing(tree: Hierarchy, code: str) -> Standing | None:
    node = tree.get(code)
    return Standing(code, Level(node.level), tree.ancestors(code), node.dissolved_on) if node else None


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
        Handler(presentation.RevokeAward, NOMINATION, presentation.revoke, facts.of_revocations, at=decider),
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


class Children(Protocol):
    """Whoever knows the children of members."""

    async def words(self, child_ids: Sequence[UUID], on: date) -> Mapping[UUID, Word]:
        """What is to be known, as of a day, of those of some children that are known.

        :raises Unavailable: nobody can say just now.
        """


class ChildFactsAtHand:
    """What decisions on children's honours see: the tree, rounds and achievements, membership's word, and who may sign."""

    def __init__(self, tree: Hierarchy, children: Children, authorities: Authorities) -> None:
        self.live: LiveAggregates
        self._tree, self._children, self._authorities = tree, children, authorities

    async def openers(self, commands: Sequence[child_honour_round.OpenChildHonourRound], caller: Caller) -> Units:
        """The units that open rounds."""
        return standings(self._tree, (command.unit for command in commands))

    async def of_registrations(self, commands: Sequence[child_honour.RegisterChildAchievement], caller: Caller) -> HonourFacts:
        """The rounds and children that registrations name, and the units of their parents."""
        rounds = {round_id: await self.live.state(ROUND, round_id) for round_id in {one.round_id for one in commands}}
        words = await self._words((command.child_id, command.on) for command in commands)
        return HonourFacts(standings(self._tree, (word.unit for word in words.values())), rounds, words)

    async def of_honours(self, commands: Sequence[child_honour.HonourChild], caller: Caller) -> HonourFacts:
        """The children that are to be honoured, and by what the caller signs that."""
        achievements = await self._achievements(command.achievement_id for command in commands)
        named = [(found.child_id, one.on) for one in commands if (found := achievements.get(one.achievement_id))]
        mandate = await self._authorities.mandate(caller, Matter.AWARD_DECISION)
        return HonourFacts(words=await self._words(named), mandate=mandate)

    async def of_publications(self, commands: Sequence[child_publication.PublicationCommand], caller: Caller) -> PublicationFacts:
        """The achievements whose honours are to be published, and who agrees to it by now."""
        which = [command.achievement_id for command in commands if isinstance(command, PublishChildHonour)]
        words = await self._words((command.child_id, command.on) for command in commands)
        return PublicationFacts(await self._achievements(which), words)

    async def nothing(self, commands: Sequence[Command], caller: Caller) -> None:
        """The aggregate alone decides."""

    async def _achievements(self, ids: Iterable[UUID]) -> dict[UUID, Achievement | None]:
        return {achievement_id: await self.live.state(ACHIEVEMENT, achievement_id) for achievement_id in set(ids)}

    async def _words(self, named: Iterable[tuple[UUID, date]]) -> dict[tuple[UUID, date], Word]:
        by_day: dict[date, set[UUID]] = {}
        for child_id, on in named:
            by_day.setdefault(on, set()).add(child_id)
        return {
            (child_id, on): word
            for on, child_ids in by_day.items()
            for child_id, word in (await self._children.words(sorted(child_ids), on)).items()
        }


def child_menu(facts: ChildFactsAtHand) -> list[AnyHandler]:
    """The commands on the honours of members' children."""
    at_round: Callable[..., str] = child_honour.honouring_unit
    return [
        Handler(
            child_honour_round.OpenChildHonourRound,
            ROUND,
            child_honour_round.open_round,
            facts.openers,
            at=child_honour_round.opening_unit,
            creates=True,
        ),
        Handler(
            child_honour.RegisterChildAchievement,
            ACHIEVEMENT,
            child_honour.register,
            facts.of_registrations,
            at=child_honour.registering_unit,
            creates=True,
        ),
        Handler(child_honour.VerifyChildAchievement, ACHIEVEMENT, child_honour.verify, facts.nothing, at=at_round),
        Handler(child_honour.HonourChild, ACHIEVEMENT, child_honour.honour, facts.of_honours, at=at_round),
        Handler(
            PublishChildHonour,
            PUBLICATIONS,
            child_publication.publish,
            facts.of_publications,
            at=child_publication.publishing_unit,
        ),
    ]


def own_menu(facts: ChildFactsAtHand) -> list[AnyHandler]:
    """The commands that only this service gives, to itself: no RPC answers them."""
    return [Handler(child_publication.ReviewChildPublications, PUBLICATIONS, child_publication.review, facts.of_publications)]
