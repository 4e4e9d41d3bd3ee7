"""Does a province's key speak for its own unit's system, as long as it is granted, and for nothing else?"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc import StatusCode

from chassis import province_tokens, tokens
from chassis.callers import Callers
from chassis.clients import Refused, RpcClient
from chassis.credentials import Credentials
from chassis.files import write_whole
from chassis.province_tokens import ISSUER, MAX_LIFETIME_S, ProvinceTokens
from chassis.refusals import Unauthenticated, Unavailable
from chassis.rpc import Rpc
from chassis.security import Caller, Role
from chassis.server import Server
from chassis.tokens import LEEWAY_S, TokenVerifier
from congdoan.issuer import AUDIENCE, FOLDER, Issuer, SubjectMalformed
from congdoan.issuer import ISSUER as LOCAL
from congdoan.issuer import jwk_of as people_key
from congdoan.provinces.identity import province_token, token_of_file, token_source
from congdoan.provinces.keys import NotASeed, jwk_of, public_key_of, raw_private_key, seed_of
from tests.chassis.probe import QUESTIONS, Obedient, PlaceThing, always, around, batch, place, shake
from tests.protos import PROBE_SERVICE, message

NOW = 1_780_000_000
SEEDS = {code: seed_of(bytes([number]) * 32) for number, code in enumerate(("ha-noi", "vinh-phuc"), 1)}
KEYS = {code: public_key_of(seed) for code, seed in SEEDS.items()}
HA_NOI = Caller("province:ha-noi", Role.PROVINCE_OFFICER, "ha-noi", "en")


class Time:
    """Seconds since 1970 that pass when a test says so."""

    now = float(NOW)

    def __call__(self) -> float:
        return self.now


def grant(file: Path, *codes: str, **more: Mapping[str, Any]) -> None:
    """Write the file as a grant or a revocation does."""
    keys = [*(jwk_of(KEYS[code], code) for code in codes), *more.values()]
    write_whole(file, orjson.dumps({"keys": keys}), mode=0o644)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "provinces.json"
    grant(found, "ha-noi", "vinh-phuc")
    return found


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def verifier(file: Path, time: Time) -> ProvinceTokens:
    return ProvinceTokens(file, AUDIENCE, clock=time)


def claims(**changes: Any) -> dict[str, Any]:
    """Sound ones, but for the changes; None leaves one out."""
    sound = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "province:ha-noi", "role": "province_officer", "unit": "ha-noi",
        "iat": NOW, "nbf": NOW, "exp": NOW + 600,
    }  # fmt: skip
    return {name: value for name, value in {**sound, **changes}.items() if value is not None}


def signed(said: Mapping[str, Any], code: str = "ha-noi", **header: Any) -> str:
    key = Ed25519PrivateKey.from_private_bytes(raw_private_key(SEEDS[code]))
    return jwt.PyJWS().encode(orjson.dumps(said), key, "EdDSA", headers={"kid": KEYS[code], **header})


def refused(verifier: ProvinceTokens, token: str, rule: type[Unauthenticated]) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verifier.caller(token)
    assert type(caught.value) is rule
    assert caught.value.sentence("vi") != caught.value.sentence("en")
    assert verifier.known(token) is None


def test_a_token_of_a_granted_key_is_the_system_of_its_unit(verifier: ProvinceTokens) -> None:
    token = province_token(SEEDS["ha-noi"], "ha-noi", NOW)
    assert verifier.caller(token, "en") == HA_NOI
    assert verifier.known(token, "vi") == Caller("province:ha-noi", Role.PROVINCE_OFFICER, "ha-noi", "vi")
    assert verifier.caller(token).token == token
    assert HA_NOI.is_province


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"unit": "vinh-phuc"}, province_tokens.KeyOfAnotherUnit),
        ({"sub": "province:vinh-phuc"}, province_tokens.KeyOfAnotherUnit),
        ({"sub": "province:vinh-phuc", "unit": "vinh-phuc"}, province_tokens.KeyOfAnotherUnit),
        ({"sub": "an.nguyen"}, province_tokens.KeyOfAnotherUnit),
        ({"unit": "tld"}, province_tokens.KeyOfAnotherUnit),
        ({"role": "federation_officer"}, province_tokens.KeyOfAnotherUnit),
        ({"role": "auditor"}, province_tokens.KeyOfAnotherUnit),
        ({"role": "service"}, province_tokens.KeyOfAnotherUnit),
        ({"role": "grassroots_officer"}, province_tokens.KeyOfAnotherUnit),
        ({"role": 3}, tokens.TokenMalformed),
        ({"unit": None}, tokens.TokenMalformed),
        ({"unit": ["ha-noi"]}, tokens.TokenMalformed),
        ({"sub": None}, tokens.TokenMalformed),
        ({"exp": NOW + MAX_LIFETIME_S + 1}, province_tokens.ProvinceTokenLivesTooLong),
        ({"iat": NOW - 3_600, "nbf": NOW - 3_600}, province_tokens.ProvinceTokenLivesTooLong),
        ({"iat": NOW - 900, "nbf": NOW - 900, "exp": NOW - LEEWAY_S}, tokens.TokenExpired),
        ({"nbf": NOW + LEEWAY_S + 1}, tokens.TokenNotYetValid),
        ({"iat": NOW + 1_000, "nbf": NOW, "exp": NOW + 1_100}, tokens.TokenNotYetValid),
        ({"aud": "another-system"}, tokens.TokenForAnother),
        ({"iss": "congdoan-local"}, tokens.TokenOfAnotherIssuer),
        ({"exp": None}, tokens.TokenMalformed),
    ],
)
def test_what_a_key_does_not_speak_for_is_refused(
    verifier: ProvinceTokens, changes: dict[str, Any], rule: type[Unauthenticated]
) -> None:
    refused(verifier, signed(claims(**changes)), rule)


def test_a_key_signs_for_itself_alone(verifier: ProvinceTokens) -> None:
    refused(verifier, signed(claims(), "vinh-phuc"), province_tokens.KeyOfAnotherUnit)
    refused(verifier, signed(claims(), "vinh-phuc", kid=KEYS["ha-noi"]), tokens.TokenForged)
    refused(verifier, signed(claims(), kid="nobody"), province_tokens.KeyNotGranted)
    refused(verifier, jwt.encode(claims(), "", "none", headers={"kid": KEYS["ha-noi"]}), tokens.TokenForged)
    refused(verifier, signed(claims())[:-6] + "AAAAAA", tokens.TokenForged)


def test_a_key_that_is_gone_is_refused_at_once_whatever_it_signed_before(verifier: ProvinceTokens, file: Path) -> None:
    old, other = signed(claims()), signed(claims(sub="province:vinh-phuc", unit="vinh-phuc"), "vinh-phuc")
    assert verifier.caller(old)
    assert verifier.caller(other)
    grant(file, "vinh-phuc")
    refused(verifier, old, province_tokens.KeyNotGranted)
    assert verifier.caller(other)
    grant(file, "ha-noi", "vinh-phuc")
    assert verifier.caller(old), "granted again, and its time is not over"
    file.unlink()
    refused(verifier, old, province_tokens.KeyNotGranted)


def test_a_key_that_was_granted_to_another_unit_speaks_for_that_one(verifier: ProvinceTokens, file: Path) -> None:
    assert verifier.caller(signed(claims()))
    grant(file, moved={**jwk_of(KEYS["ha-noi"], "vinh-phuc")})
    refused(verifier, signed(claims()), province_tokens.KeyOfAnotherUnit)


def test_a_token_ends_although_it_was_known(verifier: ProvinceTokens, time: Time) -> None:
    token = signed(claims())
    assert verifier.caller(token)
    time.now = NOW + 600 + LEEWAY_S
    refused(verifier, token, tokens.TokenExpired)


@pytest.mark.parametrize("unit", [None, "", "Hà Nội", 7, "province:ha-noi"])
def test_a_key_without_a_unit_speaks_for_nobody(file: Path, time: Time, unit: object) -> None:
    write_whole(file, orjson.dumps({"keys": [{**jwk_of(KEYS["ha-noi"], ""), "unit": unit}]}), mode=0o644)
    refused(ProvinceTokens(file, AUDIENCE, clock=time), signed(claims()), province_tokens.KeyNotGranted)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"keys": {}}', b"\xff"])
def test_while_nobody_can_say_who_is_granted_nobody_is_let_in(verifier: ProvinceTokens, file: Path, content: bytes) -> None:
    token = signed(claims())
    assert verifier.caller(token)
    write_whole(file, content, mode=0o644)
    for ask in (verifier.known, verifier.caller, verifier.caller):
        with pytest.raises(Unavailable):
            ask(token)
    grant(file, "ha-noi")
    assert verifier.caller(token)


def test_where_no_province_is_known_none_is_let_in(time: Time) -> None:
    refused(ProvinceTokens(None, AUDIENCE, clock=time), signed(claims()), province_tokens.KeyNotGranted)


async def test_the_issuer_of_people_vouches_for_no_province(tmp_path: Path, time: Time) -> None:
    signing = Ed25519PrivateKey.from_private_bytes(bytes(32))
    issuer = Issuer.open(tmp_path / FOLDER, time, signing=signing)
    with pytest.raises(SubjectMalformed):
        issuer.issue("province:ha-noi", Role.PROVINCE_OFFICER, "ha-noi")
    forged = jwt.encode(claims(iss=LOCAL), signing, "EdDSA", headers={"kid": people_key(signing)["kid"]})
    people = TokenVerifier(LOCAL, AUDIENCE, str(issuer.published), clock=time, elapsed=time)
    with pytest.raises(tokens.TokenMalformed):
        await people.caller(forged)


def test_the_credentials_file_of_a_province_is_all_that_its_tokens_need(tmp_path: Path, file: Path) -> None:
    seed = tmp_path / "ha-noi.nk"
    seed.write_text(SEEDS["ha-noi"] + "\n")
    assert ProvinceTokens(file, AUDIENCE).caller(token_of_file(seed)(), "en") == HA_NOI
    for name, content in (("ha-noi.nk", "SUAXX"), ("ha-noi.nk", "khoá"), ("Hà Nội.nk", SEEDS["ha-noi"])):
        (tmp_path / name).write_text(content)
        with pytest.raises(NotASeed) as caught:
            token_of_file(tmp_path / name)
        assert content not in str(caught.value)


def test_a_province_makes_another_token_before_the_last_one_ends(verifier: ProvinceTokens, time: Time) -> None:
    current = token_source(SEEDS["ha-noi"], "ha-noi", time)
    made = set()
    for _ in range(100):
        made.add(current())
        assert verifier.caller(current(), "en") == HA_NOI
        time.now += 60
    assert 10 < len(made) < 20
    with pytest.raises(ValueError, match="at most"):
        province_token(SEEDS["ha-noi"], "ha-noi", NOW, lifetime_s=MAX_LIFETIME_S + 1)


async def test_a_province_asks_and_changes_nothing(tmp_path: Path, time: Time, verifier: ProvinceTokens) -> None:
    issuer, application = Issuer.open(tmp_path / FOLDER, time), Obedient()
    people = TokenVerifier(LOCAL, AUDIENCE, str(issuer.published), clock=time, elapsed=time)
    rpc = Rpc(replace(around(), identify=Callers(people, verifier).identify))
    rpc.commands(application, [PROBE_SERVICE], [PlaceThing])
    rpc.queries(PROBE_SERVICE, QUESTIONS)
    rpc.actions(PROBE_SERVICE, {"ShakeThings": shake})
    server = Server(rpc, "127.0.0.1:0", always)
    await server.start()
    token = signed(claims())
    client = RpcClient(f"127.0.0.1:{server.port}", PROBE_SERVICE, Credentials(token=lambda: token, language="en"))
    changing = {"PlaceThing": place(), "BatchPlaceThing": batch(place()), "ShakeThings": message("ShakeThingsRequest")}
    try:
        for name, request in changing.items():
            with pytest.raises(Refused) as caught:
                await client.call(name, request)
            assert (caught.value.status, caught.value.rule) == (StatusCode.PERMISSION_DENIED, "ForPeopleAlone")
        assert application.asked == []
        assert await client.call("NameOwner", message("FindThingsRequest"))
        token = issuer.issue("an.nguyen", Role.FEDERATION_OFFICER, "tld")
        assert (await client.call("PlaceThing", place())).version == 1
    finally:
        await client.close()
        await server.stop(0)
