"""Histories that could have happened: campaigns of two units and years, moved on by commands drawn at random."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from chassis.events import Event
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from chassis.refusals import Refusal
from tests.welfare import tet_campaign as tet
from welfare.domain import budget, gift_campaign, gift_share
from welfare.domain.beneficiary import Beneficiary, Standing
from welfare.domain.gift_campaign import GIFT_CAMPAIGN, GiftCampaign
from welfare.events import ShareStatus

OTHER_CAMPAIGN = UUID("0190b6a0-0000-7000-8000-000000000002")
BOTH = (tet.CAMPAIGN, OTHER_CAMPAIGN)
RECIPIENTS: tuple[Beneficiary, ...] = (tet.LAN, tet.MINH, tet.SCHOOL)

STEPS: dict[str, tuple[Any, Any]] = {
    "propose": (gift_share.propose, tet.propose),
    "approve": (gift_share.approve, tet.approve),
    "distribute": (gift_share.distribute, tet.distribute),
    "confirm": (gift_share.confirm, tet.confirm),
    "take_back": (gift_share.take_back, tet.take_back),
    "reject": (gift_share.reject, tet.reject),
}
NEXT: dict[ShareStatus | None, tuple[str, ...]] = {
    None: ("propose",),
    ShareStatus.PROPOSED: ("approve", "approve", "reject"),
    ShareStatus.APPROVED: ("distribute", "distribute", "reject"),
    ShareStatus.DISTRIBUTED: ("confirm", "take_back"),
    ShareStatus.CONFIRMED: ("take_back",),
    ShareStatus.REJECTED: ("propose",),
    ShareStatus.RETURNED: ("propose",),
}
"""What may happen to a share next; most random steps would only be refused."""


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """The events of two campaigns, interleaved; the second is of another year."""
    states: dict[UUID, GiftCampaign] = {}
    events: list[Event] = []

    def happen(decide: Any, command: Any, facts: Any = None) -> None:
        state = states.get(command.campaign_id)
        try:
            decided: Sequence[Event] = decide(state, command, facts)
        except Refusal:
            return
        for event in decided:
            states[command.campaign_id] = state = GIFT_CAMPAIGN.evolve(state, event)
            events.append(event)

    for campaign_id, opened in (
        (tet.CAMPAIGN, tet.opened()),
        (OTHER_CAMPAIGN, tet.opened(campaign_id=OTHER_CAMPAIGN, year=2025)),
    ):
        states[campaign_id] = GIFT_CAMPAIGN.evolve(None, opened)
        events.append(opened)
        happen(budget.approve_budget, tet.approve_budget(draw(st.integers(1, 8)), campaign_id=campaign_id), tet.SIGNING)
    on = tet.BUDGET_ON
    moves = st.tuples(st.sampled_from(BOTH), st.sampled_from(RECIPIENTS), st.integers(0, 2), st.integers(1, 3), st.integers(0, 2))
    for campaign_id, recipient, choice, amount_vnd, days in draw(st.lists(moves, max_size=60)):
        on += timedelta(days=days)
        share = states[campaign_id].shares.get(recipient)
        steps = NEXT[share.status if share else None]
        decide, command = STEPS[steps[choice % len(steps)]]
        more = {"amount_vnd": amount_vnd} if command in (tet.propose, tet.distribute) else {}
        happen(decide, command(recipient, campaign_id=campaign_id, on=on, **more), standings(campaign_id, on.day))
    if draw(st.booleans()):
        happen(gift_campaign.close, tet.close_it(on=on))
    return events


def standings(campaign_id: UUID, day: int) -> dict[tuple[UUID, Beneficiary], Standing]:
    """Everyone is there; the members change their unit with the days."""
    unit = tet.SCHOOL if day % 2 else tet.COURT
    return {(campaign_id, who): tet.active(who if isinstance(who, str) else unit) for who in RECIPIENTS}


def recorded(events: Sequence[Event]) -> Iterator[RecordedEvent]:
    """The events as the store would hold them."""
    for position, event in enumerate(events, 1):
        yield RecordedEvent(
            "welfare",
            position,
            tet.CAMPAIGN,
            position,
            event.topic,
            event.encode(),
            b"{}",
            "vinh-phuc",
            position,
            datetime.now(UTC),
        )


def rows_after(model: ReadModel[Any], events: Sequence[Event]) -> dict[Key, Any]:
    """The rows of a read model after a history."""
    rows: dict[Key, Any] = {}
    for event in recorded(events):
        if event.topic in model.topics:
            model.apply(rows, event)
    kept = {key: row for key, row in rows.items() if row is not None}
    assert all(key == tuple(getattr(row, name) for name in model.key) for key, row in kept.items())
    return kept
