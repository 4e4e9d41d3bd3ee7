"""Which part of a list is asked for, and how is the next one found? By the key of the last row, never by counting.

A cursor is the key as plain text, part by part; it is the reader's to pass back and nobody's to take apart::

    page = page_of(request.page)
    after = page.after(str, UUID)                  # None on the first page
    rows = await question(after, page.size + 1)    # one more than asked tells whether there is a next page
    rows, following = page.cut(rows, lambda row: (row.name_sort_key, row.member_id))
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from urllib.parse import quote, unquote
from uuid import UUID

from chassis.refusals import Invalid, Problem
from federation.contract.v1.contract_pb2 import PageRequest

MAX_SIZE = 1_000
DEFAULT_SIZE = 100
MAX_CURSOR = 1_000

R = TypeVar("R")
_READ: dict[type, Callable[[str], Any]] = {str: str, int: int, UUID: UUID, date: date.fromisoformat}


@dataclass(frozen=True, slots=True)
class Page:
    """So many rows, after a key."""

    size: int
    cursor: str

    def after(self, *kinds: type) -> tuple[Any, ...] | None:
        """The key after which the page begins, or None for the first page; text, numbers, ids and days.

        :raises Invalid: the cursor is not one of this list.
        """
        if not self.cursor:
            return None
        parts = self.cursor.split("/")
        try:
            return tuple(_READ[kind](unquote(part, errors="strict")) for kind, part in zip(kinds, parts, strict=True))
        except ValueError:
            raise Invalid(_NO_CURSOR) from None

    def cut(self, rows: Sequence[R], key: Callable[[R], tuple[object, ...]]) -> tuple[list[R], str]:
        """The rows of this page and the cursor of the next one, empty when `rows` does not go beyond this page."""
        if len(rows) <= self.size:
            return list(rows), ""
        return list(rows[: self.size]), "/".join(quote(str(part), safe="") for part in key(rows[self.size - 1]))


def page_of(request: PageRequest) -> Page:
    """The page that a request asks for.

    :raises Invalid: more than 1,000 rows, or a cursor that no list of ours has given.
    """
    if not 0 <= request.size <= MAX_SIZE:
        raise Invalid(_BAD_SIZE)
    if len(request.after) > MAX_CURSOR:
        raise Invalid(_NO_CURSOR)
    return Page(request.size or DEFAULT_SIZE, request.after)


_BAD_SIZE = Problem("page.size", f"phải từ 1 đến {MAX_SIZE}", f"must be from 1 to {MAX_SIZE}")
_NO_CURSOR = Problem("page.after", "không phải vị trí trang của danh sách này", "is no `next` of this list")
