"""Who vouches for a caller on one machine? The suite's own issuer, whose key lies in the data folder.

::

    issuer/keys.json    the key that signs, and the public halves of those that did, for this user alone
    issuer/jwks.json    the public halves of all of them, which the services read
    issuer/lock         held by whoever changes the two
    issuer/provinces.json  the public keys of granted provinces, each with its unit (:mod:`congdoan.provinces`)

A new key is published before it signs, and an old one as long as a token it signed may be alive. On Kubernetes an OpenID
provider stands in the place of all this.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.utils import base64url_decode

from chassis.credentials import Credentials, Token, renewed
from chassis.files import write_whole
from chassis.refusals import Language
from chassis.security import Role
from chassis.tokens import LEEWAY_S, MAX_LIFETIME_S, ROLES, is_subject, is_unit
from congdoan.embedded.folder import make_private_folder
from congdoan.json_web_keys import as_text, okp_of

ISSUER = "congdoan-local"
AUDIENCE = "congdoan"
LIFETIME_S = 15 * 60
FOLDER = "issuer"
"""Within the data folder of a suite."""

PUBLISHED = "jwks.json"
PROVINCES = "provinces.json"
OPERATOR = ("congdoan", Role.FEDERATION_OFFICER, "tld")
"""Subject, role and unit of this machine's user."""

_KEYS, _LOCK = "keys.json", "lock"


class NoIssuer(Exception):
    """The folder has no issuer: no suite has ever kept its history there."""


class ClaimRefused(ValueError):
    """What the token is to say would not be accepted; `phrase` names the sentence in :mod:`congdoan.texts`."""

    phrase: ClassVar[str]


class RoleNotIssued(ClaimRefused):
    """A token gives the role of a person; services are known by their certificates."""

    phrase = "role_not_issued"


class UnitMissing(ClaimRefused):
    """Every role but the auditor's is held at a unit."""

    phrase = "unit_missing"


class UnitMalformed(ClaimRefused):
    """It is no code of a unit."""

    phrase = "unit_malformed"


class SubjectMalformed(ClaimRefused):
    """Somebody is asking, and can be named in a line of text."""

    phrase = "subject_malformed"


class LifetimeRefused(ClaimRefused):
    """A token lives for a day at most, and for some time."""

    phrase = "lifetime_refused"


@dataclass(frozen=True, slots=True)
class Retired:
    """The public half of a key that signs no more, and until when its tokens may be alive (seconds since 1970)."""

    jwk: dict[str, Any]
    until: float


@dataclass(frozen=True, slots=True)
class Keys:
    """What the issuer knows: the private key that signs, and those that did."""

    signing: Ed25519PrivateKey
    retired: tuple[Retired, ...] = ()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half of the key that signs."""
        return jwk_of(self.signing)

    @property
    def published(self) -> bytes:
        """The key set, as the services read it."""
        return orjson.dumps({"keys": [self.jwk, *(key.jwk for key in self.retired)]}, option=orjson.OPT_INDENT_2)

    def alive_at(self, now: float) -> "Keys":
        """Without the keys of which no token is alive."""
        return Keys(self.signing, tuple(key for key in self.retired if key.until > now))

    def replaced(self, new: Ed25519PrivateKey, now: float) -> "Keys":
        """Another key signs; the tokens of this one go on until the last of them has expired."""
        return Keys(new, (*self.retired, Retired(self.jwk, now + MAX_LIFETIME_S + LEEWAY_S)))


class Issuer:
    """Signs tokens for this machine; several processes may do so in one folder.

    :param clock: seconds since 1970.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock
        self._read_at: tuple[int, int] = (0, 0)
        self._keys: Keys | None = None

    @classmethod
    def open(cls, folder: Path, clock: Callable[[], float] = time.time, *, signing: Ed25519PrivateKey | None = None) -> "Issuer":
        """The issuer of a folder, made with its key if there is none.

        :param signing: the key to begin with; a new one when left out.
        :raises DataFolderUnusable: it cannot be made.
        """
        make_private_folder(folder)
        issuer = cls(folder, clock)
        with issuer._changing():
            found = issuer._read() if (folder / _KEYS).exists() else None
            issuer._write(found.alive_at(clock()) if found else Keys(signing or Ed25519PrivateKey.generate()))
        return issuer

    @classmethod
    def of(cls, data: Path, clock: Callable[[], float] = time.time) -> "Issuer":
        """The issuer of the suite on a data folder.

        :raises NoIssuer: there is none.
        """
        if not (data / FOLDER / _KEYS).exists():
            raise NoIssuer(str(data))
        return cls(data / FOLDER, clock)

    @property
    def published(self) -> Path:
        """The key set, for the services."""
        return self._folder / PUBLISHED

    def issue(
        self,
        subject: str,
        role: Role,
        unit: str,
        lifetime_s: float = LIFETIME_S,
        *,
        now: float | None = None,
        id: UUID | None = None,
    ) -> str:
        """A token that says who is asking; `id` is its own (``jti``).

        :raises ClaimRefused: one of its kinds: nobody would accept the token.
        """
        _check(subject, role, unit, lifetime_s)
        made = self._clock() if now is None else now
        keys = self._current(made)
        times = {"iat": int(made), "nbf": int(made), "exp": int(made + lifetime_s)}
        who = {"sub": subject, "role": role.name.lower()} | ({"unit": unit} if unit else {})
        claims = {"iss": ISSUER, "aud": AUDIENCE, "jti": str(id or uuid4()), **who, **times}
        return jwt.encode(claims, keys.signing, algorithm="EdDSA", headers={"kid": keys.jwk["kid"]})

    def rotate(self) -> str:
        """Have a new key sign from now on; answers its id."""
        now = self._clock()
        with self._changing():
            self._write(self._read().alive_at(now).replaced(Ed25519PrivateKey.generate(), now))
        return str(self._current(now).jwk["kid"])

    def token_source(self, subject: str, role: Role, unit: str, lifetime_s: float = LIFETIME_S) -> Token:
        """Gives a caller's token, and another one when two thirds of its time are over."""
        return renewed(lambda now: self.issue(subject, role, unit, lifetime_s, now=now), lifetime_s * 2 / 3, self._clock)

    def _current(self, now: float) -> Keys:
        """The keys as they lie in the folder now: another process may have rotated them, or time taken one away."""
        status = (self._folder / _KEYS).stat()
        version = (status.st_mtime_ns, status.st_ino)
        if self._keys is None or version != self._read_at:
            self._keys, self._read_at = self._read(), version
        if self._keys.alive_at(now) != self._keys:
            with self._changing():
                self._write(self._read().alive_at(now))
            self._keys = self._read()
        return self._keys

    def _read(self) -> Keys:
        stored = orjson.loads((self._folder / _KEYS).read_bytes())
        retired = tuple(Retired(key["jwk"], key["until"]) for key in stored["retired"])
        return Keys(Ed25519PrivateKey.from_private_bytes(base64url_decode(stored["signing"])), retired)

    def _write(self, keys: Keys) -> None:
        """Publish first: what is signed from now on can be verified from now on."""
        retired = [{"jwk": key.jwk, "until": key.until} for key in keys.retired]
        stored = {"signing": as_text(keys.signing.private_bytes_raw()), "retired": retired}
        write_whole(self._folder / PUBLISHED, keys.published, 0o644)
        write_whole(self._folder / _KEYS, orjson.dumps(stored, option=orjson.OPT_INDENT_2))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """While this lasts, nobody else changes the keys; the lock ends with the process, if not before."""
        lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _check(subject: str, role: Role, unit: str, lifetime_s: float) -> None:
    if not is_subject(subject):
        raise SubjectMalformed
    if role not in ROLES.values():
        raise RoleNotIssued
    if not unit and role is not Role.AUDITOR:
        raise UnitMissing
    if unit and not is_unit(unit):
        raise UnitMalformed
    if not 0 < lifetime_s <= MAX_LIFETIME_S:
        raise LifetimeRefused


def operator(issuer: Issuer, authority: Path | None, language: Language) -> Credentials:
    """As whom this machine's user calls the services of the own suite: the federation's officer at its top."""
    return Credentials(token=issuer.token_source(*OPERATOR), authority=authority, language=language)


def jwk_of(key: Ed25519PrivateKey) -> dict[str, Any]:
    """The public half of a key as a JSON Web Key, its id the thumbprint (RFC 7638)."""
    required = okp_of(key.public_key().public_bytes_raw())
    thumbprint = hashlib.sha256(orjson.dumps(required, option=orjson.OPT_SORT_KEYS)).digest()
    return {**required, "kid": as_text(thumbprint), "alg": "EdDSA", "use": "sig"}
