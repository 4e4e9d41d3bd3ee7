"""As whom is a service called, and whom does the caller trust to be that service?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chassis.identities import Identity, Pems, Stamp, read_authority, stamp_of
from chassis.refusals import Language

Token = Callable[[], str]
"""Gives a token that is valid now."""


def renewed(make: Callable[[float], str], good_for_s: float, clock: Callable[[], float]) -> Token:
    """Gives a token for a while, then another one; at once when the clock was set back.

    :param make: makes one at a time, in seconds since 1970, as `clock` tells it.
    :param good_for_s: less than it lives.
    """
    token, made_at = "", float("-inf")

    def current() -> str:
        nonlocal token, made_at
        now = clock()
        if not made_at <= now < made_at + good_for_s:
            token, made_at = make(now), now
        return token

    return current


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user calls with a token and trusts an authority; a service calls with its identity, which holds both.

    With neither `identity` nor `authority` the connection is not encrypted: for tests of servers without a certificate.

    :param token: gives the token to show, for each call; None shows none.
    :param authority: file of the certificates whose servers are trusted, where there is no identity.
    :param language: of the sentences of refusals.
    """

    token: Token | None = None
    identity: Identity | None = None
    authority: Path | None = None
    language: Language = "vi"

    @property
    def files(self) -> tuple[Path, ...]:
        """What the connection is made of; when they change, a new one is due."""
        if self.identity:
            return self.identity.files
        return (self.authority,) if self.authority else ()

    @property
    def stamp(self) -> Stamp:
        """:raises NotPresentable: a file is not there."""
        return stamp_of(self.files)

    def read(self) -> Pems | None:
        """What the files hold now; None where nothing is encrypted.

        :raises NotPresentable: one of them cannot be used.
        """
        if self.identity:
            return self.identity.read()
        return read_authority(self.authority) if self.authority else None
