"""How are the parts of audit put together?"""

from prometheus_client import CollectorRegistry, Gauge

from audit.read_models import SCHEMA
from audit.read_models.contributions import FigureKeeper
from audit.read_models.log import LogKeeper
from audit.rpc import SERVICE, Questions
from audit.settings import Settings
from chassis.service import Service
from chassis.telemetry import Tracing
from federation.membership.v1 import membership_pb2, personal_data_pb2
from membership.events import UNITS, SubjectErased

MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]
PERSONAL_DATA = personal_data_pb2.DESCRIPTOR.services_by_name["PersonalDataService"]
FOLLOWED = ("membership", "welfare", "awards", "notifications")
"""The services whose streams audit follows: every one that decides."""


class Audit(Service):
    """The auditor's service, which is ready only while every log is whole."""

    def __init__(self, settings: Settings, tracing: Tracing | None) -> None:
        super().__init__("audit", settings, tracing=tracing, publishes=False)
        self.logs = [LogKeeper(source) for source in FOLLOWED]
        self.schema += SCHEMA
        self.follow(*self.logs, *(FigureKeeper(source) for source in FOLLOWED))
        membership = self.client(settings.membership_target, MEMBERSHIP)
        tree = self.keep_tree(UNITS, membership.position("GetTreePosition"))
        self.answer(SERVICE, Questions(self.pool, self.logs, tree, self.today).answers)
        self.acknowledge(SubjectErased, self.client(settings.membership_target, PERSONAL_DATA), "AcknowledgeErasure")
        _alarm(self.metrics.registry, self.logs)

    async def ready(self) -> bool:
        """Never while a stream goes on in a way that cannot follow on what is sealed: somebody must look first."""
        return all(keeper.broken is None for keeper in self.logs) and await super().ready()


def real(settings: Settings, tracing: Tracing | None = None) -> Service:
    """Audit on a real database and bus."""
    return Audit(settings, tracing)


def _alarm(registry: CollectorRegistry, logs: list[LogKeeper]) -> None:
    """``congdoan_log_broken{service}``: 1 while the stream of a service does not follow on what is sealed, else 0."""
    gauge = Gauge("congdoan_log_broken", "Whether a stream does not follow on what is sealed", ["service"], registry=registry)
    for keeper in logs:
        gauge.labels(keeper.source).set_function(lambda keeper=keeper: float(keeper.broken is not None))  # type: ignore[misc]
