"""How are the parts of notifications put together?"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any

from prometheus_client import Counter, Gauge

from chassis import operations
from chassis.application import Application
from chassis.ending import ended
from chassis.following import Follower
from chassis.reactions import CommandReaction
from chassis.refusals import Unavailable
from chassis.service import Service, utc_now
from chassis.telemetry import Tracing
from federation.membership.v1 import membership_pb2, personal_data_pb2
from membership.events import UNITS, SubjectErased
from notifications import reactions
from notifications.application import Patience, Surroundings, menu, own_menu
from notifications.clients import MembersOverGrpc
from notifications.forgetting import ForgetMembers
from notifications.mail import MailServer
from notifications.read_models import ALL
from notifications.read_models.deliveries import DELIVERIES, mails_waiting
from notifications.read_models.reminders import REMINDER_ROWS
from notifications.rpc import SERVICE, Questions
from notifications.sender import Postbox, Sender
from notifications.settings import Settings
from notifications.wake_ups import AskToBeWoken, JetStreamSchedules, Steps, WakeUps

MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]
PERSONAL_DATA = personal_data_pb2.DESCRIPTOR.services_by_name["PersonalDataService"]
PATIENCE_S = 10.0
"""How long to wait for a read model before the work that needs it is begun again."""


class Work:
    """Something that goes on as long as a process leads its service."""

    def __init__(self, run: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        self._run, self._name = run, name
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self.task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Leave off."""
        await ended(self.task)


class MailsWatched:
    """Tells the metrics what mails have not left.

    ``congdoan_mails_waiting``: how many, up to 10 000; ``congdoan_mails_failing``: how many of these failed before;
    ``congdoan_mails_due_since_timestamp_seconds``: since when the longest is due, 0 when none is;
    ``congdoan_mails_total{outcome}``: attempts, by whether the mail server took the mail over: ``sent`` or ``failed``.
    """

    def __init__(self, service: Service) -> None:
        self._pool, self._clock, registry = service.pool, service.clock, service.metrics.registry
        self._count = Gauge("congdoan_mails_waiting", "Mails that have not left", registry=registry)
        self._failing = Gauge("congdoan_mails_failing", "Mails that failed and are tried again", registry=registry)
        self._attempts = Counter("congdoan_mails", "Attempts to send a mail", ["outcome"], registry=registry)
        for outcome in ("sent", "failed"):
            self._attempts.labels(outcome)
        since = "congdoan_mails_due_since_timestamp_seconds"
        self._due_since = Gauge(since, "Since when the longest waiting mail is due", registry=registry)

    def attempted(self, taken_over: bool) -> None:
        """Count an attempt."""
        self._attempts.labels("sent" if taken_over else "failed").inc()

    async def run(self) -> None:
        """Look every few seconds."""
        while True:
            with suppress(Unavailable):
                waiting = await mails_waiting(self._pool, self._clock())
                self._count.set(waiting.count)
                self._failing.set(waiting.failing)
                self._due_since.set(waiting.due_since.timestamp() if waiting.due_since else 0.0)
            await asyncio.sleep(operations.MEASURE_EVERY_S)


def real(settings: Settings, tracing: Tracing | None = None, clock: Callable[[], datetime] = utc_now) -> Service:
    """Notifications on a real database and bus, membership and mail server."""
    service = Service("notifications", settings, tracing=tracing, clock=clock)
    followers = {follower.name: follower for follower in service.keep(*ALL)}
    membership = service.client(settings.membership_target, MEMBERSHIP)
    members = MembersOverGrpc(membership)
    tree = service.keep_tree(UNITS, membership.position("GetTreePosition"))
    around = Surroundings(tree, members, service.clock, Patience(settings.first_retry_s, settings.sending_lease_s))
    application = service.application(menu(around), [SERVICE], own_menu=own_menu(around))
    around.live = application.live
    questions = Questions(service.reading, tree, service.today)
    service.answer(SERVICE, questions.answers)
    taking = tracing.taking if tracing else None
    service.follow(*(CommandReaction(reaction, application, service.caller, taking) for reaction in reactions.ALL))
    deliveries = followers[DELIVERIES.name]
    service.follow(ForgetMembers(service.pool, application, lambda: service.current(deliveries), service.caller))
    _remind(service, application, followers[REMINDER_ROWS.name])
    watched = MailsWatched(service)
    service.parts.append(Work(watched.run, "mails-watched"))
    _send(service, settings, application, around, members, questions, deliveries, watched)
    service.acknowledge(SubjectErased, service.client(settings.membership_target, PERSONAL_DATA), "AcknowledgeErasure")
    return service


def _remind(service: Service, application: Application, reminders: Follower) -> None:
    """Be woken for what is planned, and take it then."""
    alarm_clock = JetStreamSchedules(service.bus, service.clock)
    service.follow(AskToBeWoken(alarm_clock))
    steps = Steps(service.pool, application, _seen_by(reminders), service.caller, service.clock)
    service.led_parts.append(Work(WakeUps(service.bus, steps, alarm_clock).run, "wake-ups"))


def _send(
    service: Service,
    settings: Settings,
    application: Application,
    around: Surroundings,
    members: MembersOverGrpc,
    questions: Questions,
    deliveries: Follower,
    watched: MailsWatched,
) -> None:
    """Send the mails that are due, if there is a mail server."""
    if settings.smtp_url is None or settings.mail_from is None:
        return
    postbox = Postbox(
        MailServer(settings.smtp_url.get_secret_value()),
        settings.mail_from,
        members,
        around.office_address,
        questions.name_of,
        _seen_by(deliveries),
        settings.mails_at_once,
    )
    woken = service.signal.subscribe()
    sender = Sender(service.pool, application, postbox, service.caller, service.clock, woken, told=watched.attempted)
    service.led_parts.append(Work(sender.run, "sender"))


def _seen_by(follower: Follower) -> Callable[[int], Awaitable[None]]:
    """Waits until a read model has taken a position."""
    return lambda position: follower.at_least(position, PATIENCE_S)
