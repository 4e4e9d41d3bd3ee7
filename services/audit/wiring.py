"""How are the parts of audit put together?"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from prometheus_client import CollectorRegistry, Gauge

from audit.application import menu
from audit.domain.ledger import Pace
from audit.domain.seal import LogBroken
from audit.domain.unit_tree import UnitTree
from audit.history import History
from audit.ledger import Followed, Ledger
from audit.read_models import SCHEMA
from audit.read_models.award_register import AwardKeeper
from audit.read_models.contributions import FigureKeeper
from audit.read_models.index import IndexKeeper
from audit.read_models.knowledge import KnowledgeKeeper
from audit.read_models.log import LogKeeper
from audit.read_models.named_cuts import NAMED_CUTS
from audit.rpc import (
    AS_OF,
    PASSPORT,
    REPLAY,
    SERVICE,
    VERIFICATION,
    AsOfQuestions,
    Cuts,
    PassportQuestions,
    Questions,
    ReplayQuestions,
    VerificationQuestions,
)
from audit.settings import Settings
from chassis.following import Follower
from chassis.ledger_keys import ledger_key
from chassis.service import Service
from chassis.telemetry import Tracing
from federation.membership.v1 import membership_pb2, personal_data_pb2
from membership.events import UNITS, SubjectErased

MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]
PERSONAL_DATA = personal_data_pb2.DESCRIPTOR.services_by_name["PersonalDataService"]
RECORDING = ("membership", "welfare", "awards", "notifications")
"""The services from whose events audit derives figures: those that record what happens in the federation."""
FOLLOWED = (*RECORDING, "audit")
"""The services whose streams audit follows and seals: its own too, so that evidence of access stands under the same notes."""


class Audit(Service):
    """The auditor's service, which is ready only while every log is whole and goes on from what was signed of it."""

    def __init__(self, settings: Settings, tracing: Tracing | None) -> None:
        super().__init__("audit", settings, tracing=tracing)
        self.logs = [LogKeeper(source) for source in FOLLOWED]
        self.schema += SCHEMA
        self.leadership.led.append(FindingOut(self.logs))
        self.ledger = self._ledger(settings, self.follow(*self.logs, by_stream=True))
        self.follow(*(FigureKeeper(source) for source in RECORDING), AwardKeeper())
        self.follow(*(KnowledgeKeeper(source, FOLLOWED) for source in FOLLOWED), by_stream=True)
        self.follow(*(IndexKeeper(source) for source in FOLLOWED), by_stream=True)
        membership = self.client(settings.membership_target, MEMBERSHIP)
        tree = self.keep_tree(UNITS, membership.position("GetTreePosition"))
        commands = self.application(menu=[], contracts=[], own_menu=menu())
        units = UnitTree()
        self.answer(SERVICE, Questions(self.pool, FOLLOWED, self.broken, tree, units, self.today).answers)
        (named,) = self.keep(NAMED_CUTS)
        cuts = Cuts(self.pool, FOLLOWED, self.seen, lambda: self.current(named))
        history = History(self.pool, self.bus)
        self.answer(AS_OF, AsOfQuestions(self.pool, tree, units, cuts, history.fetch, commands, self.today).answers)
        replays = ReplayQuestions(self.pool, self.store, commands, cuts, history, units, self.today)
        self.answer(REPLAY, replays.answers)
        passports = PassportQuestions(self.pool, tree, units, cuts, history, self.ledger, commands, self.today)
        self.answer(PASSPORT, passports.answers)
        self.answer(VERIFICATION, VerificationQuestions(commands, self.today).answers)
        self.acknowledge(SubjectErased, self.client(settings.membership_target, PERSONAL_DATA), "AcknowledgeErasure")
        _alarm(self.metrics.registry, self.broken, self.ledger)

    async def ready(self) -> bool:
        """Never while a stream goes on in a way that cannot follow on what is sealed or signed: somebody must look first."""
        return not self.leadership.alarm and self.ledger.broken is None and await super().ready()

    def alarm(self) -> str:
        """What does not follow on, which the process that leads finds out."""
        broken = [str(keeper.broken) for keeper in self.logs if keeper.broken is not None]
        return "\n".join([*broken, *([str(self.ledger.broken)] if self.ledger.broken else [])])

    def broken(self, service: str) -> LogBroken | None:
        """What of a service's stream does not follow on, whichever process finds out; None while it does."""
        told = map(LogBroken.read, self.leadership.alarm.splitlines())
        return next((broken for broken in told if broken is not None and broken.service == service), None)

    def _ledger(self, settings: Settings, logs: list[Follower]) -> Ledger:
        """:raises LedgerKeyUnreadable: the key cannot be used."""
        pace = Pace(timedelta(seconds=settings.checkpoint_interval_s), settings.checkpoint_events)
        followed = [Followed(log.source, lambda log=log: log.position) for log in logs]  # type: ignore[misc]
        signer, replicas = ledger_key(settings.ledger_key_file), settings.stream_replicas

        def leads() -> bool:
            return self.leadership.leads

        ledger = Ledger(self.pool, self.bus, signer, pace, self.clock, followed, replicas=replicas, leads=leads)
        self.parts.append(ledger)
        return ledger


class FindingOut:
    """Lets whoever leads from now on find out by itself what does not follow on, before anything is followed."""

    def __init__(self, logs: Sequence[LogKeeper]) -> None:
        self._logs = logs

    async def start(self) -> None:
        """Forget what was so when this process led before."""
        for keeper in self._logs:
            keeper.broken = None

    async def stop(self) -> None:
        """Nothing goes on."""


def real(settings: Settings, tracing: Tracing | None = None) -> Audit:
    """Audit on a real database and bus."""
    return Audit(settings, tracing)


def _alarm(registry: CollectorRegistry, broken: Callable[[str], LogBroken | None], ledger: Ledger) -> None:
    """What is watched of logs and ledger, by service.

    ``congdoan_log_broken``: 1 while its stream does not follow on what is sealed, else 0.
    ``congdoan_ledger_broken``, of all together: 1 while something does not go on from what was signed, else 0.
    ``congdoan_checkpoint_size``, ``congdoan_checkpoint_timestamp_seconds``: how many events its last checkpoint covers, and
    when it was signed; 0 before the first.
    """
    said = "Whether a stream does not follow on what is sealed"
    whole = Gauge("congdoan_log_broken", said, ["service"], registry=registry)
    size = Gauge("congdoan_checkpoint_size", "Events under the last checkpoint", ["service"], registry=registry)
    at = Gauge("congdoan_checkpoint_timestamp_seconds", "When the last checkpoint was signed", ["service"], registry=registry)
    for service in FOLLOWED:
        whole.labels(service).set_function(lambda service=service: float(broken(service) is not None))  # type: ignore[misc]
        last = partial(ledger.last.get, service)
        size.labels(service).set_function(lambda last=last: float(last().size if last() else 0))  # type: ignore[misc]
        at.labels(service).set_function(lambda last=last: last().at.timestamp() if last() else 0.0)  # type: ignore[misc]
    contradicted = Gauge("congdoan_ledger_broken", "Whether something does not go on from what was signed", registry=registry)
    contradicted.set_function(lambda: float(ledger.broken is not None))
