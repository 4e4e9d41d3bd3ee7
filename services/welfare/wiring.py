"""How are the parts of welfare put together?"""

from chassis.clients import RpcClient
from chassis.service import Service
from chassis.telemetry import Tracing
from federation.membership.v1 import membership_pb2
from membership.events import UNITS
from welfare.application import RecipientsAtHand, menu
from welfare.clients import MembersOverGrpc
from welfare.read_models import ALL
from welfare.rpc import SERVICE, Questions
from welfare.settings import Settings

MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]


def real(settings: Settings, tracing: Tracing | None = None) -> Service:
    """Welfare on a real database, bus and membership."""
    service = Service("welfare", settings, tracing=tracing)
    tree = service.tree(UNITS)
    service.keep(*ALL)
    members = MembersOverGrpc(RpcClient(settings.membership_target, MEMBERSHIP, service.caller))
    service.parts.append(members)
    recipients = RecipientsAtHand(tree, members)
    application = service.application(menu(recipients), [SERVICE], tree)
    recipients.live = application.live
    service.answer(SERVICE, Questions(service.pool, tree, service.today).answers)
    return service
