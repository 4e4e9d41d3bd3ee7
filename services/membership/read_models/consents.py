"""Who agrees to what, as of any day, and on what evidence?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from chassis.database import Pool, fetch_rows
from chassis.events import Personal
from chassis.read_models import Key, ReadModel
from chassis.recorded import RecordedEvent
from membership.events import ConsentGiven, ConsentGiver, ConsentPurpose, ConsentWithdrawn, SubjectErased


@dataclass(frozen=True, slots=True)
class Period:
    """What was agreed to once; `withdrawn_on` is the first day on which it does not hold, None while it does."""

    given_on: date
    text_version: str
    guardian_id: UUID | None
    evidence: str | None
    withdrawn_on: date | None

    def holds(self, on: date) -> bool:
        """Whether it does on a day."""
        return self.given_on <= on and (self.withdrawn_on is None or on < self.withdrawn_on)


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """What one voice ever said about one purpose of one person: `said` is a JSON list of :class:`Period`, in order."""

    person_id: UUID
    purpose: str
    given_by: str
    said: Personal[str]

    @property
    def periods(self) -> list[Period]:
        """Everything that was agreed to; what was replaced holds until all is taken back."""
        return [
            Period(
                date.fromisoformat(given["given_on"]),
                given["text_version"],
                UUID(given["guardian_id"]) if given["guardian_id"] else None,
                given["evidence"],
                date.fromisoformat(given["withdrawn_on"]) if given["withdrawn_on"] else None,
            )
            for given in orjson.loads(self.said)
        ]

    def holds(self, on: date) -> bool:
        """Whether it was agreed to on a day."""
        return any(period.holds(on) for period in self.periods)

    def stands_since(self, on: date) -> bool:
        """Whether it was agreed to by a day and never taken back since: for what goes on from that day, as publication does."""
        return any(period.given_on <= on and period.withdrawn_on is None for period in self.periods)


CONSENTS = ReadModel("consents", 1, ConsentRow, key=("person_id", "purpose", "given_by"), source="membership")


def _key(event: ConsentGiven | ConsentWithdrawn) -> Key:
    return (event.person_id, event.purpose.value, event.given_by.value)


@CONSENTS.on(ConsentGiven, key=_key)
def given(row: ConsentRow | None, event: ConsentGiven, at: RecordedEvent) -> ConsentRow:
    """Agreed to, perhaps again."""
    said = orjson.loads(row.said) if row else []
    now = {
        "given_on": event.on,
        "text_version": event.text_version,
        "guardian_id": event.guardian_id,
        "evidence": event.evidence,
        "withdrawn_on": None,
    }
    return ConsentRow(event.person_id, event.purpose.value, event.given_by.value, orjson.dumps([*said, now]).decode())


@CONSENTS.on(ConsentWithdrawn, key=_key)
def withdrawn(row: ConsentRow | None, event: ConsentWithdrawn, at: RecordedEvent) -> ConsentRow | None:
    """Taken back: whatever still held ends on this day. Nothing stands here of a person that was erased before."""
    if row is None:
        return None
    said = [
        period if period["withdrawn_on"] else {**period, "withdrawn_on": event.on.isoformat()}
        for period in orjson.loads(row.said)
    ]
    return ConsentRow(row.person_id, row.purpose, row.given_by, orjson.dumps(said).decode())


def _forget(row: ConsentRow | None, event: SubjectErased, at: RecordedEvent) -> None:
    """Nothing of an erased person is left."""


def _every_voice() -> Iterator[tuple[ConsentPurpose, ConsentGiver]]:
    return ((purpose, giver) for purpose in ConsentPurpose for giver in ConsentGiver)


def _key_of(purpose: ConsentPurpose, giver: ConsentGiver) -> Any:
    return lambda event: (event.person_id, purpose.value, giver.value)


for _purpose, _giver in _every_voice():
    CONSENTS.on(SubjectErased, key=_key_of(_purpose, _giver))(_forget)


async def consents_of(pool: Pool, person_ids: Sequence[UUID], purpose: ConsentPurpose) -> list[ConsentRow]:
    """What was ever said about a purpose of some persons."""
    return await fetch_rows(pool, CONSENTS, "person_id = any(%s) and purpose = %s", (list(person_ids), purpose.value))


async def consents_of_person(pool: Pool, person_id: UUID) -> list[ConsentRow]:
    """What was ever said about any purpose of a person, by purpose and voice."""
    return await fetch_rows(pool, CONSENTS, "person_id = %s order by purpose, given_by", (person_id,))
