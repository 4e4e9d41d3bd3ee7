"""How are the parts of membership put together?"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from chassis.answering import Answering
from chassis.application import Application
from chassis.authority_register import AuthorityRegister
from chassis.events import Event
from chassis.following import Follower
from chassis.hierarchy import Hierarchy
from chassis.key_store import KeyStore
from chassis.reactions import CommandReaction
from chassis.service import Service
from chassis.telemetry import Tracing
from chassis.wrapping_keys import WrappingKeys
from membership.application import (
    FamiliesAtHand,
    PersonsAtHand,
    UnitsAtHand,
    erasure_menu,
    family_menu,
    menu,
    personal_data_menu,
    reading_menu,
)
from membership.domain.member import keyed_hash_of_ids
from membership.domain.working_days import closed_in_viet_nam
from membership.events import AUTHORITIES, UNITS, unit_after
from membership.reactions import CERTIFY, DestroyKeys, StayErased, nothing_announced
from membership.read_models.children import CHILDREN
from membership.read_models.consents import CONSENTS as CONSENT_ROWS
from membership.read_models.data_requests import DATA_REQUESTS
from membership.read_models.erasures import ERASURES
from membership.read_models.legal_holds import LEGAL_HOLDS
from membership.read_models.member_counts import MEMBER_COUNTS
from membership.read_models.member_units import MEMBER_UNITS
from membership.read_models.members import MEMBERS
from membership.read_models.officers import POSITIONS
from membership.read_models.pending_transfers import PENDING_TRANSFERS
from membership.read_models.plan_items import PLAN_ITEMS
from membership.read_models.readings import READINGS
from membership.read_models.reports import REPORTS
from membership.rpc import (
    CONSENTS,
    NAMES,
    OFFICERS,
    PERSONAL_DATA,
    SERVICE,
    ConsentsQuestions,
    NamesQuestions,
    OfficersQuestions,
    PersonalDataQuestions,
    Questions,
    Readings,
)
from membership.rpc.snapshots import SUBJECT as SNAPSHOTS
from membership.rpc.snapshots import Snapshots
from membership.settings import Settings


def real(settings: Settings, tracing: Tracing | None = None) -> Service:
    """Membership on a real database and bus."""
    keys = KeyStore(settings.keys_database_url, WrappingKeys(settings.wrapping_key_file))
    service = Service("membership", settings, tracing=tracing, keys=keys)
    tree = service.keep_tree(UNITS)
    register, *_ = service.keep(MEMBERS, MEMBER_COUNTS, REPORTS, PLAN_ITEMS)
    hash_id = keyed_hash_of_ids(settings.secret_bytes())
    units = UnitsAtHand(hash_id, tree)
    families = FamiliesAtHand()
    persons = PersonsAtHand(service.pool, keys, closed_in_viet_nam(settings.exchanged_days), tree)
    application = service.application(
        [*menu(units), *family_menu(families), *personal_data_menu(persons)],
        [SERVICE, OFFICERS, CONSENTS, PERSONAL_DATA],
        own_menu=[*reading_menu(families), *erasure_menu(persons)],
        on_events=lambda *happened: _place(tree, *happened),
    )
    units.live = families.live = persons.live = application.live
    readings = Readings(application, service.today, uuid4)
    consents_current = _answer_families(service, tree, readings, register)
    questions = Questions(
        service.reading,
        tree,
        service.today,
        register_current=lambda: service.current(register),
        consents_current=consents_current,
        tree_position=service.tree_position,
        hash_id=hash_id,
        readings=readings,
    )
    service.answer(SERVICE, questions.answers)
    service.answer(OFFICERS, _officers(service, tree).answers)
    _answer_branches(service, tree, register)
    _answer_personal_data(service, tree, application, keys)
    return service


def _answer_branches(service: Service, tree: Hierarchy, register: Follower) -> None:
    """Tell a province over NATS what its branch looks like now."""

    async def show(position: int) -> None:
        await asyncio.gather(service.tree_at(position), service.at_least(position, register))

    secret = service.settings.secret_bytes()
    snapshots = Snapshots(service.pool, tree, secret, service.clock, heads=service.store.branch_head, show=show)
    service.parts.append(Answering(service.settings.nats_url, service.name, SNAPSHOTS, snapshots.answer))


def _answer_families(service: Service, tree: Hierarchy, readings: Readings, register: Follower) -> Callable[[], Awaitable[None]]:
    """Answer about consents, children and names; what waits until members and consents are current."""
    consents, children, units, transfers, _ = service.keep(CONSENT_ROWS, CHILDREN, MEMBER_UNITS, PENDING_TRANSFERS, READINGS)

    async def current(*followers: Follower) -> None:
        await asyncio.gather(*map(service.current, followers))

    def of_consents() -> Awaitable[None]:
        return current(register, consents, children, units)

    service.answer(CONSENTS, ConsentsQuestions(service.reading, service.today, of_consents, readings).answers)
    names = NamesQuestions(service.reading, tree, service.today, readings=readings, current=lambda: current(register, transfers))
    service.answer(NAMES, names.answers)
    return of_consents


def _answer_personal_data(service: Service, tree: Hierarchy, application: Application, keys: KeyStore) -> None:
    """Answer about data requests and erasures; destroy keys when somebody was erased, and certify when all know."""
    service.keep(DATA_REQUESTS, LEGAL_HOLDS, ERASURES)
    service.answer(PERSONAL_DATA, PersonalDataQuestions(service.reading, tree, service.today).answers)
    service.schema += DestroyKeys.schema
    service.follow(DestroyKeys(keys))
    told = service.admission.announced_beyond if service.admission else nothing_announced
    service.first_parts.append(StayErased(service.pool, keys, (MEMBERS, CHILDREN, CONSENT_ROWS), told))
    taking = service.tracing.taking if service.tracing else None
    service.follow(CommandReaction(CERTIFY, application, service.caller, taking))


def _officers(service: Service, tree: Hierarchy) -> OfficersQuestions:
    authorities, _ = service.keep(AUTHORITIES, POSITIONS)
    register = AuthorityRegister(service.pool, AUTHORITIES)

    async def position() -> int:
        """Of the last event that changed an authority, whatever is still on its way to the rows."""
        await service.current(authorities)
        return await register.last_change()

    return OfficersQuestions(service.reading, tree, service.today, position)


def _place(tree: Hierarchy, events: Sequence[Event], last: int) -> None:
    """A unit has its place as soon as the command is answered, before the read model shows it.

    :param last: the position of the last of the events. Each has its own: others compare how far their tree has come.
    """
    for position, event in enumerate(events, last - len(events) + 1):
        if event.topic in UNITS.topics:
            tree.put([unit_after(tree.get(event.unit), event, position)])
