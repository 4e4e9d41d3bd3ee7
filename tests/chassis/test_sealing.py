"""Is a sealed value opened where it was sealed, by its key, and nowhere else?"""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.events import SEALED, Event, NotReadable, Personal, decode
from chassis.recorded import RecordedEvent
from chassis.sealing import Keys, PersonErased, Sealer

WHO, WHERE, DAY = UUID(int=1), UUID(int=2), date(2026, 1, 1)
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Told(Event, topic="sealing.told", subject="person_id"):
    """Something was told of a person."""

    person_id: UUID
    remark: str = ""
    name: Personal[str | None] = None
    born: Personal[date | None] = None
    children: Personal[tuple[int, ...] | None] = None


class Retold(Event, topic="sealing.retold", subject="person_id", schema_version=2):
    """Something was told of a person, in other words today."""

    upcasters = {1: lambda data: {**data, "remark": data["note"]}}  # noqa: RUF012 - as every event declares them

    person_id: UUID
    remark: str
    name: Personal[str | None]


class Ring:
    """Keys by person; counts what it was asked."""

    def __init__(self) -> None:
        self.keys: dict[UUID, AESGCM | None] = {}
        self.asked: list[tuple[int, bool]] = []

    async def keys_for(self, persons: Collection[UUID], *, create: bool = False) -> Keys:
        self.asked.append((len(persons), create))
        if create:
            for person in persons:
                self.keys.setdefault(person, AESGCM(AESGCM.generate_key(256)))
        return {person: self.keys[person] for person in persons if person in self.keys}


@pytest.fixture
def ring() -> Ring:
    return Ring()


@pytest.fixture
def sealer(ring: Ring) -> Sealer:
    return Sealer(ring)


def told(**fields: Any) -> Told:
    return Told(unit="so-y-te", on=DAY, person_id=WHO, **fields)


def recorded(body: bytes, topic: str = Told.topic, version: int = 1, aggregate: UUID = WHERE) -> RecordedEvent:
    return RecordedEvent("example", version, aggregate, version, topic, body, b"{}", "b", 1, AT)


async def stored(sealer: Sealer, event: Event, aggregate: UUID = WHERE, version: int = 1) -> bytes:
    return sealer.stored(event, aggregate, version, await sealer.keys_of([event]))


async def opened(sealer: Sealer, *events: RecordedEvent) -> Sequence[Event]:
    await sealer.open(events)
    return [event.event for event in events]


texts = st.one_of(
    st.text(min_size=1),
    st.sampled_from(["Nguyễn Thị Ánh Tuyết", "Đỗ Ế", SEALED, f"{SEALED}AAAA", "sealed:", '"', "\\", "\n", "sealed:1:\n"]),
)


@settings(max_examples=100, deadline=None)
@given(name=texts, born=st.dates(), children=st.lists(st.integers(-(2**53), 2**53), max_size=3), remark=texts)
def test_whatever_is_sealed_is_opened_as_it_was(name: str, born: date, children: list[int], remark: str) -> None:
    async def there_and_back() -> None:
        sealer = Sealer(Ring())
        event = told(name=name, born=born, children=tuple(children), remark=remark)
        body = await stored(sealer, event)
        assert await opened(sealer, recorded(body)) == [event]
        assert decode(Told.topic, body) == told(remark=remark, name=None, born=None, children=None)
        values = json.loads(body)
        assert all(values[field].startswith(SEALED) for field in ("name", "born", "children"))
        assert values["remark"] == remark

    try:
        name.encode()
        remark.encode()
    except UnicodeEncodeError:
        return
    asyncio.run(there_and_back())


async def test_what_is_empty_stays_as_it_is_and_nothing_else_does(sealer: Sealer) -> None:
    body = await stored(sealer, told(name=""))
    assert json.loads(body) == {
        "schema_version": 1, "unit": "so-y-te", "on": "2026-01-01", "person_id": str(WHO), "remark": "",
        "name": "", "born": None, "children": None,
    }  # fmt: skip
    assert decode(Told.topic, body) == told(name="")


async def test_one_value_sealed_twice_looks_different(sealer: Sealer) -> None:
    assert await stored(sealer, told(name="Ánh")) != await stored(sealer, told(name="Ánh"))


@pytest.mark.parametrize("moved", [{"aggregate": uuid4()}, {"version": 2}, {"topic": Retold.topic}])
async def test_a_sealed_value_moved_to_another_place_is_not_readable(sealer: Sealer, moved: dict[str, Any]) -> None:
    body = await stored(sealer, told(name="Ánh", remark="x"))
    if "topic" in moved:
        body = body.replace(b'"schema_version":1', b'"schema_version":2')
    event = recorded(body, **moved)
    await sealer.open([event])
    with pytest.raises(NotReadable, match="name was not sealed for this place"):
        assert event.event


async def test_a_sealed_value_moved_to_another_field_or_changed_is_not_readable(sealer: Sealer) -> None:
    values = json.loads(await stored(sealer, told(name="Ánh", born=DAY)))
    swapped = {**values, "name": values["born"], "born": values["name"]}
    last = values["name"][-4]
    changed = {**values, "name": f"{values['name'][:-4]}{'A' if last != 'A' else 'B'}{values['name'][-3:]}"}
    for forged in (swapped, changed, {**values, "name": SEALED}, {**values, "name": f"{SEALED}???"}):
        event = recorded(json.dumps(forged, separators=(",", ":")).encode())
        await sealer.open([event])
        with pytest.raises(NotReadable, match="was not sealed for this place"):
            assert event.event


async def test_a_value_put_in_clear_beside_a_sealed_one_is_not_readable(sealer: Sealer) -> None:
    values = json.loads(await stored(sealer, told(name="Ánh", born=DAY)))
    body = json.dumps({**values, "name": "Ánh"}, separators=(",", ":")).encode()
    with pytest.raises(NotReadable, match="name stands in clear"):
        decode(Told.topic, body)


async def test_what_belongs_to_nobody_is_not_readable(sealer: Sealer) -> None:
    values = json.loads(await stored(sealer, told(name="Ánh")))
    for nobody in ({**values, "person_id": 7}, {**values, "person_id": "x"}, {"name": values["name"]}):
        event = recorded(json.dumps(nobody, separators=(",", ":")).encode())
        await sealer.open([event])
        with pytest.raises(NotReadable, match="person_id does not say"):
            assert event.event


async def test_of_an_erased_person_nothing_is_read_and_nothing_more_is_kept(sealer: Sealer, ring: Ring) -> None:
    body = await stored(sealer, told(name="Ánh"))
    ring.keys[WHO] = None
    assert await opened(sealer, recorded(body)) == [told(name=None)]
    with pytest.raises(PersonErased) as refused:
        await stored(sealer, told(name="Ánh"))
    assert refused.value.field == "person_id"


async def test_without_its_key_in_the_store_an_event_waits_rather_than_passes_for_an_erased_one(
    sealer: Sealer, ring: Ring
) -> None:
    body = await stored(sealer, told(name="Ánh"))
    ring.keys.clear()
    event = recorded(body)
    await sealer.open([event])
    with pytest.raises(NotReadable, match="does not have"):
        assert event.event


async def test_many_events_are_opened_with_one_question_and_only_those_that_are_sealed(sealer: Sealer, ring: Ring) -> None:
    persons = [uuid4() for _ in range(5)]
    bodies = [await stored(sealer, replace_person(told(name="Ánh"), person)) for person in persons for _ in range(2)]
    clear = [recorded(told(name="").encode()), recorded(b"no json"), recorded(b"{}", topic="sealing.unheard_of")]
    ring.asked.clear()
    await sealer.open([*map(recorded, bodies), *clear])
    assert ring.asked == [(5, False)]
    await sealer.open(clear)
    assert ring.asked == [(5, False)]


def replace_person(event: Told, person: UUID) -> Told:
    return event.model_copy(update={"person_id": person})


async def test_an_older_version_is_opened_after_its_upcaster(sealer: Sealer) -> None:
    today = Retold(unit="so-y-te", on=DAY, person_id=WHO, remark="x", name="Ánh")
    body = (await stored(sealer, today)).replace(b'"schema_version":2', b'"schema_version":1').replace(b'"remark"', b'"note"')
    assert await opened(sealer, recorded(body, Retold.topic)) == [today]


def test_bytes_without_a_seal_are_read_as_they_are() -> None:
    event = told(name="Ánh", born=DAY, remark='they wrote "sealed:1:x"')
    assert decode(Told.topic, event.encode()) == event


@pytest.mark.parametrize("subject", ["", "nobody", "remark"])
def test_an_event_with_personal_fields_says_whose_they_are(subject: str) -> None:
    with pytest.raises(TypeError, match="subject must name"):

        class Lost(Event, topic=f"sealing.lost{subject}", subject=subject):
            """Nobody's."""

            person_id: UUID
            remark: str
            name: Personal[str | None]


def test_a_personal_field_of_an_event_may_be_none() -> None:
    with pytest.raises(TypeError, match="declare it Personal"):

        class Certain(Event, topic="sealing.certain", subject="person_id"):
            """Always there."""

            person_id: UUID
            name: Personal[str]


def test_personal_values_do_not_show_in_a_repr() -> None:
    assert "Ánh" not in repr(told(name="Ánh"))
    assert "Ánh" not in repr(replace(recorded(told(name="Ánh").encode()), body=b""))
