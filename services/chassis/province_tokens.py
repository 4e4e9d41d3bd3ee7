"""Which province's system is asking, as it says itself with the key that it was granted?

A province's key is its credential for NATS, and signs its tokens too: nobody issues them. So each key stands in a file with
the unit for which alone it speaks, and a token says that unit, the role of its officer and a few minutes, or is refused. The
file is written whole at each grant and revocation and looked at with each token: a key that is gone is refused at once.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog
from jwt.utils import base64url_decode

from chassis.refusals import Language, Unauthenticated, Unavailable
from chassis.security import PROVINCE, Caller, Role
from chassis.token_keys import Key, NoKeySet, fetched, keys_of
from chassis.tokens import Claims, TokenMalformed, checked, is_unit, named_key, signed_claims

ISSUER = "congdoan-provinces"
MAX_LIFETIME_S = 15 * 60
MAX_KNOWN = 1_000

_log = structlog.get_logger("chassis.tokens")


class KeyNotGranted(Unauthenticated):
    """No province has this key, or none any more."""

    vi = "Khoá của hệ thống tỉnh chưa được cấp quyền, hoặc đã bị thu hồi."
    en = "The key of the province's system is not granted, or was revoked."


class ProvinceTokenLivesTooLong(Unauthenticated):
    """A province makes its tokens as it needs them: none for more than a quarter of an hour."""

    vi = "Thẻ của hệ thống tỉnh có thời hạn dài hơn 15 phút nên không được chấp nhận."
    en = "The token of a province's system lives longer than 15 minutes, which is not accepted."


class KeyOfAnotherUnit(Unauthenticated):
    """A province's key speaks for its own unit, in one role, and for nobody else."""

    vi = "Khoá đã ký thẻ này chỉ được dùng cho hệ thống của đơn vị được cấp khoá."
    en = "The key that signed this token speaks for the system of the unit it was granted to, and for nobody else."


@dataclass(frozen=True, slots=True)
class _Known:
    """What a verified token says, as long as the file is the same."""

    callers: Mapping[Language, Caller]
    until: float


@dataclass(slots=True)
class _Granted:
    """The keys as they were read, and by which the file is known to be the same still."""

    stamp: tuple[int, ...] = ()
    keys: Mapping[str, Key] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


class ProvinceTokens:
    """Turns tokens of provinces' systems into callers.

    :param file: a JSON Web Key Set whose keys have one member more, `unit`; where there is none, nobody is granted.
    :param audience: what the tokens must be meant for.
    :param clock: seconds since 1970.
    """

    def __init__(self, file: Path | None, audience: str, *, clock: Callable[[], float] = time.time) -> None:
        self._file, self._audience, self._clock = file, audience, clock
        self._granted = _Granted()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def known(self, token: str, language: Language = "vi") -> Caller | None:
        """The caller of a token that was verified before and would be now; None says only that `caller` must be asked.

        :raises Unavailable: see :meth:`caller`.
        """
        if token not in self._known:
            return None
        self._look()
        known = self._known.get(token)
        if known is None or self._clock() >= known.until:
            return None
        return known.callers[language]

    def caller(self, token: str, language: Language = "vi") -> Caller:
        """The caller of a token.

        :raises Unauthenticated: a rule of this module, or of :mod:`chassis.tokens`, stands against it.
        :raises Unavailable: the file cannot be read, so nobody can say who is granted.
        """
        if found := self.known(token, language):
            return found
        kid, algorithm = named_key(token)
        granted = self._look()
        if (key := granted.keys.get(kid)) is None:
            raise KeyNotGranted()
        claims = signed_claims(token, key, algorithm)
        until = checked(claims, ISSUER, self._audience, self._clock(), MAX_LIFETIME_S, ProvinceTokenLivesTooLong)
        known = self._known[token] = _Known(_callers(token, claims, granted.units[kid]), until)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return known.callers[language]

    def _look(self) -> _Granted:
        """The keys that are granted now; read again when the file is another, and what they verified is forgotten."""
        stamp = self._stamp()
        if stamp != self._granted.stamp:
            self._known.clear()
            self._granted = _Granted()
            keys, units = _read(str(self._file)) if stamp else ({}, {})
            self._granted = _Granted(stamp, keys, units)
        return self._granted

    def _stamp(self) -> tuple[int, ...]:
        if self._file is None:
            return ()
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(reason="province keys") from error
        return found.st_ino, found.st_mtime_ns, found.st_size


def says_province(token: str) -> bool:
    """Whether a token says that a province's system made it; nothing else of it is believed by that."""
    try:
        claims = orjson.loads(base64url_decode(token.split(".")[1]))
    except (ValueError, IndexError):
        return False
    return isinstance(claims, dict) and claims.get("iss") == ISSUER


def _read(file: str) -> tuple[Mapping[str, Key], Mapping[str, str]]:
    """The keys by id, and the unit of each; one without a unit is passed over."""
    try:
        data = fetched(file)
        found, listed = keys_of(data), orjson.loads(data)["keys"]
    except (OSError, ValueError, NoKeySet) as error:
        _log.warning("the keys of provinces cannot be read", reason=type(error).__name__)
        raise Unavailable(reason="province keys") from None
    units = {jwk["kid"]: jwk["unit"] for jwk in listed if isinstance(jwk, dict) and jwk.get("kid") in found and _unit_of(jwk)}
    return {kid: key for kid, key in found.items() if kid in units and key.algorithm == "EdDSA"}, units


def _unit_of(jwk: Mapping[str, object]) -> str:
    unit = jwk.get("unit")
    return unit if isinstance(unit, str) and is_unit(unit) else ""


def _callers(token: str, claims: Claims, unit: str) -> Mapping[Language, Caller]:
    """Whom the claims name, in each language to be answered in.

    :raises TokenMalformed: they are no texts; :raises KeyOfAnotherUnit: it is not the one that the key speaks for.
    """
    said = claims["sub"], claims["role"], claims.get("unit")
    if not all(isinstance(one, str) for one in said):
        raise TokenMalformed()
    role = Role.PROVINCE_OFFICER
    if said != (f"{PROVINCE}{unit}", role.name.lower(), unit):
        raise KeyOfAnotherUnit()
    return {language: Caller(f"{PROVINCE}{unit}", role, unit, language, token=token) for language in ("vi", "en")}
