"""With which keys does the issuer sign just now? Its JSON Web Key Set, from a file or an address, kept fresh.

The set is read again every two minutes, beside the calls, so a key that was taken out of it is soon refused; an unknown
key id has it read at once, so a new key is known with its first token. While it cannot be read, the keys that are known
go on being accepted, and of others nothing can be said.
"""

import asyncio
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chassis.limits import Limits
from chassis.refusals import Overloaded, Unavailable

ALGORITHMS: Mapping[tuple[str, str], str] = {("OKP", "Ed25519"): "EdDSA", ("RSA", ""): "RS256", ("EC", "P-256"): "ES256"}
"""The one algorithm of each kind of key, by type and curve; a key of another kind signs nothing that is accepted."""

RSA_BITS = range(2_048, 8_193)
"""Shorter keys are too weak (NIST SP 800-131A); longer ones would only keep the service busy."""

MAX_BYTES = 256 << 10
TIMEOUT_S = 3.0
REFRESH_S = 120.0
"""After which the set is read again beside the calls."""

RETRY_S = 10.0
"""After which it is tried again when it could not be read."""

MAX_AGE_S = 300.0
"""After which, when nobody has asked meanwhile, a call waits for the set to be read again."""

REFETCH_S, REFETCHES = 10.0, 3
"""Unknown key ids have the set read once in so many seconds; so many times at once after a while of none."""

_log = structlog.get_logger("chassis.tokens")


class NoKeySet(Exception):
    """What was read is no JSON Web Key Set."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A public key of the issuer; two readings of the same key are equal in `same_as`."""

    kid: str
    algorithm: str
    public: jwt.PyJWK
    material: tuple[str, ...]

    def same_as(self, other: "Key | None") -> bool:
        """Whether another reading is of the same key, and not of another one under its id."""
        return other is not None and (self.algorithm, self.material) == (other.algorithm, other.material)


class TokenKeys:
    """The issuer's keys by their ids; belongs to the running event loop once it is asked.

    :param where: path of a file, or an http(s) address.
    :ivar current: the keys by id, as far as is known; a key that is still there is still the same object.
    :ivar due_at: when the set is to be read again; whoever comes later calls `find`.
    :param elapsed: seconds that never go back.
    """

    def __init__(self, where: str, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._where, self._elapsed = where, elapsed
        self.current: Mapping[str, Key] = {}
        self.due_at = self._attempted = self._begun = float("-inf")
        self._sound = False
        self._reading: asyncio.Task[None] | None = None
        self._refetches = Limits(1 / REFETCH_S, REFETCHES, at_once=1, clock=elapsed)

    async def find(self, kid: str) -> Key | None:
        """The key of an id, or None when the issuer has none of that id.

        :raises Unavailable: the issuer's keys cannot be read just now, and none of this id is known.
        """
        asked = self._elapsed()
        await self._keep_fresh(asked)
        while (key := self.current.get(kid)) is None and self._begun < asked and self._may_read():
            await self._read()
        if key is None and not self._sound:
            raise Unavailable(reason="token keys")
        return key

    async def stop(self) -> None:
        """End a reading that is under way."""
        if self._reading:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _keep_fresh(self, now: float) -> None:
        if now - self._attempted > MAX_AGE_S:
            await self._read()
        elif now > self.due_at:
            self._start_reading()

    def _may_read(self) -> bool:
        """A reading under way is joined; a new one for the sake of an unknown id is rationed."""
        if self._reading:
            return True
        try:
            with self._refetches.entered(""):
                return True
        except Overloaded:
            return False

    async def _read(self) -> None:
        # A caller that goes away does not take the reading from those who wait for it too.
        await asyncio.shield(self._start_reading())

    def _start_reading(self) -> "asyncio.Task[None]":
        if self._reading is None:
            self._attempted = self._elapsed()
            self.due_at = self._attempted + REFRESH_S
            self._reading = asyncio.create_task(self._read_once(self._attempted), name="token-keys")
        return self._reading

    async def _read_once(self, begun: float) -> None:
        try:
            keys = keys_of(await asyncio.to_thread(fetched, self._where))
        except (OSError, ValueError, HTTPException, NoKeySet) as error:
            self._sound, self.due_at = False, begun + RETRY_S
            _log.warning("the issuer's keys cannot be read", reason=type(error).__name__, known=len(self.current))
        else:
            # The same key stays the same object, so that what it verified stays verified.
            known = self.current
            self.current = {kid: old if (old := known.get(kid)) and old.same_as(key) else key for kid, key in keys.items()}
            self._sound = True
        finally:
            self._begun, self._reading = begun, None


def keys_of(data: bytes) -> dict[str, Key]:
    """The keys of a set that can be used, by id; others are passed over, as RFC 7517 (section 5) has it.

    :raises NoKeySet: it is none.
    """
    try:
        listed = orjson.loads(data)["keys"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NoKeySet from None
    if not isinstance(listed, list):
        raise NoKeySet
    keys: dict[str, Key] = {}
    for number, jwk in enumerate(listed):
        key = _key(jwk) if isinstance(jwk, dict) else None
        if key is None or key.kid in keys:
            _log.debug("a key of the issuer is passed over", number=number)
        else:
            keys[key.kid] = key
    return keys


def _key(jwk: Mapping[str, Any]) -> Key | None:
    """A public signing key of a kind that is accepted; None for any other."""
    kid, kind, curve = jwk.get("kid"), jwk.get("kty"), jwk.get("crv", "")
    algorithm = ALGORITHMS.get((str(kind), str(curve)))
    meant = jwk.get("use", "sig") == "sig" and "verify" in jwk.get("key_ops", ["verify"])
    if not (isinstance(kid, str) and kid and algorithm and meant) or jwk.get("alg", algorithm) != algorithm or "d" in jwk:
        return None
    try:
        public = jwt.PyJWK(dict(jwk), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(public.key, RSAPublicKey) and public.key.key_size not in RSA_BITS:
        return None
    return Key(kid, algorithm, public, tuple(str(jwk.get(part, "")) for part in ("x", "y", "n", "e")))


def fetched(where: str) -> bytes:
    """The set as it lies in its file or at its address; blocks, for some seconds at most.

    :raises OSError, HTTPException: it cannot be had; :raises ValueError: it is larger than `MAX_BYTES`, or the address is none.
    """
    if where.startswith(("http://", "https://")):
        return _fetched_over_http(where)
    with Path(where).open("rb") as file:
        return _not_too_large(file.read(MAX_BYTES + 1))


def _fetched_over_http(address: str) -> bytes:
    until, data = time.monotonic() + TIMEOUT_S, b""
    request = urllib.request.Request(address, headers={"Accept": "application/jwk-set+json, application/json"})
    with _OPENER.open(request, timeout=TIMEOUT_S) as response:
        while part := response.read1(MAX_BYTES):
            data = _not_too_large(data + part)
            if time.monotonic() > until:
                raise TimeoutError
    return data


def _not_too_large(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise ValueError("the key set is too large")
    return data


class _NowhereElse(urllib.request.HTTPRedirectHandler):
    """Whoever may redirect the request would choose whose tokens are accepted."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NowhereElse)
