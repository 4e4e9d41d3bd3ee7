"""What do questions share: days, years and ids in a request, figures in an answer?"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from chassis.refusals import Invalid, Problem
from federation.contract.v1.contract_pb2 import Figure, GetFiguresResponse

MAX_IDS = 1_000


def day_of(request: Any, field: str) -> date | None:
    """The day in a field of a message, None when it is left out.

    :raises Invalid: no ISO 8601 day.
    """
    text = getattr(request, field)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(Problem(field, "phải là ngày dạng YYYY-MM-DD", "must be a day, YYYY-MM-DD")) from None


def year_of(request: Any, field: str = "year") -> int:
    """The year in a field of a message.

    :raises Invalid: no year of this register.
    """
    year: int = getattr(request, field)
    if not 1929 <= year <= 2199:
        raise Invalid(Problem(field, "phải từ 1929 đến 2199", "must be from 1929 to 2199"))
    return year


def ids_of(field: str, texts: Iterable[str]) -> list[UUID]:
    """Some ids of a message.

    :raises Invalid: one is no UUID, or there are more than `MAX_IDS`.
    """
    items = list(texts)
    if len(items) > MAX_IDS:
        raise Invalid(Problem(field, f"nhiều nhất {MAX_IDS} mục", f"takes at most {MAX_IDS} items"))
    try:
        return [UUID(text) for text in items]
    except ValueError:
        raise Invalid(Problem(field, "phải là một UUID", "must be a UUID")) from None


def figures_message(as_of: date, figures: Mapping[str, int | Decimal | None]) -> GetFiguresResponse:
    """The answer to ``GetFigures``; a figure that is None (no target, so no percent) is there without a value."""
    return GetFiguresResponse(as_of=as_of.isoformat(), figures=[_figure(name, value) for name, value in figures.items()])


def _figure(name: str, value: int | Decimal | None) -> Figure:
    match value:
        case None:
            return Figure(name=name)
        case int():
            return Figure(name=name, count=value)
        case Decimal():
            return Figure(name=name, decimal=format(value, "f"))
