"""How are the parts of awards put together?"""

from awards import reactions
from awards.application import ChildFactsAtHand, FactsAtHand, child_menu, menu, own_menu
from awards.clients import ChildrenOverGrpc, MembersOverGrpc
from awards.read_models import OF_CHILDREN, OWN
from awards.rpc import CHILD_HONOURS, SERVICE, ChildHonoursQuestions, Questions
from awards.settings import Settings
from chassis.authority_register import followed
from chassis.reactions import CommandReaction
from chassis.service import Service
from chassis.telemetry import Tracing
from federation.membership.v1 import consents_pb2, membership_pb2, officers_pb2, personal_data_pb2
from membership.events import AUTHORITIES, UNITS, SubjectErased

MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]
PERSONAL_DATA = personal_data_pb2.DESCRIPTOR.services_by_name["PersonalDataService"]
CONSENTS = consents_pb2.DESCRIPTOR.services_by_name["ConsentsService"]
OFFICERS = officers_pb2.DESCRIPTOR.services_by_name["OfficersService"]


def real(settings: Settings, tracing: Tracing | None = None) -> Service:
    """Awards on a real database, bus and membership."""
    service = Service("awards", settings, tracing=tracing)
    service.keep(*OWN, *OF_CHILDREN)
    membership = service.client(settings.membership_target, MEMBERSHIP)
    members = MembersOverGrpc(membership)
    tree = service.keep_tree(UNITS, membership.position("GetTreePosition"))
    officers = service.client(settings.membership_target, OFFICERS)
    children = ChildrenOverGrpc(service.client(settings.membership_target, CONSENTS))
    authorities = followed(service, AUTHORITIES, officers.position("GetAuthoritiesPosition"))
    facts, of_children = FactsAtHand(tree, members, authorities), ChildFactsAtHand(tree, children, authorities)
    commands = [*menu(facts), *child_menu(of_children)]
    application = service.application(commands, [SERVICE, CHILD_HONOURS], own_menu=own_menu(of_children))
    facts.live = of_children.live = application.live
    service.answer(SERVICE, Questions(service.reading, tree, service.today).answers)
    service.answer(CHILD_HONOURS, ChildHonoursQuestions(service.reading, tree, service.today).answers)
    taking = tracing.taking if tracing else None
    service.follow(*(CommandReaction(reaction, application, service.caller, taking) for reaction in reactions.ALL))
    service.acknowledge(SubjectErased, service.client(settings.membership_target, PERSONAL_DATA), "AcknowledgeErasure")
    return service
