"""Who are the members, who is in hardship, who moved and who left?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import count
from uuid import UUID

from congdoan.sample import units
from congdoan.sample.names import Person, person
from congdoan.sample.steps import Chapter, Dice, Step, named, step
from congdoan.sample.units import HA_NOI, MERGED_AWAY, MERGED_INTO, MOVED, VINH_PHUC, Unit

VINH_PHUC_MEMBERS = 4_512
"""How many there are at the end of 2024: of "more than 4,500 people" the published report speaks."""

LEFT, MOVED_IN, MOVED_OUT, MERGED = 96, 12, 9, 14
LATER_JOINED, LATER_LEFT = 37, 21
IN_HARDSHIP, NO_LONGER_IN_HARDSHIP = 74, 8
TRANSFER_REFUSED, CORRECTED = 1, 5


@dataclass(frozen=True, slots=True)
class Member:
    """A member at the beginning; `unit` is the first one."""

    number: int
    person: Person
    unit: str
    joined_on: date

    @property
    def member_id(self) -> UUID:
        """Follows from the number."""
        return named("member", self.number)


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer to another unit."""

    member: Member
    to_unit: str
    on: date

    @property
    def fields(self) -> dict[str, object]:
        """What every command about the transfer names."""
        return {"member_id": self.member.member_id, "transfer_id": named("transfer", self.member.number)}


class People:
    """Everyone, and what happens to them; each of those is in one story at most, so that no story disturbs another."""

    def __init__(self) -> None:
        self._numbers = count(1)
        own = [unit for unit in units.grassroots() if unit.line == VINH_PHUC or unit.code == MOVED]
        lasting = [unit for unit in own if unit.code != MERGED_AWAY]
        gone = [unit for unit in own if unit.code == MERGED_AWAY]
        self.merged = list(self._admitted(gone, MERGED, until=date(2008, 1, 31)))
        self.vinh_phuc = list(self._admitted(lasting, VINH_PHUC_MEMBERS + LEFT + MOVED_OUT - MOVED_IN - MERGED))
        self.elsewhere = {
            unit.code: list(self._admitted([unit], Dice("size", unit.code).between(*_SIZES.get(unit.line, (6, 12)))))
            for unit in units.grassroots()
            if unit not in own
        }
        self.later = list(self._later([*lasting, *units.later()]))
        self._tell_stories([unit.code for unit in lasting])

    @property
    def everyone(self) -> list[Member]:
        """All who were ever admitted."""
        return [*self.merged, *self.vinh_phuc, *self.later, *(member for unit in self.elsewhere.values() for member in unit)]

    def _tell_stories(self, own: Sequence[str]) -> None:
        dice = Dice("stories")
        settled = [member for member in self.vinh_phuc if member.joined_on < date(2021, 1, 1)]
        chosen = dice.some_of(settled, LEFT + MOVED_OUT + LATER_LEFT + IN_HARDSHIP + TRANSFER_REFUSED + CORRECTED)
        ha_noi = [member for code, unit in self.elsewhere.items() if code.startswith(HA_NOI) for member in unit]
        arriving = dice.some_of([member for member in ha_noi if member.joined_on < date(2021, 1, 1)], MOVED_IN)
        self.left = [chosen.pop() for _ in range(LEFT)]
        self.left_later = [chosen.pop() for _ in range(LATER_LEFT)]
        self.in_hardship = [chosen.pop() for _ in range(IN_HARDSHIP)]
        self.corrected = [chosen.pop() for _ in range(CORRECTED)]
        self.refused = [Move(chosen.pop(), f"{HA_NOI}-cs-03", date(2024, 5, 6)) for _ in range(TRANSFER_REFUSED)]
        self.moves = [
            *(Move(member, MERGED_INTO, date(2008, 5, 12)) for member in self.merged),
            *(Move(member, f"{HA_NOI}-cs-{dice.between(1, 30):02}", _day_of(dice, 2022, 2024)) for member in chosen),
            *(Move(member, dice.one_of(own), _day_of(dice, 2022, 2024)) for member in arriving),
        ]

    def _admitted(self, into: Sequence[Unit], how_many: int, until: date = date(2024, 12, 20)) -> Iterator[Member]:
        """So many members, over the units by their size; each unit has some."""
        sizes = [Dice("size", unit.code).between(20, 110) for unit in into]
        for unit, share in zip(into, _shares(how_many, sizes), strict=True):
            for _ in range(share):
                yield self._new(unit, unit.established_on, until)

    def _later(self, into: Sequence[Unit]) -> Iterator[Member]:
        dice = Dice("later")
        for _ in range(LATER_JOINED):
            yield self._new(dice.one_of(into), date(2025, 3, 3), date(2025, 10, 31))

    def _new(self, unit: Unit, earliest: date, until: date) -> Member:
        number = next(self._numbers)
        dice = Dice("member", number)
        who = person(dice, number)
        if until < date(2010, 1, 1):
            who = person_born_before(1980, dice, number)
        of_age = date(who.birth_date.year + 22, 7, 1)
        first = max(earliest, of_age)
        return Member(number, who, unit.code, first + timedelta(days=dice.between(0, max(0, (until - first).days))))


_SIZES = {HA_NOI: (14, 28)}


def person_born_before(year: int, dice: Dice, number: int) -> Person:
    """Somebody old enough for what happened long ago."""
    while (who := person(dice, number)).birth_date.year >= year:
        pass
    return who


@cache
def people() -> People:
    """The members of the sample; made once, always the same."""
    return People()


def chapter() -> Chapter:
    """Admissions; then hardship, transfers and departures, each step of a transfer after the one before."""
    all_of = people()
    return [
        [_admit(member) for member in all_of.everyone],
        [
            *(_requests(move) for move in (*all_of.moves, *all_of.refused)),
            *(_hardship(member) for member in all_of.in_hardship),
            *(_leave(member, 2022, 2024) for member in all_of.left),
            *(_leave(member, 2025, 2025) for member in all_of.left_later),
            *(_correct(member) for member in all_of.corrected),
        ],
        [
            *(_with("ReleaseMember", move, days=7) for move in (*all_of.moves, *all_of.refused)),
            *(_hardship_ends(member) for member in all_of.in_hardship[-NO_LONGER_IN_HARDSHIP:]),
        ],
        [
            *(_with("AcceptTransfer", move, days=14) for move in all_of.moves),
            *(_with("RefuseTransfer", move, days=14, reason="Không còn chỉ tiêu biên chế") for move in all_of.refused),
        ],
        units.ending(),
    ]


def members_in_hardship() -> list[Member]:
    """Members of Vĩnh Phúc who are in hardship at Tết 2024 and after."""
    return people().in_hardship[:-NO_LONGER_IN_HARDSHIP]


def members_of(units_of: Sequence[str], how_many: int, *story: object) -> list[Member]:
    """Some who are members of these units in 2024 and to whom nothing else happens."""
    all_of = people()
    busy = {member.number for member in (*all_of.left, *all_of.left_later, *all_of.in_hardship)}
    busy |= {move.member.number for move in (*all_of.moves, *all_of.refused)}
    settled = [m for m in all_of.everyone if m.unit in units_of and m.number not in busy and m.joined_on < date(2023, 6, 1)]
    return Dice("some", *story).some_of(settled, how_many)


def _shares(total: int, sizes: Sequence[int]) -> list[int]:
    """`total` divided in the proportion of the sizes, whole and exact: what is over goes to the first ones."""
    shares = [total * size // sum(sizes) for size in sizes]
    over = total - sum(shares)
    return [share + (place < over) for place, share in enumerate(shares)]


def _day_of(dice: Dice, first_year: int, last_year: int) -> date:
    return date(dice.between(first_year, last_year), dice.between(2, 11), dice.between(1, 28))


def _admit(member: Member) -> Step:
    who = member.person
    return step(
        *("membership", "AdmitMember", member.number),
        member_id=member.member_id, unit=member.unit, on=member.joined_on,
        full_name=who.full_name, national_id=who.national_id, birth_date=who.birth_date, email=who.email,
    )  # fmt: skip


def _requests(move: Move) -> Step:
    return step("membership", "RequestTransfer", move.member.number, **move.fields, to_unit=move.to_unit, on=move.on)


def _with(rpc: str, move: Move, *, days: int, **fields: object) -> Step:
    return step("membership", rpc, move.member.number, **move.fields, on=move.on + timedelta(days=days), **fields)


def _hardship(member: Member) -> Step:
    dice = Dice("hardship", member.number)
    grade = "special_hardship" if dice.happens(0.3) else "hardship"
    details = dice.one_of(("Bản thân mắc bệnh hiểm nghèo", "Con nhỏ ốm đau dài ngày", "Nhà bị hư hỏng do bão", "Bố mẹ già yếu"))
    return step(
        *("membership", "RecordHardship", member.number),
        member_id=member.member_id, grade=grade, details=details, on=_day_of(dice, 2022, 2023),
    )  # fmt: skip


def _hardship_ends(member: Member) -> Step:
    return step("membership", "EndHardship", member.number, member_id=member.member_id, on=date(2023, 12, 15))


def _leave(member: Member, first_year: int, last_year: int) -> Step:
    dice = Dice("leave", member.number)
    reason = dice.one_of(("Nghỉ hưu", "Nghỉ hưu", "Nghỉ hưu", "Chuyển công tác ra ngoài ngành", "Thôi việc theo nguyện vọng"))
    on = _day_of(dice, first_year, last_year)
    return step("membership", "LeaveUnion", member.number, member_id=member.member_id, reason=reason, on=on)


def _correct(member: Member) -> Step:
    birth_date = member.person.birth_date + timedelta(days=1)
    on = date(2024, 3, 14)
    return step("membership", "CorrectMemberDetails", member.number, member_id=member.member_id, birth_date=birth_date, on=on)
