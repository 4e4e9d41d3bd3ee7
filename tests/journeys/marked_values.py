"""Values that occur nowhere else, and the search for them in whatever form a program may have left them."""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from urllib.parse import quote

from chassis.vietnamese import folded, sort_key

FIRST_BIRTHDAY = date(1931, 2, 3)
HASHES = (hashlib.md5, hashlib.sha1, hashlib.sha256)
Places = Mapping[str, bytes]
"""What stands where, by the name of the place."""
Needle = tuple[str, bytes]
"""The form of a value, and its bytes."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value as it is entered, and its core: the part of it that no other text holds."""

    label: str
    value: str
    core: str

    @property
    def in_text(self) -> Iterator[Needle]:
        """As people and programs write it; found whatever its case."""
        decomposed = unicodedata.normalize("NFD", self.core)
        yield "as it is", self.core.encode()
        yield "decomposed", decomposed.encode()
        yield "without diacritics", folded(self.core).encode()
        yield "as it is sorted by", sort_key(self.core).partition(" ")[0].encode()
        for form in (self.core, decomposed):
            yield "as escaped JSON", json.dumps(form)[1:-1].encode()
            yield "as escaped octal", _octal(form)
            yield "percent-encoded", quote(form).encode()
            yield "in hexadecimal", form.encode().hex().encode()
        if "-" in self.core:
            day = date.fromisoformat(self.core)
            yield "as a Vietnamese date", f"{day:%d/%m/%Y}".encode()
            yield "as a date of eight digits", f"{day:%Y%m%d}".encode()
            yield "as Python shows it", f"date({day.year}, {day.month}, {day.day})".encode()
        for name, digest in self._digests:
            yield f"{name}, hexadecimal", digest.hex().encode()

    @property
    def in_bytes(self) -> Iterator[Needle]:
        """As it must stand byte by byte."""
        for inner in _base64_anywhere(self.core.encode()):
            yield "in base64", inner
        for name, digest in self._digests:
            yield f"{name}", digest
            yield f"{name}, base64", base64.b64encode(digest).rstrip(b"=")
            yield f"{name}, base64", base64.urlsafe_b64encode(digest).rstrip(b"=")

    @property
    def _digests(self) -> Iterator[tuple[str, bytes]]:
        for make in HASHES:
            for text in {self.value, self.core}:
                digest = make(text.encode())
                yield f"plain {digest.name}", digest.digest()


def _octal(text: str) -> bytes:
    """As protobuf's text format writes what is not ASCII."""
    return "".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in text.encode()).encode()


def _base64_anywhere(data: bytes) -> Iterator[bytes]:
    """What of a value's base64 is the same at each of the three places where it may begin in something longer."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * before + data).rstrip(b"=")
            first = -(-before * 4 // 3)
            last = (before + len(data)) * 4 // 3
            yield text[first:last]


@dataclass(slots=True)
class Marks:
    """Makes marked values, each other than all before, and remembers them by their labels."""

    made: dict[str, Mark] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def name(self, label: str) -> str:
        """A full name; its given name is unique."""
        core = f"Quỵnh{self._letters()}ế"
        return self._made(label, f"Đỗ Thị {core}", core)

    def text(self, label: str) -> str:
        """A line of words."""
        core = f"Xuyếng{self._letters()}ờ"
        return self._made(label, f"Giấy {core}, tủ số ba", core)

    def national_id(self, label: str) -> str:
        """Twelve digits."""
        digits = f"0{(next(self.numbers) * 7_919_113 + 39_182_645_177) % 10**11:011d}"
        return self._made(label, digits, digits)

    def phone(self, label: str) -> str:
        """A number in Viet Nam; found with and without its country."""
        core = f"9{(next(self.numbers) * 791_911 + 38_264_517) % 10**8:08d}"
        return self._made(label, f"+84{core}", core)

    def email(self, label: str) -> str:
        """An address."""
        core = f"quynh.{self._letters()}.dauvet"
        return self._made(label, f"{core}@example.vn", core)

    def birth_date(self, label: str, since: date = FIRST_BIRTHDAY) -> str:
        """A day on which nothing else happens; children are as old as their parents, which nobody minds."""
        day = (since + timedelta(days=37 * next(self.numbers))).isoformat()
        return self._made(label, day, day)

    def _letters(self) -> str:
        number = next(self.numbers)
        return "".join("bcdfghklmnpqrstvxz"[number // 18**place % 18] for place in (2, 1, 0))

    def _made(self, label: str, value: str, core: str) -> str:
        assert label not in self.made, "a label is given once"
        self.made[label] = Mark(label, value, core)
        return value


@dataclass(frozen=True, slots=True)
class Found:
    """A value where it stands."""

    label: str
    form: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}: {self.label}, {self.form}"


def search(places: Places, marks: Iterable[Mark]) -> list[Found]:
    """Every value that stands somewhere, in any form."""
    texts = {
        place: data.decode(errors="surrogateescape").casefold().encode(errors="surrogateescape") for place, data in places.items()
    }
    found = []
    for mark in marks:
        for haystacks, needles in (
            (texts, [(form, _casefolded(needle)) for form, needle in mark.in_text]),
            (places, mark.in_bytes),
        ):
            for needle, name in {needle: form for form, needle in needles}.items():
                found += [Found(mark.label, name, place) for place, data in haystacks.items() if needle in data]
    return found


def _casefolded(needle: bytes) -> bytes:
    return needle.decode().casefold().encode()
