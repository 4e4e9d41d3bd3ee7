"""Rules across nominations on a real store: exclusion and quotas under concurrency, rights, batches, repetition."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from awards.domain.initiative import OutsideOfWindow
from awards.domain.nomination import AlreadyDecided, ComprehensiveExcludesThematic, NominationUnknown
from awards.domain.proposal import FlagsAreForUnits, MemberNotActive, MemberUnknown
from awards.domain.quota import QuotaBelowUse, QuotaExceeded
from awards.domain.standing import DeciderNotAbove, UnitIsDissolved
from awards.events import AwardDecided, InitiativeRegistered
from chassis.appends import Answer
from chassis.commands import Command
from chassis.hierarchy import UnitUnknown
from chassis.refusals import CommandIdReused, Forbidden, Refusal, Unavailable
from chassis.security import Role
from tests.awards import an_award as an
from tests.awards.conftest import CONFEDERATION, LAN, LEFT, MINH, Awards, call_of, started

THEMATIC = {"scope": "thematic", "theme": "An toàn lao động"}


async def outcomes(awards: Awards, *commands: Command) -> list[Answer | Refusal]:
    """Some commands at the same time, each on its own."""
    return [
        outcome
        for (outcome,) in await asyncio.gather(
            *(awards.application.execute_batch(CONFEDERATION, [command]) for command in commands)
        )
    ]


def rules(answers: list[Answer | Refusal]) -> list[str]:
    return [answer.rule if isinstance(answer, Refusal) else "" for answer in answers]


async def decided(awards: Awards) -> list[AwardDecided]:
    events = [recorded.event for recorded in await awards.store.read(0, 5_000)]
    return [event for event in events if isinstance(event, AwardDecided)]


async def test_a_comprehensive_award_excludes_a_thematic_one_of_the_same_level_and_year(awards: Awards) -> None:
    first, second = uuid4(), uuid4()
    await awards.execute(*an.given(first), *an.ready(second, **THEMATIC))

    with pytest.raises(ComprehensiveExcludesThematic):
        await awards.execute(an.decide(second))

    await awards.execute(an.revoke(first), an.decide(second))


async def test_a_thematic_award_excludes_a_comprehensive_one_of_another_decider_of_the_level(awards: Awards) -> None:
    first, second = uuid4(), uuid4()
    await awards.execute(*an.given(first, **THEMATIC), *an.ready(second, decider="ldld-vinh-phuc"))

    with pytest.raises(ComprehensiveExcludesThematic):
        await awards.execute(an.decide(second))


@pytest.mark.parametrize(
    "other",
    [
        {"scope": "adhoc"},
        {"decider": "tld", **THEMATIC},
        {"year": 2023, **THEMATIC},
        {"unit": "so-noi-vu", **THEMATIC},
        {"member_id": str(LAN), "form": "commendation", **THEMATIC},
        {"form": "certificate_of_merit"},
    ],
    ids=["ad hoc", "another level", "another year", "another unit", "a member of it", "the same scope"],
)
async def test_nothing_else_is_excluded(awards: Awards, other: dict[str, Any]) -> None:
    await awards.execute(*an.given(uuid4()), *an.given(uuid4(), **other))

    assert len(await decided(awards)) == 2


async def test_of_simultaneous_decisions_only_those_of_one_scope_stand(awards: Awards) -> None:
    nominations = {uuid4(): THEMATIC if number % 2 else {} for number in range(12)}
    for nomination_id, scope in nominations.items():
        await awards.execute(*an.ready(nomination_id, **scope))
    another_process = await started(awards.store, awards.pool)

    results = await asyncio.gather(
        *(
            (awards, another_process)[place % 4 // 2].application.execute_batch(CONFEDERATION, [an.decide(nomination_id)])
            for place, nomination_id in enumerate(nominations)
        )
    )

    standing = await decided(awards)
    assert len({event.scope for event in standing}) == 1
    assert len(standing) == 6
    assert sorted(rules([result[0] for result in results])) == [""] * 6 + ["ComprehensiveExcludesThematic"] * 6


async def test_no_more_is_decided_than_the_quota_allows_and_a_revocation_gives_back(awards: Awards) -> None:
    nominations = [uuid4() for _ in range(8)]
    await awards.execute(an.quota(3), *(step for nomination_id in nominations for step in an.ready(nomination_id)))

    answers = await outcomes(awards, *(an.decide(nomination_id) for nomination_id in nominations))

    assert sorted(rules(answers)) == [""] * 3 + ["QuotaExceeded"] * 5
    standing = [event.nomination_id for event in await decided(awards)]
    assert len(standing) == 3
    waiting = [nomination_id for nomination_id in nominations if nomination_id not in standing]
    await awards.execute(an.revoke(standing[0]), an.decide(waiting[0]))
    with pytest.raises(QuotaExceeded):
        await awards.execute(an.decide(waiting[1]))


async def test_a_quota_counts_what_was_decided_before_it_was_set(awards: Awards) -> None:
    await awards.execute(*an.given(uuid4()), *an.given(uuid4()), *an.ready(third := uuid4()))

    with pytest.raises(QuotaBelowUse):
        await awards.execute(an.quota(1))
    await awards.execute(an.quota(2))
    with pytest.raises(QuotaExceeded):
        await awards.execute(an.decide(third))
    await awards.execute(an.quota(3), an.decide(third))


async def test_a_quota_of_a_theme_stands_beside_that_of_the_form(awards: Awards) -> None:
    await awards.execute(an.quota(9), an.quota(1, theme="An toàn lao động"), *an.given(uuid4(), **THEMATIC))
    await awards.execute(*an.ready(same := uuid4(), **{**THEMATIC, "theme": "AN TOÀN LAO ĐỘNG"}))

    with pytest.raises(QuotaExceeded):
        await awards.execute(an.decide(same))
    await awards.execute(*an.given(uuid4(), scope="thematic", theme="Văn hóa"))


async def test_a_decision_never_rests_on_a_quota_that_another_process_lowered(awards: Awards) -> None:
    another_process = await started(awards.store, awards.pool)
    await awards.execute(an.quota(5), *an.given(uuid4()), *an.ready(second := uuid4()))
    await another_process.execute(an.quota(1))

    with pytest.raises(QuotaExceeded):
        await awards.execute(an.decide(second))


async def test_the_confederation_gives_at_most_three_hundred_certificates_for_a_theme(awards: Awards) -> None:
    nominations = [uuid4() for _ in range(301)]
    fields = {"decider": "tld", "form": "certificate_of_merit", **THEMATIC}
    proposals = [an.propose(nomination_id, **fields) for nomination_id in nominations]
    endorsements = [an.endorse(nomination_id, "tld") for nomination_id in nominations]
    decisions = [an.decide(nomination_id) for nomination_id in nominations]
    for batch in (proposals, endorsements):
        assert set(rules(await awards.application.execute_batch(CONFEDERATION, batch))) == {""}

    answers = rules(await awards.application.execute_batch(CONFEDERATION, decisions))

    assert answers == [""] * 300 + ["QuotaExceeded"]


async def test_persons_are_asked_about_once_a_batch(awards: Awards) -> None:
    fields = {"form": "commendation", "decider": "vinh-phuc"}
    batch = [an.propose(uuid4(), member_id=str(who), **fields) for who in (LAN, MINH, LAN)]

    answers = rules(await awards.application.execute_batch(CONFEDERATION, [*batch, an.propose(uuid4())]))

    assert answers == [""] * 4
    assert awards.members.asked == [2]


async def test_persons_who_cannot_be_proposed_are_named_in_a_batch(awards: Awards) -> None:
    fields = {"form": "commendation", "decider": "vinh-phuc"}
    batch = [an.propose(uuid4(), member_id=str(who), **fields) for who in (LAN, LEFT, UUID(int=77))]

    answers = await awards.application.execute_batch(CONFEDERATION, [*batch, an.propose(uuid4(), member_id=str(LAN))])

    assert rules(answers) == ["", MemberNotActive.__name__, MemberUnknown.__name__, FlagsAreForUnits.__name__]


async def test_units_are_proposed_without_asking_membership(awards: Awards) -> None:
    awards.members.down = True

    await awards.execute(an.propose(uuid4()))

    assert awards.members.asked == []


async def test_nobody_is_proposed_while_membership_cannot_say_who_is_a_member(awards: Awards) -> None:
    awards.members.down = True
    proposal = an.propose(uuid4(), member_id=str(LAN), form="commendation", decider="vinh-phuc")

    with pytest.raises(Unavailable):
        await awards.execute(proposal)
    assert await awards.store.head() == 0
    awards.members.down = False
    await awards.execute(proposal)


async def test_an_unknown_decider_is_said_even_when_nobody_can_be_asked_at_it(awards: Awards) -> None:
    with pytest.raises(UnitUnknown) as refused:
        await awards.execute(an.propose(uuid4(), member_id=str(LAN), form="commendation", decider="nowhere"))

    assert refused.value.field == "decider"


async def test_the_good_items_of_a_batch_take_effect_and_the_bad_ones_are_named(awards: Awards) -> None:
    programme_id, initiative = uuid4(), uuid4()
    await awards.execute(an.programme(programme_id))
    batch = [
        an.register(initiative, programme_id),
        an.register(uuid4(), programme_id, on="2025-01-01"),
        an.register(uuid4(), programme_id, unit="ha-noi"),
        an.register(uuid4(), programme_id, unit="nowhere"),
        an.register(uuid4(), uuid4()),
        an.register(initiative, programme_id),
        an.register(uuid4(), programme_id, unit="so-noi-vu"),
    ]

    answers = await awards.application.execute_batch(CONFEDERATION, batch)

    assert rules(answers) == [
        "",
        OutsideOfWindow.__name__,
        "UnitOutsideOfProgramme",
        "UnitUnknown",
        "ProgrammeUnknown",
        "InitiativeExists",
        "",
    ]
    events = [recorded.event for recorded in await awards.store.read(0, 10)]
    assert [event.unit for event in events if isinstance(event, InitiativeRegistered)] == ["so-y-te", "so-noi-vu"]


async def test_a_repeated_command_gives_the_first_answer_and_another_content_is_refused(awards: Awards) -> None:
    nomination_id = uuid4()
    await awards.execute(*an.ready(nomination_id))
    decision = an.decide(nomination_id)
    first = await awards.application.execute(CONFEDERATION, decision)

    again = await awards.application.execute(CONFEDERATION, decision)

    assert (again.position, again.version) == (first.position, first.version)
    assert again.repeated
    with pytest.raises(CommandIdReused):
        await awards.execute(decision.model_copy(update={"decision_number": "2"}))
    with pytest.raises(AlreadyDecided):
        await awards.execute(an.decide(nomination_id))
    assert len(await decided(awards)) == 1


@pytest.mark.parametrize(
    ("proposal", "refusal"),
    [
        ({"decider": "so-y-te"}, DeciderNotAbove),
        ({"decider": "so-noi-vu"}, DeciderNotAbove),
        ({"unit": "gone"}, UnitIsDissolved),
        ({"unit": "nowhere"}, UnitUnknown),
    ],
)
async def test_bad_proposals_are_refused_and_leave_nothing(
    awards: Awards, proposal: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        await awards.execute(an.propose(uuid4(), **proposal))

    assert await awards.store.head() == 0


async def test_what_nobody_proposed_is_unknown_to_every_command(awards: Awards) -> None:
    nobody = uuid4()
    commands = [
        an.endorse(nobody, "vinh-phuc"),
        an.send_back(nobody, "vinh-phuc"),
        an.resubmit(nobody),
        an.decide(nobody),
        an.present(nobody),
        an.revoke(nobody),
        an.recover(nobody),
    ]

    assert set(rules(await outcomes(awards, *commands))) == {NominationUnknown.__name__}


GRASSROOTS, PROVINCE, FEDERATION = Role.GRASSROOTS_OFFICER, Role.PROVINCE_OFFICER, Role.FEDERATION_OFFICER


RIGHTS = [
    ("propose", call_of(GRASSROOTS, "so-y-te"), True),
    ("propose", call_of(GRASSROOTS, "so-noi-vu"), False),
    ("propose", call_of(Role.MEMBER, "so-y-te"), False),
    ("propose", call_of(Role.AUDITOR, "tld"), False),
    ("endorse", call_of(GRASSROOTS, "so-y-te"), False),
    ("endorse", call_of(PROVINCE, "vinh-phuc"), True),
    ("endorse", call_of(PROVINCE, "ha-noi"), False),
    ("return", call_of(PROVINCE, "vinh-phuc"), True),
    ("return", call_of(GRASSROOTS, "so-y-te"), False),
    ("decide", call_of(PROVINCE, "vinh-phuc"), False),
    ("decide", call_of(PROVINCE, "cdvcvn"), True),
    ("decide", call_of(FEDERATION, "tld"), True),
    ("decide", call_of(FEDERATION, "ldld-vinh-phuc"), False),
    ("decide", call_of(GRASSROOTS, "cdvcvn"), False),
    ("present", call_of(PROVINCE, "ldld-vinh-phuc"), True),
    ("present", call_of(GRASSROOTS, "so-y-te"), False),
    ("revoke", call_of(PROVINCE, "cdvcvn"), True),
    ("revoke", call_of(PROVINCE, "vinh-phuc"), False),
    ("quota", call_of(FEDERATION, "cdvcvn"), True),
    ("quota", call_of(PROVINCE, "cdvcvn"), False),
    ("quota", call_of(FEDERATION, "ha-noi"), False),
    ("programme", call_of(PROVINCE, "vinh-phuc"), True),
    ("programme", call_of(PROVINCE, "ha-noi"), False),
    ("register", call_of(GRASSROOTS, "so-y-te"), True),
    ("register", call_of(GRASSROOTS, "so-noi-vu"), False),
    ("accept", call_of(PROVINCE, "vinh-phuc"), True),
    ("accept", call_of(PROVINCE, "so-y-te"), False),
]


async def test_each_right_is_asked_for_at_its_own_unit(awards: Awards) -> None:
    for year, (step, caller, allowed) in enumerate(RIGHTS, 2000):
        before, command = a_step(step, year)
        await awards.execute(*before)
        head = await awards.store.head()

        (outcome,) = await awards.application.execute_batch(caller, [command])

        assert (step, caller, isinstance(outcome, Answer)) == (step, caller, allowed)
        assert allowed or type(outcome) is Forbidden
        assert (await awards.store.head() > head) is allowed


def a_step(step: str, year: int) -> tuple[Sequence[Command], Command]:
    """A command, and what must have happened before it; another year is another award."""
    nomination_id, programme_id, initiative_id = uuid4(), uuid4(), uuid4()
    proposed, given = [an.propose(nomination_id, year=year)], an.given(nomination_id, year=year)
    opened = [an.programme(programme_id), an.register(initiative_id, programme_id)]
    steps: dict[str, tuple[Sequence[Command], Command]] = {
        "propose": ([], proposed[0]),
        "endorse": (proposed, an.endorse(nomination_id, "vinh-phuc")),
        "return": (proposed, an.send_back(nomination_id, "vinh-phuc")),
        "decide": (given[:-1], given[-1]),
        "present": (given, an.present(nomination_id)),
        "revoke": (given, an.revoke(nomination_id)),
        "quota": ([], an.quota(3, year=year)),
        "programme": ([], opened[0]),
        "register": (opened[:1], opened[1]),
        "accept": (opened, an.accept(initiative_id)),
    }
    return steps[step]


async def test_a_repeated_proposal_of_another_content_is_no_second_nomination(awards: Awards) -> None:
    nomination_id = uuid4()
    await awards.execute(an.propose(nomination_id))
    another_process = await started(awards.store, awards.pool)

    (outcome,) = await another_process.application.execute_batch(CONFEDERATION, [an.propose(nomination_id)])

    assert isinstance(outcome, Refusal)
    assert outcome.rule == "NominationExists"
