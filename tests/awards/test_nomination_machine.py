"""Whatever is asked of nominations in whatever order: replay equals live state, and quotas and exclusions hold.

The claims are kept here as the store keeps them, so that the rules across nominations are tested without a database.
"""

from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from awards.domain.decision import DecideAward, decide
from awards.domain.nomination import NOMINATION, AwardFacts, Nomination, Nominee
from awards.domain.presentation import PresentAward, RecoverArtefact, RevokeAward, present, recover, revoke
from awards.domain.proposal import EndorseAward, ProposeAward, ResubmitAward, ReturnAward, endorse, propose, resubmit, send_back
from awards.domain.quota import QUOTA, Quota, QuotaKey, SetQuota, set_quota
from awards.events import AwardDecided, AwardEndorsed, AwardForm, AwardResubmitted, AwardReturned, AwardRevoked, AwardScope
from chassis.claims import Claim
from chassis.commands import Aggregate
from chassis.events import Event
from chassis.refusals import Refusal
from tests.authorities import chair_of
from tests.awards.federation_of_units import UNITS

MEMBER = UUID(int=99)
NOMINATIONS = tuple(UUID(int=number) for number in range(1, 9))
KEY = QuotaKey("cdvcvn", AwardForm.COMMENDATION, 2024, "")


class Claims:
    """What the store keeps of claims, and when it refuses them."""

    def __init__(self) -> None:
        self.holders: Counter[str] = Counter()

    def admit(self, claims: list[Claim]) -> bool:
        """Take all of a command's claims, or none."""
        if not all(self._free(claim) for claim in claims):
            return False
        for claim in claims:
            self.holders[claim.key] += {"take": -1, "share": 1, "release": 1, "unshare": -1, "vacant": 0}[claim.mode]
        return True

    def _free(self, claim: Claim) -> bool:
        holders = self.holders[claim.key]
        match claim.mode:
            case "take" | "vacant":
                return holders == 0
            case "share":
                return holders >= 0 and (claim.limit is None or holders < claim.limit)
            case _:
                return True


class NominationMachine(RuleBasedStateMachine):
    """Every command on a few nominations of one unit and one of its members, days now and then running backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.day = date(2024, 1, 1)
        self.states: dict[UUID, Nomination] = {}
        self.histories: dict[UUID, list[Event]] = {nomination: [] for nomination in NOMINATIONS}
        self.quota: Quota | None = None
        self.seen: Quota | None = None
        self.claims = Claims()

    def events_of(self, aggregate: Aggregate[Any], state: Any, decision: Any, command: Any, facts: object) -> list[Event]:
        """What happens, when neither a rule nor a claim stands against it."""
        try:
            events: list[Event] = decision(state, command, facts)
        except Refusal:
            return []
        claims: list[Claim] = []
        for event in events:
            claims += aggregate.claims(state, event)
            state = aggregate.evolve(state, event)
        return events if self.claims.admit(claims) else []

    def try_(self, decision: Any, command: type[Any], nomination: UUID, days: int, **fields: Any) -> None:
        on = self.day + timedelta(days=days)
        values = {"command_id": UUID(int=1), "nomination_id": nomination, "on": on, **fields}
        facts = AwardFacts(UNITS, {MEMBER: Nominee("so-y-te", active=True)}, {KEY: self.seen}, chair_of(*UNITS))
        state = self.states.get(nomination)
        for event in self.events_of(NOMINATION, state, decision, command.model_validate(values), facts):
            self.histories[nomination].append(event)
            self.states[nomination] = NOMINATION.evolve(self.states.get(nomination), event)
            self.day = max(self.day, on)

    days = st.integers(-3, 20)
    nominations = st.sampled_from(NOMINATIONS)
    reviewers = st.sampled_from(["so-y-te", "vinh-phuc", "cdvcvn", "tld"])

    @initialize(at_most=st.integers(0, 4))
    def quota_first(self, at_most: int) -> None:
        self.set_quota(at_most)
        self.the_quota_is_looked_at()

    @rule(at_most=st.integers(0, 4))
    def set_quota(self, at_most: int) -> None:
        command = SetQuota(
            command_id=UUID(int=1),
            decider="cdvcvn",
            form="commendation",
            year=2024,
            at_most=at_most,
            on=self.day,
        )
        for event in self.events_of(QUOTA, self.quota, set_quota, command, UNITS):
            self.quota = QUOTA.evolve(self.quota, event)

    @rule()
    def the_quota_is_looked_at(self) -> None:
        """Decisions between two looks rest on a quota that may be another by now, as with another process."""
        self.seen = self.quota

    @rule(nomination=nominations, person=st.booleans(), scope=st.sampled_from(AwardScope))
    def proposes(self, nomination: UUID, person: bool, scope: AwardScope) -> None:
        recipient = {"member_id": MEMBER} if person else {"unit": "so-y-te"}
        theme = {"theme": "An toàn"} if scope is AwardScope.THEMATIC else {}
        fields = {**recipient, **theme, "form": "commendation", "scope": scope, "year": 2024, "decider": "cdvcvn"}
        self.try_(propose, ProposeAward, nomination, 0, **fields)

    @rule(nomination=nominations, days=days, reviewer=reviewers)
    def endorses(self, nomination: UUID, days: int, reviewer: str) -> None:
        self.try_(endorse, EndorseAward, nomination, days, reviewer=reviewer)

    @rule(nomination=nominations, days=days, reviewer=reviewers)
    def returns(self, nomination: UUID, days: int, reviewer: str) -> None:
        self.try_(send_back, ReturnAward, nomination, days, reviewer=reviewer, reason="x")

    @rule(nomination=nominations, days=days)
    def resubmits(self, nomination: UUID, days: int) -> None:
        self.try_(resubmit, ResubmitAward, nomination, days)

    @rule(nomination=nominations, days=days)
    def decides(self, nomination: UUID, days: int) -> None:
        self.try_(decide, DecideAward, nomination, days, decision_number="1")

    @rule(nomination=nominations, person=st.booleans(), scope=st.sampled_from(AwardScope))
    def goes_the_short_way(self, nomination: UUID, person: bool, scope: AwardScope) -> None:
        """So that decisions, and what stands against them, are met often."""
        self.proposes(nomination, person, scope)
        self.endorses(nomination, 0, "cdvcvn")
        self.decides(nomination, 0)

    @rule(nomination=nominations, days=days)
    def presents(self, nomination: UUID, days: int) -> None:
        self.try_(present, PresentAward, nomination, days, presenter="vinh-phuc")

    @rule(nomination=nominations, days=days)
    def revokes(self, nomination: UUID, days: int) -> None:
        self.try_(revoke, RevokeAward, nomination, days, reason="x")

    @rule(nomination=nominations, days=days)
    def recovers(self, nomination: UUID, days: int) -> None:
        self.try_(recover, RecoverArtefact, nomination, days)

    @property
    def standing(self) -> list[AwardDecided]:
        """The decisions that were not revoked."""
        return [
            event
            for history in self.histories.values()
            for event in history
            if isinstance(event, AwardDecided) and not any(isinstance(later, AwardRevoked) for later in history)
        ]

    @invariant()
    def replay_equals_live_state(self) -> None:
        for nomination, history in self.histories.items():
            state: Nomination | None = None
            for event in history:
                state = NOMINATION.evolve(state, type(event).decode_body(event.encode()))
            assert state == self.states.get(nomination)

    @invariant()
    def days_never_run_backwards_in_a_nomination(self) -> None:
        for history in self.histories.values():
            days = [event.on for event in history]
            assert days == sorted(days)

    @invariant()
    def no_more_is_decided_than_the_quota_allows(self) -> None:
        assert self.quota is None or len(self.standing) <= self.quota.at_most

    @invariant()
    def comprehensive_and_thematic_never_stand_side_by_side(self) -> None:
        for person in (None, MEMBER):
            scopes = {event.scope for event in self.standing if event.member_id == person}
            assert not {AwardScope.COMPREHENSIVE, AwardScope.THEMATIC} <= scopes

    @invariant()
    def a_nomination_is_decided_at_most_once_and_endorsed_since_its_last_return(self) -> None:
        for history in self.histories.values():
            decisions = [place for place, event in enumerate(history) if isinstance(event, AwardDecided)]
            assert len(decisions) <= 1
            for place in decisions:
                last = [event for event in history[:place] if not isinstance(event, AwardReturned | AwardResubmitted)][-1]
                assert isinstance(last, AwardEndorsed)
                assert last is history[place - 1]

    @invariant()
    def the_count_of_the_quota_is_the_number_of_awards_that_stand(self) -> None:
        assert self.claims.holders["quota:cdvcvn/commendation/2024/"] == len(self.standing)


TestNomination = NominationMachine.TestCase
TestNomination.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
