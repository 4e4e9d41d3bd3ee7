"""Questions on a real database: nominations, registers and lists by page, quotas, initiatives, figures."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from awards.domain.nomination import NominationUnknown
from awards.domain.programme import ProgrammeUnknown
from awards.read_models import OWN
from awards.read_models.figures import figures
from chassis.commands import Call
from chassis.database import fetch_rows
from chassis.hierarchy import Hierarchy, UnitUnknown
from chassis.refusals import Forbidden, Invalid
from chassis.security import Role
from federation.awards.v1 import awards_pb2 as pb
from federation.contract.v1.contract_pb2 import PageRequest
from tests.awards import an_award as an
from tests.awards.conftest import CONFEDERATION, LAN, MINH, TODAY, Awards, call_of, nodes
from tests.awards.test_read_models import rows_of

FIRST, SECOND, THIRD, FOURTH, FIFTH = (UUID(int=number) for number in range(1, 6))
PROGRAMME, OTHER = UUID(int=21), UUID(int=22)
COMMENDATION = {"form": "commendation", "decider": "vinh-phuc"}


async def a_year(awards: Awards) -> None:
    """Flags of two levels, a certificate, commendations and an honour; some revoked, one only proposed."""
    await awards.execute(
        an.quota(14, on="2024-01-15"),
        *an.given(FIRST, on="2024-12-20"),
        an.present(FIRST, on="2025-01-09"),
        *an.given(SECOND, decider="tld", unit="vinh-phuc", on="2024-12-10"),
        *an.given(THIRD, unit="so-noi-vu", decider="ldld-vinh-phuc", on="2024-12-15"),
        an.revoke(THIRD, on="2025-02-01"),
        *an.given(FOURTH, member_id=str(LAN), **COMMENDATION, on="2024-11-20"),
        *an.given(FIFTH, member_id=str(MINH), form="public_honour", scope="thematic", theme="Tham mưu giỏi", on="2024-10-10"),
        *an.given(UUID(int=6), unit="so-y-te", form="public_honour", scope="adhoc", on="2024-10-10"),
        *an.given(UUID(int=7), form="certificate_of_merit", decider="tld", on="2024-10-10"),
        *an.given(UUID(int=8), unit="so-noi-vu", **COMMENDATION, year=2023, on="2023-12-20"),
        an.propose(UUID(int=9), unit="ha-noi", on="2024-12-20"),
    )
    await awards.catch_up()


async def some_initiatives(awards: Awards) -> None:
    """Two programmes; seven initiatives, five of them accepted, one rejected."""
    await awards.execute(an.programme(PROGRAMME), an.programme(OTHER, unit="ha-noi", target=1789))
    for number in range(100, 106):
        unit = "so-y-te" if number % 2 else "vinh-phuc"
        await awards.execute(an.register(UUID(int=number), PROGRAMME, unit=unit, on="2024-03-01"))
    await awards.execute(*(an.accept(UUID(int=number), on="2024-04-0" + str(number - 99)) for number in range(100, 104)))
    await awards.execute(an.reject(UUID(int=104), on="2024-04-09"))
    await awards.execute(an.register(UUID(int=106), OTHER, unit="ha-noi", author_id=str(LAN), on="2024-03-01"))
    await awards.execute(an.accept(UUID(int=106), on="2024-05-01"))
    await awards.catch_up()


async def pages(awards: Awards, rpc: str, field: str, **fields: Any) -> list[Any]:
    """Every row of a list, by pages of one."""
    found: list[Any] = []
    after = ""
    while True:
        page = await awards.ask(rpc, page=PageRequest(size=1, after=after), **fields)
        rows = list(getattr(page, field))
        assert len(rows) <= 1
        found += rows
        after = page.next
        if not after:
            break
    whole = await awards.ask(rpc, **fields)
    assert (list(getattr(whole, field)), whole.next) == (found, "")
    return found


async def test_the_tables_hold_what_a_fold_of_the_events_holds(awards: Awards) -> None:
    await a_year(awards)
    await some_initiatives(awards)
    events = [recorded.event for recorded in await awards.store.read(0, 1_000)]

    for model in OWN:
        rows = await fetch_rows(awards.pool, model, "true")
        assert {tuple(getattr(row, name) for name in model.key): row for row in rows} == rows_of(model, events)
        assert rows


async def test_a_nomination_tells_everything_that_became_of_it(awards: Awards) -> None:
    await a_year(awards)

    assert await awards.ask("GetNomination", nomination_id=str(FIRST)) == pb.Nomination(
        nomination_id=str(FIRST),
        unit="so-y-te",
        form=pb.AWARD_FORM_FLAG,
        scope=pb.AWARD_SCOPE_COMPREHENSIVE,
        year=2024,
        decider="cdvcvn",
        status=pb.AWARD_STATUS_PRESENTED,
        proposed_on="2024-12-20",
        endorsed_by="cdvcvn",
        decided_on="2024-12-20",
        decider_level=pb.DECIDER_LEVEL_FEDERATION,
        decision_number="345/QĐ-CĐVC",
        rule_set="999/QĐ-TLĐ",
        presenter="ldld-vinh-phuc",
        presented_on="2025-01-09",
    )
    with pytest.raises(NominationUnknown):
        await awards.ask("GetNomination", nomination_id=str(uuid4()))
    with pytest.raises(Invalid):
        await awards.ask("GetNomination", nomination_id="the first")


async def test_a_unit_and_a_member_have_their_award_histories_by_page(awards: Awards) -> None:
    await a_year(awards)

    of_unit = await pages(awards, "ListAwards", "awards", unit="so-y-te")
    of_member = await pages(awards, "ListAwards", "awards", member_id=str(LAN))

    assert [UUID(award.nomination_id).int for award in of_unit] == [1, 6, 7]
    assert [UUID(award.nomination_id).int for award in of_member] == [4]
    of_two_years = await pages(awards, "ListAwards", "awards", unit="so-noi-vu")
    assert [(award.year, UUID(award.nomination_id).int) for award in of_two_years] == [(2023, 8), (2024, 3)]
    assert await pages(awards, "ListAwards", "awards", unit="ha-noi") == []
    assert await pages(awards, "ListAwards", "awards", member_id=str(uuid4())) == []


@pytest.mark.parametrize("fields", [{}, {"unit": "so-y-te", "member_id": str(LAN)}, {"member_id": "Lan"}])
async def test_an_award_history_is_of_one_recipient(awards: Awards, fields: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await awards.ask("ListAwards", **fields)


async def test_a_decider_sees_what_waits_for_it(awards: Awards) -> None:
    await a_year(awards)
    await awards.execute(an.propose(UUID(int=10), unit="ha-noi"), an.send_back(UUID(int=10), "cdvcvn"))
    await awards.catch_up()

    waiting = await pages(awards, "ListNominations", "nominations", decider="cdvcvn")

    assert [(UUID(nomination.nomination_id).int, nomination.status) for nomination in waiting] == [
        (9, pb.AWARD_STATUS_PROPOSED),
        (10, pb.AWARD_STATUS_RETURNED),
    ]
    assert await pages(awards, "ListNominations", "nominations", decider="tld") == []


async def test_the_flag_register_is_of_a_subtree_a_year_and_a_decider(awards: Awards) -> None:
    await a_year(awards)

    async def register(**fields: Any) -> list[tuple[str, str, str]]:
        flags = await pages(awards, "ListFlags", "flags", **{"year": 2024, **fields})
        return [(flag.unit, flag.decider, flag.revoked_on) for flag in flags]

    assert await register(unit="cdvcvn") == [
        ("so-noi-vu", "ldld-vinh-phuc", "2025-02-01"),
        ("so-y-te", "cdvcvn", ""),
        ("vinh-phuc", "tld", ""),
    ]
    assert await register(unit="vinh-phuc", decider="cdvcvn") == [("so-y-te", "cdvcvn", "")]
    assert await register(unit="so-noi-vu", decider="cdvcvn") == []
    assert await register(unit="ha-noi") == []
    assert await register(unit="tld", year=2023) == []
    flag = (await awards.ask("ListFlags", unit="so-y-te", year=2024)).flags[0]
    assert (flag.decision_number, flag.presenter, flag.decider_level) == (
        "345/QĐ-CĐVC",
        "ldld-vinh-phuc",
        pb.DECIDER_LEVEL_FEDERATION,
    )


async def test_quotas_show_their_use(awards: Awards) -> None:
    await a_year(awards)

    rows = await pages(awards, "ListQuotas", "quotas", decider="cdvcvn", year=2024)

    assert rows == [
        pb.Quota(decider="cdvcvn", form=pb.AWARD_FORM_FLAG, year=2024, at_most=14, decided=1),
        pb.Quota(decider="cdvcvn", form=pb.AWARD_FORM_PUBLIC_HONOUR, year=2024, decided=2),
        pb.Quota(decider="cdvcvn", form=pb.AWARD_FORM_PUBLIC_HONOUR, year=2024, theme="Tham mưu giỏi", decided=1),
    ]
    assert not rows[1].HasField("at_most")


async def test_programmes_show_their_percent_live(awards: Awards) -> None:
    await some_initiatives(awards)

    assert await awards.ask("GetInitiativeProgramme", programme_id=str(PROGRAMME)) == pb.InitiativeProgramme(
        programme_id=str(PROGRAMME),
        unit="vinh-phuc",
        year=2024,
        name="01 triệu sáng kiến",
        target=3,
        opens_on="2024-01-01",
        closes_on="2024-12-31",
        registered=6,
        accepted=4,
        rejected=1,
        percent="133.33",
    )
    listed = await pages(awards, "ListInitiativeProgrammes", "programmes", unit="cdvcvn", year=2024)
    assert [(row.unit, row.percent) for row in listed] == [("ha-noi", "0.06"), ("vinh-phuc", "133.33")]
    assert await pages(awards, "ListInitiativeProgrammes", "programmes", unit="so-y-te", year=2024) == []
    with pytest.raises(ProgrammeUnknown):
        await awards.ask("GetInitiativeProgramme", programme_id=str(uuid4()))


async def test_initiatives_are_listed_by_programme_or_by_subtree_and_year(awards: Awards) -> None:
    await some_initiatives(awards)

    of_programme = await pages(awards, "ListInitiatives", "initiatives", programme_id=str(PROGRAMME))
    of_units = await pages(awards, "ListInitiatives", "initiatives", unit="cdvcvn", year=2024)

    assert [(row.unit, UUID(row.initiative_id).int) for row in of_programme] == [
        ("so-y-te", 101),
        ("so-y-te", 103),
        ("so-y-te", 105),
        ("vinh-phuc", 100),
        ("vinh-phuc", 102),
        ("vinh-phuc", 104),
    ]
    assert [UUID(row.initiative_id).int for row in of_units] == [106, 101, 103, 105, 100, 102, 104]
    assert of_units[0].author_id == str(LAN)
    assert {row.status for row in of_programme if row.judged_on == ""} == {pb.INITIATIVE_STATUS_REGISTERED}
    assert await pages(awards, "ListInitiatives", "initiatives", unit="cdvcvn", year=2023) == []


@pytest.mark.parametrize("fields", [{}, {"unit": "ha-noi", "programme_id": str(PROGRAMME)}, {"unit": "ha-noi"}])
async def test_a_list_of_initiatives_says_whose(awards: Awards, fields: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await awards.ask("ListInitiatives", **fields)


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("ListAwards", {"unit": "nowhere"}),
        ("ListNominations", {"decider": "nowhere"}),
        ("ListFlags", {"unit": "nowhere", "year": 2024}),
        ("ListFlags", {"unit": "tld", "decider": "nowhere", "year": 2024}),
        ("ListQuotas", {"decider": "nowhere", "year": 2024}),
        ("ListInitiativeProgrammes", {"unit": "nowhere", "year": 2024}),
        ("ListInitiatives", {"unit": "nowhere", "year": 2024}),
        ("GetFigures", {"unit": "nowhere", "year": 2024}),
    ],
)
async def test_no_question_is_answered_for_a_unit_nobody_established(awards: Awards, rpc: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UnitUnknown):
        await awards.ask(rpc, **fields)


async def test_figures_are_those_of_the_subtree_and_year(awards: Awards) -> None:
    await a_year(awards)
    await some_initiatives(awards)

    async def of(unit: str, as_of: date = TODAY, year: int = 2024) -> dict[str, int | Decimal | None]:
        tree = Hierarchy()
        tree.put(nodes())
        return await figures(awards.pool, tree, unit, year, as_of)

    assert await of("vinh-phuc") == {
        "flags_received": 2,
        "flags_by_confederation": 1,
        "flags_by_federation": 1,
        "certificates_of_merit": 1,
        "commendations": 1,
        "honoured_delegates": 1,
        "initiatives": 4,
        "initiative_target": 3,
        "initiative_percent": Decimal("133.33"),
    }
    revoked_on = date(2025, 2, 1)
    assert (await of("vinh-phuc", date(2025, 1, 31)))["flags_received"] == 3
    assert (await of("vinh-phuc", revoked_on))["flags_received"] == 2
    assert (await of("vinh-phuc", date(2025, 1, 31)))["flags_by_federation"] == 2
    # The flag of the provincial labour federation is none of the sector's federation: that does not lie under it.
    assert (await of("cdvcvn", date(2025, 1, 31)))["flags_by_federation"] == 1
    assert (await of("cdvcvn"))["flags_by_confederation"] == 1
    assert (await of("so-y-te"))["flags_by_confederation"] == 0
    assert (await of("vinh-phuc", date(2024, 10, 9)))["honoured_delegates"] == 0
    assert (await of("vinh-phuc", date(2024, 4, 2)))["initiatives"] == 2
    assert (await of("so-noi-vu", year=2023))["commendations"] == 1
    without_target = await of("so-y-te")
    assert (without_target["initiatives"], without_target["initiative_percent"]) == (2, None)


async def test_figures_are_answered_by_name_and_one_without_a_value_has_none(awards: Awards) -> None:
    await some_initiatives(awards)

    answer = await awards.ask("GetFigures", unit="vinh-phuc", year=2024, as_of="2024-12-31")
    without = await awards.ask("GetFigures", unit="vinh-phuc", year=2023)

    values = {figure.name: figure.decimal or figure.count for figure in answer.figures}
    assert (answer.as_of, values["initiatives"], values["initiative_target"], values["initiative_percent"]) == (
        "2024-12-31",
        4,
        3,
        "133.33",
    )
    assert without.as_of == TODAY.isoformat()
    (percent,) = (figure for figure in without.figures if figure.name == "initiative_percent")
    assert percent.WhichOneof("value") is None


HOSPITALS, HANOI = call_of(Role.GRASSROOTS_OFFICER, "so-y-te"), call_of(Role.PROVINCE_OFFICER, "ha-noi")
VINH_PHUC = call_of(Role.PROVINCE_OFFICER, "vinh-phuc")


async def test_a_nomination_is_seen_by_its_unit_and_by_the_one_that_decides_and_by_no_other(awards: Awards) -> None:
    await a_year(awards)

    for call in (HOSPITALS, VINH_PHUC, call_of(Role.FEDERATION_OFFICER, "cdvcvn")):
        await awards.ask("GetNomination", call, nomination_id=str(FIRST))
        await awards.ask("ListAwards", call, unit="so-y-te")
    for question, fields in (("GetNomination", {"nomination_id": str(FIRST)}), ("ListAwards", {"unit": "so-y-te"})):
        with pytest.raises(Forbidden):
            await awards.ask(question, HANOI, **fields)


async def test_below_a_decider_everybody_sees_what_waits_there_of_the_own_units(awards: Awards) -> None:
    await awards.execute(
        *(an.propose(UUID(int=number), unit=unit, on="2024-12-20") for number, unit in ((1, "so-y-te"), (2, "ha-noi")))
    )
    await awards.catch_up()

    async def waiting(call: Call) -> list[str]:
        return [row.unit for row in (await awards.ask("ListNominations", call, decider="cdvcvn")).nominations]

    assert await waiting(call_of(Role.FEDERATION_OFFICER, "cdvcvn")) == ["so-y-te", "ha-noi"]
    assert (await waiting(VINH_PHUC), await waiting(HANOI)) == (["so-y-te"], ["ha-noi"])
    with pytest.raises(Forbidden):
        await awards.ask("ListNominations", HANOI, decider="ldld-vinh-phuc")


async def test_of_a_members_awards_those_of_other_units_are_left_out(awards: Awards) -> None:
    await a_year(awards)

    async def seen(call: Call) -> int:
        return len((await awards.ask("ListAwards", call, member_id=str(LAN))).awards)

    assert [await seen(call) for call in (CONFEDERATION, VINH_PHUC, HANOI)] == [1, 1, 0]


async def test_initiatives_are_seen_by_whoever_judges_them_and_in_their_own_units(awards: Awards) -> None:
    await some_initiatives(awards)

    async def units(call: Call, **fields: Any) -> set[str]:
        return {row.unit for row in (await awards.ask("ListInitiatives", call, **fields)).initiatives}

    assert await units(VINH_PHUC, programme_id=str(PROGRAMME)) == {"so-y-te", "vinh-phuc"}
    assert await units(HOSPITALS, programme_id=str(PROGRAMME)) == await units(HOSPITALS, unit="cdvcvn", year=2024) == {"so-y-te"}
    for question, fields in (
        ("ListInitiatives", {"programme_id": str(PROGRAMME)}),
        ("GetInitiativeProgramme", {"programme_id": str(PROGRAMME)}),
        ("ListInitiativeProgrammes", {"unit": "vinh-phuc", "year": 2024}),
        ("ListFlags", {"unit": "vinh-phuc", "year": 2024}),
        ("ListQuotas", {"decider": "cdvcvn", "year": 2024}),
        ("GetFigures", {"unit": "vinh-phuc", "year": 2024}),
    ):
        with pytest.raises(Forbidden):
            await awards.ask(question, HANOI, **fields)
