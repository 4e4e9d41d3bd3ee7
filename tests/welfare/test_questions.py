"""Questions on a real database: sheets, lists by page, care histories and figures."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.commands import Call
from chassis.database import fetch_rows
from chassis.hierarchy import UnitUnknown
from chassis.refusals import Forbidden, Invalid
from chassis.security import Role
from federation.contract.v1.contract_pb2 import PageRequest
from federation.welfare.v1 import welfare_pb2 as pb
from tests.welfare import tet_campaign as tet
from tests.welfare.conftest import FEDERATION, GRASSROOTS, PROVINCE, Welfare, call_of
from tests.welfare.histories import rows_after
from welfare.application import Membership
from welfare.domain.gift_campaign import CampaignUnknown
from welfare.read_models import ALL


async def a_round(welfare: Welfare, **changes: Any) -> None:
    """A campaign in which Lan is given and confirmed, Minh gives back, and a school waits."""
    commands = [
        tet.open_it(**changes),
        tet.approve_budget(),
        *(step(who) for who in (tet.LAN, tet.MINH, tet.SCHOOL) for step in (tet.propose, tet.approve)),
        tet.distribute(tet.LAN),
        tet.distribute(tet.MINH),
        tet.confirm(tet.LAN),
        tet.take_back(tet.MINH),
    ]
    campaign_id = changes.get("campaign_id", tet.CAMPAIGN)
    await welfare.execute(
        *(
            command.model_copy(update={"campaign_id": campaign_id, "on": command.on.replace(year=changes.get("year", 2024))})
            for command in commands
        ),
        call=FEDERATION,
    )


async def test_the_tables_hold_what_a_fold_of_the_events_holds(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()
    events = [recorded.event for recorded in await welfare.store.read(0, 100)]

    for model in ALL:
        rows = await fetch_rows(welfare.pool, model, "true")
        assert {tuple(getattr(row, name) for name in model.key): row for row in rows} == rows_after(model, events)
        assert rows


async def test_a_sheet_tells_what_became_of_the_budget(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()

    sheet = await welfare.ask("GetCampaign", campaign_id=str(tet.CAMPAIGN))

    assert sheet == pb.Campaign(
        campaign_id=str(tet.CAMPAIGN),
        unit=tet.HOLDER,
        year=2024,
        name="Tết sum vầy 2024",
        occasion="Tết sum vầy",
        opened_on="2024-01-02",
        budget_vnd=10_000_000,
        approved_vnd=1_300_000,
        given_vnd=1_300_000,
        confirmed_vnd=1_300_000,
        returned_vnd=1_300_000,
        left_vnd=7_400_000,
        approved=1,
        confirmed=1,
        returned=1,
    )
    with pytest.raises(CampaignUnknown):
        await welfare.ask("GetCampaign", campaign_id=str(uuid4()))
    with pytest.raises(Invalid):
        await welfare.ask("GetCampaign", campaign_id="tet")


async def test_shares_are_listed_by_page_by_status_and_by_unit(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()

    async def recipients(**fields: Any) -> list[str]:
        found, after = [], ""
        while True:
            page = await welfare.ask("ListShares", campaign_id=str(tet.CAMPAIGN), page=PageRequest(size=1, after=after), **fields)
            assert len(page.shares) <= 1
            found += [share.member_id or share.collective for share in page.shares]
            after = page.next
            if not after:
                return found

    assert await recipients() == [str(tet.LAN), str(tet.MINH), tet.SCHOOL]
    assert await recipients(status=pb.SHARE_STATUS_CONFIRMED) == [str(tet.LAN)]
    assert await recipients(status=pb.SHARE_STATUS_RETURNED) == [str(tet.MINH)]
    assert await recipients(unit=tet.SCHOOL) == [str(tet.LAN), tet.SCHOOL]
    assert await recipients(unit="ha-noi") == []
    with pytest.raises(UnitUnknown):
        await recipients(unit="nowhere")
    with pytest.raises(Invalid):
        await recipients(status=99)


async def test_a_share_tells_its_days_its_form_and_its_recipient(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()

    page = await welfare.ask("ListShares", campaign_id=str(tet.CAMPAIGN))

    lan, _, school = page.shares
    assert (lan.status, lan.form, lan.unit, lan.amount_vnd) == (
        pb.SHARE_STATUS_CONFIRMED,
        pb.GIFT_FORM_CASH,
        tet.SCHOOL,
        1_300_000,
    )
    assert (lan.proposed_on, lan.approved_on) == ("2024-01-08", "2024-01-15")
    assert (lan.distributed_on, lan.changed_on) == ("2024-01-29", "2024-02-02")
    assert (school.collective, school.member_id, school.form) == (tet.SCHOOL, "", pb.GIFT_FORM_UNSPECIFIED)


async def test_campaigns_are_listed_by_year_and_subtree_page_by_page(welfare: Welfare) -> None:
    for unit, year in ((tet.HOLDER, 2024), (tet.SCHOOL, 2024), ("ha-noi", 2024), (tet.HOLDER, 2025)):
        await welfare.execute(tet.open_it(campaign_id=uuid4(), unit=unit, year=year), call=FEDERATION)
    await welfare.catch_up()

    first = await welfare.ask("ListCampaigns", unit=tet.HOLDER, year=2024, page=PageRequest(size=1))
    second = await welfare.ask("ListCampaigns", unit=tet.HOLDER, year=2024, page=PageRequest(size=1, after=first.next))

    assert [campaign.unit for campaign in (*first.campaigns, *second.campaigns)] == [tet.HOLDER, tet.SCHOOL]
    assert second.next == ""
    assert len((await welfare.ask("ListCampaigns", unit="cdvcvn", year=2024)).campaigns) == 3


async def test_a_members_care_history_begins_with_the_latest_gift(welfare: Welfare) -> None:
    campaigns = {2021: uuid4(), 2022: uuid4(), 2024: tet.CAMPAIGN}
    for year, campaign_id in campaigns.items():
        await a_round(welfare, campaign_id=campaign_id, year=year)
    await welfare.catch_up()

    first = await welfare.ask("GetCareHistory", member_id=str(tet.LAN), page=PageRequest(size=2))
    second = await welfare.ask("GetCareHistory", member_id=str(tet.LAN), page=PageRequest(size=2, after=first.next))

    gifts = [*first.items, *second.items]
    assert [gift.year for gift in gifts] == [2024, 2022, 2021]
    assert [UUID(gift.campaign_id) for gift in gifts] == list(reversed(campaigns.values()))
    assert {(gift.campaign_unit, gift.occasion, gift.unit, gift.amount_vnd) for gift in gifts} == {
        (tet.HOLDER, "Tết sum vầy", tet.SCHOOL, 1_300_000)
    }
    assert (gifts[0].given_on, gifts[0].confirmed_on, gifts[0].returned_on) == ("2024-01-29", "2024-02-02", "")
    (returned,) = (await welfare.ask("GetCareHistory", member_id=str(tet.MINH), page=PageRequest(size=1))).items[:1]
    assert returned.returned_on == "2024-02-05"
    assert not (await welfare.ask("GetCareHistory", member_id=str(uuid4()))).items


async def test_figures_add_up_the_tree_and_count_only_what_was_given_until_the_day(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.execute(tet.distribute(tet.SCHOOL, 1_000_000))
    await welfare.catch_up()

    async def figures(unit: str, as_of: date | None = None, year: int = 2024) -> tuple[int, int]:
        answer = await welfare.ask("GetFigures", unit=unit, year=year, as_of=as_of.isoformat() if as_of else "")
        found = {figure.name: figure.count for figure in answer.figures}
        assert found.keys() == {"gift_shares", "gift_amount_vnd"}
        return found["gift_shares"], found["gift_amount_vnd"]

    assert await figures(tet.HOLDER) == await figures("cdvcvn") == await figures(tet.SCHOOL) == (2, 2_300_000)
    assert await figures(tet.COURT) == await figures("ha-noi") == await figures(tet.HOLDER, year=2023) == (0, 0)
    assert await figures(tet.HOLDER, tet.RETURNED_ON.replace(day=4)) == (3, 3_600_000)
    assert await figures(tet.COURT, tet.RETURNED_ON.replace(day=4)) == (1, 1_300_000)
    assert await figures(tet.HOLDER, tet.GIVEN_ON.replace(day=28)) == (0, 0)
    with pytest.raises(UnitUnknown):
        await figures("nowhere")


async def test_a_gift_stays_in_the_figures_of_the_unit_where_it_was_given_when_the_member_moves(welfare: Welfare) -> None:
    await a_round(welfare)
    welfare.members.members[tet.LAN] = Membership("active", tet.COURT, in_subtree=True)
    await welfare.catch_up()

    answer = await welfare.ask("GetFigures", unit=tet.SCHOOL, year=2024)
    assert answer.figures[0].count == 1


MEMBER_OF_SCHOOL, HANOI = call_of(Role.MEMBER, tet.SCHOOL), call_of(Role.PROVINCE_OFFICER, "ha-noi")


async def recipients(welfare: Welfare, call: Call, **fields: Any) -> list[str]:
    """Whose shares of the campaign somebody is told of."""
    page = await welfare.ask("ListShares", call, campaign_id=str(tet.CAMPAIGN), **fields)
    return [share.member_id or share.collective for share in page.shares]


async def test_the_holder_of_a_campaign_sees_all_its_shares_and_others_those_of_their_own_units(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()

    assert (
        await recipients(welfare, PROVINCE) == await recipients(welfare, FEDERATION) == [str(tet.LAN), str(tet.MINH), tet.SCHOOL]
    )
    assert (
        await recipients(welfare, GRASSROOTS)
        == await recipients(welfare, GRASSROOTS, unit=tet.HOLDER)
        == [str(tet.LAN), tet.SCHOOL]
    )
    for stranger, fields in ((HANOI, {}), (HANOI, {"unit": tet.SCHOOL}), (GRASSROOTS, {"unit": tet.COURT})):
        with pytest.raises(Forbidden):
            await recipients(welfare, stranger, **fields)


async def test_shares_of_a_unit_that_moved_away_are_seen_by_the_holder_and_by_the_new_superior(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()
    school = welfare.tree.require(tet.SCHOOL)
    welfare.tree.put([school.attached("line", "ha-noi", date(2025, 1, 1), school.position + 1)])

    assert len(await recipients(welfare, PROVINCE)) == 3
    assert await recipients(welfare, HANOI, unit=tet.SCHOOL) == await recipients(welfare, GRASSROOTS, unit=tet.SCHOOL)
    assert not (await welfare.ask("GetCareHistory", PROVINCE, member_id=str(tet.LAN))).items
    assert (await welfare.ask("GetCareHistory", HANOI, member_id=str(tet.LAN))).items


async def test_a_campaign_is_seen_at_its_unit_and_above_and_nowhere_else(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()

    await welfare.ask("GetCampaign", PROVINCE, campaign_id=str(tet.CAMPAIGN))
    for stranger in (HANOI, MEMBER_OF_SCHOOL):
        with pytest.raises(Forbidden):
            await welfare.ask("GetCampaign", stranger, campaign_id=str(tet.CAMPAIGN))
        with pytest.raises(Forbidden):
            await welfare.ask("GetFigures", stranger, unit=tet.HOLDER, year=2024)
    assert not (await welfare.ask("ListCampaigns", MEMBER_OF_SCHOOL, unit=tet.HOLDER, year=2024)).campaigns
    with pytest.raises(Forbidden):
        await welfare.ask("ListCampaigns", HANOI, unit=tet.HOLDER, year=2024)


async def test_of_a_care_history_what_was_given_elsewhere_is_left_out(welfare: Welfare) -> None:
    await a_round(welfare)
    await welfare.catch_up()

    async def given(call: Call) -> int:
        return len((await welfare.ask("GetCareHistory", call, member_id=str(tet.LAN))).items)

    assert [await given(call) for call in (FEDERATION, PROVINCE, GRASSROOTS, HANOI)] == [1, 1, 1, 0]
