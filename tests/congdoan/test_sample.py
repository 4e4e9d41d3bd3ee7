"""Does the sample keep the rules, and does it tell of the years that were published? Counted here plainly, event by event."""

import subprocess
import sys
import unicodedata
from collections import Counter
from datetime import date
from uuid import UUID

import pytest

from awards.events import (
    AwardDecided,
    AwardRevoked,
    CertificateOfMeritAwarded,
    CommendationAwarded,
    FlagAwarded,
    InitiativeAccepted,
    InitiativeProgrammeOpened,
    InitiativeRejected,
    PublicHonourAwarded,
)
from chassis.events import Event
from congdoan.feeding import batches
from congdoan.sample import Sample, sample
from congdoan.sample.people import people
from congdoan.sample.steps import Dice
from membership.events import (
    Level,
    MemberJoined,
    MemberLeft,
    PlanItemAdded,
    ReportReturned,
    ReportSubmitted,
    TransferAccepted,
)
from tests.congdoan.rehearsal import Rehearsal
from welfare.events import BudgetAdjusted, BudgetApproved, GiftCampaignClosed, GiftDistributed, GiftReturned

END_OF_2024 = date(2024, 12, 31)


@pytest.fixture(scope="module")
def whole() -> Sample:
    return sample()


@pytest.fixture(scope="module")
def played(whole: Sample) -> Rehearsal:
    """Playing it is a test already: a refusal would be raised."""
    rehearsal = Rehearsal()
    rehearsal.play(whole)
    return rehearsal


def under(played: Rehearsal, top: str, on: date = END_OF_2024) -> set[str]:
    return set(played.tree.under(top, on))


def members_on(played: Rehearsal, day: date) -> dict[UUID, str]:
    """Where each member was on a day; the order of recording does not matter, the days do."""
    events: list[Event] = sorted(
        (event for event in played.events["membership"] if isinstance(event, MemberJoined | TransferAccepted | MemberLeft)),
        key=lambda event: event.on,
    )
    found: dict[UUID, str] = {}
    for event in events:
        if event.on > day:
            break
        if isinstance(event, MemberLeft):
            found.pop(event.member_id)
        elif isinstance(event, MemberJoined | TransferAccepted):
            found[event.member_id] = event.unit
    return found


def awarded(played: Rehearsal, kind: type[Event], year: int) -> list[Event]:
    """Awards of a form that stand."""
    revoked = {event.nomination_id for event in played.events["awards"] if isinstance(event, AwardRevoked)}
    return [
        event
        for event in played.events["awards"]
        if isinstance(event, kind) and event.year == year and event.nomination_id not in revoked  # type: ignore[attr-defined]
    ]


def test_vinh_phuc_has_76_grassroots_unions_at_the_end_of_2024_and_one_more_later(played: Rehearsal) -> None:
    def grassroots(on: date) -> int:
        nodes = [played.tree.require(code) for code in under(played, "vinh-phuc", on)]
        return sum(1 for node in nodes if node.level == Level.GRASSROOTS)

    assert grassroots(END_OF_2024) == 76
    assert grassroots(date(2025, 6, 1)) == 77


def test_vinh_phuc_has_4512_members_at_the_end_of_2024_and_not_every_day(played: Rehearsal) -> None:
    units = under(played, "vinh-phuc")
    assert sum(1 for unit in members_on(played, END_OF_2024).values() if unit in units) == 4_512
    assert sum(1 for unit in members_on(played, date(2025, 11, 1)).values() if unit in units) != 4_512


def test_47_members_of_vinh_phuc_in_hardship_kept_their_gift_and_one_came_back(played: Rehearsal) -> None:
    units = under(played, "vinh-phuc")
    given = [event for event in played.events["welfare"] if isinstance(event, GiftDistributed) and event.unit in units]
    back = [event for event in played.events["welfare"] if isinstance(event, GiftReturned) and event.unit in units]
    in_hardship = {member.member_id for member in people().in_hardship}
    assert len(given) - len(back) == 47
    assert len(back) == 1
    assert {event.member_id for event in given} <= in_hardship
    assert sum(isinstance(event, GiftCampaignClosed) for event in played.events["welfare"]) == 2


def test_vinh_phuc_received_one_flag_and_several_certificates_and_commendations(played: Rehearsal) -> None:
    units = under(played, "vinh-phuc")
    flags, merit, commended = (
        [event for event in awarded(played, kind, 2024) if event.unit in units]
        for kind in (FlagAwarded, CertificateOfMeritAwarded, CommendationAwarded)
    )
    assert len(flags) == 1
    assert len(merit) >= 3
    assert len(commended) >= 3


def test_the_federation_has_20_flags_in_20_units_and_150_delegates(played: Rehearsal) -> None:
    units = under(played, "cdvcvn")
    flags = [event for event in awarded(played, FlagAwarded, 2024) if event.unit in units]
    by_decider = Counter(event.decider for event in flags)  # type: ignore[attr-defined]
    assert (by_decider["tld"], by_decider["cdvcvn"]) == (6, 14)
    assert len({event.unit for event in flags}) == len(flags)
    delegates = [event for event in awarded(played, PublicHonourAwarded, 2024) if event.unit in units]
    assert len({event.member_id for event in delegates}) == 150  # type: ignore[attr-defined]
    assert len({event.unit for event in delegates}) > 20


def test_ha_noi_accepted_2107_initiatives_of_a_target_of_1789(played: Rehearsal) -> None:
    accepted = [event for event in played.events["awards"] if isinstance(event, InitiativeAccepted)]
    assert len(accepted) == 2_107
    assert {event.year for event in accepted} == {2023}
    assert any(isinstance(event, InitiativeRejected) for event in played.events["awards"])
    (opened,) = (event for event in played.events["awards"] if isinstance(event, InitiativeProgrammeOpened))
    assert (opened.unit, opened.year, opened.target) == ("ha-noi", 2023, 1_789)


def test_ha_noi_planned_9_key_tasks_5_focal_and_25_regular_activities(played: Rehearsal) -> None:
    units = under(played, "ha-noi", date(2023, 12, 31))
    items = [event for event in played.events["membership"] if isinstance(event, PlanItemAdded) and event.unit in units]
    assert Counter(event.kind.value for event in items if event.year == 2023) == {"key_task": 9, "focal": 5, "regular": 25}


def test_some_reports_of_ha_noi_were_late_and_one_was_returned_and_mended(played: Rehearsal) -> None:
    units = under(played, "ha-noi", date(2023, 12, 31))
    submitted = [event for event in played.events["membership"] if isinstance(event, ReportSubmitted) and event.unit in units]
    late = {event.obligation_id for event in submitted if event.on > event.due_on}
    (returned,) = (event for event in played.events["membership"] if isinstance(event, ReportReturned))
    assert len(late) == 3
    assert returned.obligation_id not in late
    assert sum(event.obligation_id == returned.obligation_id for event in submitted) == 2


def test_a_unit_was_dissolved_one_renamed_and_one_came_from_elsewhere(played: Rehearsal) -> None:
    topics = Counter(event.topic for event in played.events["membership"])
    assert topics["membership.unit_dissolved"] == topics["membership.unit_renamed"] == topics["membership.unit_attached"] == 1
    came = next(event.unit for event in played.events["membership"] if event.topic == "membership.unit_attached")
    assert came not in under(played, "vinh-phuc", date(2019, 12, 31))
    assert came in under(played, "vinh-phuc")


def test_every_command_has_an_id_of_its_own_and_no_batch_is_too_large(whole: Sample) -> None:
    ids = [step.fields["command_id"] for stage in whole.stages for step in stage]
    assert len(set(ids)) == len(ids)
    sizes = [len(batch.items) for stage in whole.stages for batch in batches(stage)]
    assert max(sizes) <= 1_000
    assert sum(sizes) == len(ids)


def test_text_is_nfc_and_no_national_id_could_be_somebodys(whole: Sample) -> None:
    texts = [value for stage in whole.stages for step in stage for value in step.fields.values() if isinstance(value, str)]
    assert all(unicodedata.is_normalized("NFC", text) for text in texts)
    numbers = [member.person.national_id for member in people().everyone]
    assert len(set(numbers)) == len(numbers)
    assert all(number.startswith("097") and len(number) == 12 for number in numbers)


def test_the_sample_is_the_same_in_another_process(whole: Sample) -> None:
    """Also with another seed of Python's hashes: nothing hangs on the order of a set."""
    told = "from congdoan.sample import sample; print(sample().seal.item_id)"
    other = subprocess.run([sys.executable, "-c", told], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(whole.seal.item_id)


def test_dice_reach_both_ends_and_choose_without_repetition() -> None:
    dice = Dice("ends")
    assert {dice.between(1, 6) for _ in range(500)} == {1, 2, 3, 4, 5, 6}
    assert sorted(dice.some_of(range(50), 50)) == list(range(50))


def test_whatever_is_signed_is_sent_by_who_may_sign_it(whole: Sample, played: Rehearsal) -> None:
    """That the rules take it is tested by playing it; here, that nobody else sends it and that it says by what right."""
    signing = ("ApproveBudget", "AdjustBudget", "DecideAward", "RevokeAward", "DelegateAuthority")
    assert {step.rpc for stage in whole.stages for step in stage if step.sender} == set(signing)
    assert all(step.sender for stage in whole.stages for step in stage if step.rpc in signing)
    signed = [
        event
        for service in ("welfare", "awards")
        for event in played.events[service]
        if isinstance(event, BudgetApproved | BudgetAdjusted | AwardDecided | AwardRevoked)
    ]
    assert all(event.position_id for event in signed)
    delegated = {event.decider for event in signed if isinstance(event, AwardDecided) and event.delegation_id}
    assert delegated == {"vinh-phuc"}


def test_no_sender_is_named_like_a_person(whole: Sample) -> None:
    subjects = {step.sender.subject for stage in whole.stages for step in stage if step.sender}
    assert subjects == {"tld-chair", "cdvcvn-chair", "ldld-vinh-phuc-chair", "vinh-phuc-chair", "ha-noi-chair", *DEPUTIES}


def test_the_commands_of_a_batch_have_one_sender(whole: Sample) -> None:
    for stage in whole.stages:
        for batch in batches(stage):
            assert {step.sender for step in batch.items} == {batch.sender}


DEPUTIES = ("vinh-phuc-standing-member",)
