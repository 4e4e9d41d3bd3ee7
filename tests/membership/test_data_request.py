"""By when is a data request answered and carried out, who extends it, and what is late?"""

from datetime import date, timedelta
from itertools import product

import pytest
from pydantic import ValidationError

from chassis.refusals import Invalid
from membership.domain import data_request
from membership.domain.child import PersonUnknown
from membership.domain.data_request import (
    DATA_REQUEST,
    AlreadyAnswered,
    AlreadyExtended,
    CarriedOutByCertificate,
    ExtensionTooLate,
    ExtensionTooLong,
    NotAccepted,
    RequestClosed,
    RequestExists,
    RequestUnknown,
)
from membership.domain.data_subject import SubjectIsErased
from membership.domain.unit import NotBefore
from membership.events import DataRequestKind
from membership.read_models.data_requests import DataRequestRow
from tests.given import given
from tests.membership.a_data_request import (
    ACCESS,
    ANSWER_DUE_ON,
    BRANCH,
    ERASURE,
    JOINED_ON,
    PERSON,
    RECEIVED_ON,
    REQUEST,
    answer,
    answered,
    around,
    carry_out,
    done,
    extend,
    extended,
    persons,
    receive,
    received,
    received_for_erasure,
)

SOMEBODY, GONE = persons()[PERSON], persons(gone=True)[PERSON]
AROUND = around(SOMEBODY, BRANCH)


def test_a_request_is_answered_in_two_working_days_and_carried_out_in_fifteen() -> None:
    given(DATA_REQUEST).when(data_request.receive, receive(), AROUND).then(received())


def test_an_erasure_takes_twenty_days_where_a_province_must_acknowledge_it() -> None:
    given(DATA_REQUEST).when(data_request.receive, receive(ERASURE), AROUND).then(received_for_erasure())
    given(DATA_REQUEST).when(data_request.receive, receive(ERASURE), around(SOMEBODY)).then(received(ERASURE, date(2026, 3, 17)))


def test_over_tet_an_answer_waits_and_the_days_to_carry_it_out_do_not() -> None:
    on = date(2026, 2, 13)
    after = given(DATA_REQUEST).when(data_request.receive, receive(on=on), AROUND)
    (event,) = data_request.receive(None, receive(on=on), AROUND)
    assert after.then(event).answer_due_on == date(2026, 2, 24)
    assert after.then(event).carry_out_due_on == date(2026, 2, 28)


def test_a_request_is_received_once_and_of_somebody_who_is_there() -> None:
    given(DATA_REQUEST, received()).when(data_request.receive, receive(), AROUND).refused(RequestExists, "request_id")
    given(DATA_REQUEST).when(data_request.receive, receive(), around(None)).refused(PersonUnknown, "person_id")
    given(DATA_REQUEST).when(data_request.receive, receive(), around(GONE)).refused(SubjectIsErased, "person_id")
    early = receive(on=JOINED_ON - timedelta(days=1))
    given(DATA_REQUEST).when(data_request.receive, early, AROUND).refused(NotBefore, "on")


def test_a_request_is_accepted_or_refused_for_a_reason() -> None:
    given(DATA_REQUEST, received()).when(data_request.answer, answer(), AROUND).then(answered())
    refused = answer(accepted=False, reason="Khoản 2 Điều 14 Luật 91/2025/QH15")
    given(DATA_REQUEST, received()).when(data_request.answer, refused, AROUND).then(
        answered(accepted=False, reason="Khoản 2 Điều 14 Luật 91/2025/QH15")
    )
    given(DATA_REQUEST, received()).when(data_request.answer, answer(accepted=False), AROUND).refused(Invalid, "reason")


def test_a_request_is_answered_once_also_late_and_never_before_it_came() -> None:
    late = date(2026, 4, 1)
    given(DATA_REQUEST, received()).when(data_request.answer, answer(on=late), AROUND).then(answered(on=late))
    given(DATA_REQUEST, received(), answered()).when(data_request.answer, answer(), AROUND).refused(AlreadyAnswered)
    before = answer(on=RECEIVED_ON - timedelta(days=1))
    given(DATA_REQUEST, received()).when(data_request.answer, before, AROUND).refused(NotBefore, "on")
    given(DATA_REQUEST).when(data_request.answer, answer(), around(None)).refused(RequestUnknown, "request_id")


def test_a_reason_that_looks_like_a_number_of_a_person_or_an_address_is_not_taken() -> None:
    for reason in ("CCCD 026090001234", "gọi 0912 345 678", "gửi a@b.vn", "0912.345.678"):
        with pytest.raises(ValidationError):
            answer(accepted=False, reason=reason)
    assert answer(accepted=False, reason="Công văn 1217/HD-TLĐ ngày 05/03/2026").reason


def test_it_is_extended_once_before_it_is_due_and_by_as_long_again_at_most() -> None:
    accepted = given(DATA_REQUEST, received(), answered())
    accepted.when(data_request.extend, extend(date(2026, 4, 1)), AROUND).then(extended(date(2026, 4, 1)))
    accepted.when(data_request.extend, extend(date(2026, 4, 2)), AROUND).refused(ExtensionTooLong, "carry_out_due_on")
    accepted.when(data_request.extend, extend(date(2026, 3, 17)), AROUND).refused(NotBefore, "carry_out_due_on")
    accepted.when(data_request.extend, extend(date(2026, 4, 1), on=date(2026, 3, 17)), AROUND).refused(ExtensionTooLate, "on")
    twice = given(DATA_REQUEST, received(), answered(), extended(date(2026, 3, 20)))
    twice.when(data_request.extend, extend(date(2026, 3, 21)), AROUND).refused(AlreadyExtended, "request_id")


def test_only_what_was_accepted_and_is_open_is_extended_or_carried_out() -> None:
    for decide, command in ((data_request.extend, extend(date(2026, 4, 1))), (data_request.carry_out, carry_out())):
        given(DATA_REQUEST, received()).when(decide, command, AROUND).refused(NotAccepted)
        refused = given(DATA_REQUEST, received(), answered(accepted=False, reason="x"))
        refused.when(decide, command, AROUND).refused(NotAccepted)
        given(DATA_REQUEST, received(), answered(), done()).when(decide, command, AROUND).refused(RequestClosed)
        given(DATA_REQUEST).when(decide, command, AROUND).refused(RequestUnknown)


def test_what_was_accepted_is_carried_out_but_an_erasure_by_its_certificate_alone() -> None:
    given(DATA_REQUEST, received(), answered()).when(data_request.carry_out, carry_out(), AROUND).then(done())
    erasing = given(DATA_REQUEST, received_for_erasure(), answered(kind=ERASURE))
    erasing.when(data_request.carry_out, carry_out(), AROUND).refused(CarriedOutByCertificate)


def test_the_right_to_act_on_a_request_is_needed_where_the_person_is_now() -> None:
    assert data_request.unit_now(None, answer(), AROUND) == "so-y-te"
    assert data_request.unit_now(None, answer(), around(None)) == ""


@pytest.mark.parametrize("kind", DataRequestKind)
def test_every_kind_of_request_is_taken(kind: DataRequestKind) -> None:
    (event,) = data_request.receive(None, receive(kind), AROUND)
    assert DATA_REQUEST.evolve(None, event).kind is kind


def row(answered_on: date | None = None, accepted: bool = False, carried_out_on: date | None = None) -> DataRequestRow:
    due = date(2026, 3, 17)
    return DataRequestRow(
        REQUEST, PERSON, ACCESS.value, RECEIVED_ON, ANSWER_DUE_ON, due, due, answered_on, accepted, carried_out_on=carried_out_on
    )


def test_an_answer_is_late_from_the_day_after_it_was_due_until_for_ever_when_it_came_too_late() -> None:
    due, after = ANSWER_DUE_ON, ANSWER_DUE_ON + timedelta(days=1)
    cases = product((None, due, after), (due, after, after + timedelta(days=9)))
    found = {(answered_on, day): row(answered_on).answer_late(day) for answered_on, day in cases}
    assert {key for key, late in found.items() if late} == {
        (None, after),
        (None, after + timedelta(days=9)),
        (after, after),
        (after, after + timedelta(days=9)),
    }


def test_what_was_refused_is_never_carried_out_late_and_what_was_not_done_in_time_is() -> None:
    due, after = date(2026, 3, 17), date(2026, 3, 18)
    assert not row(ANSWER_DUE_ON, accepted=False).carry_out_late(after)
    assert row(ANSWER_DUE_ON, accepted=True).carry_out_late(after)
    assert not row(ANSWER_DUE_ON, accepted=True).carry_out_late(due)
    assert row(ANSWER_DUE_ON, accepted=True, carried_out_on=after).carry_out_late(date(2026, 12, 31))
    assert not row(ANSWER_DUE_ON, accepted=True, carried_out_on=due).carry_out_late(date(2026, 12, 31))
