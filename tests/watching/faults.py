"""What goes wrong, and which alerts must that fire? Each fault is done to a real server or service, and mended again."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import nats
import psycopg

from chassis.security import Caller, Role
from federation.notifications.v1 import notifications_pb2 as pb
from federation.operations.v1.operations_pb2 import GetStatusRequest
from tests import identities, serving
from tests.notifications.mailbox import Mailbox, listening
from tests.watching.stage import PICKY, Stage

CLUMSY = Caller("clumsy", Role.FEDERATION_OFFICER, "tld", "en")
WELFARE = Caller("welfare", Role.SERVICE, "")
MENDED_WITHIN_S = 600.0
"""A mail waits as long again as it waited already, on a slow machine for minutes."""
NO_SUCH_EVENT = "federation.membership.national.unit_established"


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong for as long as the context holds.

    :param fires: the alerts that it must fire.
    :param may_fire: those that may follow from it, if it lasts longer than it takes to see the others.
    :param step_s: of the film meanwhile, where what happens takes its own time.
    """

    name: str
    does: Callable[[Stage], AbstractAsyncContextManager[None]]
    fires: frozenset[str]
    may_fire: frozenset[str] = frozenset()
    step_s: float = 30.0


FAULTS: list[Fault] = []


def fault(*fires: str, may_fire: tuple[str, ...] = (), step_s: float = 30.0) -> Callable[[Any], Any]:
    """Have a fault struck."""

    def register(does: Any) -> Any:
        FAULTS.append(Fault(does.__name__, does, frozenset(fires), frozenset(may_fire), step_s))
        return does

    return register


@fault("PublisherBacklogAge", "FollowerLag", "CheckpointAge", "NatsUnreachable", "NatsUnhealthy", "StreamNotCompared")
@asynccontextmanager
async def nats_is_killed(stage: Stage) -> AsyncIterator[None]:
    """Commands go on being answered; nobody hears of them."""
    await asyncio.to_thread(stage.nats.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(stage.nats.start)


@fault("CheckpointAge", "ServiceDown", may_fire=("NotScraped",))
@asynccontextmanager
async def audit_is_stopped(stage: Stage) -> AsyncIterator[None]:
    """Nobody signs, and nobody is there to tell that nobody does."""
    audit = stage.suite.services["audit"]
    await audit.stop()
    try:
        yield
    finally:
        again = stage.suite.services["audit"] = serving.built("audit", audit.settings)
        await again.start()
        stage.again.append(again)


@fault(
    "DatabaseUnavailable", "KeysUnavailable", "CallsFail", "ServiceDown", "NobodyLeads",
    may_fire=("StreamNotCompared",), step_s=10.0,
)  # fmt: skip
@asynccontextmanager
async def postgresql_is_killed(stage: Stage) -> AsyncIterator[None]:
    """Nothing can be recorded, and nothing asked."""
    await at_rest(stage)
    await asyncio.to_thread(stage.postgres.kill)
    stage.loaded = True
    try:
        yield
    finally:
        stage.loaded = False
        await asyncio.to_thread(stage.postgres.start)
        await stage.settled()
        stage.loaded = True


@fault("DeadLetters")
@asynccontextmanager
async def a_follower_cannot_take_an_event(stage: Stage) -> AsyncIterator[None]:
    """A release with a mistake; the next one has it no more, and is given again what lies aside."""
    stage.picky.mistaken = True
    await stage.suite.establish(f"poison-{uuid4().hex[:8]}", 5, "tld")
    try:
        yield
    finally:
        stage.picky.mistaken = False
        await stage.suite.call("notifications", "ReplayDeadLetters", follower=PICKY)


@fault("StreamAlarm", step_s=10.0)
@asynccontextmanager
async def a_row_is_changed_by_a_superuser(stage: Stage) -> AsyncIterator[None]:
    """The store says another thing than was announced and sealed."""
    await at_rest(stage)
    query = "update events set body = %s where position = 2"
    with psycopg.connect(stage.suite.services["membership"].settings.database_url, autocommit=True) as connection:
        ((body,),) = connection.execute("select body from events where position = 2").fetchall()
        connection.execute(query, (body.replace(b'"name":"', b'"name":"x'),))
        try:
            yield
        finally:
            connection.execute(query, (body,))
            stage.loaded = True


@fault("LedgerBroken", may_fire=("ServiceDown",), step_s=5.0)
@asynccontextmanager
async def somebody_else_speaks_on_a_stream(stage: Stage) -> AsyncIterator[None]:
    """Audit hears what does not follow on what it sealed; the reconciler, which was away, takes that back again."""
    await at_rest(stage)
    membership = stage.suite.services["membership"]
    assert membership.reconciler
    assert membership.publisher
    await membership.reconciler.stop()
    await membership.publisher.stop()
    repairs = (await stage.suite.call("membership", "GetStatus")).stream.repairs
    bus = await nats.connect(stage.nats.url)
    await bus.jetstream().publish(NO_SUCH_EVENT, b"{}")
    await bus.close()
    try:
        yield
    finally:
        await membership.publisher.start()
        await membership.reconciler.start()
        async with asyncio.timeout(MENDED_WITHIN_S):
            while (await stage.suite.call("membership", "GetStatus")).stream.repairs == repairs:
                await asyncio.sleep(0.05)
        await stage.suite.establish(f"after-{uuid4().hex[:8]}", 5, "tld")  # audit sees by the next event that the log goes on
        await at_rest(stage)
        stage.loaded = True


@fault("Shedding")
@asynccontextmanager
async def a_client_asks_for_more_than_its_share(stage: Stage) -> AsyncIterator[None]:
    """It sends batches as large as it is let in for once, again and again."""

    async def ask() -> None:
        items = [{"unit": "tld"}] * 1_000
        while True:
            for _ in range(4):
                stage.begin(stage.suite.ask_once("membership", "BatchEstablishUnit", CLUMSY, items=items))
            await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    try:
        yield
    finally:
        asking.cancel()
        await stage.settled()


@fault("NotScraped", "CertificateExpires", "MailsWait", "BackupAge", "DiskFillsUp", step_s=60.0)
@asynccontextmanager
async def an_afternoon_of_small_troubles(stage: Stage) -> AsyncIterator[None]:
    """What each waits long enough to be noticed: side by side, for none has to do with another."""
    await at_rest(stage)
    async with AsyncExitStack() as stack:
        for trouble in (metrics_are_not_answered, a_certificate_is_not_renewed, mails_cannot_leave, no_backup_is_made):
            await stack.enter_async_context(trouble(stage))
        stack.enter_context(a_disk_is_filled(stage))
        yield
    stage.loaded = True


@asynccontextmanager
async def metrics_are_not_answered(stage: Stage) -> AsyncIterator[None]:
    """The port is closed, the service serves on."""
    server = stage.suite.services["membership"].metrics_server
    await server.stop()
    try:
        yield
    finally:
        await server.start()


@asynccontextmanager
async def a_certificate_is_not_renewed(stage: Stage) -> AsyncIterator[None]:
    """The one that lies there is valid for five hours more."""
    folder = stage.folder / "tls"
    identities.identity_in(folder, "notifications", lifetime=timedelta(hours=5))
    try:
        yield
    finally:
        identities.identity_in(folder, "notifications")


@asynccontextmanager
async def mails_cannot_leave(stage: Stage) -> AsyncIterator[None]:
    """Nobody listens where the mail server was; then somebody does."""
    office: dict[str, Any] = {"unit": "tld", "channel": pb.CHANNEL_EMAIL, "open": True, "office_address": "vp@tld.example"}
    await stage.suite.do("notifications", "SetChannelPreference", **office, on="2024-01-01")
    values = {"unit": "tld", "title": "Báo cáo", "year": "2024", "due_on": "2024-12-15"}
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    message: dict[str, Any] = {"unit": "tld", "channel": pb.CHANNEL_EMAIL, "template": pb.TEMPLATE_REPORT_DUE, "on": "2024-01-01"}
    which = str(uuid4())
    await stage.suite.do("notifications", "RequestNotification", WELFARE, delivery_id=which, **message, parameters=parameters)
    yield
    mailbox = Mailbox()
    with listening(mailbox, stage.smtp.number):
        async with asyncio.timeout(MENDED_WITHIN_S):
            while not mailbox.mails:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def no_backup_is_made(stage: Stage) -> AsyncIterator[None]:
    """For three days; what the plugin would tell of it."""
    stage.cluster.backup_age_s = 72 * 3_600.0
    try:
        yield
    finally:
        stage.cluster.backup_age_s = 3_600.0


FILLING = """
import json, os, sys
def told():
    found = os.statvfs("/tmp")
    print(json.dumps([found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize]), flush=True)
told()
with open("/tmp/full", "wb") as file:
    try:
        while True:
            file.write(bytes(65536)); file.flush()
    except OSError:
        pass
told()
sys.stdin.read()
"""
IN_A_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
ON_TMPFS = f'mount -t tmpfs -o size=4m none /tmp && exec {sys.executable} -c "$0"'


@contextmanager
def a_disk_is_filled(stage: Stage) -> Iterator[None]:
    """A real file system of four megabytes, written until it takes nothing; where none may be mounted, the figures of one.

    The process that fills it, and with it the file system, ends with its standard input, and so with this process.
    """
    before, full, disk = (4_194_304.0, 4_194_304.0), (0.0, 4_194_304.0), stage.cluster.disk
    filling = subprocess.Popen(
        [*IN_A_NAMESPACE, ON_TMPFS, FILLING],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert filling.stdin
    assert filling.stdout
    try:
        if lines := [line for line in (filling.stdout.readline(), filling.stdout.readline()) if line]:
            before, full = (tuple(json.loads(line)) for line in lines)
        assert before[0] > 0.5 * before[1]
        stage.cluster.disk = full
        yield
    finally:
        filling.stdin.close()
        filling.stdout.close()
        filling.wait()
        stage.cluster.disk = disk


async def at_rest(stage: Stage) -> None:
    """Nothing is asked any more, and everybody has caught up."""
    stage.loaded = False
    await stage.settled()
    seen = stage.suite.seen["membership"]
    for name in ("membership", "notifications", "audit"):
        client = stage.suite.client(name, "GetStatus")
        await client.call("GetStatus", GetStatusRequest(), at_least={"membership": seen}, timeout_s=60.0)
