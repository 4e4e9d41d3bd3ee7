"""Which reports are owed, in, returned, accepted; what stands in a plan?"""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.hierarchy import UnitUnknown
from membership.domain import plan, report
from membership.domain.plan import PLAN
from membership.domain.report import OBLIGATION
from membership.domain.unit import NotBefore, Unit, UnitIsDissolved
from membership.events import (
    Level,
    PlanItemAdded,
    PlanItemCompleted,
    PlanItemKind,
    ReportAccepted,
    ReportObligationSet,
    ReportReturned,
    ReportSubmitted,
)
from tests.given import given

WHICH = UUID(int=7)
SET_ON, DUE_ON, NEW_DUE_ON = date(2023, 11, 1), date(2023, 12, 15), date(2024, 1, 10)
UNITS: dict[str, Unit | None] = {
    "ba-dinh": Unit("ba-dinh", "CĐCS Ba Đình", Level.GRASSROOTS, "ha-noi", "", date(2010, 1, 1), date(2010, 1, 1)),
    "gone": Unit("gone", "CĐCS cũ", Level.GRASSROOTS, "ha-noi", "", date(2010, 1, 1), date(2010, 1, 1), date(2019, 1, 1)),
}
OWED = ReportObligationSet(unit="ba-dinh", on=SET_ON, obligation_id=WHICH, title="Báo cáo tổng kết", year=2023, due_on=DUE_ON)
IN = ReportSubmitted(unit="ba-dinh", on=date(2023, 12, 20), obligation_id=WHICH, year=2023, due_on=DUE_ON)
BACK = ReportReturned(
    unit="ba-dinh", on=date(2023, 12, 28), obligation_id=WHICH, year=2023, due_on=NEW_DUE_ON, reason="Thiếu phụ lục"
)
DONE = ReportAccepted(unit="ba-dinh", on=date(2024, 1, 15), obligation_id=WHICH, year=2023)


def about(cls: type[Any], on: date, **fields: Any) -> Any:
    return cls.model_validate({"command_id": uuid4(), "obligation_id": WHICH, "on": on, **fields})


def oblige(**fields: Any) -> Any:
    plain = {"unit": "ba-dinh", "title": "Báo cáo tổng kết", "year": 2023, "due_on": DUE_ON}
    return about(report.SetReportObligation, SET_ON, **{**plain, **fields})


def test_a_unit_owes_a_report_from_then_on() -> None:
    assert given(OBLIGATION).when(report.oblige, oblige(), UNITS).then(OWED).awaited


def test_an_obligation_is_set_once_for_a_living_unit_and_not_due_before() -> None:
    given(OBLIGATION, OWED).when(report.oblige, oblige(), UNITS).refused(report.ObligationExists, "obligation_id")
    given(OBLIGATION).when(report.oblige, oblige(unit="nowhere"), UNITS).refused(UnitUnknown, "unit")
    given(OBLIGATION).when(report.oblige, oblige(unit="gone"), UNITS).refused(UnitIsDissolved, "unit")
    given(OBLIGATION).when(report.oblige, oblige(due_on=date(2023, 10, 31)), UNITS).refused(NotBefore, "due_on")


def test_a_report_is_handed_in_with_the_due_day_it_had() -> None:
    state = given(OBLIGATION, OWED).when(report.submit, about(report.SubmitReport, IN.on)).then(IN)
    assert not state.awaited


def test_a_report_that_is_in_is_not_awaited_again_until_it_is_returned() -> None:
    again = about(report.SubmitReport, date(2024, 1, 5))
    given(OBLIGATION, OWED, IN).when(report.submit, again).refused(report.ReportNotAwaited, "obligation_id")
    returned = about(report.ReturnReport, BACK.on, reason="Thiếu phụ lục", due_on=NEW_DUE_ON)
    assert given(OBLIGATION, OWED, IN).when(report.send_back, returned).then(BACK).awaited
    resubmitted = ReportSubmitted(unit="ba-dinh", on=again.on, obligation_id=WHICH, year=2023, due_on=NEW_DUE_ON)
    given(OBLIGATION, OWED, IN, BACK).when(report.submit, again).then(resubmitted)


def test_a_returned_report_is_not_due_before_it_was_returned() -> None:
    returned = about(report.ReturnReport, BACK.on, reason="x", due_on=date(2023, 12, 27))
    given(OBLIGATION, OWED, IN).when(report.send_back, returned).refused(NotBefore, "due_on")


def test_only_a_report_that_is_in_is_judged_and_judged_once() -> None:
    accept, back = about(report.AcceptReport, DONE.on), about(report.ReturnReport, DONE.on, reason="x", due_on=DONE.on)
    assert given(OBLIGATION, OWED, IN).when(report.accept, accept).then(DONE).accepted
    for history in ((OWED,), (OWED, IN, BACK), (OWED, IN, DONE)):
        given(OBLIGATION, *history).when(report.accept, accept).refused(report.ReportNotIn, "obligation_id")
        given(OBLIGATION, *history).when(report.send_back, back).refused(report.ReportNotIn, "obligation_id")


@pytest.mark.parametrize("decide", [report.submit, report.accept, report.send_back])
def test_a_report_nobody_asked_for_is_unknown(decide: Any) -> None:
    command = about(report.ReturnReport, DONE.on, reason="x", due_on=DONE.on)
    given(OBLIGATION).when(decide, command).refused(report.ObligationUnknown, "obligation_id")


def test_nothing_is_dated_before_what_it_follows_on() -> None:
    given(OBLIGATION, OWED).when(report.submit, about(report.SubmitReport, date(2023, 10, 1))).refused(NotBefore, "on")
    given(OBLIGATION, OWED, IN).when(report.accept, about(report.AcceptReport, SET_ON)).refused(NotBefore, "on")


ITEM = UUID(int=9)
ADDED = PlanItemAdded(unit="ba-dinh", on=SET_ON, year=2023, item_id=ITEM, kind=PlanItemKind.KEY_TASK, title="Học tập nghị quyết")
COMPLETED = PlanItemCompleted(unit="ba-dinh", on=DUE_ON, year=2023, item_id=ITEM, kind=PlanItemKind.KEY_TASK)


def planned(cls: type[Any], on: date, **fields: Any) -> Any:
    return cls.model_validate({"command_id": uuid4(), "unit": "ba-dinh", "year": 2023, "item_id": ITEM, "on": on, **fields})


def test_an_item_stands_in_a_plan_once() -> None:
    add = planned(plan.AddPlanItem, SET_ON, kind="key_task", title="Học tập nghị quyết")
    given(PLAN).when(plan.add, add, UNITS).then(ADDED)
    given(PLAN, ADDED).when(plan.add, add, UNITS).refused(plan.PlanItemExists, "item_id")
    assert add.aggregate_id != planned(plan.AddPlanItem, SET_ON, year=2024, kind="focal", title="x").aggregate_id


def test_only_a_living_unit_plans() -> None:
    for unit, refusal in (("nowhere", UnitUnknown), ("gone", UnitIsDissolved)):
        add = planned(plan.AddPlanItem, SET_ON, unit=unit, kind="focal", title="x")
        given(PLAN).when(plan.add, add, UNITS).refused(refusal, "unit")


def test_an_item_is_completed_once() -> None:
    complete = planned(plan.CompletePlanItem, DUE_ON)
    assert given(PLAN, ADDED).when(plan.complete, complete).then(COMPLETED).done == {ITEM}
    given(PLAN, ADDED, COMPLETED).when(plan.complete, complete).refused(plan.PlanItemDone, "item_id")
    given(PLAN).when(plan.complete, complete).refused(plan.PlanItemUnknown, "item_id")
