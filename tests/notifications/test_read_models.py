"""Do the rows say what a straightforward count over the same history says?"""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.events import Event
from notifications.events import (
    AnnouncementPublished,
    AnnouncementRead,
    Channel,
    EscalationRaised,
    NotificationDelivered,
    NotificationFailed,
    NotificationParked,
    NotificationRead,
    NotificationRequested,
    NotificationRetried,
    NotificationSending,
    NotificationSent,
    NotificationWithdrawn,
    Owed,
    RecipientKind,
    ReminderFired,
    ReminderStep,
    Template,
)
from notifications.read_models import ALL
from notifications.read_models.announcements import ANNOUNCEMENTS, READINGS, Reach
from notifications.read_models.deliveries import DELIVERIES, DeliveryRow
from notifications.read_models.figures import NOTICES
from notifications.read_models.inbox import INBOX
from notifications.read_models.reminders import REMINDER_ROWS
from tests.notifications.data_requests import asked, request_escalated, request_fired, request_scheduled
from tests.notifications.recorded import RECORDED_AT, rows_of
from tests.notifications.reports import AFTER, DAY, DUE_ON, ESCALATION, SET_ON, WEEK, ended, escalated, fired, missed, scheduled

UNITS = st.sampled_from(["ba-dinh", "hoan-kiem", "ha-noi"])
YEARS, DAYS = st.sampled_from([2023, 2024]), st.dates(date(2023, 1, 1), date(2023, 1, 5))
WHICH, ON = UUID(int=61), date(2025, 3, 1)


@st.composite
def notices(draw: st.DrawFn) -> Event:
    unit, year, on = draw(UNITS), draw(YEARS), draw(DAYS)
    report: dict[str, Any] = {"unit": unit, "on": on, "obligation_id": WHICH, "title": "t", "year": year, "due_on": on}
    match draw(st.integers(0, 2)):
        case 0:
            return AnnouncementPublished(unit=unit, on=on, announcement_id=draw(st.uuids()), year=year, title="t", body="b")
        case 1:
            return ReminderFired(**report, step=draw(st.sampled_from(ReminderStep)))
        case _:
            return EscalationRaised(**report, superior="ha-noi", retrospective=False, still_out=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(notices(), max_size=40))
def test_counts_by_unit_year_and_day_are_those_of_a_plain_count(history: list[Event]) -> None:
    names = {AnnouncementPublished: "announcements", ReminderFired: "reminders_sent", EscalationRaised: "escalations"}
    expected = Counter((names[type(event)], event.unit, event.year, event.on) for event in history)  # type: ignore[attr-defined]

    found = {(row.figure, row.unit, row.year, row.day): row.times for row in rows_of(NOTICES, history)}

    assert found == dict(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), UNITS, DAYS), unique_by=lambda item: item[:2], max_size=9))
def test_each_announcement_has_one_row_a_reader(readings: list[tuple[int, str, date]]) -> None:
    history = [
        AnnouncementRead(unit=reader, on=on, announcement_id=UUID(int=number), published_by="ha-noi")
        for number, reader, on in readings
    ]
    found = {(row.announcement_id.int, row.reader, row.read_on) for row in rows_of(READINGS, history)}

    assert found == set(readings)


def test_an_announcement_is_shown_as_it_was_published() -> None:
    event = AnnouncementPublished(unit="ha-noi", on=ON, announcement_id=WHICH, year=2025, title="Mời họp", body="Kính mời")
    (row,) = rows_of(ANNOUNCEMENTS, [event])
    assert (row.unit, row.title, row.body, row.published_on, row.position) == ("ha-noi", "Mời họp", "Kính mời", ON, 1)


@pytest.mark.parametrize(
    ("read", "audience", "percent"),
    [(0, 0, "0.00"), (0, 3, "0.00"), (1, 3, "33.33"), (2, 3, "66.67"), (1, 800, "0.13"), (76, 76, "100.00")],
)
def test_reach_is_read_by_audience_half_up_with_two_decimals(read: int, audience: int, percent: str) -> None:
    assert Reach(audience, read).percent == Decimal(percent)


def test_a_report_shows_what_comes_next_and_what_was_done() -> None:
    (row,) = rows_of(REMINDER_ROWS, [missed(WEEK, on=SET_ON), scheduled(DAY)])
    assert (row.step, row.fires_at, row.name, row.position) == ("day_before", scheduled(DAY).fires_at, "Báo cáo tổng kết", 2)
    assert row.correlation_id == "chain"

    (row,) = rows_of(REMINDER_ROWS, [scheduled(DAY), fired(DAY), scheduled(AFTER), fired(AFTER), scheduled(ESCALATION)])
    assert (row.step, row.sent, row.escalated_on) == ("escalation", 2, None)

    (row,) = rows_of(REMINDER_ROWS, [scheduled(ESCALATION), escalated(date(2023, 12, 18))])
    assert (row.step, row.fires_at, row.escalated_to, row.escalated_on) == (None, None, "ha-noi", date(2023, 12, 18))


def test_nothing_is_due_for_a_report_that_is_in_until_it_is_awaited_again() -> None:
    (row,) = rows_of(REMINDER_ROWS, [scheduled(WEEK), ended(SET_ON)])
    assert (row.step, row.fires_at) == (None, None)

    due_on = DUE_ON + timedelta(days=14)
    (row,) = rows_of(REMINDER_ROWS, [scheduled(WEEK), ended(SET_ON), scheduled(WEEK, due_on=due_on)])
    assert (row.step, row.due_on) == ("week_before", due_on)


def test_a_data_request_has_a_row_for_each_of_its_clocks_that_names_no_person() -> None:
    rows = rows_of(
        REMINDER_ROWS,
        [
            request_scheduled(ReminderStep.ON_RECEIPT),
            request_scheduled(ReminderStep.FIVE_DAYS_BEFORE, owed=Owed.DATA_REQUEST_CARRYING_OUT),
            request_fired(ReminderStep.ON_RECEIPT),
            request_scheduled(ReminderStep.DUE_DAY),
        ],
    )
    assert {(row.owed_id, row.owed, row.name, row.step, row.sent) for row in rows} == {
        (asked(), "data_request_answer", "erasure", "due_day", 1),
        (asked(), "data_request_carrying_out", "erasure", "five_days_before", 0),
    }


def test_a_data_request_given_time_until_another_year_belongs_to_that_year() -> None:
    carrying_out = Owed.DATA_REQUEST_CARRYING_OUT
    history = [
        request_scheduled(ReminderStep.FIVE_DAYS_BEFORE, owed=carrying_out),
        request_scheduled(ReminderStep.FIVE_DAYS_BEFORE, owed=carrying_out, due_on=date(2027, 1, 4)),
    ]
    (row,) = rows_of(REMINDER_ROWS, history)
    assert (row.year, row.due_on) == (2027, date(2027, 1, 4))


def test_reminders_and_escalations_of_data_requests_are_no_figures_of_reports() -> None:
    assert rows_of(NOTICES, [request_fired(ReminderStep.ON_RECEIPT), request_escalated(date(2026, 11, 5))]) == []


def requested(channel: Channel, kind: RecipientKind = RecipientKind.UNIT, who: str = "ba-dinh") -> Event:
    values = {"unit": "ba-dinh", "title": "Báo cáo", "year": "2023", "due_on": "2023-12-15"}
    return NotificationRequested(
        unit="ba-dinh", on=ON, delivery_id=WHICH, recipient_kind=kind, recipient=who,
        channel=channel, template=Template.REPORT_DUE, parameters=values,
    )  # fmt: skip


TOLD: dict[str, Any] = {"unit": "ba-dinh", "on": ON, "delivery_id": WHICH, "channel": Channel.EMAIL}
LATER = RECORDED_AT + timedelta(minutes=2)


def attempt(number: int) -> Event:
    return NotificationSending(**TOLD, attempt=number, until=LATER, doubtful=False)


def failure(number: int, retry_at: datetime | None) -> Event:
    return NotificationFailed(**TOLD, attempt=number, reason="smtp 451", retry_at=retry_at)


def delivery(*events: Event) -> DeliveryRow:
    (row,) = rows_of(DELIVERIES, events)
    assert isinstance(row, DeliveryRow)
    return row


def test_a_mail_is_due_at_once_then_when_its_lease_or_its_wait_is_over_and_never_after_its_end() -> None:
    mail = requested(Channel.EMAIL)
    parked = NotificationParked(**TOLD, attempts=1, reason="smtp 451")
    assert delivery(mail).due_at == RECORDED_AT
    assert delivery(mail, attempt(1)).due_at == LATER
    assert delivery(mail, attempt(1), failure(1, LATER)).due_at == LATER
    assert delivery(mail, attempt(1), NotificationSent(**TOLD, attempt=1, message_id="<m@x>")).due_at is None
    assert delivery(mail, attempt(1), failure(1, None), parked).due_at is None
    assert delivery(mail, attempt(1), failure(1, None), parked, NotificationRetried(**TOLD, retry_at=LATER)).due_at == LATER


def test_a_delivery_tells_its_status_reason_and_attempts() -> None:
    history = [requested(Channel.EMAIL), attempt(1), failure(1, LATER), attempt(2), failure(2, None)]
    row = delivery(*history, NotificationParked(**TOLD, attempts=2, reason="smtp 451"))
    assert (row.status, row.reason, row.attempt, row.tries) == ("parked", "smtp 451", 2, 2)

    again = NotificationRetried(**TOLD, retry_at=LATER)
    row = delivery(*history, NotificationParked(**TOLD, attempts=2, reason="smtp 451"), again)
    assert (row.status, row.attempt, row.tries) == ("pending", 2, 0)

    row = delivery(requested(Channel.IN_APP), NotificationDelivered(**{**TOLD, "channel": Channel.IN_APP}))
    assert (row.status, row.due_at, row.member_id) == ("delivered", None, None)
    assert row.values["title"] == "Báo cáo"
    assert delivery(requested(Channel.EMAIL, RecipientKind.MEMBER, str(WHICH))).member_id == WHICH


def test_only_what_is_for_the_inbox_lies_in_it_until_it_is_read() -> None:
    assert rows_of(INBOX, [requested(Channel.EMAIL)]) == []
    (row,) = rows_of(INBOX, [requested(Channel.IN_APP)])
    assert (row.recipient, row.unit, row.received_on, row.read_on) == ("ba-dinh", "ba-dinh", ON, None)
    (row,) = rows_of(INBOX, [requested(Channel.IN_APP), NotificationRead(unit="ba-dinh", on=ON, delivery_id=WHICH)])
    assert row.read_on == ON


def test_what_was_withdrawn_lies_in_no_inbox_and_is_never_due() -> None:
    told = {**TOLD, "reason": "RecipientErased"}
    assert rows_of(INBOX, [requested(Channel.IN_APP), NotificationWithdrawn(**{**told, "channel": Channel.IN_APP})]) == []
    row = delivery(requested(Channel.EMAIL), attempt(1), NotificationWithdrawn(**told))
    assert (row.status, row.reason, row.due_at) == ("withdrawn", "RecipientErased", None)


def test_no_event_of_this_service_has_a_personal_field() -> None:
    ours = [cls for cls in Event.__subclasses__() if cls.topic.startswith("notifications.")]
    assert len(ours) > 15
    assert not [cls.topic for cls in ours if "x-personal" in str(cls.model_json_schema())]


def test_every_read_model_has_a_table_of_its_own() -> None:
    assert len({model.table for model in ALL}) == len(ALL)
