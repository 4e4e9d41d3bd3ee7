"""Commands on a real store: rights, batches, repetitions, and what membership's silence does."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from chassis.appends import Answer
from chassis.commands import Call
from chassis.hierarchy import UnitUnknown
from chassis.refusals import CommandIdReused, Conflict, Forbidden, Refusal, Unavailable
from chassis.security import Role
from tests.welfare import tet_campaign as tet
from tests.welfare.conftest import FEDERATION, GRASSROOTS, PROVINCE, Welfare, call_of, started
from welfare.application import Membership
from welfare.domain.beneficiary import MemberHasLeft, MemberUnknown, OutsideCampaign, UnitIsDissolved
from welfare.domain.gift_campaign import CampaignUnknown, OccasionTaken
from welfare.domain.gift_share import BudgetExceeded, ShareExists


async def refusal_of(welfare: Welfare, command: Any, call: Call = FEDERATION) -> Refusal:
    """What stands against a command; it left no event."""
    before = await welfare.store.head()
    with pytest.raises(Refusal) as refused:
        await welfare.application.execute(call, command)
    assert await welfare.store.head() == before
    return refused.value


async def test_a_campaign_goes_from_its_opening_to_its_closing(welfare: Welfare) -> None:
    await welfare.execute(
        tet.open_it(),
        tet.approve_budget(),
        tet.propose(),
        tet.propose(tet.COURT),
        tet.approve(),
        tet.approve(tet.COURT),
        tet.distribute(),
        tet.distribute(tet.COURT),
        tet.confirm(),
        tet.take_back(tet.COURT),
        tet.close_it(),
    )

    events = [recorded.event for recorded in await welfare.store.read(0, 100)]
    assert events[-1] == tet.closed(given_vnd=1_300_000, shares=1)
    assert len(events) == 11


async def test_an_occasion_is_taken_once_also_by_two_processes_at_once(welfare: Welfare) -> None:
    other = await started(welfare.store, welfare.pool)
    openings = [tet.open_it(campaign_id=uuid4()), tet.open_it(campaign_id=uuid4(), occasion="TẾT SUM VẦY")]

    outcomes = await asyncio.gather(
        welfare.application.execute(PROVINCE, openings[0]),
        other.application.execute(PROVINCE, openings[1]),
        return_exceptions=True,
    )

    assert {type(outcome) for outcome in outcomes} == {Answer, OccasionTaken}
    assert await welfare.store.head() == 1


async def test_the_budget_holds_though_two_processes_approve_at_once(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it(), tet.approve_budget(2_000_000), tet.propose(tet.LAN), tet.propose(tet.MINH))
    other = await started(welfare.store, welfare.pool)

    outcomes = await asyncio.gather(
        welfare.application.execute(PROVINCE, tet.approve(tet.LAN)),
        other.application.execute(PROVINCE, tet.approve(tet.MINH)),
        return_exceptions=True,
    )

    assert {type(outcome) for outcome in outcomes} == {Answer, BudgetExceeded}


async def test_membership_is_asked_once_for_a_batch_whatever_its_size(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it())
    people = [uuid4() for _ in range(300)]
    welfare.members.members |= {person: Membership("active", tet.SCHOOL, in_subtree=True) for person in people}

    outcomes = await welfare.application.execute_batch(GRASSROOTS, [tet.propose(person) for person in people])

    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert welfare.members.asked == [(300, tet.HOLDER)]


async def test_a_batch_keeps_its_good_items_and_names_its_bad_ones(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it(), tet.approve_budget(2_000_000))
    gone, stranger, elsewhere = uuid4(), uuid4(), uuid4()
    welfare.members.members |= {
        gone: Membership("left", tet.SCHOOL, in_subtree=True),
        elsewhere: Membership("active", "ha-noi-so", in_subtree=False),
    }
    batch = [
        tet.propose(tet.LAN),
        tet.propose(gone),
        tet.propose(stranger),
        tet.propose(elsewhere),
        tet.propose(tet.LAN),
        tet.propose("nowhere"),
        tet.propose("gone"),
        tet.propose("ha-noi"),
        tet.propose(tet.MINH, campaign_id=uuid4()),
        tet.propose(tet.MINH),
    ]

    outcomes = await welfare.application.execute_batch(FEDERATION, batch)

    assert [type(outcome) for outcome in outcomes] == [
        Answer,
        MemberHasLeft,
        MemberUnknown,
        OutsideCampaign,
        ShareExists,
        UnitUnknown,
        UnitIsDissolved,
        OutsideCampaign,
        CampaignUnknown,
        Answer,
    ]
    assert await welfare.store.head() == 4
    approvals = await welfare.application.execute_batch(PROVINCE, [tet.approve(tet.LAN), tet.approve(tet.MINH)])
    assert [type(outcome) for outcome in approvals] == [Answer, BudgetExceeded]


@pytest.mark.parametrize("command", [tet.propose(), tet.approve(), tet.distribute()])
async def test_nothing_happens_while_membership_cannot_be_asked(welfare: Welfare, command: Any) -> None:
    await welfare.execute(tet.open_it(), tet.approve_budget())
    if not isinstance(command, type(tet.propose())):
        await welfare.execute(tet.propose())
    if isinstance(command, type(tet.distribute())):
        await welfare.execute(tet.approve())
    welfare.members.down = True

    assert isinstance(await refusal_of(welfare, command), Unavailable)

    welfare.members.down = False
    await welfare.execute(command)


async def test_a_member_who_left_after_approval_cannot_be_given_a_gift(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it(), tet.approve_budget(), tet.propose(), tet.approve())
    welfare.members.members[tet.LAN] = Membership("left", tet.SCHOOL, in_subtree=True)

    assert isinstance(await refusal_of(welfare, tet.distribute()), MemberHasLeft)


async def test_a_repeated_command_gives_the_first_answer_and_no_second_event(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it(), tet.approve_budget())
    command = tet.propose()
    first = await welfare.application.execute(GRASSROOTS, command)
    await welfare.execute(tet.approve())

    again = await welfare.application.execute(GRASSROOTS, command)

    assert (again.position, again.version) == (first.position, first.version)
    assert again.repeated
    assert await welfare.store.head() == 4


async def test_the_same_command_id_with_other_content_is_refused(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it())
    command = tet.propose()
    await welfare.execute(command)

    for other in (tet.propose(amount_vnd=1, command_id=command.command_id), tet.propose(tet.MINH, command_id=command.command_id)):
        assert isinstance(await refusal_of(welfare, other), CommandIdReused)
    await welfare.execute(tet.propose(tet.MINH))


async def test_an_old_version_is_a_conflict(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it(), tet.approve_budget())

    assert isinstance(await refusal_of(welfare, tet.adjust_budget(1, expected_version=1)), Conflict)
    await welfare.execute(tet.adjust_budget(1, expected_version=2))


async def test_nobody_can_act_on_a_campaign_that_was_never_opened(welfare: Welfare) -> None:
    commands = (
        tet.approve_budget(),
        tet.adjust_budget(1),
        tet.propose(),
        tet.approve(),
        tet.reject(),
        tet.distribute(),
        tet.confirm(),
        tet.take_back(),
        tet.close_it(),
    )
    for command in commands:
        assert isinstance(await refusal_of(welfare, command), CampaignUnknown)


async def test_a_campaign_is_opened_by_an_officer_of_its_unit_or_above(welfare: Welfare) -> None:
    assert isinstance(await refusal_of(welfare, tet.open_it(), GRASSROOTS), Forbidden)
    assert isinstance(await refusal_of(welfare, tet.open_it(unit="ha-noi"), PROVINCE), Forbidden)
    assert isinstance(await refusal_of(welfare, tet.open_it(unit="gone")), UnitIsDissolved)
    await welfare.execute(tet.open_it(unit=tet.SCHOOL), call=GRASSROOTS)


async def test_proposals_are_the_recipients_own_units_to_make(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it())

    assert isinstance(await refusal_of(welfare, tet.propose(tet.MINH), GRASSROOTS), Forbidden)
    await welfare.execute(tet.propose(tet.LAN), tet.propose(tet.SCHOOL), call=GRASSROOTS)
    assert isinstance(await refusal_of(welfare, tet.propose(tet.COURT), GRASSROOTS), Forbidden)


async def test_budget_approval_and_closing_are_the_provinces(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it(), tet.propose())
    elsewhere = call_of(Role.PROVINCE_OFFICER, "ha-noi")
    grassroots_at_the_holder = call_of(Role.GRASSROOTS_OFFICER, tet.HOLDER)

    for command in (tet.approve_budget(), tet.adjust_budget(1), tet.approve(), tet.reject(), tet.close_it()):
        for caller in (GRASSROOTS, grassroots_at_the_holder, elsewhere):
            assert isinstance(await refusal_of(welfare, command, caller), Forbidden)


async def test_gifts_are_handed_over_confirmed_and_taken_back_by_the_unit_frozen_at_approval(welfare: Welfare) -> None:
    await welfare.execute(tet.open_it(), tet.approve_budget(), tet.propose(), tet.approve())
    welfare.members.members[tet.LAN] = Membership("active", tet.COURT, in_subtree=True)
    at_court = call_of(Role.GRASSROOTS_OFFICER, tet.COURT)

    for command in (tet.distribute(), tet.confirm(), tet.take_back()):
        assert isinstance(await refusal_of(welfare, command, at_court), Forbidden)
        await welfare.execute(command, call=GRASSROOTS)
