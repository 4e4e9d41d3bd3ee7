"""What lies in the inbox of a unit's officers or of a member, and what of it was read?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import orjson

from chassis.database import Pool, fetch_rows
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from notifications.events import Channel, NotificationRead, NotificationRequested, NotificationWithdrawn, RecipientKind


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message in an inbox; `position` orders the messages, `parameters` is JSON, `unit` is that of its history."""

    delivery_id: UUID
    unit: str
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
    2,
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
        event.unit,
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


@INBOX.on(NotificationWithdrawn, key=lambda event: (event.delivery_id,))
def withdrawn(row: InboxRow | None, event: NotificationWithdrawn, at: RecordedEvent) -> InboxRow | None:
    """It was taken back, and lies in no inbox any more."""
    return None


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whose inbox: a unit's code or a member's id; `units` are those in whose history its messages stand, all when None."""

    kind: RecipientKind
    name: str
    units: Sequence[str] | None


async def inbox(pool: Pool, addressee: Addressee, unread_only: bool, size: int, before: int | None) -> list[InboxRow]:
    """One page of an inbox, newest first.

    :param before: position of the last message of the page before.
    """
    conditions = ["recipient = %s and recipient_kind = %s"]
    values: list[object] = [addressee.name, addressee.kind.value]
    if unread_only:
        conditions.append("read_on is null")
    if addressee.units is not None:
        conditions.append("unit = any(%s)")
        values.append(list(addressee.units))
    if before:
        conditions.append("position < %s")
        values.append(before)
    return await fetch_rows(pool, INBOX, f"{' and '.join(conditions)} order by position desc limit %s", (*values, size))
