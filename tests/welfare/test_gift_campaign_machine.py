"""Whatever is done to a campaign, in whatever order: does what must always be true stay true?"""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chassis.events import Event
from chassis.refusals import Refusal
from tests.given import state_after
from tests.welfare import tet_campaign as tet
from welfare.domain import budget, gift_campaign, gift_share
from welfare.domain.beneficiary import Beneficiary, Presence, Standing
from welfare.domain.gift_campaign import GIFT_CAMPAIGN, GiftCampaign
from welfare.events import (
    BeneficiaryApproved,
    BeneficiaryProposed,
    BudgetAdjusted,
    BudgetApproved,
    GiftCampaignClosed,
    GiftDistributed,
    GiftReceiptConfirmed,
    GiftReturned,
    OfShare,
)

PEOPLE: list[Beneficiary] = [tet.LAN, tet.MINH, tet.SCHOOL, tet.COURT]
recipients, amounts = st.sampled_from(PEOPLE), st.integers(1, 6)


class Campaign(RuleBasedStateMachine):
    """A campaign with few recipients and little money, so that rules are met often."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.states: list[GiftCampaign] = []
        self.on = tet.OPENED_ON
        self.standings = {(tet.CAMPAIGN, who): tet.active(who if isinstance(who, str) else tet.SCHOOL) for who in PEOPLE}

    @initialize()
    def opened(self) -> None:
        self._take([tet.opened()])

    @rule(amount_vnd=amounts)
    def approve_budget(self, amount_vnd: int) -> None:
        self._try(budget.approve_budget, tet.approve_budget(amount_vnd * 2, on=self.on), tet.SIGNING)

    @rule(amount_vnd=amounts)
    def adjust_budget(self, amount_vnd: int) -> None:
        self._try(budget.adjust_budget, tet.adjust_budget(amount_vnd * 2, on=self.on), tet.SIGNING)

    @rule(who=recipients, amount_vnd=amounts)
    def propose(self, who: Beneficiary, amount_vnd: int) -> None:
        self._try(gift_share.propose, tet.propose(who, amount_vnd, on=self.on))

    @rule(who=recipients, amount_vnd=st.none() | amounts)
    def approve(self, who: Beneficiary, amount_vnd: int | None) -> None:
        self._try(gift_share.approve, tet.approve(who, amount_vnd, on=self.on))

    @rule(who=recipients)
    def reject(self, who: Beneficiary) -> None:
        self._try(gift_share.reject, tet.reject(who, on=self.on))

    @rule(who=recipients, amount_vnd=amounts)
    def distribute(self, who: Beneficiary, amount_vnd: int) -> None:
        self._try(gift_share.distribute, tet.distribute(who, amount_vnd, on=self.on))

    @rule(who=recipients)
    def confirm(self, who: Beneficiary) -> None:
        self._try(gift_share.confirm, tet.confirm(who, on=self.on))

    @rule(who=recipients)
    def take_back(self, who: Beneficiary) -> None:
        self._try(gift_share.take_back, tet.take_back(who, on=self.on))

    @rule()
    def close(self) -> None:
        if len(self.events) > 12:
            self._try(gift_campaign.close, tet.close_it(on=self.on))

    @rule(days=st.integers(-2, 5))
    def another_day(self, days: int) -> None:
        self.on += timedelta(days=days)

    @rule(who=recipients, presence=st.sampled_from(Presence), under_campaign=st.booleans())
    def someone_leaves_or_comes_back(self, who: Beneficiary, presence: Presence, under_campaign: bool) -> None:
        unit = self.standings[tet.CAMPAIGN, who].unit
        self.standings[tet.CAMPAIGN, who] = Standing(presence, unit, under_campaign)

    def _try(self, decide: Any, command: Any, facts: object = None) -> None:
        try:
            events = decide(self.states[-1], command, facts or self.standings)
        except Refusal:
            return
        assert events
        self._take(events)

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, BeneficiaryProposed | BeneficiaryApproved | GiftDistributed):
                standing = self.standings[tet.CAMPAIGN, event.member_id or event.unit]
                assert (standing.presence, standing.under_campaign) == (Presence.ACTIVE, True)
            self.states.append(GIFT_CAMPAIGN.evolve(self.states[-1] if self.states else None, event))
            self.events.append(event)

    def teardown(self) -> None:
        """A replay of the stored bytes equals the living state, and every state is still what it was when it was made."""
        for number, state in enumerate(self.states, 1):
            if number % 5 == 0 or number == len(self.states):
                assert state_after(GIFT_CAMPAIGN, *self.events[:number]) == state

    @invariant()
    def the_gifts_never_exceed_the_budget(self) -> None:
        set_aside: dict[object, int] = {}
        budget_vnd = 0
        for event in self.events:
            match event:
                case BudgetApproved() | BudgetAdjusted():
                    budget_vnd = event.amount_vnd
                case BeneficiaryApproved() | GiftDistributed() | GiftReceiptConfirmed():
                    set_aside[event.member_id or event.unit] = event.amount_vnd
                case OfShare():
                    set_aside.pop(event.member_id or event.unit, None)
            assert sum(set_aside.values()) <= budget_vnd
        if self.states:
            assert self.states[-1].committed_vnd == sum(set_aside.values())

    @invariant()
    def nobody_holds_two_gifts_of_a_campaign(self) -> None:
        held: Counter[object] = Counter()
        for event in self.events:
            if isinstance(event, GiftDistributed | GiftReturned):
                held[event.member_id or event.unit] += 1 if isinstance(event, GiftDistributed) else -1
                assert held[event.member_id or event.unit] in (0, 1)

    @invariant()
    def a_closed_campaign_is_reconciled_and_silent(self) -> None:
        ends = [number for number, event in enumerate(self.events) if isinstance(event, GiftCampaignClosed)]
        assert ends in ([], [len(self.events) - 1])
        if ends:
            given = [event for event in self.events if isinstance(event, GiftDistributed)]
            back = [event for event in self.events if isinstance(event, GiftReturned)]
            closing = self.events[-1]
            assert isinstance(closing, GiftCampaignClosed)
            assert closing.shares == len(given) - len(back)
            assert closing.given_vnd == sum(event.amount_vnd for event in given) - sum(event.amount_vnd for event in back)
            assert closing.on == max(event.on for event in self.events)


TestCampaign = Campaign.TestCase
TestCampaign.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
