"""Is each call its token's, over a real connection, and nobody else's?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from chassis.callers import Callers
from chassis.clients import Refused, RpcClient
from chassis.credentials import Credentials
from chassis.rpc import Rpc
from chassis.security import Caller, Role
from chassis.server import Server
from chassis.tokens import LEEWAY_S, TokenVerifier
from congdoan.issuer import AUDIENCE, FOLDER, ISSUER, LIFETIME_S, Issuer
from tests.chassis.probe import QUESTIONS, Obedient, PlaceThing, always, around, place, shake
from tests.protos import PROBE_SERVICE

AN = Caller("an.nguyen", Role.FEDERATION_OFFICER, "tld", "en")


class Time:
    """Seconds since 1970 that pass when a test says so."""

    now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


class Served:
    """The probe, which knows its callers by tokens."""

    def __init__(self, folder: Path) -> None:
        self.time, self.application = Time(), Obedient()
        self.issuer = Issuer.open(folder / FOLDER, self.time)
        self.verifier = TokenVerifier(ISSUER, AUDIENCE, str(self.issuer.published), clock=self.time, elapsed=self.time)
        rpc = Rpc(replace(around(), identify=Callers(self.verifier).identify))
        rpc.commands(self.application, [PROBE_SERVICE], [PlaceThing])
        rpc.queries(PROBE_SERVICE, QUESTIONS)
        rpc.actions(PROBE_SERVICE, {"ShakeThings": shake})
        self.server = Server(rpc, "127.0.0.1:0", always)

    async def call(self, token: str | None, language: Any = "en") -> Caller:
        """Who a call with this token is."""
        shown = Credentials(token=None if token is None else lambda: token, language=language)
        client = RpcClient(f"127.0.0.1:{self.server.port}", PROBE_SERVICE, shown)
        try:
            await client.call("PlaceThing", place())
        finally:
            await client.close()
        return self.application.asked[-1][0].caller

    async def refused(self, token: str | None, rule: str) -> None:
        """Refused for this rule, with no effect."""
        before = len(self.application.asked)
        with pytest.raises(Refused) as caught:
            await self.call(token)
        assert (caught.value.status, caught.value.rule) == (StatusCode.UNAUTHENTICATED, rule)
        assert not token or token not in str(caught.value)
        assert len(self.application.asked) == before


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    probe = Served(folder)
    await probe.server.start()
    try:
        yield probe
    finally:
        await probe.server.stop(0)


async def test_a_call_is_that_of_its_token_and_carries_it_on(tmp_path: Path) -> None:
    async with served(tmp_path) as probe:
        token = probe.issuer.issue(AN.id, AN.role, AN.unit)
        for language in ("en", "vi", "en"):
            caller = await probe.call(token, language)
            assert caller == replace(AN, language=language)
            assert (caller.token, caller.service) == (token, "")


async def test_who_shows_no_token_or_a_bad_one_is_refused_with_no_effect(tmp_path: Path) -> None:
    async with served(tmp_path) as probe:
        await probe.refused(None, "TokenMissing")
        await probe.refused("", "TokenMissing")
        await probe.refused("an.nguyen", "TokenMalformed")
        await probe.refused(Issuer.open(tmp_path / "other", probe.time).issue(AN.id, AN.role, AN.unit), "TokenKeyUnknown")


async def test_a_token_that_expires_between_two_calls_is_refused_at_the_second(tmp_path: Path) -> None:
    async with served(tmp_path) as probe:
        token = probe.issuer.issue(AN.id, AN.role, AN.unit)
        await probe.call(token)
        probe.time.now += LIFETIME_S + LEEWAY_S
        await probe.refused(token, "TokenExpired")


async def test_the_key_is_replaced_while_calls_go_on_and_none_fails(tmp_path: Path) -> None:
    async with served(tmp_path) as probe:
        source = probe.issuer.token_source(AN.id, AN.role, AN.unit)
        tokens = set()
        for turn in range(60):
            if turn % 10 == 5:
                probe.issuer.rotate()
            tokens.add(source())
            assert await probe.call(source()) == AN
            probe.time.now += LIFETIME_S / 5
        assert len(tokens) > 6, "tokens of several keys were shown"
