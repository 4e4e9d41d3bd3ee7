"""What is handed to the event store, and what comes back?"""

from dataclasses import dataclass
from uuid import UUID

from chassis.claims import Claim


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
class Append:
    """The events of one command, its id, the keyed hash of its content, and its claims."""

    events: tuple[NewEvent, ...]
    command_id: UUID | None = None
    fingerprint: bytes = b""
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered: the position of its last event, its aggregate and the version reached."""

    position: int
    aggregate_id: UUID
    version: int
    repeated: bool = False


class StaleVersion(Exception):
    """The aggregate has another version than the command was decided on; load it again and decide anew."""


class Claimed(Exception):
    """A claim of the command is held; `claim` says which."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim.key)
        self.claim = claim
