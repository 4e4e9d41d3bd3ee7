"""How are the parts of welfare put together?"""

from chassis.authority_register import followed
from chassis.clients import RpcClient
from chassis.service import Service
from chassis.telemetry import Tracing
from federation.membership.v1 import membership_pb2, officers_pb2, personal_data_pb2
from membership.events import AUTHORITIES, UNITS, SubjectErased
from welfare.application import RecipientsAtHand, menu
from welfare.clients import MembersOverGrpc, OfficersOverGrpc
from welfare.read_models import ALL
from welfare.rpc import SERVICE, Questions
from welfare.settings import Settings

MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]
PERSONAL_DATA = personal_data_pb2.DESCRIPTOR.services_by_name["PersonalDataService"]
OFFICERS = officers_pb2.DESCRIPTOR.services_by_name["OfficersService"]


def real(settings: Settings, tracing: Tracing | None = None) -> Service:
    """Welfare on a real database, bus and membership."""
    service = Service("welfare", settings, tracing=tracing)
    service.keep(*ALL)
    members = MembersOverGrpc(RpcClient(settings.membership_target, MEMBERSHIP, service.credentials))
    service.parts.append(members)
    tree = service.keep_tree(UNITS, members.tree_position)
    officers = OfficersOverGrpc(RpcClient(settings.membership_target, OFFICERS, service.credentials))
    service.parts.append(officers)
    recipients = RecipientsAtHand(tree, members, followed(service, AUTHORITIES, officers.authorities_position))
    application = service.application(menu(recipients), [SERVICE])
    recipients.live = application.live
    service.answer(SERVICE, Questions(service.pool, tree, service.today).answers)
    service.acknowledge(
        SubjectErased, RpcClient(settings.membership_target, PERSONAL_DATA, service.credentials), "AcknowledgeErasure"
    )
    return service
