"""What is handed to the event store, and what comes back?"""

from dataclasses import dataclass
from uuid import UUID

from chassis.claims import Claim
from chassis.events import Moves


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be appended as `version` of its aggregate."""

    aggregate_id: UUID
    version: int
    topic: str
    body: bytes
    metadata: bytes
    branch: str


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How far a tree of units has come: where in the history stand the last event by which units changed branches and,
    for what depends on the whole tree (else None), the last by which any unit had another place."""

    branches_at: int
    places_at: int | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """The events of one command, its id, the keyed hash of its content, and its claims.

    ``seen`` is the arrangement of units on which it was decided in which branch each event is told; it is not kept when
    that has changed meanwhile. ``moves`` says what its own events change of it.
    """

    events: tuple[NewEvent, ...]
    command_id: UUID | None = None
    fingerprint: bytes = b""
    claims: tuple[Claim, ...] = ()
    seen: Arrangement | None = None
    moves: Moves = "nothing"

    @property
    def alone(self) -> bool:
        """Whether nothing else may be decided with it at once: it moves branches, or stands on the whole tree."""
        return self.moves == "branches" or (self.seen is not None and self.seen.places_at is not None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered: the position of its last event, its aggregate and the version reached."""

    position: int
    aggregate_id: UUID
    version: int
    repeated: bool = False


class StaleVersion(Exception):
    """The aggregate has another version than the command was decided on; load it again and decide anew."""


class Rearranged(Exception):
    """Units changed places or branches meanwhile; look at the tree again and decide anew."""


class Claimed(Exception):
    """A claim of the command is held; `claim` says which."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim.key)
        self.claim = claim
