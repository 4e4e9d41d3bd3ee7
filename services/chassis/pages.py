"""What do questions share: pages by key, days, ids, and the figures they answer with?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from chassis.refusals import Invalid, Problem
from federation.contract.v1.contract_pb2 import Figure, GetFiguresResponse, PageRequest

MAX_SIZE = 1_000
DEFAULT_SIZE = 100
MAX_IDS = 1_000
_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: `size` items after the key `after`."""

    size: int
    after: str

    @classmethod
    def of(cls, request: PageRequest) -> "Page":
        """:raises Invalid: a size below zero or above `MAX_SIZE`."""
        if not 0 <= request.size <= MAX_SIZE:
            raise Invalid(Problem("page.size", f"phải từ 1 đến {MAX_SIZE}", f"must be from 1 to {MAX_SIZE}"))
        return cls(request.size or DEFAULT_SIZE, request.after)

    def key(self, *parts: Callable[[str], Any]) -> tuple[Any, ...] | None:
        """The key of the last item of the page before, each part read by its type; None for the first page.

        :raises Invalid: it is none that a page of this list ended with.
        """
        if not self.after:
            return None
        texts = self.after.split(_SEPARATOR)
        try:
            return tuple(part(text) for part, text in zip(parts, texts, strict=True))
        except ValueError:
            raise Invalid(Problem("page.after", "không phải vị trí của danh sách này", "is no key of this list")) from None

    @staticmethod
    def cursor(*parts: object) -> str:
        """A key as text, to be passed as `after`."""
        return _SEPARATOR.join(str(part) for part in parts)

    def next(self, keys: Sequence[str]) -> str:
        """What asks for the next page, given the keys of this one; empty when this page was not full."""
        return keys[-1] if len(keys) == self.size else ""


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
