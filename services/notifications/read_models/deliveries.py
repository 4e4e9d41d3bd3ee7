"""Where does each message stand, which mails are due, and what was given up, and why?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson

from chassis.database import Pool, fetch, fetch_rows
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from notifications.events import (
    NotificationDelivered,
    NotificationFailed,
    NotificationParked,
    NotificationRequested,
    NotificationRetried,
    NotificationSending,
    NotificationSent,
    NotificationWithdrawn,
    RecipientKind,
)

MAX_COUNTED = 10_000
"""Mails that wait; who watches need not know of more."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A message on its way. `due_at` is when the next attempt may begin, None when none will; `reason` is the last one.

    `attempt` counts for ever, `tries` since the message was requested or retried; `parameters` is JSON.
    """

    delivery_id: UUID
    unit: str
    recipient_kind: str
    recipient: str
    channel: str
    template: str
    parameters: str
    status: str
    attempt: int
    tries: int
    reason: str
    due_at: datetime | None
    correlation_id: str
    position: int

    @property
    def member_id(self) -> UUID | None:
        """The member it goes to; None when it goes to a unit."""
        return UUID(self.recipient) if self.recipient_kind == RecipientKind.MEMBER else None

    @property
    def values(self) -> dict[str, str]:
        """The parameters of its template."""
        values: dict[str, str] = orjson.loads(self.parameters)
        return values


DELIVERIES = ReadModel(
    "deliveries",
    1,
    DeliveryRow,
    key=("delivery_id",),
    source="notifications",
    indexes=(("unit", "status", "delivery_id"),),
    statements=(
        "create index if not exists {table}_due on {table} (channel, due_at, delivery_id) where due_at is not null",
        "create index if not exists {table}_open_to_member on {table} (recipient, delivery_id)"
        " where recipient_kind = 'member' and status not in ('sent', 'withdrawn')",
    ),
)


@DELIVERIES.on(NotificationRequested, key=lambda event: (event.delivery_id,))
def requested(row: DeliveryRow | None, event: NotificationRequested, at: RecordedEvent) -> DeliveryRow:
    """A message begins; its first attempt is due at once."""
    return DeliveryRow(
        event.delivery_id,
        event.unit,
        event.recipient_kind.value,
        event.recipient,
        event.channel.value,
        event.template.value,
        orjson.dumps(event.parameters, option=orjson.OPT_SORT_KEYS).decode(),
        "pending",
        0,
        0,
        "",
        at.recorded_at,
        at.metadata.correlation_id,
        at.position,
    )


@DELIVERIES.on(NotificationDelivered, key=lambda event: (event.delivery_id,))
def delivered(row: DeliveryRow | None, event: NotificationDelivered, at: RecordedEvent) -> DeliveryRow:
    """It lies in the inbox."""
    return _moved(row, at, status="delivered", due_at=None)


@DELIVERIES.on(NotificationSending, key=lambda event: (event.delivery_id,))
def sending(row: DeliveryRow | None, event: NotificationSending, at: RecordedEvent) -> DeliveryRow:
    """An attempt began; without an outcome the next one is due when its lease is over."""
    assert row is not None
    return _moved(row, at, status="sending", attempt=event.attempt, tries=row.tries + 1, due_at=event.until)


@DELIVERIES.on(NotificationSent, key=lambda event: (event.delivery_id,))
def sent(row: DeliveryRow | None, event: NotificationSent, at: RecordedEvent) -> DeliveryRow:
    """The mail server took it over."""
    return _moved(row, at, status="sent", reason="", due_at=None)


@DELIVERIES.on(NotificationFailed, key=lambda event: (event.delivery_id,))
def failed(row: DeliveryRow | None, event: NotificationFailed, at: RecordedEvent) -> DeliveryRow:
    """It waits for its next attempt."""
    return _moved(row, at, status="pending", reason=event.reason, due_at=event.retry_at)


@DELIVERIES.on(NotificationParked, key=lambda event: (event.delivery_id,))
def parked(row: DeliveryRow | None, event: NotificationParked, at: RecordedEvent) -> DeliveryRow:
    """It was given up."""
    return _moved(row, at, status="parked", reason=event.reason, due_at=None)


@DELIVERIES.on(NotificationRetried, key=lambda event: (event.delivery_id,))
def retried(row: DeliveryRow | None, event: NotificationRetried, at: RecordedEvent) -> DeliveryRow:
    """It begins anew."""
    return _moved(row, at, status="pending", tries=0, due_at=event.retry_at)


@DELIVERIES.on(NotificationWithdrawn, key=lambda event: (event.delivery_id,))
def withdrawn(row: DeliveryRow | None, event: NotificationWithdrawn, at: RecordedEvent) -> DeliveryRow:
    """It was taken back."""
    return _moved(row, at, status="withdrawn", reason=event.reason, due_at=None)


def _moved(row: DeliveryRow | None, at: RecordedEvent, **changes: object) -> DeliveryRow:
    assert row is not None
    return replace(row, position=at.position, **changes)  # type: ignore[arg-type]


async def mails_due(pool: Pool, now: datetime, size: int, *, to_units_only: bool = False) -> list[DeliveryRow]:
    """The mails whose next attempt may begin, the longest due first."""
    units = "and recipient_kind = 'unit'" if to_units_only else ""
    condition = f"channel = 'email' and due_at <= %s {units} order by due_at, delivery_id limit %s"
    return await fetch_rows(pool, DELIVERIES, condition, (now, size))


async def deliveries_of(pool: Pool, units: Sequence[str], status: str, size: int, after: UUID | None) -> list[DeliveryRow]:
    """One page of the deliveries to some units in one status, by id."""
    condition = f"unit = any(%s) and status = %s {'and delivery_id > %s' if after else ''} order by delivery_id limit %s"
    return await fetch_rows(pool, DELIVERIES, condition, (list(units), status, *((after,) if after else ()), size))


async def open_to_member(pool: Pool, member_id: UUID, size: int, after: UUID | None) -> list[DeliveryRow]:
    """One page of what is on its way to a member, or lies in its inbox, by id."""
    open_ = "recipient_kind = 'member' and status not in ('sent', 'withdrawn')"
    condition = f"{open_} and recipient = %s {'and delivery_id > %s' if after else ''} order by delivery_id limit %s"
    return await fetch_rows(pool, DELIVERIES, condition, (str(member_id), *((after,) if after else ()), size))


@dataclass(frozen=True, slots=True)
class MailsWaiting:
    """How many mails have not left, how many of these failed before, and since when the longest is due."""

    count: int
    failing: int
    due_since: datetime | None


async def mails_waiting(pool: Pool, now: datetime) -> MailsWaiting:
    """What has not left, counted up to `MAX_COUNTED`, the longest due first."""
    waiting = f"""select due_at, tries from {DELIVERIES.table} where channel = 'email' and due_at is not null
                  order by due_at, delivery_id limit {MAX_COUNTED}"""
    query = (
        f"select count(*), count(*) filter (where tries > 0), min(due_at) filter (where due_at <= %s) from ({waiting}) waiting"
    )
    ((count, failing, due_since),) = await fetch(pool, query, (now,))
    return MailsWaiting(count, failing, due_since)
