"""Which commands can go into one batch, and what does the database hold against it?"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.appends import Answer, Append, Arrangement, Claimed, Rearranged, StaleVersion
from chassis.refusals import CommandIdReused

MAX_HOLDERS = 2**31 - 2
UNKNOWN_FINGERPRINT = b""
"""Of a command whose events were taken back from the stream (:mod:`chassis.recovery`): what it said is not in them."""


def is_repetition(known: bytes, acted_on: UUID, fingerprint: bytes, acts_on: UUID) -> bool:
    """Whether a command whose id is known is the one that was answered before.

    :param known: the fingerprint that was kept, and what that command `acted_on`; the aggregate alone decides where it was not.
    """
    return known == fingerprint or (known == UNKNOWN_FINGERPRINT and acted_on == acts_on)


class Plan:
    """A batch as the arrays of ``append_batch``, and whether one more command can be in it."""

    def __init__(self) -> None:
        self.appends: list[Append] = []
        self.size = 0
        self.seen: Arrangement | None = None
        self._alone = False
        self.bases: dict[UUID, int] = {}
        self._versions: dict[UUID, int] = {}
        self._command_ids: set[UUID] = set()
        self.needs: dict[str, str] = {}
        self._deltas: dict[str, int] = {}
        self._most: dict[str, int] = {}

    def fits(self, append: Append) -> bool:
        """Versions must follow on those of the batch, a claim is either shared in it or touched once, and everybody has
        seen the same branches."""
        if self.appends and (self._alone or append.alone or (append.seen is not self.seen and append.seen != self.seen)):
            return False
        if append.command_id in self._command_ids:
            return False
        first = {event.aggregate_id: event.version for event in reversed(append.events)}
        if any(self._versions.get(aggregate, version - 1) != version - 1 for aggregate, version in first.items()):
            return False
        return all(
            claim.key not in self.needs
            or (claim.mode in ("share", "unshare") and claim.limit is None and self.needs[claim.key] == "unclosed")
            or (claim.mode == "vacant" and self.needs[claim.key] == "free" and self._deltas[claim.key] == 0)
            for claim in append.claims
        )

    def add(self, append: Append) -> None:
        self.appends.append(append)
        self.seen, self._alone = append.seen, append.alone
        self.size += len(append.events)
        if append.command_id:
            self._command_ids.add(append.command_id)
        for event in append.events:
            self.bases.setdefault(event.aggregate_id, event.version - 1)
            self._versions[event.aggregate_id] = event.version
        for claim in append.claims:
            need, delta = _CLAIM_RULES[claim.mode]
            if self.needs.setdefault(claim.key, need) == "none":
                self.needs[claim.key] = need
            self._deltas[claim.key] = self._deltas.get(claim.key, 0) + delta
            if claim.limit is not None:
                self._most[claim.key] = claim.limit - 1

    def arrays(self, recorded_at: datetime, hash_key: Callable[[str], bytes]) -> tuple[object, ...]:
        named = [append for append in self.appends if append.command_id]
        events = [event for append in self.appends for event in append.events]
        return (
            [append.command_id for append in named],
            [append.fingerprint for append in named],
            self._last_events(),
            list(self.bases),
            list(self.bases.values()),
            [event.aggregate_id for event in events],
            [event.version for event in events],
            [event.topic for event in events],
            [event.body for event in events],
            [event.metadata for event in events],
            [event.branch for event in events],
            recorded_at,
            [hash_key(key) for key in self.needs],
            list(self.needs.values()),
            [self._deltas[key] for key in self.needs],
            [self._most.get(key, MAX_HOLDERS) for key in self.needs],
            self.seen.branches_at if self.seen else None,
            self.seen.places_at if self.seen else None,
            any(append.moves != "nothing" for append in self.appends),
            any(append.moves == "branches" for append in self.appends),
        )

    def _last_events(self) -> list[int]:
        """For each command with an id, the place of its last event in the batch, from 1."""
        places, place = [], 0
        for append in self.appends:
            place += len(append.events)
            if append.command_id:
                places.append(place)
        return places


_CLAIM_RULES = {
    "take": ("free", -1),
    "share": ("unclosed", 1),
    "release": ("none", 1),
    "unshare": ("unclosed", -1),
    "vacant": ("free", 0),
}
CLAIM_DELTAS = {mode: delta for mode, (_, delta) in _CLAIM_RULES.items()}
"""By how much the holders of a claim change, by its mode."""


class Objections:
    """What the database holds against the commands of a batch."""

    def __init__(self, plan: Plan, rows: list[tuple[Any, ...]]) -> None:
        aggregates, claims = list(plan.bases), list(plan.needs)
        self._repeated = {row[2]: row for row in rows if row[0] == "repeated"}
        self._stale = {aggregates[row[1] - 1] for row in rows if row[0] == "stale"}
        self._claimed = {claims[row[1] - 1] for row in rows if row[0] == "claimed"}
        self._rearranged = any(row[0] == "rearranged" for row in rows)

    def to(self, append: Append) -> Answer | Exception | None:
        """The answer or error of a command, or None when nothing stands against it."""
        if append.command_id in self._repeated:
            _, _, _, fingerprint, position, aggregate_id, version = self._repeated[append.command_id]
            if not is_repetition(fingerprint, aggregate_id, append.fingerprint, append.events[-1].aggregate_id):
                return CommandIdReused("command_id")
            return Answer(position, aggregate_id, version, repeated=True)
        if self._rearranged:
            return Rearranged()
        if any(event.aggregate_id in self._stale for event in append.events):
            return StaleVersion()
        held = next(
            (claim for claim in append.claims if claim.key in self._claimed and claim.mode in ("take", "share", "vacant")), None
        )
        return Claimed(held) if held else None
