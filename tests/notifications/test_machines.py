"""Whatever happens to a report or a mail in whatever order: its replay is its live state, and nothing happens twice."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chassis.commands import Aggregate
from chassis.events import Event
from chassis.hierarchy import Node
from chassis.refusals import Refusal
from notifications.domain import delivery, mailing, reminder
from notifications.domain.calendar import hanoi_day
from notifications.domain.delivery import DELIVERY, Delivery, Status
from notifications.domain.duty import SCHEDULES, step_day
from notifications.domain.mailing import MAX_ATTEMPTS
from notifications.domain.recipient import Circumstances
from notifications.domain.reminder import REMINDERS, Moment, Reminders
from notifications.events import (
    DataRequestEscalated,
    DataRequestReminderFired,
    DataRequestRemindersEnded,
    DataRequestRemindersMissed,
    EscalationRaised,
    NotificationFailed,
    NotificationParked,
    NotificationRetried,
    NotificationSending,
    NotificationSent,
    NotificationWithdrawn,
    Owed,
    ReminderFired,
    RemindersEnded,
    RemindersMissed,
    ReminderStep,
)

BA_DINH = Node("ba-dinh", "Ba Đình", "grassroots", 3, False, date(2010, 1, 1), None, '[["2010-01-01","ha-noi"]]', "[]", 1)


class Machine(RuleBasedStateMachine):
    """Commands on one aggregate, at a clock that only goes on."""

    aggregate: Aggregate[Any]

    def __init__(self) -> None:
        super().__init__()
        self.which = uuid4()
        self.now = datetime(2023, 12, 1, tzinfo=UTC)
        self.history: list[Event] = []
        self.state: Any = None

    def try_(self, decide: Any, command: Any, facts: Any) -> list[Event]:
        try:
            events: list[Event] = decide(self.state, command, facts)
        except Refusal:
            return []
        for event in events:
            self.state = self.aggregate.evolve(self.state, event)
            self.history.append(event)
        return events

    @invariant()
    def replay_equals_live_state(self) -> None:
        state = None
        for event in self.history:
            state = self.aggregate.evolve(state, type(event).decode_body(event.encode()))
        assert state == self.state


class ReminderMachine(Machine):
    """Something that is owed: it is dealt with, owed again by another day and reminded of, with outages in between."""

    aggregate = REMINDERS
    owed = Owed.REPORT
    state: Reminders | None

    @property
    def moment(self) -> Moment:
        return Moment(self.now, {"ba-dinh": BA_DINH})

    def about(self, cls: type[Any], **fields: Any) -> Any:
        return cls.model_validate({"command_id": uuid4(), "owed": self.owed, "owed_id": self.which, **fields})

    def watch(self, due_on: date) -> Any:
        fields = {"unit": "ba-dinh", "title": "t", "year": 2023, "due_on": due_on, "on": due_on - timedelta(days=40)}
        return reminder.WatchReport.model_validate({"command_id": uuid4(), "obligation_id": self.which, **fields})

    @initialize(days=st.integers(-400, 30))
    def owe(self, days: int) -> None:
        assert self.try_(reminder.watch, self.watch(date(2023, 12, 1) + timedelta(days=days)), self.moment)

    @rule(hours=st.integers(1, 200))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(ago=st.integers(0, 9))
    def deal_with_it(self, ago: int) -> None:
        on = hanoi_day(self.now) - timedelta(days=ago)
        self.try_(reminder.end, self.about(reminder.EndReminders, on=on), self.moment)

    @rule(days=st.integers(0, 12))
    def owe_it_by_another_day(self, days: int) -> None:
        on = hanoi_day(self.now)
        again = self.about(reminder.AwaitUntil, due_on=on + timedelta(days=days), on=on)
        self.try_(reminder.await_until, again, self.moment)

    @rule(step=st.sampled_from(ReminderStep))
    def take(self, step: ReminderStep) -> None:
        assert self.state is not None
        planned = self.state.planned
        due = planned is not None and planned.step is step and hanoi_day(self.now) >= self.state.day(step)
        take = self.about(reminder.TakeReminderStep, due_on=self.state.due_on, step=step)
        events = self.try_(reminder.take_step, take, self.moment)
        assert bool(events) == due

    @invariant()
    def each_step_of_a_due_day_is_taken_or_missed_once(self) -> None:
        taken: Counter[tuple[date, ReminderStep]] = Counter()
        for event in self.history:
            match event:
                case ReminderFired() | DataRequestReminderFired():
                    taken[event.due_on, event.step] += 1
                case RemindersMissed() | DataRequestRemindersMissed():
                    taken.update((event.due_on, step) for step in event.steps)
                case EscalationRaised() | DataRequestEscalated():
                    taken[event.due_on, ReminderStep.ESCALATION] += 1
        assert set(taken.values()) <= {1}
        assert {step for _, step in taken} <= set(SCHEDULES[self.owed])

    @invariant()
    def something_is_planned_exactly_until_it_is_dealt_with_or_escalated(self) -> None:
        if self.state is not None and self.state.planned is None:
            ends = EscalationRaised | DataRequestEscalated | RemindersEnded | DataRequestRemindersEnded
            assert isinstance(self.history[-1], ends)

    @invariant()
    def no_reminder_is_sent_before_its_day_or_on_that_of_the_next(self) -> None:
        steps = list(SCHEDULES[self.owed])
        for event in self.history:
            if isinstance(event, ReminderFired | DataRequestReminderFired):
                assert self.state is not None
                following = steps[steps.index(event.step) + 1]
                day, next_day = (step_day(self.owed, step, self.state.since, event.due_on) for step in (event.step, following))
                assert day <= event.on < next_day


class DataRequestMachine(ReminderMachine):
    """The same of a data request's carrying out, which is given more time now and then."""

    owed = Owed.DATA_REQUEST_CARRYING_OUT

    def watch(self, due_on: date) -> Any:
        fields = {"unit": "ba-dinh", "request_kind": "erasure", "owed": self.owed, "due_on": due_on}
        on = due_on - timedelta(days=15)
        return reminder.WatchDataRequest.model_validate({"command_id": uuid4(), "request_id": self.which, "on": on, **fields})


class DeliveryMachine(Machine):
    """A mail with a mail server that fails, senders that die and an operator who retries."""

    aggregate = DELIVERY
    state: Delivery | None

    @property
    def around(self) -> Circumstances:
        open_channels = frozenset({("unit", "ba-dinh", "email")})
        return Circumstances(self.now, {"ba-dinh": BA_DINH}, dict[UUID, str](), open_channels)

    def about(self, cls: type[Any], **fields: Any) -> Any:
        return cls.model_validate({"command_id": uuid4(), "delivery_id": self.which, **fields})

    @initialize()
    def request(self) -> None:
        values = {"unit": "ba-dinh", "title": "t", "year": "2023", "due_on": "2023-12-15"}
        parameters = [{"name": name, "value": value} for name, value in values.items()]
        fields = {"unit": "ba-dinh", "channel": "email", "template": "report_due", "parameters": parameters, "on": "2023-12-01"}
        assert self.try_(delivery.request, self.about(delivery.RequestNotification, **fields), self.around)

    @rule(seconds=st.integers(1, 2_000))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    attempts = st.integers(0, 3)

    @rule(back=attempts)
    def begin(self, back: int) -> None:
        assert self.state is not None
        begin = self.about(mailing.BeginSending, attempt=self.state.attempt + 1 - back)
        self.try_(mailing.begin, begin, self.around)

    @rule(back=attempts)
    def succeed(self, back: int) -> None:
        assert self.state is not None
        sent = self.about(mailing.RecordSent, attempt=self.state.attempt - back, message_id="<m@x>")
        self.try_(mailing.record_sent, sent, self.around)

    @rule(back=attempts, permanent=st.booleans())
    def fail(self, back: int, permanent: bool) -> None:
        assert self.state is not None
        fields = {"attempt": self.state.attempt - back, "reason": "smtp 451", "permanent": permanent}
        self.try_(mailing.record_failure, self.about(mailing.RecordFailure, **fields), self.around)

    @precondition(lambda self: self.state is not None and self.state.status is Status.PARKED)
    @rule()
    def retry(self) -> None:
        assert self.try_(mailing.retry, self.about(mailing.RetryNotification, on="2023-12-02"), self.around)

    @rule()
    def put_aside(self) -> None:
        self.try_(mailing.put_aside, self.about(mailing.PutAside, reason="NoConsent"), self.around)

    @rule()
    def withdraw(self) -> None:
        withdraw = self.about(delivery.WithdrawNotification, reason="RecipientErased", on="2023-12-02")
        self.try_(delivery.withdraw, withdraw, self.around)

    @invariant()
    def it_is_sent_once_and_never_tried_afterwards(self) -> None:
        sent = [place for place, event in enumerate(self.history) if isinstance(event, NotificationSent)]
        assert len(sent) <= 1
        assert not sent or sent[0] == len(self.history) - 1

    @invariant()
    def nothing_is_tried_after_it_was_withdrawn_though_an_attempt_under_way_may_still_tell_that_it_was_sent(self) -> None:
        withdrawn = [place for place, event in enumerate(self.history) if isinstance(event, NotificationWithdrawn)]
        assert len(withdrawn) <= 1
        for place in withdrawn:
            assert [type(event) for event in self.history[place + 1 :]] in ([], [NotificationSent])

    @invariant()
    def attempts_are_numbered_without_a_gap_and_five_at_most_until_retried(self) -> None:
        attempts = [event.attempt for event in self.history if isinstance(event, NotificationSending)]
        assert attempts == list(range(1, len(attempts) + 1))
        retries = sum(isinstance(event, NotificationRetried) for event in self.history)
        assert len(attempts) <= MAX_ATTEMPTS * (1 + retries)

    @invariant()
    def an_attempt_is_doubtful_exactly_when_the_one_before_had_no_outcome(self) -> None:
        outcomes = {event.attempt for event in self.history if isinstance(event, NotificationFailed)}
        for event in self.history:
            if isinstance(event, NotificationSending) and event.attempt > 1:
                assert event.doubtful == (event.attempt - 1 not in outcomes)

    @invariant()
    def it_is_parked_with_the_failure_that_ended_it_unless_it_was_put_aside(self) -> None:
        for before, event in zip(self.history, self.history[1:], strict=False):
            if isinstance(event, NotificationParked) and event.reason != "NoConsent":
                assert isinstance(before, NotificationFailed)
                assert (before.retry_at, before.reason) == (None, event.reason)


TestReminders = ReminderMachine.TestCase
TestReminders.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestDataRequests = DataRequestMachine.TestCase
TestDataRequests.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestDelivery = DeliveryMachine.TestCase
TestDelivery.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
