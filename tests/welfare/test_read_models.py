"""Do the read models say what a plain recount of the events says?"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings

from chassis.events import Event
from tests.welfare import tet_campaign as tet
from tests.welfare.histories import BOTH, OTHER_CAMPAIGN, histories, rows_after
from welfare.events import (
    BeneficiaryApproved,
    BeneficiaryProposed,
    BeneficiaryRejected,
    BudgetApproved,
    GiftDistributed,
    GiftReceiptConfirmed,
    GiftReturned,
)
from welfare.read_models.campaigns import CAMPAIGNS
from welfare.read_models.care_history import CARE_HISTORY
from welfare.read_models.gifts_by_day import GIFTS_BY_DAY
from welfare.read_models.shares import SHARES

STATUS: dict[type, str] = {
    BeneficiaryProposed: "proposed",
    BeneficiaryApproved: "approved",
    BeneficiaryRejected: "rejected",
    GiftDistributed: "distributed",
    GiftReceiptConfirmed: "confirmed",
    GiftReturned: "returned",
}


def of_campaign(events: Sequence[Event], campaign_id: UUID) -> list[Any]:
    return [event for event in events if getattr(event, "campaign_id", None) == campaign_id]


def last_of_each_share(events: Sequence[Event], campaign_id: UUID) -> dict[object, Any]:
    """Each recipient's latest event, which tells its status and amount."""
    return {event.member_id or event.unit: event for event in of_campaign(events, campaign_id) if type(event) in STATUS}


@given(histories())
@settings(deadline=None)
def test_a_campaigns_sheet_says_what_a_recount_of_its_shares_says(events: list[Event]) -> None:
    sheets = rows_after(CAMPAIGNS, events)

    for campaign_id in BOTH:
        sheet = sheets[(campaign_id,)]
        shares = last_of_each_share(events, campaign_id).values()
        now = Counter(STATUS[type(share)] for share in shares)
        money: Counter[str] = Counter()
        for share in shares:
            money[STATUS[type(share)]] += share.amount_vnd
        back = [event.amount_vnd for event in of_campaign(events, campaign_id) if isinstance(event, GiftReturned)]
        (budget,) = (event.amount_vnd for event in of_campaign(events, campaign_id) if isinstance(event, BudgetApproved))
        assert (sheet.proposed, sheet.approved) == (now["proposed"], now["approved"])
        assert (sheet.distributed, sheet.confirmed) == (now["distributed"], now["confirmed"])
        assert (sheet.approved_vnd, sheet.confirmed_vnd) == (money["approved"], money["confirmed"])
        assert sheet.given_vnd == money["distributed"] + money["confirmed"]
        assert (sheet.returned, sheet.returned_vnd) == (len(back), sum(back))
        assert sheet.left_vnd == budget - sheet.approved_vnd - sheet.given_vnd >= 0


@given(histories())
@settings(deadline=None)
def test_a_share_stands_as_its_last_event_left_it(events: list[Event]) -> None:
    rows = rows_after(SHARES, events)

    expected = {
        (campaign_id, f"member:{who}" if isinstance(who, UUID) else f"unit:{who}"): last
        for campaign_id in BOTH
        for who, last in last_of_each_share(events, campaign_id).items()
    }
    assert rows.keys() == expected.keys()
    for key, last in expected.items():
        row = rows[key]
        assert (row.status, row.amount_vnd, row.unit, row.changed_on) == (
            STATUS[type(last)],
            last.amount_vnd,
            last.unit,
            last.on,
        )
        assert (row.member_id, row.collective) == (last.member_id, None if last.member_id else last.unit)
        assert (
            (row.form is not None) == (row.distributed_on is not None) == (row.status in ("distributed", "confirmed", "returned"))
        )


@given(histories())
@settings(deadline=None)
def test_the_figures_are_the_sums_of_what_was_given_and_not_returned_by_unit_year_and_day(events: list[Event]) -> None:
    rows = rows_after(GIFTS_BY_DAY, events).values()

    days = [tet.OPENED_ON + timedelta(days=number) for number in range(0, 130, 3)]
    for day in days:
        for unit in (tet.SCHOOL, tet.COURT):
            for year, campaign_id in ((2024, tet.CAMPAIGN), (2025, OTHER_CAMPAIGN)):
                until = [event for event in of_campaign(events, campaign_id) if event.unit == unit and event.on <= day]
                given_out = [event.amount_vnd for event in until if isinstance(event, GiftDistributed)]
                back = [event.amount_vnd for event in until if isinstance(event, GiftReturned)]
                found = [row for row in rows if (row.unit, row.year) == (unit, year) and row.day <= day]
                assert sum(row.shares for row in found) == len(given_out) - len(back)
                assert sum(row.amount_vnd for row in found) == sum(given_out) - sum(back)


@given(histories())
@settings(deadline=None)
def test_a_member_was_given_what_was_last_handed_over_in_each_campaign(events: list[Event]) -> None:
    rows = rows_after(CARE_HISTORY, events)

    expected: dict[tuple[UUID, UUID], list[Any]] = {}
    for event in events:
        match event:
            case GiftDistributed(member_id=UUID() as member_id):
                expected[member_id, event.campaign_id] = [event, None, None]
            case GiftReceiptConfirmed(member_id=UUID() as member_id):
                expected[member_id, event.campaign_id][1] = event.on
            case GiftReturned(member_id=UUID() as member_id):
                expected[member_id, event.campaign_id][2] = event.on
    assert rows.keys() == expected.keys()
    for key, (gift, confirmed_on, returned_on) in expected.items():
        row = rows[key]
        assert (row.amount_vnd, row.unit, row.given_on, row.form) == (gift.amount_vnd, gift.unit, gift.on, "cash")
        assert (row.confirmed_on, row.returned_on, row.year) == (confirmed_on, returned_on, gift.year)


def test_a_collective_gift_counts_for_its_unit_and_is_nobodys_own() -> None:
    events: list[Event] = [
        tet.opened(),
        tet.budget_approved(),
        tet.proposed(tet.SCHOOL),
        tet.approved(tet.SCHOOL),
        tet.distributed(tet.SCHOOL),
        tet.confirmed(tet.SCHOOL),
    ]

    assert not rows_after(CARE_HISTORY, events)
    assert rows_after(GIFTS_BY_DAY, events)[tet.SCHOOL, 2024, tet.GIVEN_ON].amount_vnd == 1_300_000
    assert rows_after(SHARES, events)[tet.CAMPAIGN, f"unit:{tet.SCHOOL}"].collective == tet.SCHOOL
