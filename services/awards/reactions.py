"""What do we do when somebody takes a consent back, or a child is erased? Ask whether what is public of it may stay so.

Pure: an event in, commands out. What was just published is asked about again too: the consent may have been taken back
between the question and the publication, and nothing would have been public then that could end.
"""

from collections.abc import Iterable

from awards.domain.child_publication import NothingToEnd, ReviewChildPublications
from awards.events import ChildHonourPublished
from chassis.commands import Command
from chassis.events import topics_of
from chassis.reactions import NUMBERED_LATER, Reaction
from chassis.recorded import RecordedEvent
from membership.events import ConsentPurpose, ConsentWithdrawn, SubjectErased


def on_membership(at: RecordedEvent) -> Iterable[Command]:
    """A consent to the publication of a child's honours is taken back, or a person is erased: perhaps a child."""
    match event := at.event:
        case ConsentWithdrawn() if event.purpose is ConsentPurpose.CHILD_HONOUR_PUBLICATION:
            yield ReviewChildPublications(command_id=NUMBERED_LATER, child_id=event.person_id, on=event.on)
        case SubjectErased():
            yield ReviewChildPublications(command_id=NUMBERED_LATER, child_id=event.person_id, on=event.on)


def on_publication(at: RecordedEvent) -> Iterable[Command]:
    """An honour was published."""
    event = at.event
    assert isinstance(event, ChildHonourPublished)
    yield ReviewChildPublications(command_id=NUMBERED_LATER, child_id=event.child_id, on=event.on)


ALL: tuple[Reaction, ...] = (
    Reaction(
        "end_child_publications", "membership", topics_of([ConsentWithdrawn, SubjectErased]), on_membership, (NothingToEnd,)
    ),
    Reaction("review_child_publications", "awards", topics_of([ChildHonourPublished]), on_publication, (NothingToEnd,)),
)
