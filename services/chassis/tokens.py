"""Who does a bearer token say is asking?

A JSON Web Token of one issuer, for this suite, signed by a key the issuer has now. Claims: ``sub`` the caller's id,
``role`` a role by its lower-case name, ``unit`` the code of the unit at which it is held, and the times ``iat``, ``nbf``
and ``exp``. What is refused is told by its rule, never by a value. Services are known by their certificates and by
nothing else, so no token makes one.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import jwt
import orjson
from jwt.utils import base64url_decode

from chassis.refusals import Language, Unauthenticated
from chassis.security import PROVINCE, Caller, Role
from chassis.token_keys import ALGORITHMS, Key, TokenKeys

LEEWAY_S = 30
"""By how much the clocks of issuer and service may differ."""

MAX_LIFETIME_S = 24 * 60 * 60
MAX_TOKEN = 8 << 10
"""Characters; gRPC takes no larger metadata anyway."""

MAX_KNOWN = 10_000
"""Verified tokens remembered, each about 2 kB."""

ROLES = {role.name.lower(): role for role in Role if role is not Role.SERVICE}
"""Which roles a token may give, by the claim."""

_REQUIRED = ("exp", "nbf", "iat", "iss", "aud", "sub", "role")
_TYPES = (None, "JWT", "jwt", "at+jwt", "application/at+jwt")
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_CODE, _MAX_SUBJECT = 40, 200
_JWS = jwt.PyJWS()
Claims = Mapping[str, Any]


class TokenMissing(Unauthenticated):
    """The call carries no ``authorization: Bearer …``."""

    vi = "Chưa đăng nhập: cuộc gọi không kèm thẻ truy cập."
    en = "Not signed in: the call carries no bearer token."


class TokenMalformed(Unauthenticated):
    """It is no token, or lacks a claim, or a claim is of the wrong form."""

    vi = "Thẻ truy cập sai định dạng."
    en = "The token is malformed."


class TokenForged(Unauthenticated):
    """Its signature is not that of the key it names, or made in a way that is not accepted (RFC 8725, section 3.1)."""

    vi = "Chữ ký của thẻ truy cập không hợp lệ."
    en = "The token's signature is not valid."


class TokenKeyUnknown(Unauthenticated):
    """It names a key that the issuer does not have, or no longer."""

    vi = "Thẻ truy cập ký bằng khoá không còn hiệu lực; hãy đăng nhập lại."
    en = "The token was signed with a key that is not the issuer's; sign in again."


class TokenExpired(Unauthenticated):
    """Its time is over."""

    vi = "Thẻ truy cập đã hết hạn; hãy đăng nhập lại."
    en = "The token has expired; sign in again."


class TokenNotYetValid(Unauthenticated):
    """Its time has not come, or it is said to be made in the future."""

    vi = "Thẻ truy cập chưa đến thời điểm có hiệu lực."
    en = "The token is not valid yet."


class TokenLivesTooLong(Unauthenticated):
    """It was made for more than a day."""

    vi = "Thẻ truy cập có thời hạn dài hơn 24 giờ nên không được chấp nhận."
    en = "The token lives longer than 24 hours, which is not accepted."


class TokenOfAnotherIssuer(Unauthenticated):
    """Somebody else issued it."""

    vi = "Thẻ truy cập do nơi khác cấp."
    en = "The token is of another issuer."


class TokenForAnother(Unauthenticated):
    """It was issued for another system."""

    vi = "Thẻ truy cập được cấp cho hệ thống khác."
    en = "The token is meant for another audience."


class TokenRoleUnknown(Unauthenticated):
    """Its role is none that a token can give; that of a service is not."""

    vi = "Vai trò ghi trong thẻ truy cập không có."
    en = "The token's role is none that a token can give."


class TokenUnitMissing(Unauthenticated):
    """Its role is held at a unit, and it names none."""

    vi = "Thẻ truy cập không ghi đơn vị."
    en = "The token names no unit."


@dataclass(frozen=True, slots=True)
class _Known:
    """What a verified token says, as long as its key is the issuer's."""

    callers: Mapping[Language, Caller]
    key: Key
    until: float


class TokenVerifier:
    """Turns tokens into callers.

    :param issuer: whose tokens are accepted, as ``iss`` says it.
    :param audience: what the tokens must be meant for.
    :param keys: the issuer's JSON Web Key Set: path of a file, or an http(s) address.
    :param clock: seconds since 1970.
    :param elapsed: seconds that never go back.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: str,
        *,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
        max_known: int = MAX_KNOWN,
    ) -> None:
        self.issuer, self.audience = issuer, audience
        self.keys = TokenKeys(keys, elapsed)
        self._clock, self._elapsed, self._max_known = clock, elapsed, max_known
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def stop(self) -> None:
        """End what is under way."""
        await self.keys.stop()

    def known(self, token: str, language: Language = "vi") -> Caller | None:
        """The caller of a token that was verified before and would be now; None says only that `caller` must be asked."""
        known, keys = self._known.get(token), self.keys
        if known is None or self._elapsed() > keys.due_at:
            return None
        if self._clock() >= known.until or keys.current.get(known.key.kid) is not known.key:
            del self._known[token]
            return None
        self._known.move_to_end(token)
        return known.callers[language]

    async def caller(self, token: str, language: Language = "vi") -> Caller:
        """The caller of a token.

        :raises Unauthenticated: one of the rules of this module stands against it.
        :raises Unavailable: the issuer's keys cannot be read just now, and this token's is not known.
        """
        if found := self.known(token, language):
            return found
        kid, algorithm = named_key(token)
        key = await self.keys.find(kid)
        if key is None:
            raise TokenKeyUnknown()
        if found := self.known(token, language):
            return found
        claims = signed_claims(token, key, algorithm)
        until = checked(claims, self.issuer, self.audience, self._clock(), MAX_LIFETIME_S, TokenLivesTooLong)
        known = _Known(_callers(token, claims), key, until)
        self._known[token] = known
        if len(self._known) > self._max_known:
            self._known.popitem(last=False)
        return known.callers[language]


def checked(
    claims: Claims, issuer: str, audience: str, now: float, max_lifetime_s: float, too_long: type[Unauthenticated]
) -> float:
    """For whom a token is, and until when it holds.

    :raises Unauthenticated: not for us, or not now; `too_long` where it was made for more than so many seconds.
    """
    if any(claims.get(name) is None for name in _REQUIRED):
        raise TokenMalformed()
    if claims["iss"] != issuer:
        raise TokenOfAnotherIssuer()
    meant_for = claims["aud"]
    if audience != meant_for and not (isinstance(meant_for, list) and audience in meant_for):
        raise TokenForAnother()
    made, begins, ends = (_time(claims[name]) for name in ("iat", "nbf", "exp"))
    if ends - made > max_lifetime_s:
        raise too_long()
    if now >= ends + LEEWAY_S:
        raise TokenExpired()
    if now < max(made, begins) - LEEWAY_S:
        raise TokenNotYetValid()
    return ends + LEEWAY_S


def is_subject(text: str) -> bool:
    """Whether it can be a person's id: it goes into events and logs, so it is short and has no control characters; and it is
    not that of a province's system, which shows itself (:mod:`chassis.province_tokens`)."""
    return 0 < len(text) <= _MAX_SUBJECT and text.isprintable() and not text.startswith(PROVINCE)


def is_unit(text: str) -> bool:
    """Whether it can be the code of a unit; see :data:`chassis.fields.Code`."""
    return len(text) <= _MAX_CODE and bool(_CODE.fullmatch(text))


def named_key(token: str) -> tuple[str, str]:
    """Which key a token says it was signed with, and how; nothing of it is believed yet.

    :raises TokenMissing, TokenMalformed: it is no token; :raises TokenForged: it is not signed in an accepted way.
    """
    if not token:
        raise TokenMissing()
    if len(token) > MAX_TOKEN or token.count(".") != 2:
        raise TokenMalformed()
    try:
        header = orjson.loads(base64url_decode(token.partition(".")[0]))
    except ValueError:
        raise TokenMalformed() from None
    if not isinstance(header, dict):
        raise TokenMalformed()
    kid, algorithm = header.get("kid"), header.get("alg")
    # Extensions that must be understood (crit) are not: then the token must be refused (RFC 7515, section 4.1.11).
    if "crit" in header or header.get("typ") not in _TYPES:
        raise TokenMalformed()
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS.values():
        raise TokenForged()
    if not isinstance(kid, str) or not kid:
        raise TokenMalformed()
    return kid, algorithm


def signed_claims(token: str, key: Key, algorithm: str) -> Claims:
    """What stands in a token, once its signature is known to be the key's.

    :raises TokenForged: it is not; :raises TokenMalformed: it is no token, or what is signed are no claims.
    """
    if algorithm != key.algorithm:
        raise TokenForged()
    try:
        payload = _JWS.decode_complete(token, key.public, [key.algorithm])["payload"]
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
        raise TokenForged() from None
    except (jwt.PyJWTError, ValueError):
        raise TokenMalformed() from None
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise TokenMalformed() from None
    if not isinstance(claims, dict):
        raise TokenMalformed()
    return claims


def _time(value: object) -> float:
    """Seconds since 1970 (NumericDate of RFC 7519)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TokenMalformed()
    return value


def _callers(token: str, claims: Claims) -> Mapping[Language, Caller]:
    """Whom the claims name, in each language to be answered in.

    :raises TokenMalformed, TokenRoleUnknown, TokenUnitMissing: a claim does not say it.
    """
    subject, unit = claims["sub"], claims.get("unit")
    role = ROLES.get(claims["role"]) if isinstance(claims["role"], str) else None
    if role is None:
        raise TokenRoleUnknown()
    if not isinstance(subject, str) or not is_subject(subject):
        raise TokenMalformed()
    if unit is None or unit == "":
        if role is not Role.AUDITOR:
            raise TokenUnitMissing()
        unit = ""
    elif not isinstance(unit, str) or not is_unit(unit):
        raise TokenMalformed()
    return {language: Caller(subject, role, unit, language, token=token) for language in ("vi", "en")}
