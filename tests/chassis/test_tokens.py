"""Is a caller exactly whom a good token says, and is every other token refused for its own reason?"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chassis import token_keys, tokens
from chassis.refusals import Unauthenticated, Unavailable
from chassis.security import Caller, Role
from chassis.token_keys import MAX_AGE_S, REFETCH_S, REFETCHES, REFRESH_S, RETRY_S, NoKeySet, keys_of
from chassis.tokens import LEEWAY_S, MAX_LIFETIME_S, TokenVerifier
from congdoan.issuer import jwk_of

NOW = 1_780_000_000
ISSUER, AUDIENCE = "https://id.example", "congdoan"
SECRET_VALUES = ("https://elsewhere.example", "an.nguyen", "vinh-phuc", "commissar", "welfare-system")

ED, OTHER_ED = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
RSA = rsa.generate_private_key(65_537, 2_048)
SHORT_RSA = rsa.generate_private_key(65_537, 1_024)
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())


def rsa_jwk(key: rsa.RSAPrivateKey, **more: str) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), **more}


def ec_jwk(key: ec.EllipticCurvePrivateKey, **more: str) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), **more}


def ed_jwk(key: Ed25519PrivateKey, **more: str) -> dict[str, Any]:
    return {**jwk_of(key), **more}


SET = [ed_jwk(ED, kid="ed"), ed_jwk(OTHER_ED, kid="other"), rsa_jwk(RSA, kid="rsa"), ec_jwk(EC, kid="ec")]


def claims(**changes: Any) -> dict[str, Any]:
    """Sound ones, but for the changes; None leaves one out."""
    sound = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "an.nguyen", "role": "province_officer", "unit": "vinh-phuc",
        "iat": NOW, "nbf": NOW, "exp": NOW + 900,
    }  # fmt: skip
    return {name: value for name, value in {**sound, **changes}.items() if value is not None}


def signed(said: Mapping[str, Any], key: Any = ED, algorithm: str = "EdDSA", **header: Any) -> str:
    return jwt.PyJWS().encode(orjson.dumps(said), key, algorithm, headers={"kid": "ed", **header})


def sealed_by_hand(header: Mapping[str, Any], said: bytes, sign: Callable[[bytes], bytes]) -> str:
    """A token as no library would make it."""
    parts = [orjson.dumps(header), said]
    signing = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return (signing + b"." + base64.urlsafe_b64encode(sign(signing)).rstrip(b"=")).decode()


@dataclass
class Time:
    """A clock that a test moves; as seconds since 1970 and as seconds that only pass."""

    now: float = NOW

    def wall(self) -> float:
        return self.now

    def passed(self) -> float:
        return self.now - NOW

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    publish(file, *SET)
    return file


@pytest.fixture(scope="module")
def shared_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For tests of many examples, which change nothing."""
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    publish(file, *SET)
    return file


def publish(file: Path, *keys: Mapping[str, Any]) -> None:
    file.write_bytes(orjson.dumps({"keys": keys}))


@pytest.fixture
def verifier(key_file: Path, time: Time) -> TokenVerifier:
    return a_verifier(str(key_file), time)


def a_verifier(keys: str, time: Time, **more: Any) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, keys, clock=time.wall, elapsed=time.passed, **more)


async def refused(verifier: TokenVerifier, token: str, rule: type[Unauthenticated]) -> None:
    """Refused for this rule and no other, in two languages that tell nothing of what stands in the token."""
    with pytest.raises(Unauthenticated) as caught:
        await verifier.caller(token, "vi")
    assert type(caught.value) is rule
    sentences = caught.value.sentence("vi"), caught.value.sentence("en")
    assert sentences[0] != sentences[1]
    told = " ".join((*sentences, str(caught.value), repr(caught.value.facts)))
    assert not any(value in told for value in (token or "-", *SECRET_VALUES))
    assert verifier.known(token) is None


# -- whom a good token names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(ED, "EdDSA", "ed"), (RSA, "RS256", "rsa"), (EC, "ES256", "ec")])
async def test_a_token_of_each_accepted_kind_names_its_caller(
    verifier: TokenVerifier, key: Any, algorithm: str, kid: str
) -> None:
    token = signed(claims(), key, algorithm, kid=kid)
    caller = await verifier.caller(token, "en")
    assert caller == Caller("an.nguyen", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
    assert caller.token == token
    assert token not in repr(caller)


@pytest.mark.parametrize("role", ["member", "grassroots_officer", "province_officer", "federation_officer", "auditor"])
async def test_each_role_of_a_person_can_be_given(verifier: TokenVerifier, role: str) -> None:
    assert (await verifier.caller(signed(claims(role=role)), "vi")).role is Role[role.upper()]


async def test_an_auditor_is_one_of_no_unit_in_particular(verifier: TokenVerifier) -> None:
    assert (await verifier.caller(signed(claims(role="auditor", unit=None)), "vi")).unit == ""


async def test_a_token_for_several_audiences_is_for_each_of_them(verifier: TokenVerifier) -> None:
    assert await verifier.caller(signed(claims(aud=["welfare-system", AUDIENCE])), "vi")


async def test_a_caller_is_answered_in_the_language_of_each_call(verifier: TokenVerifier) -> None:
    token = signed(claims())
    assert (await verifier.caller(token, "vi")).language == "vi"
    assert (await verifier.caller(token, "en")).language == "en"
    known = verifier.known(token, "en")
    assert known is not None
    assert known.language == "en"


# -- what is refused, one by one -------------------------------------------------------------------------------------


async def test_a_call_without_a_token_is_not_signed_in(verifier: TokenVerifier) -> None:
    await refused(verifier, "", tokens.TokenMissing)


@pytest.mark.parametrize(
    "token",
    [
        "abc", "a.b.c", "..", "e30.e30", "x" * 9_000, "é.è.ê", "bnVsbA.e30.e30",
        jwt.encode({}, ED, "EdDSA"), jwt.encode({}, ED, "EdDSA", headers={"kid": ""}),
    ],
)  # fmt: skip
async def test_what_is_no_token_is_malformed(verifier: TokenVerifier, token: str) -> None:
    await refused(verifier, token, tokens.TokenMalformed)


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_whatever_is_anything_but_refused(shared_key_file: Path, text: str) -> None:
    verifier = a_verifier(str(shared_key_file), Time())
    with pytest.raises(Unauthenticated):
        asyncio.run(verifier.caller(text, "vi"))


@settings(deadline=None)
@given(data=st.data())
def test_a_token_with_any_character_changed_is_refused(shared_key_file: Path, data: st.DataObject) -> None:
    token = signed(claims())
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_.=").filter(lambda letter: letter != token[at]))
    verifier = a_verifier(str(shared_key_file), Time())
    with pytest.raises(Unauthenticated):
        asyncio.run(verifier.caller(token[:at] + other + token[at + 1 :], "vi"))


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "iss", "aud", "sub", "role"])
async def test_every_claim_is_required(verifier: TokenVerifier, claim: str) -> None:
    await refused(verifier, signed(claims(**{claim: None})), tokens.TokenMalformed)


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": ""}, {"sub": "x" * 201}, {"sub": "an\nnguyen"}, {"unit": "Vĩnh Phúc"}, {"unit": "x" * 41}, {"unit": "a--b"},
        {"exp": "tomorrow"}, {"nbf": True}, {"iat": [NOW]},
    ],
)  # fmt: skip
async def test_a_claim_of_the_wrong_form_is_malformed(verifier: TokenVerifier, changed: dict[str, Any]) -> None:
    await refused(verifier, signed(claims(**changed)), tokens.TokenMalformed)


@pytest.mark.parametrize("said", [b"[]", b"{", b'"text"', b"\xff", b'{"exp": NaN}', b'{"exp": Infinity}'])
async def test_what_is_signed_but_no_claims_is_malformed(verifier: TokenVerifier, said: bytes) -> None:
    token = sealed_by_hand({"alg": "EdDSA", "kid": "ed"}, said, ED.sign)
    await refused(verifier, token, tokens.TokenMalformed)


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": True}, {"crit": ["exp"]}, {"typ": "logout+jwt"}, {"typ": ["JWT"]}])
async def test_a_token_of_another_kind_or_with_demands_that_nobody_knows_is_malformed(
    verifier: TokenVerifier, header: dict[str, Any]
) -> None:
    token = sealed_by_hand({"alg": "EdDSA", "kid": "ed", **header}, orjson.dumps(claims()), ED.sign)
    await refused(verifier, token, tokens.TokenMalformed)


@pytest.mark.parametrize("form", [lambda key: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)])
@pytest.mark.parametrize(("kid", "key"), [("ed", ED), ("rsa", RSA), ("ec", EC)])
async def test_a_public_key_is_no_secret_to_sign_with(
    verifier: TokenVerifier, kid: str, key: Any, form: Callable[[Any], bytes]
) -> None:
    secret = form(key.public_key())
    token = sealed_by_hand(
        {"alg": "HS256", "kid": kid}, orjson.dumps(claims()), lambda data: hmac.digest(secret, data, hashlib.sha256)
    )
    await refused(verifier, token, tokens.TokenForged)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS512", "PS256", "ES384", "", None, 7, ["EdDSA"]])
async def test_no_other_algorithm_is_accepted_whoever_signed(verifier: TokenVerifier, algorithm: Any) -> None:
    for sign in (ED.sign, lambda data: b""):
        token = sealed_by_hand({"alg": algorithm, "kid": "ed"}, orjson.dumps(claims()), sign)
        await refused(verifier, token, tokens.TokenForged)


async def test_an_accepted_algorithm_that_is_not_that_of_the_key_is_refused(verifier: TokenVerifier) -> None:
    body = orjson.dumps(claims())
    for kid, algorithm in (
        ("rsa", "EdDSA"),
        ("ec", "EdDSA"),
        ("ed", "RS256"),
        ("ed", "ES256"),
        ("rsa", "ES256"),
        ("ec", "RS256"),
    ):
        await refused(verifier, sealed_by_hand({"alg": algorithm, "kid": kid}, body, ED.sign), tokens.TokenForged)
    await refused(verifier, signed(claims(), RSA, "RS512", kid="rsa"), tokens.TokenForged)


async def test_a_signature_of_another_key_of_the_issuer_is_refused(verifier: TokenVerifier) -> None:
    await refused(verifier, signed(claims(), OTHER_ED, kid="ed"), tokens.TokenForged)


async def test_a_signature_under_other_claims_is_refused(verifier: TokenVerifier) -> None:
    head, body, signature = signed(claims()).split(".")
    _, better, _ = signed(claims(role="federation_officer")).split(".")
    assert body != better
    await refused(verifier, f"{head}.{better}.{signature}", tokens.TokenForged)
    await refused(verifier, f"{head}.{better}.", tokens.TokenForged)


async def test_a_key_in_the_token_itself_is_not_looked_at(verifier: TokenVerifier) -> None:
    mine = Ed25519PrivateKey.generate()
    await refused(verifier, signed(claims(), mine, jwk=jwk_of(mine)), tokens.TokenForged)


async def test_a_key_that_the_issuer_does_not_have_is_unknown(verifier: TokenVerifier) -> None:
    await refused(verifier, signed(claims(), kid="nobody"), tokens.TokenKeyUnknown)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"iss": "https://elsewhere.example"}, tokens.TokenOfAnotherIssuer),
        ({"iss": [ISSUER]}, tokens.TokenOfAnotherIssuer),
        ({"aud": "welfare-system"}, tokens.TokenForAnother),
        ({"aud": ["welfare-system"]}, tokens.TokenForAnother),
        ({"aud": {"congdoan": 1}}, tokens.TokenForAnother),
        ({"aud": "the congdoan system"}, tokens.TokenForAnother),
        ({"role": "commissar"}, tokens.TokenRoleUnknown),
        ({"role": "PROVINCE_OFFICER"}, tokens.TokenRoleUnknown),
        ({"role": 3}, tokens.TokenRoleUnknown),
        ({"role": ["auditor"]}, tokens.TokenRoleUnknown),
        ({"role": "service"}, tokens.TokenRoleUnknown),
        ({"unit": None}, tokens.TokenUnitMissing),
        ({"unit": ""}, tokens.TokenUnitMissing),
        ({"unit": None, "role": "member"}, tokens.TokenUnitMissing),
        ({"exp": NOW + MAX_LIFETIME_S + 1}, tokens.TokenLivesTooLong),
        ({"iat": NOW - MAX_LIFETIME_S}, tokens.TokenLivesTooLong),
        ({"exp": NOW - LEEWAY_S}, tokens.TokenExpired),
        ({"nbf": NOW + LEEWAY_S + 1}, tokens.TokenNotYetValid),
        ({"iat": NOW + LEEWAY_S + 1}, tokens.TokenNotYetValid),
    ],
)
async def test_a_claim_that_is_not_to_be_accepted_is_refused_for_its_own_reason(
    verifier: TokenVerifier, changed: dict[str, Any], rule: type[Unauthenticated]
) -> None:
    await refused(verifier, signed(claims(**changed)), rule)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW - LEEWAY_S + 1},
        {"nbf": NOW + LEEWAY_S},
        {"iat": NOW + LEEWAY_S},
        {"exp": NOW + MAX_LIFETIME_S},
        {"exp": NOW + 0.5},
    ],
)  # fmt: skip
async def test_clocks_may_differ_by_half_a_minute_and_a_token_may_live_for_a_day(
    verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    assert await verifier.caller(signed(claims(**changed)), "vi")


# -- what is remembered ----------------------------------------------------------------------------------------------


async def test_a_verified_token_is_known_without_waiting_until_it_expires(verifier: TokenVerifier, time: Time) -> None:
    token = signed(claims(exp=NOW + 60))
    assert verifier.known(token) is None
    caller = await verifier.caller(token, "vi")
    time.pass_by(60 + LEEWAY_S - 1)
    assert verifier.known(token) is caller
    time.pass_by(1)
    await refused(verifier, token, tokens.TokenExpired)


async def test_only_the_latest_tokens_are_remembered(key_file: Path, time: Time) -> None:
    verifier = a_verifier(str(key_file), time, max_known=3)
    first, second, third, fourth = (signed(claims(sub=f"officer-{number}")) for number in range(4))
    for token in (first, second, third):
        await verifier.caller(token, "vi")
    assert verifier.known(first), "asked for just now, so it stays"
    await verifier.caller(fourth, "vi")
    assert [verifier.known(token) is not None for token in (first, second, third, fourth)] == [True, False, True, True]


async def test_a_key_that_is_taken_out_of_the_set_is_soon_refused_also_for_tokens_that_are_known(
    verifier: TokenVerifier, key_file: Path, time: Time
) -> None:
    token = signed(claims(exp=NOW + 3_600))
    await verifier.caller(token, "vi")
    publish(key_file, ed_jwk(OTHER_ED, kid="other"))
    time.pass_by(MAX_AGE_S + 1)
    await refused(verifier, token, tokens.TokenKeyUnknown)


async def test_another_key_under_the_same_id_makes_nothing_known_by_the_old_one(
    verifier: TokenVerifier, key_file: Path, time: Time
) -> None:
    token = signed(claims(exp=NOW + 3_600))
    await verifier.caller(token, "vi")
    publish(key_file, ed_jwk(OTHER_ED, kid="ed"))
    time.pass_by(MAX_AGE_S + 1)
    await refused(verifier, token, tokens.TokenForged)


async def test_while_calls_go_on_the_set_is_read_beside_them_and_what_is_still_in_it_stays_known(
    verifier: TokenVerifier, key_file: Path, time: Time
) -> None:
    goes, stays = signed(claims(exp=NOW + 3_600)), signed(claims(exp=NOW + 3_600), OTHER_ED, kid="other")
    for token in (goes, stays):
        await verifier.caller(token, "vi")
    known = verifier.known(stays)
    publish(key_file, ed_jwk(OTHER_ED, kid="other"))
    time.pass_by(REFRESH_S + 1)
    assert await verifier.caller(goes, "vi"), "nobody waits for the reading"
    await until(lambda: verifier.known(goes) is None)
    assert verifier.known(stays) is known
    await refused(verifier, goes, tokens.TokenKeyUnknown)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that other tasks and threads bring about."""
    while not holds():
        await asyncio.sleep(0.001)


# -- where the keys come from ----------------------------------------------------------------------------------------


class KeyServer:
    """An issuer's address, whose answers a test chooses."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.answer: tuple[int, bytes] = 200, orjson.dumps({"keys": keys})
        self.asked, self.hold = 0, threading.Event()
        self.hold.set()
        told = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told.asked += 1
                told.hold.wait()
                status, body = told.answer
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", body.decode())
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.address = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def publish(self, *keys: Mapping[str, Any]) -> None:
        self.answer = 200, orjson.dumps({"keys": keys})


@contextmanager
def serving(*keys: Mapping[str, Any]) -> Iterator[KeyServer]:
    issuer = KeyServer(*keys)
    thread = threading.Thread(target=issuer.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield issuer
    finally:
        issuer.hold.set()
        issuer.server.shutdown()
        thread.join()
        issuer.server.server_close()


async def test_a_new_key_is_known_with_its_first_token_and_an_old_one_until_it_is_withdrawn(time: Time) -> None:
    old, new = signed(claims()), signed(claims(), OTHER_ED, kid="other")
    with serving(ed_jwk(ED, kid="ed")) as issuer:
        verifier = a_verifier(issuer.address, time)
        assert await verifier.caller(old, "vi")
        issuer.publish(ed_jwk(ED, kid="ed"), ed_jwk(OTHER_ED, kid="other"))
        time.pass_by(1)
        assert await verifier.caller(new, "vi")
        assert verifier.known(old)
        issuer.publish(ed_jwk(OTHER_ED, kid="other"))
        time.pass_by(MAX_AGE_S + 1)
        await refused(verifier, old, tokens.TokenKeyUnknown)
        assert verifier.known(new)
        assert issuer.asked == 3


async def test_many_callers_with_one_unknown_key_cause_one_reading(time: Time) -> None:
    with serving() as issuer:
        verifier = a_verifier(issuer.address, time)
        await refused(verifier, signed(claims()), tokens.TokenKeyUnknown)
        time.pass_by(1)
        issuer.publish(*SET)
        issuer.hold.clear()
        calls = [asyncio.create_task(verifier.caller(signed(claims(sub=f"officer-{n}")), "vi")) for n in range(200)]
        await until(lambda: issuer.asked == 2)
        await asyncio.sleep(0)
        issuer.hold.set()
        callers = await asyncio.gather(*calls)
        assert len({caller.id for caller in callers}) == 200
        assert issuer.asked == 2


async def test_unknown_keys_without_end_do_not_keep_the_issuer_busy(time: Time) -> None:
    with serving(*SET) as issuer:
        verifier = a_verifier(issuer.address, time)
        await verifier.caller(signed(claims()), "vi")
        for number in range(50):
            time.pass_by(0.01)
            await refused(verifier, signed(claims(), kid=f"k{number}"), tokens.TokenKeyUnknown)
        assert issuer.asked == 1 + REFETCHES
        time.pass_by(REFETCH_S)
        for number in range(50):
            time.pass_by(0.01)
            await refused(verifier, signed(claims(), kid=f"l{number}"), tokens.TokenKeyUnknown)
        assert issuer.asked == 2 + REFETCHES


async def test_a_caller_that_goes_away_does_not_end_the_reading_for_the_others(time: Time) -> None:
    with serving(*SET) as issuer:
        issuer.hold.clear()
        verifier = a_verifier(issuer.address, time)
        impatient, patient = (asyncio.create_task(verifier.caller(signed(claims(sub=who)), "vi")) for who in ("a", "b"))
        await until(lambda: issuer.asked == 1)
        impatient.cancel()
        await asyncio.wait([impatient])
        issuer.hold.set()
        assert (await patient).id == "b"
        assert issuer.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, b""),
        (200, b"<html>"),
        (200, b"{}"),
        (200, b'{"keys": {}}'),
        (200, b"[]"),
        (302, b"/elsewhere"),
        (200, b" " * 300_000),
    ],
)  # fmt: skip
async def test_while_the_keys_cannot_be_read_known_ones_go_on_and_of_others_nothing_is_said(
    time: Time, answer: tuple[int, bytes]
) -> None:
    with serving(ed_jwk(ED, kid="ed")) as issuer:
        verifier = a_verifier(issuer.address, time)
        known = signed(claims(exp=NOW + 3_600))
        await verifier.caller(known, "vi")
        issuer.answer = answer
        time.pass_by(MAX_AGE_S + 1)
        assert await verifier.caller(known, "vi")
        assert verifier.known(known)
        with pytest.raises(Unavailable):
            await verifier.caller(signed(claims(), OTHER_ED, kid="other"), "vi")

        issuer.publish(ed_jwk(OTHER_ED, kid="other"))
        time.pass_by(RETRY_S + 1)
        assert await verifier.caller(known, "vi")
        await until(lambda: verifier.known(known) is None)
        await refused(verifier, known, tokens.TokenKeyUnknown)


async def test_before_the_first_reading_nobody_is_known_and_nobody_refused(tmp_path: Path, time: Time) -> None:
    verifier = a_verifier(str(tmp_path / "not-there-yet.json"), time)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await verifier.caller(signed(claims()), "vi")
    publish(tmp_path / "not-there-yet.json", *SET)
    time.pass_by(RETRY_S + 1)
    assert await verifier.caller(signed(claims()), "vi")


async def test_a_reading_under_way_is_ended_with_the_verifier(time: Time) -> None:
    with serving(*SET) as issuer:
        issuer.hold.clear()
        verifier = a_verifier(issuer.address, time)
        call = asyncio.create_task(verifier.caller(signed(claims()), "vi"))
        await until(lambda: issuer.asked == 1)
        await verifier.stop()
        with pytest.raises(asyncio.CancelledError):
            await call


def test_a_set_that_comes_drop_by_drop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_keys, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip, args=(listening,))
        dripping.start()
        with pytest.raises(TimeoutError):
            token_keys.fetched(f"http://127.0.0.1:{listening.getsockname()[1]}/jwks.json")
        dripping.join()


def drip(listening: socket.socket) -> None:
    """Answer one request with spaces, one after the other, until nobody listens any more."""
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while connection.send(b" "):
            threading.Event().wait(0.005)


@pytest.mark.parametrize(
    "passed_over",
    [
        rsa_jwk(SHORT_RSA, kid="k"), rsa_jwk(RSA, kid="k", alg="RS512"), ec_jwk(EC_384, kid="k"), ed_jwk(ED, kid=""),
        ed_jwk(ED, kid="k", use="enc"), {**jwk_of(ED), "kid": 7}, {**jwk_of(ED), "kid": "k", "key_ops": ["sign"]},
        {"kty": "oct", "kid": "k", "k": "c2VjcmV0"}, {"kty": "OKP", "crv": "Ed448", "kid": "k", "x": "AA"},
        {**jwk_of(ED), "kid": "k", "d": "AA"}, {**jwk_of(ED), "kid": "k", "x": "AA"}, {"kid": "k"}, {"kty": ["RSA"], "kid": "k"},
    ],
)  # fmt: skip
def test_a_key_that_is_too_weak_or_of_another_kind_is_passed_over(passed_over: dict[str, Any]) -> None:
    assert keys_of(orjson.dumps({"keys": [passed_over, "text", ed_jwk(ED, kid="ed")]})).keys() == {"ed"}


def test_of_two_keys_of_one_id_the_first_counts() -> None:
    found = keys_of(orjson.dumps({"keys": [ed_jwk(ED, kid="k"), ed_jwk(OTHER_ED, kid="k")]}))
    assert found["k"].same_as(keys_of(orjson.dumps({"keys": [ed_jwk(ED, kid="k")]}))["k"])


@pytest.mark.parametrize("data", [b"", b"nothing", b"[]", b"{}", b'{"keys": 7}', b"7"])
def test_what_is_no_key_set_is_not_taken_for_an_empty_one(data: bytes) -> None:
    with pytest.raises(NoKeySet):
        keys_of(data)
