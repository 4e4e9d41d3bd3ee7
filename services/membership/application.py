"""The menu of membership's commands: each with its aggregate, its decision, and what the decision must see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.application import AnyHandler
from chassis.commands import Command, Handler
from chassis.database import Pool
from chassis.hierarchy import NATIONAL, Hierarchy, Node
from chassis.live_aggregates import LiveAggregates
from chassis.refusals import Unavailable
from chassis.security import Caller, Role, suffices
from membership.domain import (
    child,
    consent,
    data_request,
    data_subject,
    delegation,
    erasure,
    legal_hold,
    member,
    office,
    plan,
    reading,
    report,
    transfer,
    unit,
)
from membership.domain.child import CHILD, Child, Person, Persons
from membership.domain.committee import COMMITTEE, OfficeFacts
from membership.domain.consent import CONSENT
from membership.domain.data_request import DATA_REQUEST, Around, Asker, DataRequest
from membership.domain.erasure import Grounds, Progress, Proof
from membership.domain.legal_hold import SUBJECT, Subject
from membership.domain.member import MEMBER, Entrance, HashId, Member
from membership.domain.plan import PLAN
from membership.domain.reading import READING
from membership.domain.report import OBLIGATION
from membership.domain.unit import UNIT, Lineage, Surroundings, Unit, unit_id
from membership.domain.working_days import Closed
from membership.events import GRASSROOTS_DEPTH
from membership.read_models.erasures import acknowledgements_of, branches_of, positions_of_sealed


class UnitsAtHand:
    """What decisions ask of the units: the aggregates themselves, so no decision rests on a stale read model.

    :param hash_id: the keyed hash of a national id.
    :param tree: where all units lie; nothing may have moved since it was looked at, when what rests on it is kept.
    """

    def __init__(self, hash_id: HashId, tree: Hierarchy) -> None:
        self.live: LiveAggregates
        self._hash_id, self._tree = hash_id, tree

    async def lineages(self, commands: Sequence[Command], caller: Caller) -> Mapping[str, Lineage]:
        """Each parent that some commands name, with every unit above it; nothing for one that is unknown."""
        return {code: await self._lineage(code) for command in commands for code in unit.parents_named(command)}

    async def surroundings(self, commands: Sequence[unit.AttachUnit], caller: Caller) -> Surroundings:
        """What attachments must see."""
        lineages = await self.lineages(commands, caller)
        nodes: dict[str, Node] = {}
        for command in commands:
            place = self._tree.get(command.unit)
            # Who stands higher opens a branch of its own, or lies with all above it in none.
            if place is not None and place.depth >= GRASSROOTS_DEPTH:
                nodes |= self._tree.around(command.unit, *unit.parents_named(command))
        return Surroundings(lineages, nodes)

    async def named(self, commands: Sequence[Command], caller: Caller) -> Mapping[str, Unit | None]:
        """The units that commands name in their fields ``unit`` and ``to_unit``; None for one that is unknown."""
        codes = {code for command in commands for field in ("unit", "to_unit") if (code := getattr(command, field, None))}
        return {code: await self.live.state(UNIT, unit_id(code)) for code in codes}

    async def entrance(self, commands: Sequence[Command], caller: Caller) -> Entrance:
        """What an admission must see."""
        return Entrance(await self.named(commands, caller), self._hash_id)

    async def offices(self, commands: Sequence[Command], caller: Caller) -> OfficeFacts:
        """The units whose officers commands are about, and who asks."""
        return OfficeFacts(caller.id, suffices(caller, Role.FEDERATION_OFFICER), await self.named(commands, caller))

    async def nothing(self, commands: Sequence[Command], caller: Caller) -> None:
        """The aggregate alone decides."""

    async def _lineage(self, code: str) -> Lineage:
        found: dict[str, Unit] = {}
        queue = [code]
        for above in queue:
            state = None if above in found else await self.live.state(UNIT, unit_id(above))
            if state is not None:
                found[above] = state
                queue += [parent for parent in (state.line_parent, state.functional_parent) if parent]
        return tuple(found.values())


def menu(units: UnitsAtHand) -> list[AnyHandler]:
    """Every command of membership."""
    return [
        Handler(
            unit.EstablishUnit,
            UNIT,
            unit.establish,
            units.lineages,
            at=lambda _, command, lineages: command.line_parent or command.unit,
        ),
        Handler(unit.RenameUnit, UNIT, unit.rename, units.nothing),
        Handler(unit.AttachUnit, UNIT, unit.attach, units.surroundings, sees_places=True),
        Handler(unit.DissolveUnit, UNIT, unit.dissolve, units.nothing),
        Handler(member.AdmitMember, MEMBER, member.admit, units.entrance, creates=True),
        Handler(member.CorrectMemberDetails, MEMBER, member.correct, units.nothing),
        Handler(member.RecordHardship, MEMBER, member.record_hardship, units.nothing),
        Handler(member.EndHardship, MEMBER, member.end_hardship, units.nothing),
        Handler(member.LeaveUnion, MEMBER, member.leave, units.nothing),
        Handler(transfer.RequestTransfer, MEMBER, transfer.request_transfer, units.named),
        Handler(transfer.ReleaseMember, MEMBER, transfer.release, units.nothing),
        Handler(transfer.AcceptTransfer, MEMBER, transfer.accept_transfer, units.nothing, at=transfer.new_unit),
        Handler(transfer.RefuseTransfer, MEMBER, transfer.refuse_transfer, units.nothing, at=transfer.new_unit),
        Handler(office.AppointOfficer, COMMITTEE, office.appoint, units.offices, at=office.appointing_unit),
        Handler(office.ReleaseOfficer, COMMITTEE, office.release, units.offices, at=office.appointing_unit),
        Handler(delegation.DelegateAuthority, COMMITTEE, delegation.delegate, units.offices),
        Handler(delegation.RevokeDelegation, COMMITTEE, delegation.revoke, units.offices),
        Handler(report.SetReportObligation, OBLIGATION, report.oblige, units.named, creates=True),
        Handler(report.SubmitReport, OBLIGATION, report.submit, units.nothing),
        Handler(report.ReturnReport, OBLIGATION, report.send_back, units.nothing),
        Handler(report.AcceptReport, OBLIGATION, report.accept, units.nothing),
        Handler(plan.AddPlanItem, PLAN, plan.add, units.named),
        Handler(plan.CompletePlanItem, PLAN, plan.complete, units.nothing),
    ]


class Keys(Protocol):
    """What tells whether the key of an erased person is gone."""

    async def destroyed_at(self, person_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """When the keys of those of some persons that have none any more were destroyed.

        :raises Unavailable: the key store cannot be asked.
        """


class FamiliesAtHand:
    """What decisions about persons must see: the members and children that commands name."""

    def __init__(self) -> None:
        self.live: LiveAggregates

    async def persons(self, commands: Sequence[Command], caller: Caller) -> Persons:
        """Everybody that commands name, a child with its parent's unit of now; None for one who is not there."""
        named = {getattr(command, field, None) for command in commands for field in _NAMING_PERSONS}
        return {person_id: await self.person(person_id) for person_id in named if isinstance(person_id, UUID)}

    async def person(self, person_id: UUID) -> Person | None:
        """A member, or a child with its parent's unit of now; None for whoever is neither."""
        found = await self.subject(person_id)
        if isinstance(found, Child):
            parent: Member | None = await self.live.state(MEMBER, found.member_id)
            return Person(parent.unit if parent else found.unit, found.registered_on, None, found.erased is not None, found)
        if found is None:
            return None
        return Person(found.unit, found.joined_on, found.left_on, found.erased is not None)

    async def subject(self, person_id: UUID) -> Subject | None:
        """A member or a child; None for whoever is neither."""
        state: Subject | None = await self.live.state(SUBJECT, person_id)
        return state

    async def nothing(self, commands: Sequence[Command], caller: Caller) -> None:
        """The aggregate alone decides."""


_NAMING_PERSONS = ("person_id", "guardian_id", "child_id", "member_id")


class PersonsAtHand(FamiliesAtHand):
    """What decisions on data requests and erasures must see: aggregates and the event store, never a read model.

    :param pool: of the database the event store is in.
    :param closed: which days are no working days.
    :param tree: in which branch a unit lies now.
    """

    def __init__(self, pool: Pool, keys: Keys, closed: Closed, tree: Hierarchy) -> None:
        super().__init__()
        self._pool, self._keys, self._closed, self._tree = pool, keys, closed, tree

    async def around(self, commands: Sequence[data_request.DataRequestCommand], caller: Caller) -> Around:
        """Whose data each request is about, with the branches in whose history that person stands."""
        persons: dict[UUID, UUID] = {}
        for command in commands:
            if isinstance(command, data_request.ReceiveDataRequest):
                persons[command.request_id] = command.person_id
            elif request := await self._request(command.request_id):
                persons[command.request_id] = request.person_id
        found = {person_id: await self.person(person_id) for person_id in set(persons.values())}
        branches = await self._branches(found)
        askers = {person_id: Asker(person, branches[person_id]) for person_id, person in found.items()}
        return Around({request_id: askers[person_id] for request_id, person_id in persons.items()}, self._closed)

    async def grounds(self, commands: Sequence[erasure.EraseSubject], caller: Caller) -> Grounds:
        """The requests on which persons are to be erased, and who must acknowledge."""
        requests = {command.request_id: await self._request(command.request_id) for command in commands}
        persons = await self.persons(commands, caller)
        return Grounds(requests, persons, await self._branches(persons))

    async def progress(self, commands: Sequence[erasure.AcknowledgeErasure], caller: Caller) -> Progress:
        """The erasures that followed from some requests.

        :raises Unavailable: the key of one is not destroyed yet, which comes before anything is acknowledged.
        """
        found = await self._erasures_of(commands)
        erased = {person_id for person_id, gone in found.values() if gone}
        if len(await self._keys.destroyed_at(list(erased))) < len(erased):
            raise Unavailable(reason="keys")
        return Progress({request_id: gone for request_id, (_, gone) in found.items()}, caller.service)

    async def proofs(self, commands: Sequence[erasure.CertifyErasure], caller: Caller) -> Mapping[UUID, Proof]:
        """What the event store and the key store say of some erasures."""
        proofs: dict[UUID, Proof] = {}
        for request_id, (person_id, erased) in (await self._erasures_of(commands)).items():
            if erased is None or erased.request_id != request_id:
                continue
            destroyed = await self._keys.destroyed_at([person_id])
            if not destroyed:
                raise Unavailable(reason="keys")
            positions = await positions_of_sealed(self._pool, erasure.histories_of(person_id))
            acknowledged = await acknowledgements_of(self._pool, request_id)
            proofs[request_id] = Proof(erased.awaited, positions, destroyed[person_id], acknowledged)
        return proofs

    async def _erasures_of(
        self, commands: Sequence[data_request.DataRequestCommand]
    ) -> dict[UUID, tuple[UUID, data_subject.Erasure | None]]:
        """Whom each request is about, and whether that person was erased."""
        found: dict[UUID, tuple[UUID, data_subject.Erasure | None]] = {}
        for request_id in {command.request_id for command in commands}:
            if request := await self._request(request_id):
                person = await self.subject(request.person_id)
                found[request_id] = request.person_id, person.erased if person else None
        return found

    async def _request(self, request_id: UUID) -> DataRequest | None:
        state: DataRequest | None = await self.live.state(DATA_REQUEST, request_id)
        return state

    async def _branches(self, persons: Persons) -> dict[UUID, tuple[str, ...]]:
        """The branches in which something was recorded about each person, or in which its unit lies now: that may have
        come there with all its members. The top, which is no branch of anybody, is not awaited."""
        histories = {person_id: erasure.histories_of(person_id) for person_id in persons}
        recorded = await branches_of(self._pool, [each for history in histories.values() for each in history])
        found: dict[UUID, tuple[str, ...]] = {}
        for person_id, person in persons.items():
            branches = {branch for each in histories[person_id] for branch in recorded.get(each, ())}
            now = {self._tree.branch_of(person.unit)} if person else set()
            found[person_id] = tuple(sorted((branches | now) - {NATIONAL}))
        return found


def family_menu(families: FamiliesAtHand) -> list[AnyHandler]:
    """The commands on consents and on the children of members."""
    persons = families.persons
    return [
        Handler(consent.GiveConsent, CONSENT, consent.give, persons, at=consent.at_person),
        Handler(consent.WithdrawConsent, CONSENT, consent.withdraw, persons, at=consent.at_person),
        Handler(child.RegisterChild, CHILD, child.register, persons, at=child.unit_of),
        Handler(child.CorrectChildDetails, CHILD, child.correct, persons, at=child.unit_of),
    ]


def reading_menu(families: FamiliesAtHand) -> list[AnyHandler]:
    """What membership records by itself before it tells names."""
    return [Handler(reading.RecordReading, READING, reading.record, families.nothing, at=reading.at_reader, creates=True)]


def personal_data_menu(persons: PersonsAtHand) -> list[AnyHandler]:
    """The commands on data requests, legal holds and erasures."""
    now = data_request.unit_now
    return [
        Handler(data_request.ReceiveDataRequest, DATA_REQUEST, data_request.receive, persons.around, at=now),
        Handler(data_request.AnswerDataRequest, DATA_REQUEST, data_request.answer, persons.around, at=now),
        Handler(data_request.ExtendDataRequest, DATA_REQUEST, data_request.extend, persons.around, at=now),
        Handler(data_request.CarryOutDataRequest, DATA_REQUEST, data_request.carry_out, persons.around, at=now),
        Handler(legal_hold.PlaceLegalHold, SUBJECT, legal_hold.place, persons.persons, at=legal_hold.unit_now),
        Handler(legal_hold.LiftLegalHold, SUBJECT, legal_hold.lift, persons.persons, at=legal_hold.unit_now),
        Handler(erasure.EraseSubject, SUBJECT, erasure.erase, persons.grounds, at=erasure.at_person),
        Handler(
            erasure.AcknowledgeErasure, DATA_REQUEST, erasure.acknowledge, persons.progress, at=lambda _, command, __: command.by
        ),
    ]


def erasure_menu(persons: PersonsAtHand) -> list[AnyHandler]:
    """What membership commands itself."""
    return [Handler(erasure.CertifyErasure, DATA_REQUEST, erasure.certify, persons.proofs)]
