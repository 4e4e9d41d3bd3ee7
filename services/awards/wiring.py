"""How are the parts of awards put together?"""

from awards.application import FactsAtHand, menu
from awards.clients import MembersOverGrpc
from awards.read_models import OWN
from awards.rpc import SERVICE, Questions
from awards.settings import Settings
from chassis.clients import RpcClient
from chassis.service import Service
from chassis.telemetry import Tracing
from federation.membership.v1 import membership_pb2
from membership.events import UNITS

MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]


def real(settings: Settings, tracing: Tracing | None = None) -> Service:
    """Awards on a real database, bus and membership."""
    service = Service("awards", settings, tracing=tracing)
    tree = service.tree(UNITS)
    service.keep(*OWN)
    members = MembersOverGrpc(RpcClient(settings.membership_target, MEMBERSHIP, service.caller))
    service.parts.append(members)
    facts = FactsAtHand(tree, members)
    application = service.application(menu(facts), [SERVICE], tree)
    facts.live = application.live
    service.answer(SERVICE, Questions(service.pool, tree, service.today).answers)
    return service
