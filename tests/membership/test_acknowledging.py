"""When does a service acknowledge an erasure, what does it say, and what if nobody takes it?"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from grpc import StatusCode

from chassis import acknowledging
from chassis.acknowledging import Acknowledging
from chassis.clients import Refused
from chassis.commands import Call
from chassis.events import Event, topics_of
from chassis.following import Follower, Unprocessable
from chassis.recorded import Actor, Metadata, RecordedEvent
from chassis.refusals import Unavailable
from chassis.rich_status import Heard
from chassis.security import Caller, Role
from membership.events import MemberLeft, SubjectErased
from membership.rpc import PERSONAL_DATA
from tests.membership.a_data_request import PERSON, REQUEST, erased

TODAY = date(2026, 3, 9)


class PlayedMembership:
    """Takes acknowledgements, or has something against them."""

    contract = PERSONAL_DATA

    def __init__(self, rule: str = "", *, away: bool = False) -> None:
        self.rule, self.away = rule, away
        self.heard: list[Any] = []
        self.causes: list[Call] = []

    async def ask(self, rpc: str, request: Any, cause: Call) -> None:
        assert rpc == "AcknowledgeErasure"
        self.heard.append(request)
        self.causes.append(cause)
        if self.away:
            raise Unavailable(reason="membership")
        if self.rule:
            raise Refused(StatusCode.ALREADY_EXISTS, "no", Heard(self.rule))


class Following:
    """Something that follows membership, or welfare."""

    def __init__(self, topics: frozenset[str], source: str = "membership") -> None:
        self.name, self.source, self.topics = "another", source, topics


def follower(position: int, topics: Sequence[type[Event]] = (), source: str = "membership") -> Follower:
    found = Follower(None, Following(topics_of(topics), source), lambda: datetime.now(UTC))  # type: ignore[arg-type]
    found.position = position
    return found


def effect(membership: PlayedMembership, *others: Follower, today: date = TODAY) -> Acknowledging:
    caller = Caller("welfare", Role.SERVICE, "")
    return Acknowledging(SubjectErased, membership, "AcknowledgeErasure", caller, lambda: today, lambda: others)  # type: ignore[arg-type]


def recorded(event: SubjectErased, position: int = 7) -> RecordedEvent:
    metadata = Metadata(event.unit, event.on, Actor("officer-1", "province_officer", "vinh-phuc"), None, "chain", "")
    body, said = event.encode(), metadata.encode()
    at = datetime(2026, 3, 5, tzinfo=UTC)
    return RecordedEvent("membership", position, PERSON, 2, event.topic, body, said, "vinh-phuc", position, at)


async def take(acknowledging: Acknowledging, *events: RecordedEvent) -> None:
    await acknowledging.take(events, None)  # type: ignore[arg-type]


async def test_a_service_that_is_awaited_says_so_by_its_name_and_of_today() -> None:
    membership = PlayedMembership()
    await take(effect(membership), recorded(erased()))
    (said,) = membership.heard
    assert (said.request_id, said.by, said.up_to, said.on) == (str(REQUEST), "welfare", 7, "2026-03-09")
    assert UUID(said.command_id)
    (cause,) = membership.causes
    assert (cause.correlation_id, cause.causation_id) == ("chain", "membership/7")


async def test_the_same_day_it_says_the_same_and_the_next_day_something_else() -> None:
    first, again, later = PlayedMembership(), PlayedMembership(), PlayedMembership()
    await take(effect(first), recorded(erased()))
    await take(effect(again), recorded(erased()))
    await take(effect(later, today=date(2026, 3, 10)), recorded(erased()))
    assert first.heard == again.heard
    assert later.heard[0].command_id != first.heard[0].command_id


async def test_an_erasure_of_a_day_to_come_is_not_acknowledged_of_a_day_before_it() -> None:
    membership = PlayedMembership()
    await take(effect(membership), recorded(erased(on=date(2026, 4, 1))))
    assert membership.heard[0].on == "2026-04-01"


async def test_who_is_not_awaited_says_nothing() -> None:
    membership = PlayedMembership()
    await take(effect(membership), recorded(erased(awaited=("audit", "vinh-phuc"))))
    assert membership.heard == []


async def test_what_stands_already_is_as_good_and_any_other_refusal_is_parked() -> None:
    await take(effect(PlayedMembership("AlreadyAcknowledged")), recorded(erased()))
    with pytest.raises(Unprocessable):
        await take(effect(PlayedMembership("NotErased")), recorded(erased()))


async def test_while_membership_is_away_the_event_is_taken_again() -> None:
    with pytest.raises(Unavailable):
        await take(effect(PlayedMembership(away=True)), recorded(erased()))


async def test_nothing_is_acknowledged_while_somebody_here_has_not_taken_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledging, "WAIT_S", 0.01)
    for behind in (follower(6, [SubjectErased]), follower(6)):
        membership = PlayedMembership()
        with pytest.raises(Unavailable):
            await take(effect(membership, behind), recorded(erased()))
        assert membership.heard == []


async def test_whoever_does_not_take_the_event_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledging, "WAIT_S", 0.01)
    membership = PlayedMembership()
    others = (follower(7, [SubjectErased]), follower(3, [MemberLeft]), follower(0, source="welfare"))
    await take(effect(membership, *others), recorded(erased()))
    assert len(membership.heard) == 1
