"""How does a rule hold that no single aggregate can see: one holder of a national id, nobody left in a dissolved unit?

By claims that are taken and given back in the same transaction as the events: a persisted readers-writer lock a key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from chassis.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Claim:
    """What a command takes or gives back so that a rule across aggregates holds.

    ``take`` is exclusive (a national id), ``share`` is counted and keeps others from taking (a member in a unit),
    ``release`` and ``unshare`` give back; ``vacant`` wants nobody to hold it and changes nothing (an award of the other
    kind). `refusal` makes the answer to a command that finds it held; without one the command is decided anew, because
    the rule itself will then say what changed. With `limit` a ``share`` is refused beyond so many holders (a quota).
    """

    key: str
    mode: Literal["take", "share", "release", "unshare", "vacant"]
    refusal: Callable[[], Refusal] | None = None
    limit: int | None = None


def stored_key(key: str, secret: bytes) -> bytes:
    """Under what a claim is stored: a keyed hash, for its key may tell a personal value."""
    return blake2b(key.encode(), key=secret, digest_size=16).digest()
