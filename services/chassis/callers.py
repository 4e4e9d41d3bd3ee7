"""Who sent this call? A user or a province's system by a bearer token, a service of the suite by the certificate of its
connection.

A service that acts for an officer shows both: its own certificate, and the token the officer called it with.
"""

from dataclasses import replace

from chassis.calls import Context, Metadata, language_of
from chassis.identities import peer_service
from chassis.province_tokens import ProvinceTokens, says_province
from chassis.refusals import Language, Unauthenticated
from chassis.security import Caller, Role
from chassis.tokens import TokenMissing, TokenVerifier

BEARER = "bearer "
SERVICE_KEY = "calling-service"
"""The metadata by which a service says that its certificate is to be looked at; the certificate alone counts."""


class Callers:
    """Tells the caller of each call; see :mod:`chassis.tokens` and :mod:`chassis.province_tokens` for what a token must be."""

    def __init__(self, tokens: TokenVerifier, provinces: ProvinceTokens | None = None) -> None:
        self._tokens, self._provinces = tokens, provinces

    async def identify(self, metadata: Metadata, context: Context) -> Caller:
        """Who calls.

        :raises Unauthenticated: nobody known. :raises Unavailable: the issuer's keys cannot be had just now.
        """
        authorization, language = metadata.get("authorization", ""), language_of(metadata)
        service = _certified(context) if SERVICE_KEY in metadata else ""
        if not authorization and service:
            return Caller(service, Role.SERVICE, "", language, service=service)
        if authorization[: len(BEARER)].lower() != BEARER:
            raise TokenMissing()
        caller = await self._user(authorization[len(BEARER) :].strip(), language)
        return replace(caller, service=service) if service else caller

    async def _user(self, token: str, language: Language) -> Caller:
        if found := self._tokens.known(token, language):
            return found
        if self._provinces and (found := self._provinces.known(token, language)):
            return found
        if self._provinces and says_province(token):
            return self._provinces.caller(token, language)
        return await self._tokens.caller(token, language)


def _certified(context: Context) -> str:
    service = peer_service(context.auth_context())
    if not service:
        raise Unauthenticated(problem_vi="thiếu chứng chỉ của dịch vụ", problem_en="the certificate of a service is missing")
    return service
