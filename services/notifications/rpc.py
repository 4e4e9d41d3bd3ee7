"""Message to question, and answer to message. No rule stands here; commands need no line at all."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from uuid import UUID

from google.protobuf.message import Message

from chassis.commands import Call
from chassis.database import Pool
from chassis.hierarchy import Hierarchy
from chassis.messages import fields_of, message_of
from chassis.paging import page_of
from chassis.questions import day_of, figures_message, ids_of, year_of
from chassis.refusals import Forbidden
from chassis.rpc import Query
from federation.contract.v1 import contract_pb2
from federation.notifications.v1 import notifications_pb2 as pb
from notifications.domain.announcement import AnnouncementUnknown
from notifications.domain.delivery import Status
from notifications.domain.recipient import RecipientUnclear
from notifications.events import Owed, RecipientKind, Template
from notifications.read_models.announcements import AnnouncementRow, announcement, announcements_to, reach
from notifications.read_models.deliveries import DeliveryRow, deliveries_of
from notifications.read_models.figures import figures
from notifications.read_models.inbox import Addressee, InboxRow, inbox
from notifications.read_models.reminders import ReminderRow, reminders_of
from notifications.templates import words

SERVICE = pb.DESCRIPTOR.services_by_name["NotificationsService"]


class Questions:
    """What notifications answers."""

    def __init__(self, pool: Pool, tree: Hierarchy, today: Callable[[], date]) -> None:
        self._pool, self._tree, self._today = pool, tree, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {
            "GetReach": self.reach,
            "ListAnnouncements": self.announcements,
            "ListInbox": self.inbox,
            "ListDeliveries": self.deliveries,
            "ListReminders": self.reminders,
            "GetFigures": self.figures,
        }

    async def reach(self, request: pb.GetReachRequest, call: Call) -> Message:
        """How far an announcement reached, for those who may see the announcing unit; the audience is that of the day."""
        (announcement_id,) = ids_of("announcement_id", [request.announcement_id])
        as_of = day_of(request, "as_of") or self._today()
        row = await announcement(self._pool, announcement_id)
        if row is None:
            raise AnnouncementUnknown("announcement_id")
        call.rights.at(row.unit)
        found = await reach(self._pool, announcement_id, self._tree.under(row.unit, as_of), as_of)
        return message_of(pb.GetReachResponse, found, announcement_id=announcement_id, as_of=as_of)

    async def announcements(self, request: pb.ListAnnouncementsRequest, call: Call) -> Message:
        """A page of the announcements a unit is an audience of, newest first."""
        page = page_of(request.page)
        self._tree.require(request.unit)
        call.rights.at(request.unit)
        announcers = self._tree.ancestors(request.unit)
        (before,) = page.after(int) or (None,)
        rows = await announcements_to(self._pool, request.unit, announcers, page.size + 1, before)
        rows, following = page.cut(rows, lambda row: (row[0].position,))
        return pb.ListAnnouncementsResponse(announcements=[_announcement(*row) for row in rows], next=following)

    async def inbox(self, request: pb.ListInboxRequest, call: Call) -> Message:
        """A page of an inbox, newest first, in the caller's language."""
        page = page_of(request.page)
        addressee = self._addressee(request, call)
        (before,) = page.after(int) or (None,)
        rows = await inbox(self._pool, addressee, request.unread_only, page.size + 1, before)
        rows, following = page.cut(rows, lambda row: (row.position,))
        return pb.ListInboxResponse(items=[self._item(row, call) for row in rows], next=following)

    async def deliveries(self, request: pb.ListDeliveriesRequest, call: Call) -> Message:
        """A page of the deliveries to a subtree in one status; what is parked when none is named."""
        page = page_of(request.page)
        self._tree.require(request.unit)
        units = call.rights.among(request.unit)
        (after,) = page.after(UUID) or (None,)
        status = fields_of(request).get("status", Status.PARKED.value)
        rows = await deliveries_of(self._pool, units, str(status), page.size + 1, after)
        rows, following = page.cut(rows, lambda row: (row.delivery_id,))
        return pb.ListDeliveriesResponse(deliveries=[_delivery(row) for row in rows], next=following)

    async def reminders(self, request: pb.ListRemindersRequest, call: Call) -> Message:
        """A page of what a subtree owes in a year, with what is done about each."""
        page = page_of(request.page)
        self._tree.require(request.unit)
        units = call.rights.among(request.unit)
        rows = await reminders_of(self._pool, units, year_of(request), page.size + 1, page.after(str, UUID, str))
        rows, following = page.cut(rows, lambda row: (row.unit, row.owed_id, row.owed))
        return pb.ListRemindersResponse(reminders=[_reminder(row) for row in rows], next=following)

    async def figures(self, request: contract_pb2.GetFiguresRequest, call: Call) -> Message:
        """Every figure of a unit's year."""
        as_of = day_of(request, "as_of") or self._today()
        self._tree.require(request.unit)
        call.rights.at(request.unit)
        return figures_message(as_of, await figures(self._pool, self._tree, request.unit, year_of(request), as_of))

    def name_of(self, unit: str) -> str:
        """The name of a unit, its code where it is not known."""
        node = self._tree.get(unit)
        return node.name if node else unit

    def _addressee(self, request: pb.ListInboxRequest, call: Call) -> Addressee:
        if bool(request.unit) == bool(request.member_id):
            raise RecipientUnclear()
        if request.unit:
            code = self._tree.require(request.unit).code
            call.rights.at(code)
            return Addressee(RecipientKind.UNIT, code, None)
        (member_id,) = ids_of("member_id", [request.member_id])
        return Addressee(RecipientKind.MEMBER, str(member_id), _visible(call))

    def _item(self, row: InboxRow, call: Call) -> pb.InboxItem:
        told = words(Template(row.template), row.values, self.name_of, call.caller.language)
        return message_of(pb.InboxItem, row, subject=told.subject, text=told.text)


def _announcement(row: AnnouncementRow, read_on: date | None) -> pb.Announcement:
    return message_of(pb.Announcement, row, read_on=read_on)


def _delivery(row: DeliveryRow) -> pb.Delivery:
    unit = row.recipient if row.recipient_kind == RecipientKind.UNIT else None
    return message_of(pb.Delivery, row, unit=unit, member_id=row.member_id, attempts=row.attempt)


def _reminder(row: ReminderRow) -> pb.Reminder:
    if row.owed == Owed.REPORT:
        what = {"obligation_id": row.owed_id, "title": row.name, "request_id": None, "request_kind": None}
    else:
        what = {"obligation_id": None, "title": None, "request_id": row.owed_id, "request_kind": row.name}
    return message_of(pb.Reminder, row, next_step=row.step, **what)


def _visible(call: Call) -> list[str] | None:
    """The units the caller may see; None when it may see all. What it may not see is left out, so none is an answer too."""
    if call.rights.everywhere:
        call.rights.nationwide()
        return None
    with suppress(Forbidden):
        return call.rights.among(call.caller.unit)
    return []
