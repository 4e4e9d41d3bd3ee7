"""When may a campaign be opened, get its budget, be closed?"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from chassis.authorities import Mandate, NoAuthority
from chassis.commands import parse
from chassis.events import Event
from chassis.hierarchy import Node, UnitUnknown
from chassis.refusals import Invalid
from tests.authorities import DELEGATION, authority
from tests.given import given, state_after
from tests.welfare import tet_campaign as tet
from welfare.domain import gift_campaign
from welfare.domain.beneficiary import UnitIsDissolved
from welfare.domain.budget import (
    ApproveBudget,
    BudgetAlreadyApproved,
    BudgetBelowGifts,
    NothingChanges,
    Signing,
    adjust_budget,
    approve_budget,
)
from welfare.domain.gift_campaign import (
    GIFT_CAMPAIGN,
    BudgetNotApproved,
    CampaignExists,
    CampaignIsClosed,
    CampaignUnknown,
    GiftsNotDistributed,
    NotBefore,
    OccasionTaken,
    OpenGiftCampaign,
    ReceiptsNotConfirmed,
)

VINH_PHUC = Node("vinh-phuc", "Vĩnh Phúc", "province", 2, True, date(2000, 1, 1), None, "[]", "[]", 1)
UNITS = {tet.HOLDER: VINH_PHUC}
ONE_DAY = timedelta(days=1)


OPENED = (tet.opened(),)
FUNDED = (tet.opened(), tet.budget_approved())


def test_a_unit_opens_a_campaign_for_tet_unless_it_names_another_occasion() -> None:
    state = given(GIFT_CAMPAIGN).when(gift_campaign.open_campaign, tet.open_it(), UNITS).then(tet.opened())

    assert (state.unit, state.year, state.occasion, state.budget_vnd) == ("vinh-phuc", 2024, "Tết sum vầy", None)
    given(GIFT_CAMPAIGN).when(gift_campaign.open_campaign, tet.open_it(occasion="Bão Yagi"), UNITS).then(
        tet.opened(occasion="Bão Yagi")
    )


def test_a_campaign_id_is_given_once() -> None:
    given(GIFT_CAMPAIGN, *OPENED).when(gift_campaign.open_campaign, tet.open_it(), UNITS).refused(
        CampaignExists, field="campaign_id"
    )


def test_a_campaign_needs_a_unit_that_is_there() -> None:
    dissolved = {tet.HOLDER: replace(VINH_PHUC, dissolved_on=date(2023, 7, 1))}

    given(GIFT_CAMPAIGN).when(gift_campaign.open_campaign, tet.open_it(), {tet.HOLDER: None}).refused(UnitUnknown, field="unit")
    given(GIFT_CAMPAIGN).when(gift_campaign.open_campaign, tet.open_it(), dissolved).refused(UnitIsDissolved, field="unit")


def test_a_campaign_is_not_older_than_its_unit() -> None:
    assert given(GIFT_CAMPAIGN).when(gift_campaign.open_campaign, tet.open_it(on=date(1999, 12, 31)), UNITS).refused(
        NotBefore, field="on"
    ).facts == {"earliest": date(2000, 1, 1)}


@pytest.mark.parametrize(("occasion", "same"), [("tết  SUM vầy", True), ("Tết Sum Vầy", True), ("Tết sum vay", False)])
def test_a_unit_holds_one_campaign_a_year_and_occasion_however_it_is_written(occasion: str, same: bool) -> None:
    (first,) = GIFT_CAMPAIGN.claims(None, tet.opened())
    (second,) = GIFT_CAMPAIGN.claims(None, tet.opened(occasion=occasion, campaign_id=uuid4()))

    assert first.mode == second.mode == "take"
    assert (first.key == second.key) is same
    assert first.refusal is not None
    assert isinstance(first.refusal(), OccasionTaken)


def test_another_year_another_unit_or_another_occasion_is_another_campaign() -> None:
    keys = {
        claim.key
        for event in (tet.opened(), tet.opened(year=2025), tet.opened(unit="ha-noi"), tet.opened(occasion="Bão Yagi"))
        for claim in GIFT_CAMPAIGN.claims(None, event)
    }

    assert len(keys) == 4


def test_only_the_opening_claims_anything_so_an_occasion_stays_taken() -> None:
    state = state_after(GIFT_CAMPAIGN, tet.opened())

    assert not list(GIFT_CAMPAIGN.claims(state, tet.closed()))


def test_a_budget_is_approved_once() -> None:
    state = given(GIFT_CAMPAIGN, tet.opened()).when(approve_budget, tet.approve_budget(), tet.SIGNING).then(tet.budget_approved())

    assert state.budget_vnd == 10_000_000
    given(GIFT_CAMPAIGN, *FUNDED).when(approve_budget, tet.approve_budget(), tet.SIGNING).refused(BudgetAlreadyApproved)


def test_a_budget_is_adjusted_after_it_was_approved() -> None:
    given(GIFT_CAMPAIGN, *OPENED).when(adjust_budget, tet.adjust_budget(5_000_000), tet.SIGNING).refused(BudgetNotApproved)

    state = (
        given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved())
        .when(adjust_budget, tet.adjust_budget(12_000_000), tet.SIGNING)
        .then(tet.budget_adjusted(12_000_000, 10_000_000))
    )
    assert state.budget_vnd == 12_000_000


def test_an_adjustment_that_changes_nothing_is_not_recorded() -> None:
    given(GIFT_CAMPAIGN, *FUNDED).when(adjust_budget, tet.adjust_budget(10_000_000), tet.SIGNING).refused(
        NothingChanges, field="amount_vnd"
    )


def test_a_budget_is_never_less_than_what_is_approved_and_given_of_it() -> None:
    history = given(
        GIFT_CAMPAIGN,
        tet.opened(),
        tet.budget_approved(),
        tet.proposed(tet.LAN),
        tet.proposed(tet.MINH),
        tet.approved(tet.LAN, 2_000_000),
        tet.approved(tet.MINH, 1_000_000),
        tet.distributed(tet.LAN, 1_500_000, approved_vnd=2_000_000),
    )

    assert history.when(adjust_budget, tet.adjust_budget(2_499_999), tet.SIGNING).refused(
        BudgetBelowGifts, field="amount_vnd"
    ).facts == {"committed_vnd": 2_500_000}
    history.when(adjust_budget, tet.adjust_budget(2_500_000), tet.SIGNING).then(tet.budget_adjusted(2_500_000, 10_000_000))


def test_what_came_back_or_was_rejected_no_longer_holds_the_budget_up() -> None:
    given(
        GIFT_CAMPAIGN,
        tet.opened(),
        tet.budget_approved(),
        *(event for who in (tet.LAN, tet.MINH) for event in (tet.proposed(who), tet.approved(who))),
        tet.distributed(tet.LAN),
        tet.returned(tet.LAN),
        tet.rejected(tet.MINH, was_approved=True),
    ).when(adjust_budget, tet.adjust_budget(1), tet.SIGNING).then(tet.budget_adjusted(1, 10_000_000))


def test_a_budget_is_not_dated_before_the_one_it_follows_on() -> None:
    early = tet.OPENED_ON - ONE_DAY
    given(GIFT_CAMPAIGN, *OPENED).when(approve_budget, tet.approve_budget(on=early), tet.SIGNING).refused(NotBefore, field="on")
    assert given(GIFT_CAMPAIGN, *FUNDED).when(
        adjust_budget, tet.adjust_budget(1, on=tet.BUDGET_ON - ONE_DAY), tet.SIGNING
    ).refused(NotBefore).facts == {"earliest": tet.BUDGET_ON}


def test_a_campaign_closes_when_every_gift_is_given_and_confirmed() -> None:
    given(
        GIFT_CAMPAIGN,
        tet.opened(),
        tet.budget_approved(),
        tet.proposed(),
        tet.approved(),
        tet.distributed(tet.LAN, 1_200_000),
        tet.confirmed(tet.LAN, 1_200_000),
    ).when(gift_campaign.close, tet.close_it()).then(tet.closed(given_vnd=1_200_000, shares=1))


def test_a_campaign_in_which_nothing_happened_closes_too() -> None:
    given(GIFT_CAMPAIGN, *OPENED).when(gift_campaign.close, tet.close_it()).then(tet.closed(budget_vnd=0))


def test_an_undecided_proposal_lapses_when_the_campaign_closes() -> None:
    given(GIFT_CAMPAIGN, tet.opened(), tet.proposed()).when(gift_campaign.close, tet.close_it()).then(tet.closed(budget_vnd=0))


def test_a_campaign_does_not_close_while_approved_gifts_wait() -> None:
    assert given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(), tet.proposed(), tet.approved()).when(
        gift_campaign.close, tet.close_it()
    ).refused(GiftsNotDistributed).facts == {"shares": 1}


def test_a_campaign_does_not_close_while_receipts_are_unconfirmed() -> None:
    assert given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(), tet.proposed(), tet.approved(), tet.distributed()).when(
        gift_campaign.close, tet.close_it()
    ).refused(ReceiptsNotConfirmed).facts == {"shares": 1}


@pytest.mark.parametrize(
    "latest",
    [
        tet.proposed(tet.LAN, on=tet.CLOSED_ON),
        tet.budget_approved(on=tet.CLOSED_ON),
    ],
)
def test_a_campaign_is_not_closed_before_the_latest_day_of_it_whatever_was_recorded_last(latest: Event) -> None:
    history = given(GIFT_CAMPAIGN, tet.opened(), latest, tet.proposed(tet.MINH))

    assert history.when(gift_campaign.close, tet.close_it(on=tet.CLOSED_ON - ONE_DAY)).refused(NotBefore, field="on").facts == {
        "earliest": tet.CLOSED_ON
    }


@pytest.mark.parametrize(
    ("decide", "command"),
    [
        (approve_budget, tet.approve_budget()),
        (adjust_budget, tet.adjust_budget(1)),
        (gift_campaign.close, tet.close_it()),
    ],
)
def test_nothing_happens_in_a_campaign_that_was_never_opened_or_is_closed(decide: Any, command: Any) -> None:
    given(GIFT_CAMPAIGN).when(decide, command).refused(CampaignUnknown, field="campaign_id")
    assert given(GIFT_CAMPAIGN, tet.opened(), tet.budget_approved(), tet.closed()).when(decide, command).refused(
        CampaignIsClosed, field="campaign_id"
    ).facts == {"on": tet.CLOSED_ON}


@pytest.mark.parametrize("amount_vnd", [0, -1, 1_300_000.5, "1300000", 10**15 + 1, None])
def test_money_is_whole_dong_above_zero(amount_vnd: object) -> None:
    fields = {"command_id": str(uuid4()), "campaign_id": str(tet.CAMPAIGN), "on": "2024-01-05", "amount_vnd": amount_vnd}

    with pytest.raises(Invalid) as refusal:
        parse(ApproveBudget, fields)
    assert [problem.field for problem in refusal.value.problems] == ["amount_vnd"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Tê\u0301t sum vầy"),  # decomposed: not NFC
        ("name", "T" * 201),
        ("name", ""),
        ("name", " Tết"),
        ("name", "Tết\u202e"),
        ("occasion", "Te\u0302\u0301t"),
        ("occasion", "x" * 201),
        ("unit", "Vĩnh Phúc"),
        ("year", 1928),
        ("on", "20240102"),
        ("on", "2024-02-30"),
        ("campaign_id", "7"),
    ],
)
def test_a_bad_field_is_named_and_its_value_is_not_repeated(field: str, value: object) -> None:
    fields = {
        "command_id": str(uuid4()),
        "campaign_id": str(tet.CAMPAIGN),
        "unit": "vinh-phuc",
        "year": 2024,
        "name": "Tết sum vầy",
        "on": "2024-01-02",
    } | {field: value}

    with pytest.raises(Invalid) as refusal:
        parse(OpenGiftCampaign, fields)
    assert [problem.field for problem in refusal.value.problems] == [field]
    assert not value or str(value) not in refusal.value.sentence("vi") + refusal.value.sentence("en")


def signing(unit: str, /, **changes: Any) -> Signing:
    """Whoever holds its role at a unit and may sign at one, perhaps another, for some days."""
    return Signing(unit, Mandate((authority(**{"unit": unit, **changes}),)))


@pytest.mark.parametrize(
    "mandate",
    [{"unit": "ha-noi"}, {"since": tet.BUDGET_ON + ONE_DAY}, {"until": tet.BUDGET_ON - ONE_DAY}],
    ids=["of another unit", "from the day after", "until the day before"],
)
def test_a_budget_is_approved_and_adjusted_only_under_a_position_on_its_day(mandate: dict[str, Any]) -> None:
    facts = signing(tet.HOLDER, **mandate)
    approving = given(GIFT_CAMPAIGN, *OPENED).when(approve_budget, tet.approve_budget(), facts)
    adjusting = given(GIFT_CAMPAIGN, *FUNDED).when(adjust_budget, tet.adjust_budget(1), facts)

    assert approving.refused(NoAuthority, "on").facts == {"on": tet.BUDGET_ON, "unit": tet.HOLDER}
    adjusting.refused(NoAuthority, "on")


def test_a_budget_is_signed_at_the_unit_where_the_caller_holds_its_role_also_above_the_campaign() -> None:
    (event,) = given(GIFT_CAMPAIGN, *OPENED).when(approve_budget, tet.approve_budget(), signing("cdvcvn")).events

    assert event == tet.budget_approved()


def test_a_budget_tells_under_which_position_and_delegation_it_was_signed() -> None:
    facts = signing(tet.HOLDER, authority_id=DELEGATION)

    given(GIFT_CAMPAIGN, *OPENED).when(approve_budget, tet.approve_budget(), facts).then(
        tet.budget_approved(delegation_id=DELEGATION)
    )
    given(GIFT_CAMPAIGN, *FUNDED).when(adjust_budget, tet.adjust_budget(1), facts).then(
        tet.budget_adjusted(1, 10_000_000, delegation_id=DELEGATION)
    )
