"""How much may a unit decide for a year, and how much of it has it decided?"""

from dataclasses import dataclass, replace

from awards.events import AwardDecided, AwardForm, AwardRevoked, QuotaSet
from chassis.database import Pool, fetch_rows
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """What a unit may decide of a form, or of one theme of it, for a year; `at_most` is None while nothing limits it.

    `theme_key` is the theme in small letters: the case of a letter makes no second theme.
    """

    decider: str
    year: int
    form: str
    theme_key: str
    theme: str
    at_most: int | None = None
    decided: int = 0


QUOTAS = ReadModel("quotas", 1, QuotaRow, key=("decider", "year", "form", "theme_key"), source="awards")


def _row(row: QuotaRow | None, decider: str, year: int, form: AwardForm, theme: str) -> QuotaRow:
    return row or QuotaRow(decider, year, form.value, theme.casefold(), theme)


@QUOTAS.on(QuotaSet, key=lambda event: (event.unit, event.year, event.form.value, event.theme.casefold()))
def quota_set(row: QuotaRow | None, event: QuotaSet, at: RecordedEvent) -> QuotaRow:
    """The quota is the latest one."""
    return replace(_row(row, event.unit, event.year, event.form, event.theme), at_most=event.at_most)


@QUOTAS.on(AwardDecided, key=lambda event: (event.decider, event.year, event.form.value, ""))
def decided(row: QuotaRow | None, event: AwardDecided, at: RecordedEvent) -> QuotaRow:
    """One more of the form."""
    row = _row(row, event.decider, event.year, event.form, "")
    return replace(row, decided=row.decided + 1)


@QUOTAS.on(AwardDecided, key=lambda event: (event.decider, event.year, event.form.value, event.theme.casefold()))
def decided_of_theme(row: QuotaRow | None, event: AwardDecided, at: RecordedEvent) -> QuotaRow | None:
    """One more of the theme; the regulation's own limit shows from the first decision on."""
    if not event.theme:
        return row
    row = _row(row, event.decider, event.year, event.form, event.theme)
    at_most = next((use.at_most for use in event.quotas if use.theme), None)
    return replace(row, decided=row.decided + 1, at_most=at_most)


@QUOTAS.on(AwardRevoked, key=lambda event: (event.decider, event.year, event.form.value, ""))
def revoked(row: QuotaRow | None, event: AwardRevoked, at: RecordedEvent) -> QuotaRow:
    """One less of the form."""
    assert row is not None
    return replace(row, decided=row.decided - 1)


@QUOTAS.on(AwardRevoked, key=lambda event: (event.decider, event.year, event.form.value, event.theme.casefold()))
def revoked_of_theme(row: QuotaRow | None, event: AwardRevoked, at: RecordedEvent) -> QuotaRow | None:
    """One less of the theme."""
    if not event.theme:
        return row
    assert row is not None
    return replace(row, decided=row.decided - 1)


async def quotas_of(pool: Pool, decider: str, year: int, after: Key | None, size: int) -> list[QuotaRow]:
    """The quotas of a decider for a year, by form and theme; after such a key."""
    beyond = "and (form, theme_key) > (%s, %s)" if after else ""
    condition = f"decider = %s and year = %s {beyond} order by form, theme_key limit %s"
    return await fetch_rows(pool, QUOTAS, condition, (decider, year, *(after or ()), size))
