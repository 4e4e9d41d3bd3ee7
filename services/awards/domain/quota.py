"""How many awards of a form may a unit decide for a year, and of one theme of it?

The count of what is decided is a claim (:func:`counts`), so that it holds whatever is decided at the same time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID, uuid5

from pydantic import Field

from awards.domain.regulations import most_of_a_theme
from awards.domain.standing import Units, not_before, open_unit
from awards.events import AwardForm, AwardScope, QuotaSet, QuotaUse
from chassis.claims import Claim
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.refusals import RuleBroken

_QUOTAS = UUID("5a0f2d6e-7b0c-5f49-9a0e-1c6d7f0b8e24")

AtMost = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class QuotaExceeded(RuleBroken):
    """No more awards are decided than the quota allows."""

    vi = "Đã hết chỉ tiêu: đơn vị {decider} được quyết định tối đa {at_most} cho năm {year}."
    en = "The quota is used up: the unit {decider} may decide at most {at_most} for {year}."


class QuotaBelowUse(RuleBroken):
    """A quota cannot be set below what is decided already."""

    vi = "Số đã quyết định nhiều hơn {at_most}; không thể hạ chỉ tiêu xuống mức này."
    en = "More than {at_most} are decided already; the quota cannot be set that low."


class QuotaAboveRegulation(RuleBroken):
    """The regulation's own limit is not raised by a quota (2106/QĐ-TLĐ, art. 15.4)."""

    vi = "Quy chế khen thưởng chỉ cho phép tối đa {limit} cho một chuyên đề trong năm."
    en = "The award regulation allows at most {limit} for a theme and year."


class NothingChanges(RuleBroken):
    """A command that would record nothing new is not recorded."""

    vi = "Không có gì thay đổi."
    en = "Nothing would change."


class QuotaKey(NamedTuple):
    """What a quota limits; `theme` is empty for the form as a whole."""

    decider: str
    form: AwardForm
    year: int
    theme: str

    @property
    def text(self) -> str:
        """Names the quota; letters of either case make the same theme."""
        return f"{self.decider}/{self.form.value}/{self.year}/{self.theme.casefold()}"

    @property
    def aggregate_id(self) -> UUID:
        """Follows from what it limits."""
        return uuid5(_QUOTAS, self.text)


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota as its history left it; `revision` counts how often it was set."""

    key: QuotaKey
    at_most: int
    revision: int
    changed_on: date


Quotas = Mapping[QuotaKey, Quota | None]
"""The quotas that decisions must keep; None where none was set."""


class SetQuota(Command):
    """Set how many awards of a form a unit may decide for a year; of one theme when it is given."""

    decider: Code
    form: AwardForm
    year: Year
    theme: Line | None = None
    at_most: AtMost
    on: Day

    @property
    def key(self) -> QuotaKey:
        """What is limited."""
        return QuotaKey(self.decider, self.form, self.year, self.theme or "")

    @property
    def aggregate_id(self) -> UUID:
        """Follows from what is limited."""
        return self.key.aggregate_id


def set_quota(state: Quota | None, command: SetQuota, units: Units) -> list[Event]:
    """That no more is decided already is held by a claim (:func:`claims`).

    :raises UnitUnknown, UnitIsDissolved, NotBefore, NothingChanges, NoRegulationInForce, QuotaAboveRegulation, QuotaBelowUse:
    """
    decider = open_unit(units, command.decider, "decider")
    if state is not None:
        not_before(state.changed_on, command.on)
        if state.at_most == command.at_most:
            raise NothingChanges("at_most")
    if command.theme:
        limit = most_of_a_theme(command.on, command.form, AwardScope.THEMATIC, decider.level)
        if limit is not None and command.at_most > limit:
            raise QuotaAboveRegulation("at_most", limit=limit)
    return [
        QuotaSet(
            unit=command.decider,
            on=command.on,
            form=command.form,
            year=command.year,
            theme=state.key.theme if state else command.key.theme,
            at_most=command.at_most,
            former_at_most=state.at_most if state else None,
            revision=state.revision + 1 if state else 1,
        )
    ]


def limited_unit(state: Quota | None, command: SetQuota, units: Units) -> str:
    """Where a quota is set: at the unit whose decisions it limits, once that is seen to exist.

    :raises UnitUnknown, UnitIsDissolved:
    """
    return open_unit(units, command.decider, "decider").code


def evolve(state: Quota | None, event: Event) -> Quota:
    """The quota after one more event."""
    match event:
        case QuotaSet() if state is None:
            key = QuotaKey(event.unit, event.form, event.year, event.theme)
            return Quota(key, event.at_most, event.revision, event.on)
        case QuotaSet() if state:
            return replace(state, at_most=event.at_most, revision=event.revision, changed_on=event.on)
    raise AssertionError(f"{event.topic} is no event of a quota")


def claims(state: Quota | None, event: Event) -> Iterable[Claim]:
    """A quota is set when no more is decided, and no decision rests on the former one from then on."""
    assert isinstance(event, QuotaSet)
    key = QuotaKey(event.unit, event.form, event.year, event.theme)
    too_low = QuotaBelowUse("at_most", at_most=event.at_most)
    # Counted once more and given back at once: what remains is the check that what is decided fits in.
    yield Claim(_used(key), "share", lambda: too_low, limit=event.at_most + 1)
    yield Claim(_used(key), "unshare")
    yield Claim(_revision(key, event.revision - 1), "take")


def counts(key: QuotaKey, use: QuotaUse) -> Iterable[Claim]:
    """What a decision claims of a quota: one more within it, and that it was not set anew meanwhile."""
    used_up = QuotaExceeded("nomination_id", decider=key.decider, at_most=use.at_most, year=key.year)
    yield Claim(_used(key), "share", lambda: used_up, limit=use.at_most)
    # Without a refusal of its own: the decision is made again, on the quota that was set.
    yield Claim(_revision(key, use.revision), "vacant")


def gives_back(key: QuotaKey) -> Claim:
    """An award was revoked: it counts no longer."""
    return Claim(_used(key), "unshare")


def _used(key: QuotaKey) -> str:
    return f"quota:{key.text}"


def _revision(key: QuotaKey, revision: int) -> str:
    return f"quota-revision:{key.text}/{revision}"


QUOTA = Aggregate("award_quota", evolve, lambda quota: quota.key.decider, claims, begins=(QuotaSet,))
