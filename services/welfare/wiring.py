"""How are the parts of welfare put together?"""

from chassis.authority_register import followed
from chassis.service import Service
from chassis.telemetry import Tracing
from federation.membership.v1 import membership_pb2, officers_pb2, personal_data_pb2
from membership.events import AUTHORITIES, UNITS, SubjectErased
from welfare.application import RecipientsAtHand, menu
from welfare.clients import MembersOverGrpc
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
    membership = service.client(settings.membership_target, MEMBERSHIP)
    members = MembersOverGrpc(membership)
    tree = service.keep_tree(UNITS, membership.position("GetTreePosition"))
    officers = service.client(settings.membership_target, OFFICERS)
    recipients = RecipientsAtHand(tree, members, followed(service, AUTHORITIES, officers.position("GetAuthoritiesPosition")))
    application = service.application(menu(recipients), [SERVICE])
    recipients.live = application.live
    service.answer(SERVICE, Questions(service.reading, tree, service.today).answers)
    service.acknowledge(SubjectErased, service.client(settings.membership_target, PERSONAL_DATA), "AcknowledgeErasure")
    return service
