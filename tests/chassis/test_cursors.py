"""Does a cursor say what was written, of its own list, and is every other text refused?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.cursors import CursorForged, Cursors

CURSORS = Cursors(b"a secret of at least 32 bytes ...")
plain = st.none() | st.text(max_size=50) | st.integers(0, 2**53)


@given(parts=st.lists(plain, max_size=6), of=st.text(max_size=20))
def test_a_cursor_says_what_was_written(parts: list[object], of: str) -> None:
    cursor = CURSORS.write(of, parts)
    assert cursor.isascii()
    assert CURSORS.read(of, cursor) == parts


@given(text=st.text(max_size=100))
def test_a_text_that_we_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(CursorForged):
        CURSORS.read("ha-noi", text)


@given(data=st.data(), parts=st.lists(plain, max_size=3))
def test_a_cursor_that_was_changed_is_refused(data: st.DataObject, parts: list[object]) -> None:
    cursor = CURSORS.write("ha-noi", parts)
    # The last letter may stand for bits that mean nothing; every other one counts.
    at = data.draw(st.integers(0, len(cursor) - 2))
    letter = data.draw(st.sampled_from("ABCdef019-_").filter(lambda letter: letter != cursor[at]))
    with pytest.raises(CursorForged):
        CURSORS.read("ha-noi", cursor[:at] + letter + cursor[at + 1 :])


def test_a_cursor_of_another_list_or_of_another_secret_is_refused() -> None:
    for cursor in (CURSORS.write("vinh-phuc", [1]), Cursors(b"another secret of 32 bytes .....").write("ha-noi", [1])):
        with pytest.raises(CursorForged):
            CURSORS.read("ha-noi", cursor)
