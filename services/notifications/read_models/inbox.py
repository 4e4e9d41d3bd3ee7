"""What lies in the inbox of a unit's officers or of a member, and what of it was read?"""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import orjson

from chassis.database import Pool, fetch_rows
from chassis.events import RecordedEvent
from chassis.read_models import ReadModel
from notifications.events import Channel, NotificationRead, NotificationRequested


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message in an inbox; `position` orders the messages, `parameters` is JSON."""

    delivery_id: UUID
    recipient_kind: str
    recipient: str
    template: str
    parameters: str
    received_on: date
    read_on: date | None
    position: int

    @property
    def values(self) -> dict[str, str]:
        """The parameters of its template."""
        values: dict[str, str] = orjson.loads(self.parameters)
        return values


INBOX = ReadModel(
    "inbox",
    1,
    InboxRow,
    key=("delivery_id",),
    source="notifications",
    indexes=(("recipient", "recipient_kind", "position"),),
    statements=(
        "create index if not exists {table}_unread on {table} (recipient, recipient_kind, position) where read_on is null",
    ),
)


@INBOX.on(NotificationRequested, key=lambda event: (event.delivery_id,))
def arrived(row: InboxRow | None, event: NotificationRequested, at: RecordedEvent) -> InboxRow | None:
    """A message for the inbox lies in it."""
    if event.channel is not Channel.IN_APP:
        return None
    parameters = orjson.dumps(event.parameters, option=orjson.OPT_SORT_KEYS).decode()
    return InboxRow(
        event.delivery_id,
        event.recipient_kind.value,
        event.recipient,
        event.template.value,
        parameters,
        event.on,
        None,
        at.position,
    )


@INBOX.on(NotificationRead, key=lambda event: (event.delivery_id,))
def read(row: InboxRow | None, event: NotificationRead, at: RecordedEvent) -> InboxRow:
    """It was read."""
    assert row is not None
    return replace(row, read_on=event.on)


async def inbox(
    pool: Pool, recipient_kind: str, recipient: str, unread_only: bool, size: int, before: int | None
) -> list[InboxRow]:
    """One page of an inbox, newest first.

    :param before: position of the last message of the page before.
    """
    unread = "and read_on is null" if unread_only else ""
    beyond = "and position < %s" if before else ""
    condition = f"recipient = %s and recipient_kind = %s {unread} {beyond} order by position desc limit %s"
    return await fetch_rows(pool, INBOX, condition, (recipient, recipient_kind, *((before,) if before else ()), size))
