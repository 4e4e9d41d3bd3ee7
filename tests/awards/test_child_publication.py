"""When may the honour of a child be told in public, and when does that end?"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from awards import reactions
from awards.domain import child_publication
from awards.domain.child_honour import ACHIEVEMENT, AchievementUnknown, Word
from awards.domain.child_publication import (
    PUBLICATIONS,
    AlreadyPublished,
    ChildConsentMissing,
    GuardianConsentMissing,
    NothingToEnd,
    NotHonoured,
    PublicationFacts,
    ReviewChildPublications,
)
from awards.domain.standing import NotBefore
from awards.events import ChildHonourPublished, ChildHonourWithdrawn, PublicationEnd
from chassis.events import Event
from chassis.refusals import Refusal
from membership.events import ConsentGiver, ConsentPurpose, ConsentWithdrawn, SubjectErased
from tests.awards import a_child_honour as a
from tests.awards.test_read_models import recorded
from tests.given import given

SECOND = UUID(int=40)
OTHER: dict[str, Any] = {**a.TOLD, "achievement_id": SECOND, "contest": "Cờ vua trẻ quốc tế"}
HISTORY = (a.REGISTERED, a.VERIFIED, a.GIVEN)


def facts(word: Word | None = a.AGREED, history: tuple[Event, ...] = HISTORY) -> PublicationFacts:
    """The child's honour, and what membership says of the child on every day."""
    words = {(a.KID, day): word for day in a.DAYS} if word else {}
    return PublicationFacts({a.ACHIEVEMENT_ID: given(ACHIEVEMENT, *history).state}, words)


def word(*, guardian: bool, must: bool, child: bool) -> Word:
    return Word("so-y-te", parent_active=True, guardian_agrees=guardian, child_must_agree=must, child_agrees=child)


def ended(ground: PublicationEnd, told: dict[str, Any] = a.TOLD) -> ChildHonourWithdrawn:
    return ChildHonourWithdrawn(**told, on=a.LATER, ground=ground)


@pytest.mark.parametrize(
    ("agreed", "refusal"),
    [
        (word(guardian=True, must=True, child=True), None),
        (word(guardian=True, must=False, child=False), None),
        (word(guardian=False, must=False, child=False), GuardianConsentMissing),
        (word(guardian=False, must=False, child=True), GuardianConsentMissing),
        (word(guardian=False, must=True, child=True), GuardianConsentMissing),
        (word(guardian=True, must=True, child=False), ChildConsentMissing),
        (word(guardian=False, must=True, child=False), GuardianConsentMissing),
        (None, GuardianConsentMissing),
    ],
)
def test_an_honour_is_published_with_the_guardians_and_from_seven_years_the_childs_consent(
    agreed: Word | None, refusal: type[Refusal] | None
) -> None:
    decided = given(PUBLICATIONS).when(child_publication.publish, a.publication(), facts(agreed))
    if refusal is None:
        decided.then(a.PUBLIC)
    else:
        decided.refused(refusal, "child_id")


def test_a_parent_who_left_since_does_not_keep_the_honour_from_being_published() -> None:
    left = Word("so-y-te", parent_active=False, guardian_agrees=True, child_must_agree=True, child_agrees=True)
    given(PUBLICATIONS).when(child_publication.publish, a.publication(), facts(left)).then(a.PUBLIC)


@pytest.mark.parametrize("history", [(a.REGISTERED,), (a.REGISTERED, a.VERIFIED)])
def test_only_what_was_honoured_is_published(history: tuple[Event, ...]) -> None:
    decided = given(PUBLICATIONS).when(child_publication.publish, a.publication(), facts(history=history))
    decided.refused(NotHonoured, "achievement_id")


@pytest.mark.parametrize("fields", [{"achievement_id": uuid4()}, {"child_id": uuid4()}])
def test_an_honour_is_published_as_that_of_its_own_child(fields: dict[str, Any]) -> None:
    command = a.publication(**fields)
    given(PUBLICATIONS).when(child_publication.publish, command, facts()).refused(AchievementUnknown, "achievement_id")
    with pytest.raises(AchievementUnknown):
        child_publication.publishing_unit(None, command, facts())


def test_an_honour_is_not_public_before_it_was_given_nor_twice_at_once() -> None:
    early = a.publication(on=(a.HONOURED - timedelta(days=1)).isoformat())
    given(PUBLICATIONS).when(child_publication.publish, early, facts()).refused(NotBefore, "on")
    again = given(PUBLICATIONS, a.PUBLIC).when(child_publication.publish, a.publication(), facts())
    again.refused(AlreadyPublished, "achievement_id")


@pytest.mark.parametrize(
    ("agreed", "ground"),
    [
        (word(guardian=False, must=True, child=True), PublicationEnd.GUARDIAN_CONSENT),
        (word(guardian=True, must=True, child=False), PublicationEnd.CHILD_CONSENT),
        (None, PublicationEnd.ERASURE),
    ],
)
def test_all_that_is_public_of_a_child_ends_when_a_consent_is_taken_back_or_it_is_erased(
    agreed: Word | None, ground: PublicationEnd
) -> None:
    both = given(PUBLICATIONS, a.PUBLIC, ChildHonourPublished(**OTHER, on=a.PUBLISHED))
    reviewed = both.when(child_publication.review, a.reviewing(), facts(agreed))
    assert reviewed.then(ended(ground), ended(ground, OTHER)).public == {}


def test_what_ended_may_be_published_again_with_new_consents() -> None:
    history = (a.PUBLIC, ended(PublicationEnd.GUARDIAN_CONSENT))
    command = a.publication(on=a.LATER.isoformat())
    again = ChildHonourPublished(**a.TOLD, on=a.LATER)
    given(PUBLICATIONS, *history).when(child_publication.publish, command, facts()).then(again)
    refused = given(PUBLICATIONS, *history).when(
        child_publication.publish, command, facts(word(guardian=False, must=False, child=False))
    )
    refused.refused(GuardianConsentMissing)


@pytest.mark.parametrize(
    ("history", "agreed"),
    [((), None), ((a.PUBLIC,), a.AGREED), ((a.PUBLIC, ended(PublicationEnd.ERASURE)), None)],
    ids=["never public", "all agree", "ended before"],
)
def test_nothing_ends_where_nothing_is_public_or_all_agree(history: tuple[Event, ...], agreed: Word | None) -> None:
    given(PUBLICATIONS, *history).when(child_publication.review, a.reviewing(), facts(agreed)).refused(NothingToEnd)


def test_the_right_is_asked_at_the_unit_that_gave_the_honour() -> None:
    assert child_publication.publishing_unit(None, a.publication(), facts()) == "vinh-phuc"


def withdrawal(purpose: ConsentPurpose) -> ConsentWithdrawn:
    return ConsentWithdrawn(unit="so-y-te", on=a.LATER, person_id=a.KID, purpose=purpose, given_by=ConsentGiver.SELF)


@pytest.mark.parametrize(
    ("react", "event", "reviews"),
    [
        (reactions.on_membership, withdrawal(ConsentPurpose.CHILD_HONOUR_PUBLICATION), True),
        (reactions.on_membership, withdrawal(ConsentPurpose.PHOTO_PUBLICATION), False),
        (reactions.on_membership, SubjectErased(unit="so-y-te", on=a.LATER, person_id=a.KID, request_id=uuid4()), True),
        (reactions.on_publication, ChildHonourPublished(**a.TOLD, on=a.LATER), True),
    ],
)
def test_what_may_end_a_publication_is_looked_at(react: Any, event: Event, reviews: bool) -> None:
    commands = list(react(recorded(1, event)))
    assert [(type(command), command.child_id, command.on) for command in commands] == (
        [(ReviewChildPublications, a.KID, a.LATER)] if reviews else []
    )
