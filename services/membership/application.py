"""The menu of membership's commands: each with its aggregate, its decision, and what the decision must see."""

from collections.abc import Mapping, Sequence

from chassis.application import AnyHandler
from chassis.commands import Command, Handler
from chassis.live_aggregates import LiveAggregates
from chassis.security import Caller
from membership.domain import member, plan, report, transfer, unit
from membership.domain.member import MEMBER
from membership.domain.plan import PLAN
from membership.domain.report import OBLIGATION
from membership.domain.unit import UNIT, Lineage, Unit, unit_id


class UnitsAtHand:
    """What decisions ask of the units: the aggregates themselves, so no decision rests on a stale read model."""

    def __init__(self) -> None:
        self.live: LiveAggregates

    async def lineages(self, commands: Sequence[Command], caller: Caller) -> Mapping[str, Lineage]:
        """Each parent that some commands name, with every unit above it; nothing for one that is unknown."""
        return {code: await self._lineage(code) for command in commands for code in unit.parents_named(command)}

    async def named(self, commands: Sequence[Command], caller: Caller) -> Mapping[str, Unit | None]:
        """The units that commands name in their fields ``unit`` and ``to_unit``; None for one that is unknown."""
        codes = {code for command in commands for field in ("unit", "to_unit") if (code := getattr(command, field, None))}
        return {code: await self.live.state(UNIT, unit_id(code)) for code in codes}

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
        Handler(unit.AttachUnit, UNIT, unit.attach, units.lineages),
        Handler(unit.DissolveUnit, UNIT, unit.dissolve, units.nothing),
        Handler(member.AdmitMember, MEMBER, member.admit, units.named, creates=True),
        Handler(member.CorrectMemberDetails, MEMBER, member.correct, units.nothing),
        Handler(member.RecordHardship, MEMBER, member.record_hardship, units.nothing),
        Handler(member.EndHardship, MEMBER, member.end_hardship, units.nothing),
        Handler(member.LeaveUnion, MEMBER, member.leave, units.nothing),
        Handler(transfer.RequestTransfer, MEMBER, transfer.request_transfer, units.named),
        Handler(transfer.ReleaseMember, MEMBER, transfer.release, units.nothing),
        Handler(transfer.AcceptTransfer, MEMBER, transfer.accept_transfer, units.nothing, at=transfer.new_unit),
        Handler(transfer.RefuseTransfer, MEMBER, transfer.refuse_transfer, units.nothing, at=transfer.new_unit),
        Handler(report.SetReportObligation, OBLIGATION, report.oblige, units.named, creates=True),
        Handler(report.SubmitReport, OBLIGATION, report.submit, units.nothing),
        Handler(report.ReturnReport, OBLIGATION, report.send_back, units.nothing),
        Handler(report.AcceptReport, OBLIGATION, report.accept, units.nothing),
        Handler(plan.AddPlanItem, PLAN, plan.add, units.named),
        Handler(plan.CompletePlanItem, PLAN, plan.complete, units.nothing),
    ]
