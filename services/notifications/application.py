"""The menu of notifications' commands: each with its aggregate, its decision, and what the decision must see."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.application import AnyHandler
from chassis.commands import Command, Handler
from chassis.hierarchy import Hierarchy
from chassis.live_aggregates import LiveAggregates
from chassis.refusals import Unavailable
from chassis.security import Caller
from notifications.clients import Members
from notifications.domain import announcement, channel_preference, delivery, mailing, reminder
from notifications.domain.announcement import ANNOUNCEMENT, READING, Audience
from notifications.domain.channel_preference import CHANNEL_PREFERENCE, SetChannelPreference, preference_id
from notifications.domain.delivery import DELIVERY, RequestNotification, WithdrawNotification
from notifications.domain.forgotten import FORGOTTEN, ForgetRecipient, forget
from notifications.domain.mailing import BeginSending, PutAside, RecordFailure, RecordSent, RetryNotification
from notifications.domain.recipient import Circumstances, at_recipient
from notifications.domain.reminder import (
    REMINDERS,
    AwaitUntil,
    EndReminders,
    Moment,
    TakeReminderStep,
    WatchDataRequest,
    WatchReport,
    watched,
)
from notifications.events import Channel, RecipientKind


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: before the first retry of a mail, and for the outcome of an attempt."""

    first_retry_s: float = 60.0
    sending_lease_s: float = 120.0


class Surroundings:
    """What decisions see besides their aggregate: the time, the tree, other aggregates, and membership's word on members."""

    def __init__(self, tree: Hierarchy, members: Members, clock: Callable[[], datetime], patience: Patience) -> None:
        self.live: LiveAggregates
        self._tree, self._members, self._clock, self._patience = tree, members, clock, patience

    async def audience(self, commands: Sequence[Command], caller: Caller) -> Audience:
        """The units and announcements that commands name."""
        codes = {code for command in commands for field in ("unit", "reader") if (code := getattr(command, field, None))}
        ids = {command.announcement_id for command in commands if isinstance(command, announcement.MarkAnnouncementRead)}
        found = {announcement_id: await self.live.state(ANNOUNCEMENT, announcement_id) for announcement_id in ids}
        return Audience({code: self._tree.get(code) for code in codes}, found, self._tree.is_under)

    async def moment(self, commands: Sequence[Command], caller: Caller) -> Moment:
        """The time, and the units that owe what is watched.

        :raises Unavailable: a unit is not known here yet; membership knows it, so it will be.
        """
        states = await asyncio.gather(*(self.live.state(REMINDERS, command.aggregate_id) for command in commands))
        codes = {state.duty.unit for state in states if state} | {
            command.unit for command in commands if isinstance(command, WatchReport | WatchDataRequest)
        }
        nodes = {code: node for code in codes if (node := self._tree.get(code))}
        if len(nodes) < len(codes):
            raise Unavailable(reason="units")
        return Moment(self._clock(), nodes)

    async def circumstances(self, commands: Sequence[Command], caller: Caller) -> Circumstances:
        """The time, the recipients that commands name, and which channels are open to them.

        :raises Unavailable: membership is needed and cannot be asked.
        """
        named = [command for command in commands if isinstance(command, RequestNotification | SetChannelPreference)]
        codes = {command.unit for command in named if command.unit}
        member_ids = list(dict.fromkeys(command.member_id for command in named if command.member_id))
        members = await self._members.units_of(member_ids, caller.unit) if member_ids else {}
        recipients = [
            *((RecipientKind.UNIT, code) for code in codes),
            *((RecipientKind.MEMBER, str(member_id)) for member_id in members),
        ]
        channels = [(kind, name, Channel.EMAIL) for kind, name in recipients]
        states = await asyncio.gather(*(self.live.state(CHANNEL_PREFERENCE, preference_id(*channel)) for channel in channels))
        return Circumstances(
            now=self._clock(),
            units={code: self._tree.get(code) for code in codes},
            member_units=members,
            open_channels=frozenset(
                (kind.value, name, channel.value)
                for (kind, name, channel), state in zip(channels, states, strict=True)
                if state and state.open
            ),
            first_retry_s=self._patience.first_retry_s,
            sending_lease_s=self._patience.sending_lease_s,
        )

    async def nothing(self, commands: Sequence[Command], caller: Caller) -> None:
        """The aggregate alone decides."""

    async def office_address(self, unit: str) -> str:
        """The address of a unit's office; empty when mail is not open to it (any more)."""
        state = await self.live.state(CHANNEL_PREFERENCE, preference_id(RecipientKind.UNIT, unit, Channel.EMAIL))
        return state.office_address if state and state.open else ""


def menu(around: Surroundings) -> list[AnyHandler]:
    """The commands that others give, each by the RPC of its name."""
    audience, circumstances, at_delivery = around.audience, around.circumstances, delivery.at_delivery
    return [
        Handler(announcement.PublishAnnouncement, ANNOUNCEMENT, announcement.publish, audience, creates=True),
        Handler(
            announcement.MarkAnnouncementRead, READING, announcement.mark_read, audience, at=announcement.reader, creates=True
        ),
        Handler(RequestNotification, DELIVERY, delivery.request, circumstances, at=_at_request, creates=True),
        Handler(RetryNotification, DELIVERY, mailing.retry, circumstances, at=at_delivery),
        Handler(delivery.MarkInboxRead, DELIVERY, delivery.mark_read, around.nothing, at=at_delivery),
        Handler(SetChannelPreference, CHANNEL_PREFERENCE, channel_preference.choose, circumstances, at=at_recipient),
    ]


def own_menu(around: Surroundings) -> list[AnyHandler]:
    """The commands that only this service gives, to itself: no RPC answers them."""
    moment, circumstances, at_delivery = around.moment, around.circumstances, delivery.at_delivery
    return [
        Handler(WatchReport, REMINDERS, reminder.watch, moment),
        Handler(WatchDataRequest, REMINDERS, reminder.watch, moment),
        Handler(AwaitUntil, REMINDERS, reminder.await_until, moment, at=_where_owed),
        Handler(EndReminders, REMINDERS, reminder.end, moment, at=_where_owed),
        Handler(TakeReminderStep, REMINDERS, reminder.take_step, moment, at=_where_owed),
        Handler(BeginSending, DELIVERY, mailing.begin, circumstances, at=at_delivery),
        Handler(RecordSent, DELIVERY, mailing.record_sent, circumstances, at=at_delivery),
        Handler(RecordFailure, DELIVERY, mailing.record_failure, circumstances, at=at_delivery),
        Handler(PutAside, DELIVERY, mailing.put_aside, circumstances, at=at_delivery),
        Handler(WithdrawNotification, DELIVERY, delivery.withdraw, around.nothing, at=at_delivery),
        Handler(ForgetRecipient, FORGOTTEN, forget, around.nothing),
    ]


def _where_owed(state: reminder.Reminders | None, command: Command, _: object) -> str:
    return watched(state).duty.unit


def _at_request(state: delivery.Delivery | None, command: RequestNotification, circumstances: Circumstances) -> str:
    """A delivery that is there belongs to its unit, whatever recipient the command names."""
    return state.unit if state else at_recipient(state, command, circumstances)
