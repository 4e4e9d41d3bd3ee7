"""Does a reader who passes `next` back see every row once, and nobody make a cursor of something else?"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.paging import DEFAULT_SIZE, MAX_SIZE, Page, page_of
from chassis.refusals import Invalid
from federation.contract.v1.contract_pb2 import PageRequest


def test_the_size_is_a_hundred_unless_the_reader_says_otherwise() -> None:
    assert page_of(PageRequest()) == Page(DEFAULT_SIZE, "")
    assert page_of(PageRequest(size=MAX_SIZE, after="x")) == Page(MAX_SIZE, "x")


@pytest.mark.parametrize("request_", [PageRequest(size=-1), PageRequest(size=MAX_SIZE + 1), PageRequest(after="x" * 1_001)])
def test_a_size_or_cursor_out_of_bounds_is_refused(request_: PageRequest) -> None:
    with pytest.raises(Invalid):
        page_of(request_)


@given(st.text(max_size=40), st.integers(), st.dates(), st.uuids())
def test_a_cursor_brings_back_the_key_it_was_made_of(name: str, number: int, day: date, identity: UUID) -> None:
    rows = [(name, number, day, identity)] * 2

    _, following = Page(1, "").cut(rows, lambda row: row)

    assert Page(1, following).after(str, int, date, UUID) == rows[0]


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 9)), unique=True, max_size=30), st.integers(1, 7))
def test_pages_show_every_row_once_and_end(rows: list[tuple[str, int]], size: int) -> None:
    rows.sort()
    seen: list[tuple[str, int]] = []
    cursor, turns = "", 0
    while turns == 0 or cursor:
        page = page_of(PageRequest(size=size, after=cursor))
        after: Any = page.after(str, int)
        rest = [row for row in rows if after is None or row > after]
        shown, cursor = page.cut(rest[: page.size + 1], lambda row: row)
        seen.extend(shown)
        turns += 1

    assert seen == rows
    assert turns == max(1, -(-len(rows) // size))


@pytest.mark.parametrize("cursor", ["x", "a/b/c", "a/one", "a/0190a6b2-0000-7000-8000-000000000001", "%ff/1"])
def test_what_is_no_cursor_of_this_list_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        Page(1, cursor).after(str, int)

    assert caught.value.problems[0].field == "page.after"
