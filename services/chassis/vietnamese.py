"""How is Vietnamese text found without diacritics, and sorted as a Vietnamese reader expects?

Letters in the order of the alphabet (a ă â b … d đ e ê …); words that differ only in tone in the order không dấu, huyền,
hỏi, ngã, sắc, nặng (TCVN 5712, and every Vietnamese dictionary); people by given name, which stands last.
"""

import unicodedata
from functools import lru_cache

_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
_RANK = {letter: f"{rank:02d}" for rank, letter in enumerate(_ALPHABET, 1)}


def folded(text: str) -> str:
    """Lower case without diacritics: what is searched in and searched for."""
    plain = "".join(char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char))
    return plain.replace("đ", "d")


def sort_key(text: str) -> str:
    """A text that sorts, byte by byte, as the words of `text` do in a Vietnamese dictionary."""
    letters, tones = [], []
    for word in text.lower().split():
        for char in unicodedata.normalize("NFC", word):
            letter, tone = _letter_and_tone(char)
            letters.append(_RANK.get(letter, f"~{letter}"))
            tones.append(str(tone))
        letters.append("00")
    return f"{''.join(letters)} {''.join(tones)}"


def name_sort_key(full_name: str) -> str:
    """The sort key of a person: given name, then family and middle names."""
    words = full_name.split()
    return sort_key(" ".join([words[-1], *words[:-1]])) if words else ""


@lru_cache(4_096)
def _letter_and_tone(char: str) -> tuple[str, int]:
    """Split off the tone mark: ế is ê with tone sắc."""
    marks = unicodedata.normalize("NFD", char)
    tone = next((_TONES[mark] for mark in marks if mark in _TONES), 0)
    return unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES)), tone
