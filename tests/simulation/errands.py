"""What do officers want of the services in a schedule? Commands drawn from the seed, most of which a rule allows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from uuid import UUID

from chassis.commands import Command
from membership.domain.member import AdmitMember, CorrectMemberDetails, LeaveUnion
from membership.domain.report import AcceptReport, ReturnReport, SetReportObligation, SubmitReport
from membership.domain.transfer import AcceptTransfer, ReleaseMember, RequestTransfer
from membership.domain.unit import AttachUnit, DissolveUnit, EstablishUnit, RenameUnit
from membership.events import Attachment, Level
from notifications.domain.announcement import MarkAnnouncementRead, PublishAnnouncement
from notifications.domain.reminder import TakeReminderStep
from notifications.events import Owed, ReminderStep

TODAY = date(2026, 3, 2)


@dataclass(frozen=True)
class Errand:
    """Some commands of one kind for one service, in one call."""

    service: str
    commands: tuple[Command, ...]


class Officers:
    """Draws errands, remembering what was asked for before so that most of it makes sense.

    :param random: of the seed; ids come from it too.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._units = [f"p-{province}-{unit}" for province in (1, 2) for unit in "ab"]
        self._members: list[tuple[UUID, str]] = []
        self._transfers: list[tuple[UUID, UUID, int]] = []
        self._obligations: list[tuple[UUID, date]] = []
        self._announcements: list[tuple[UUID, str]] = []
        self._national_ids = 0

    def errands(self, many: int) -> Iterator[Errand]:
        """So many of them."""
        kinds: list[Callable[[], Errand]] = [
            self._admit, self._admit, self._admit, self._oblige, self._oblige, self._report, self._report, self._remind,
            self._remind, self._transfer, self._transfer, self._leave, self._dissolve, self._establish, self._attach,
            self._rename, self._correct, self._announce, self._read,
        ]  # fmt: skip
        for _ in range(many):
            yield self._random.choice(kinds)()

    def id(self) -> UUID:
        """A new id."""
        return UUID(int=self._random.getrandbits(128), version=4)

    def _one(self, command: Command, service: str = "membership") -> Errand:
        return Errand(service, (command,))

    def _admit(self) -> Errand:
        many = self._random.choice((1, 1, 1, 2, 4))
        return Errand("membership", tuple(self._admission() for _ in range(many)))

    def _admission(self) -> AdmitMember:
        again = self._members and self._random.random() < 0.15
        member_id = self._random.choice(self._members)[0] if again and self._random.random() < 0.3 else self.id()
        unit = self._random.choice(self._units)
        if not again:
            self._national_ids += 1
        number = self._random.randint(1, max(1, self._national_ids))
        national_id = f"{number if again else self._national_ids:012d}"
        self._members.append((member_id, unit))
        return AdmitMember(
            command_id=self.id(), member_id=member_id, unit=unit, full_name="Nguyễn Thị Bình", national_id=national_id,
            birth_date=date(1990, 1, 1), on=TODAY,
        )  # fmt: skip

    def _member(self) -> tuple[UUID, str]:
        return self._random.choice(self._members) if self._members else (self.id(), self._units[0])

    def _leave(self) -> Errand:
        return self._one(LeaveUnion(command_id=self.id(), member_id=self._member()[0], reason="nghỉ hưu", on=TODAY))

    def _correct(self) -> Errand:
        version = self._random.choice((None, None, 1, 2))
        phone = f"09{self._random.randint(10_000_000, 99_999_999)}"
        command = CorrectMemberDetails(
            command_id=self.id(), member_id=self._member()[0], phone=phone, on=TODAY, expected_version=version
        )
        return self._one(command)

    def _transfer(self) -> Errand:
        if not self._transfers or self._random.random() < 0.4:
            member_id, transfer_id, to_unit = self._member()[0], self.id(), self._random.choice(self._units)
            self._transfers.append((member_id, transfer_id, 0))
            return self._one(
                RequestTransfer(command_id=self.id(), member_id=member_id, transfer_id=transfer_id, to_unit=to_unit, on=TODAY)
            )
        member_id, transfer_id, step = self._transfers.pop(0)
        if step == 0:
            self._transfers.append((member_id, transfer_id, 1))
        kind = AcceptTransfer if step else ReleaseMember
        return self._one(kind(command_id=self.id(), member_id=member_id, transfer_id=transfer_id, on=TODAY))

    def _establish(self) -> Errand:
        code, province = f"p-{self._random.randint(1, 2)}-n{len(self._units)}", self._random.randint(1, 2)
        self._units.append(code)
        return self._one(
            EstablishUnit(
                command_id=self.id(),
                unit=code,
                name=f"Công đoàn {code}",
                level=Level.GRASSROOTS,
                line_parent=f"p-{province}",
                on=TODAY,
            )
        )

    def _dissolve(self) -> Errand:
        unit = self._random.choice(self._units)
        return self._one(DissolveUnit(command_id=self.id(), unit=unit, reason="sáp nhập", on=TODAY))

    def _attach(self) -> Errand:
        unit, parent = self._random.choice(self._units), f"p-{self._random.randint(1, 2)}"
        return self._one(AttachUnit(command_id=self.id(), unit=unit, attachment=Attachment.LINE, parent=parent, on=TODAY))

    def _rename(self) -> Errand:
        unit, name = self._random.choice(self._units), f"Công đoàn {self._random.randint(1, 99)}"
        return self._one(RenameUnit(command_id=self.id(), unit=unit, name=name, on=TODAY))

    def _oblige(self) -> Errand:
        return Errand("membership", tuple(self._obligation() for _ in range(self._random.choice((1, 1, 3)))))

    def _obligation(self) -> SetReportObligation:
        due_on = TODAY + timedelta(days=self._random.choice((-20, -2, 0, 1, 7, 7, 7, 9, 30)))
        obligation_id = self.id()
        self._obligations.append((obligation_id, due_on))
        return SetReportObligation(
            command_id=self.id(), obligation_id=obligation_id, unit=self._random.choice(self._units), title="Báo cáo quý I",
            year=2026, due_on=due_on, on=TODAY - timedelta(days=30),
        )  # fmt: skip

    def _report(self) -> Errand:
        if not self._obligations:
            return self._oblige()
        obligation_id, _ = self._random.choice(self._obligations)
        ids = {"command_id": self.id(), "obligation_id": obligation_id, "on": TODAY}
        drawn = self._random.random()
        if drawn < 0.6:
            return self._one(SubmitReport.model_validate(ids))
        if drawn < 0.8:
            due_on = TODAY + timedelta(days=self._random.choice((1, 7, 30)))
            return self._one(ReturnReport.model_validate({**ids, "reason": "thiếu số liệu", "due_on": due_on}))
        return self._one(AcceptReport.model_validate(ids))

    def _remind(self) -> Errand:
        if not self._obligations:
            return self._oblige()
        obligation_id, due_on = self._random.choice(self._obligations)
        days = (due_on - TODAY).days
        step = ReminderStep.WEEK_BEFORE if days >= 7 else ReminderStep.DAY_BEFORE if days >= 1 else ReminderStep.ESCALATION
        command = TakeReminderStep(command_id=self.id(), owed=Owed.REPORT, owed_id=obligation_id, due_on=due_on, step=step)
        return self._one(command, "notifications")

    def _announce(self) -> Errand:
        announcement_id, unit = self.id(), self._random.choice(("tld", "p-1", "p-2"))
        self._announcements.append((announcement_id, unit))
        command = PublishAnnouncement(
            command_id=self.id(), announcement_id=announcement_id, unit=unit, title="Thông báo", body="Họp.", on=TODAY
        )
        return self._one(command, "notifications")

    def _read(self) -> Errand:
        if not self._announcements:
            return self._announce()
        announcement_id, _ = self._random.choice(self._announcements)
        reader = self._random.choice(self._units[:4])
        command = MarkAnnouncementRead(command_id=self.id(), announcement_id=announcement_id, reader=reader, on=TODAY)
        return self._one(command, "notifications")


def foundation(random: Random) -> list[Errand]:
    """The units that stand at the beginning of every schedule."""
    officers = Officers(random)
    on = date(2020, 1, 1)

    def establish(code: str, level: Level, parent: str | None) -> Errand:
        command = EstablishUnit(
            command_id=officers.id(), unit=code, name=f"Công đoàn {code}", level=level, line_parent=parent, on=on
        )
        return Errand("membership", (command,))

    provinces = [establish(f"p-{province}", Level.PROVINCE, "tld") for province in (1, 2)]
    units = [establish(f"p-{province}-{unit}", Level.GRASSROOTS, f"p-{province}") for province in (1, 2) for unit in "ab"]
    return [establish("tld", Level.CONFEDERATION, None), *provinces, *units]
