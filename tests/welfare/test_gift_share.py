"""When may a share be proposed, approved, given, confirmed, taken back?"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.commands import parse
from chassis.events import Event
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Invalid, Unavailable
from tests.given import Given, given, state_after
from tests.welfare import tet_campaign as tet
from welfare.domain import gift_share
from welfare.domain.beneficiary import (
    Beneficiary,
    MemberHasLeft,
    MemberUnknown,
    OutsideCampaign,
    Presence,
    Standing,
    UnitIsDissolved,
)
from welfare.domain.gift_campaign import (
    GIFT_CAMPAIGN,
    BudgetNotApproved,
    CampaignIsClosed,
    CampaignUnknown,
    GiftCampaign,
    NotBefore,
)
from welfare.domain.gift_share import (
    AlreadyDecided,
    BudgetExceeded,
    DistributeGift,
    GiftAlreadyGiven,
    GiftNotGiven,
    MoreThanApproved,
    NotApproved,
    NotProposed,
    ProposeBeneficiary,
    ReceiptAlreadyConfirmed,
    ShareExists,
)

ONE_DAY = timedelta(days=1)

STAGES: dict[str, list[Event]] = {
    "nobody": [],
    "proposed": [tet.proposed()],
    "rejected": [tet.proposed(), tet.rejected()],
    "approved": [tet.proposed(), tet.approved()],
    "distributed": [tet.proposed(), tet.approved(), tet.distributed()],
    "confirmed": [tet.proposed(), tet.approved(), tet.distributed(), tet.confirmed()],
    "returned": [tet.proposed(), tet.approved(), tet.distributed(), tet.returned()],
}
LATE = tet.CLOSED_ON


def when_lan_is(stage: str) -> Given[GiftCampaign]:
    """Lan's share is that far."""
    return given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(), *STAGES[stage])


def test_a_member_is_proposed_at_her_own_unit() -> None:
    when_lan_is("nobody").when(gift_share.propose, tet.propose(), tet.HERE).then(tet.proposed())


def test_a_unit_is_proposed_for_a_collective_gift() -> None:
    when_lan_is("nobody").when(gift_share.propose, tet.propose(tet.SCHOOL), tet.HERE).then(tet.proposed(tet.SCHOOL))


def test_a_proposal_needs_no_budget_yet() -> None:
    given(GIFT_CAMPAIGN, tet.opened()).when(gift_share.propose, tet.propose(), tet.HERE).then(tet.proposed())


def test_a_unit_whose_code_looks_like_a_members_id_is_not_taken_for_her() -> None:
    code = str(tet.LAN)
    facts = {(tet.CAMPAIGN, code): tet.active(code)}

    when_lan_is("proposed").when(gift_share.propose, tet.propose(code), facts).then(tet.proposed(code))


@pytest.mark.parametrize("stage", ["proposed", "approved", "distributed", "confirmed"])
def test_a_recipient_has_one_share_in_a_campaign(stage: str) -> None:
    when_lan_is(stage).when(gift_share.propose, tet.propose(on=LATE), tet.HERE).refused(ShareExists, field="member_id")


@pytest.mark.parametrize("stage", ["rejected", "returned"])
def test_whoever_was_rejected_or_gave_the_gift_back_may_be_proposed_again(stage: str) -> None:
    when_lan_is(stage).when(gift_share.propose, tet.propose(amount_vnd=900_000, on=LATE), tet.HERE).then(
        tet.proposed(amount_vnd=900_000, on=LATE)
    )


def test_whoever_was_rejected_is_not_proposed_again_for_a_day_before() -> None:
    when_lan_is("rejected").when(gift_share.propose, tet.propose(on=tet.APPROVED_ON - ONE_DAY), tet.HERE).refused(NotBefore, "on")


def test_an_approval_sets_the_money_aside_and_freezes_the_unit_of_that_day() -> None:
    moved = {(tet.CAMPAIGN, tet.LAN): tet.active(tet.COURT)}

    state = when_lan_is("proposed").when(gift_share.approve, tet.approve(), moved).then(tet.approved(unit=tet.COURT))

    assert (state.committed_vnd, state.to_give) == (1_300_000, 1)
    assert gift_share.shares_unit(state, tet.distribute(), {}) == tet.COURT


def test_a_gift_is_told_of_the_unit_frozen_at_approval_though_the_member_moved_on() -> None:
    moved = {(tet.CAMPAIGN, tet.LAN): tet.active(tet.COURT)}

    when_lan_is("approved").when(gift_share.distribute, tet.distribute(), moved).then(tet.distributed(unit=tet.SCHOOL))


def test_another_amount_than_the_proposed_may_be_approved() -> None:
    when_lan_is("proposed").when(gift_share.approve, tet.approve(amount_vnd=1_000_000), tet.HERE).then(
        tet.approved(amount_vnd=1_000_000)
    )


def test_nothing_is_approved_without_a_budget() -> None:
    given(GIFT_CAMPAIGN, tet.opened(), tet.proposed()).when(gift_share.approve, tet.approve(), tet.HERE).refused(
        BudgetNotApproved
    )


def test_the_approved_shares_never_exceed_the_budget() -> None:
    history = given(
        GIFT_CAMPAIGN,
        tet.opened(),
        tet.budget_approved(3_000_000),
        tet.proposed(tet.LAN),
        tet.approved(tet.LAN),
        tet.proposed(tet.MINH, 1_700_000),
    )

    assert history.when(gift_share.approve, tet.approve(tet.MINH, 1_700_001), tet.HERE).refused(
        BudgetExceeded, field="amount_vnd"
    ).facts == {"left_vnd": 1_700_000}
    history.when(gift_share.approve, tet.approve(tet.MINH), tet.HERE).then(tet.approved(tet.MINH, 1_700_000, unit=tet.COURT))


@pytest.mark.parametrize("freed", [tet.rejected(was_approved=True), tet.returned()])
def test_money_that_was_set_free_or_came_back_can_be_given_to_another(freed: Event) -> None:
    given_back = STAGES["approved"] if freed.topic.endswith("rejected") else STAGES["distributed"]
    history: list[Event] = [tet.opened(), tet.budget_approved(1_300_000), tet.proposed(tet.MINH), *given_back]

    assert given(GIFT_CAMPAIGN, *history).when(gift_share.approve, tet.approve(tet.MINH), tet.HERE).refused(
        BudgetExceeded
    ).facts == {"left_vnd": 0}
    given(GIFT_CAMPAIGN, *history, freed).when(gift_share.approve, tet.approve(tet.MINH), tet.HERE).then(
        tet.approved(tet.MINH, unit=tet.COURT)
    )


def test_what_a_gift_did_not_use_of_its_approval_is_available_again() -> None:
    history: list[Event] = [tet.opened(), tet.budget_approved(2_000_000), *STAGES["approved"], tet.proposed(tet.MINH)]
    smaller = tet.distributed(amount_vnd=1_000_000)

    assert given(GIFT_CAMPAIGN, *history, smaller).when(gift_share.approve, tet.approve(tet.MINH, 1_000_001), tet.HERE).refused(
        BudgetExceeded
    ).facts == {"left_vnd": 1_000_000}
    given(GIFT_CAMPAIGN, *history, smaller).when(gift_share.approve, tet.approve(tet.MINH, 1_000_000), tet.HERE).then(
        tet.approved(tet.MINH, 1_000_000, unit=tet.COURT)
    )


def test_a_gift_tells_what_was_approved_for_it() -> None:
    when_lan_is("approved").when(gift_share.distribute, tet.distribute(amount_vnd=1_000_000), tet.HERE).then(
        tet.distributed(amount_vnd=1_000_000, approved_vnd=1_300_000)
    )


def test_a_gift_is_at_most_what_was_approved_and_never_beyond_the_budget() -> None:
    history = given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(2_000_000), *STAGES["approved"])

    assert history.when(gift_share.distribute, tet.distribute(amount_vnd=1_300_001), tet.HERE).refused(
        MoreThanApproved, field="amount_vnd"
    ).facts == {"approved_vnd": 1_300_000}
    assert history.when(gift_share.distribute, tet.distribute(amount_vnd=2_000_001), tet.HERE).refused(
        BudgetExceeded, field="amount_vnd"
    ).facts == {"left_vnd": 700_000}


def test_an_approval_is_withdrawn_before_the_gift_is_given() -> None:
    state = when_lan_is("approved").when(gift_share.reject, tet.reject()).then(tet.rejected(was_approved=True))

    assert (state.committed_vnd, state.to_give) == (0, 0)


def test_a_proposal_is_rejected_with_its_reason() -> None:
    when_lan_is("proposed").when(gift_share.reject, tet.reject()).then(tet.rejected())


def test_a_gift_is_handed_over_confirmed_and_taken_back() -> None:
    given_out = when_lan_is("approved").when(gift_share.distribute, tet.distribute(), tet.HERE).then(tet.distributed())
    assert (given_out.to_give, given_out.to_confirm, given_out.given_vnd) == (0, 1, 1_300_000)

    received = when_lan_is("distributed").when(gift_share.confirm, tet.confirm()).then(tet.confirmed())
    assert (received.to_confirm, received.given, received.committed_vnd) == (0, 1, 1_300_000)

    back = when_lan_is("confirmed").when(gift_share.take_back, tet.take_back()).then(tet.returned(was_confirmed=True))
    assert (back.given, back.given_vnd, back.committed_vnd) == (0, 0, 0)
    when_lan_is("distributed").when(gift_share.take_back, tet.take_back()).then(tet.returned())


DECISIONS: dict[str, tuple[Any, Any]] = {
    "approve": (gift_share.approve, tet.approve(on=LATE)),
    "reject": (gift_share.reject, tet.reject(on=LATE)),
    "distribute": (gift_share.distribute, tet.distribute(on=LATE)),
    "confirm": (gift_share.confirm, tet.confirm(on=LATE)),
    "take_back": (gift_share.take_back, tet.take_back(on=LATE)),
}
OUT_OF_TURN = {
    "approve": {
        NotProposed: ["nobody"],
        AlreadyDecided: ["rejected", "approved", "distributed", "confirmed", "returned"],
    },
    "reject": {NotProposed: ["nobody"], AlreadyDecided: ["rejected", "returned"], GiftAlreadyGiven: ["distributed", "confirmed"]},
    "distribute": {
        NotProposed: ["nobody"],
        NotApproved: ["proposed", "rejected", "returned"],
        GiftAlreadyGiven: ["distributed", "confirmed"],
    },
    "confirm": {
        NotProposed: ["nobody"],
        GiftNotGiven: ["proposed", "rejected", "approved", "returned"],
        ReceiptAlreadyConfirmed: ["confirmed"],
    },
    "take_back": {NotProposed: ["nobody"], GiftNotGiven: ["proposed", "rejected", "approved", "returned"]},
}


@pytest.mark.parametrize(
    ("decision", "rule", "stage"),
    [(decision, rule, stage) for decision, rules in OUT_OF_TURN.items() for rule, stages in rules.items() for stage in stages],
)
def test_nothing_happens_to_a_share_out_of_turn(decision: str, rule: Any, stage: str) -> None:
    decide, command = DECISIONS[decision]

    when_lan_is(stage).when(decide, command, tet.HERE).refused(rule, field="member_id")


@pytest.mark.parametrize("decision", [*DECISIONS, "propose"])
def test_no_share_changes_in_a_campaign_that_was_never_opened_or_is_closed(decision: str) -> None:
    decide, command = DECISIONS.get(decision, (gift_share.propose, tet.propose(on=LATE)))

    given(GIFT_CAMPAIGN).when(decide, command, tet.HERE).refused(CampaignUnknown)
    given(GIFT_CAMPAIGN, tet.opened(), tet.closed()).when(decide, command, tet.HERE).refused(CampaignIsClosed)


@pytest.mark.parametrize(
    ("decision", "stage", "changed_on"),
    [
        ("approve", "proposed", tet.PROPOSED_ON),
        ("reject", "proposed", tet.PROPOSED_ON),
        ("distribute", "approved", tet.APPROVED_ON),
        ("confirm", "distributed", tet.GIVEN_ON),
        ("take_back", "confirmed", tet.CONFIRMED_ON),
    ],
)
def test_no_step_of_a_share_is_dated_before_the_one_it_follows_on(decision: str, stage: str, changed_on: Any) -> None:
    decide, command = DECISIONS[decision]

    assert when_lan_is(stage).when(decide, command.model_copy(update={"on": changed_on - ONE_DAY}), tet.HERE).refused(
        NotBefore, field="on"
    ).facts == {"earliest": changed_on}
    assert decide(when_lan_is(stage).state, command.model_copy(update={"on": changed_on}), tet.HERE)


def test_nobody_is_proposed_before_the_campaign_was_opened() -> None:
    when_lan_is("nobody").when(gift_share.propose, tet.propose(on=tet.OPENED_ON - ONE_DAY), tet.HERE).refused(NotBefore)


LAN: tuple[UUID, Beneficiary] = (tet.CAMPAIGN, tet.LAN)
NOWHERE, ELSEWHERE = (
    Standing(Presence.UNKNOWN, "", under_campaign=False),
    Standing(Presence.ACTIVE, "ha-noi", under_campaign=False),
)


def gone(unit: str) -> Standing:
    """Left, or dissolved, there."""
    return Standing(Presence.GONE, unit, under_campaign=True)


@pytest.mark.parametrize(
    ("recipient", "standing", "rule"),
    [
        (tet.LAN, NOWHERE, MemberUnknown),
        (tet.LAN, gone(tet.SCHOOL), MemberHasLeft),
        (tet.LAN, ELSEWHERE, OutsideCampaign),
        (tet.LAN, None, Unavailable),
        (tet.SCHOOL, NOWHERE, UnitUnknown),
        (tet.SCHOOL, gone(tet.SCHOOL), UnitIsDissolved),
        (tet.SCHOOL, ELSEWHERE, OutsideCampaign),
        (tet.SCHOOL, None, Unavailable),
    ],
)
@pytest.mark.parametrize("decision", ["propose", "approve", "distribute"])
def test_only_active_members_and_units_of_the_campaigns_tree_receive_at_every_step(
    recipient: Beneficiary, standing: Standing | None, rule: Any, decision: str
) -> None:
    history: dict[str, list[Event]] = {
        "propose": [],
        "approve": [tet.proposed(recipient)],
        "distribute": [tet.proposed(recipient), tet.approved(recipient)],
    }
    steps: dict[str, tuple[Any, Any]] = {
        "propose": (gift_share.propose, tet.propose(recipient)),
        "approve": (gift_share.approve, tet.approve(recipient)),
        "distribute": (gift_share.distribute, tet.distribute(recipient)),
    }
    decide, command = steps[decision]
    facts = {} if standing is None else {(tet.CAMPAIGN, recipient): standing}

    given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(), *history[decision]).when(decide, command, facts).refused(rule)


def test_a_share_whose_recipient_left_after_approval_can_be_withdrawn_so_that_the_campaign_can_close() -> None:
    history = given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(), *STAGES["approved"])

    history.when(gift_share.distribute, tet.distribute(), {(tet.CAMPAIGN, tet.LAN): gone(tet.SCHOOL)}).refused(MemberHasLeft)
    history.when(gift_share.reject, tet.reject()).then(tet.rejected(was_approved=True))


def test_a_proposal_is_decided_at_the_unit_that_the_facts_name_and_no_other() -> None:
    campaign = state_after(GIFT_CAMPAIGN, tet.opened())

    cases: list[tuple[dict[tuple[UUID, Beneficiary], Standing], str]] = [
        ({LAN: ELSEWHERE}, "ha-noi"),
        ({LAN: NOWHERE}, tet.HOLDER),
        ({}, tet.HOLDER),
    ]
    for facts, unit in cases:
        assert gift_share.recipients_unit(campaign, tet.propose(), facts) == unit
    with pytest.raises(CampaignUnknown):
        gift_share.recipients_unit(None, tet.propose(), tet.HERE)


def test_a_gift_is_handed_over_at_the_unit_of_the_share() -> None:
    campaign = state_after(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(), tet.proposed(), tet.approved(unit=tet.COURT))

    assert gift_share.shares_unit(campaign, tet.distribute(), {}) == tet.COURT
    assert gift_share.shares_unit(campaign, tet.distribute(tet.MINH), {}) == tet.HOLDER
    with pytest.raises(CampaignUnknown):
        gift_share.shares_unit(None, tet.distribute(), {})


@pytest.mark.parametrize(
    "named", [{}, {"member_id": str(tet.LAN), "collective": tet.SCHOOL}, {"member_id": "Lan"}, {"collective": "Trường"}]
)
def test_a_share_names_exactly_one_recipient(named: dict[str, str]) -> None:
    fields = {"command_id": str(uuid4()), "campaign_id": str(tet.CAMPAIGN), "on": "2024-01-08", "amount_vnd": 1}

    with pytest.raises(Invalid):
        parse(ProposeBeneficiary, fields | named)
    assert parse(ProposeBeneficiary, fields | {"collective": tet.SCHOOL}).beneficiary == tet.SCHOOL
    assert isinstance(parse(ProposeBeneficiary, fields | {"member_id": str(tet.LAN)}).beneficiary, UUID)


@pytest.mark.parametrize(("field", "value"), [("form", "gold"), ("form", None), ("amount_vnd", 0), ("amount_vnd", 0.5)])
def test_a_gift_has_a_known_form_and_a_whole_amount(field: str, value: object) -> None:
    fields = {
        "command_id": str(uuid4()),
        "campaign_id": str(tet.CAMPAIGN),
        "member_id": str(tet.LAN),
        "on": "2024-01-29",
        "form": "voucher",
        "amount_vnd": 1_300_000,
    }

    assert parse(DistributeGift, fields)
    with pytest.raises(Invalid) as refusal:
        parse(DistributeGift, fields | {field: value})
    assert [problem.field for problem in refusal.value.problems] == [field]
