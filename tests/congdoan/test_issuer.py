"""Is whoever this machine's issuer vouches for believed by the services, through every change of its key?"""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import orjson
import pytest

from chassis.credentials import Token
from chassis.security import Caller, Role
from chassis.token_keys import MAX_AGE_S, keys_of
from chassis.tokens import LEEWAY_S, MAX_LIFETIME_S, TokenExpired, TokenKeyUnknown, TokenVerifier
from congdoan import access, clients, whereabouts
from congdoan.clients import Federation
from congdoan.issuer import (
    AUDIENCE,
    FOLDER,
    ISSUER,
    LIFETIME_S,
    OPERATOR,
    ClaimRefused,
    Issuer,
    LifetimeRefused,
    NoIssuer,
    RoleNotIssued,
    SubjectMalformed,
    UnitMalformed,
    UnitMissing,
)
from congdoan.services import SERVICES
from tests import issuing
from tests.chassis import probe
from tests.protos import PROBE_SERVICE

AN = Caller("an.nguyen", Role.PROVINCE_OFFICER, "vinh-phuc")


class Time:
    """Seconds since 1970 that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.75

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def issuer(tmp_path: Path, time: Time) -> Issuer:
    return Issuer.open(tmp_path / FOLDER, time)


def verifier_of(issuer: Issuer, time: Time) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, str(issuer.published), clock=time, elapsed=time)


def issued(issuer: Issuer, **changes: Any) -> str:
    return issuer.issue(**{"subject": AN.id, "role": AN.role, "unit": AN.unit, **changes})


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def published(issuer: Issuer) -> list[str]:
    return list(keys_of(issuer.published.read_bytes()))


# -- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
async def test_a_token_of_this_machine_is_believed_by_the_services(issuer: Issuer, time: Time, role: Role) -> None:
    caller = await verifier_of(issuer, time).caller(issued(issuer, role=role), "vi")
    assert caller == Caller(AN.id, role, AN.unit)


async def test_an_auditor_needs_no_unit(issuer: Issuer, time: Time) -> None:
    caller = await verifier_of(issuer, time).caller(issued(issuer, role=Role.AUDITOR, unit=""), "vi")
    assert caller == Caller(AN.id, Role.AUDITOR, "")


async def test_a_token_lives_for_a_quarter_of_an_hour_unless_another_time_is_asked_for(issuer: Issuer, time: Time) -> None:
    verifier, usual, long = verifier_of(issuer, time), issued(issuer), issued(issuer, lifetime_s=MAX_LIFETIME_S)
    time.now += LIFETIME_S + LEEWAY_S
    with pytest.raises(TokenExpired):
        await verifier.caller(usual, "vi")
    assert await verifier.caller(long, "vi")


def test_the_same_words_at_the_same_time_under_the_same_id_make_the_same_token(issuer: Issuer) -> None:
    def again() -> str:
        return issued(issuer, now=1_700_000_000.0, id=UUID(int=7))

    assert again() == again()
    assert jwt.decode(again(), options={"verify_signature": False})["jti"] == str(UUID(int=7))
    assert issued(issuer) != issued(issuer), "each has an id of its own"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"role": Role.SERVICE}, RoleNotIssued),
        ({"unit": ""}, UnitMissing),
        ({"unit": "Vĩnh Phúc"}, UnitMalformed),
        ({"subject": ""}, SubjectMalformed),
        ({"subject": "an\nnguyen"}, SubjectMalformed),
        ({"lifetime_s": 0}, LifetimeRefused),
        ({"lifetime_s": MAX_LIFETIME_S + 1}, LifetimeRefused),
    ],
)
def test_what_no_service_would_believe_is_not_issued(issuer: Issuer, changes: dict[str, Any], rule: type[ClaimRefused]) -> None:
    with pytest.raises(rule):
        issued(issuer, **changes)


async def test_a_source_gives_one_token_for_most_of_its_time_and_then_another(issuer: Issuer, time: Time) -> None:
    source, verifier = issuer.token_source(AN.id, AN.role, AN.unit), verifier_of(issuer, time)
    given = []
    for _ in range(100):
        given.append(source())
        assert await verifier.caller(given[-1], "vi") == AN
        time.now += LIFETIME_S / 10
    assert 100 / 10 < len(set(given)) <= 100 / 6


def test_a_source_does_not_trust_a_clock_that_went_back(issuer: Issuer, time: Time) -> None:
    source = issuer.token_source(AN.id, AN.role, AN.unit)
    ahead = source()
    time.now -= 86_400
    assert source() != ahead


# -- the key ---------------------------------------------------------------------------------------------------------


def test_the_key_is_this_user_s_alone_and_what_is_published_holds_no_secret(issuer: Issuer) -> None:
    folder = issuer.published.parent
    assert stat.S_IMODE((folder / "keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = orjson.loads((folder / "keys.json").read_bytes())["signing"]
    assert secret not in issuer.published.read_text()
    assert not [key for key in orjson.loads(issuer.published.read_bytes())["keys"] if "d" in key]


def test_the_key_stays_when_the_suite_comes_back(issuer: Issuer, time: Time) -> None:
    again = Issuer.open(issuer.published.parent, time)
    assert kid_of(issued(again)) == kid_of(issued(issuer))


async def test_a_rotation_needs_no_restart_and_costs_no_token_that_lives(issuer: Issuer, time: Time) -> None:
    verifier, old = verifier_of(issuer, time), issued(issuer, lifetime_s=MAX_LIFETIME_S)
    assert await verifier.caller(old, "vi") == AN
    time.now += 1
    kid = Issuer.of(issuer.published.parent.parent, time).rotate()

    new = issued(issuer)
    assert kid_of(new) == kid != kid_of(old), "another process rotated, and this one signs with the new key"
    assert await verifier.caller(new, "vi") == AN
    time.now += MAX_LIFETIME_S - 1
    assert await verifier.caller(old, "vi") == AN
    assert await verifier.caller(issued(issuer), "vi") == AN
    assert published(issuer) == [kid, kid_of(old)]


async def test_an_old_key_is_withdrawn_when_its_last_token_has_expired(issuer: Issuer, time: Time) -> None:
    verifier, old = verifier_of(issuer, time), issued(issuer)
    kid = issuer.rotate()
    time.now += MAX_LIFETIME_S + LEEWAY_S
    issued(issuer)
    assert published(issuer) == [kid]
    # By its id the key is looked for before a signature is looked at, so any key will do.
    claims = {**jwt.decode(old, options={"verify_signature": False}), "iat": time.now, "nbf": time.now, "exp": time.now + 900}
    late = jwt.encode(claims, issuing.SIGNING_KEY, "EdDSA", headers={"kid": kid_of(old)})
    time.now += MAX_AGE_S + 1
    with pytest.raises(TokenKeyUnknown):
        await verifier.caller(late, "vi")


def test_every_rotation_leaves_the_keys_whole_also_when_several_rotate_at_once(issuer: Issuer, time: Time) -> None:
    first = kid_of(issued(issuer))
    with ThreadPoolExecutor(8) as pool:
        kids = list(pool.map(lambda _: Issuer(issuer.published.parent, time).rotate(), range(8)))
    assert set(published(issuer)) == {first, *kids}
    assert kid_of(issued(issuer)) in published(issuer)


def test_several_that_open_a_new_folder_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        issuers = list(pool.map(lambda _: Issuer.open(tmp_path / FOLDER), range(8)))
    assert len({kid_of(issued(issuer)) for issuer in issuers}) == 1


def test_a_key_that_was_published_but_never_signed_is_withdrawn_at_the_next_start(issuer: Issuer, time: Time) -> None:
    """As a power cut in the middle of a rotation leaves it."""
    before = issued(issuer)
    kept = (issuer.published.parent / "keys.json").read_bytes()
    issuer.rotate()
    (issuer.published.parent / "keys.json").write_bytes(kept)
    again = Issuer.open(issuer.published.parent, time)
    assert published(again) == [kid_of(before)]
    assert kid_of(issued(again)) == kid_of(before)


def test_a_folder_without_an_issuer_is_not_given_one_by_asking(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(NoIssuer):
        Issuer.of(tmp_path / "data")
    assert not list((tmp_path / "data").iterdir())


# -- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def nothing_else_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runtime").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    for name in [name for name in os.environ if name.startswith("CONGDOAN_")]:
        monkeypatch.delenv(name)


def congdoan(*arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from congdoan.cli import main; main()", *map(str, arguments)],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder on which a suite has run."""
    folder = tmp_path / "data"
    Issuer.open(folder / FOLDER)
    return folder


def as_now(data: Path) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, str(Issuer.of(data).published))


async def test_the_command_prints_the_token_and_nothing_else(data: Path) -> None:
    code, out, _ = congdoan("token", "issue", "--role", "province_officer", "--unit", "vinh-phuc", "--data", data)
    assert code == 0
    assert out.count("\n") == 1
    assert await as_now(data).caller(out.strip(), "vi") == Caller(OPERATOR[0], Role.PROVINCE_OFFICER, "vinh-phuc")


async def test_the_command_issues_for_whom_and_for_how_long_it_is_told(data: Path) -> None:
    told = ("--role", "auditor", "--subject", "binh.tran", "--minutes", "60", "--json")
    code, out, _ = congdoan("token", "issue", *told, "--data", data)
    assert code == 0
    document = orjson.loads(out)
    assert await as_now(data).caller(document.pop("token"), "vi") == Caller("binh.tran", Role.AUDITOR, "")
    assert document == {"subject": "binh.tran", "role": "auditor", "unit": "", "minutes": 60}


@pytest.mark.parametrize(
    "told",
    [
        ["--role", "commissar", "--unit", "vinh-phuc"],
        ["--role", "service", "--unit", "vinh-phuc"],
        ["--role", "province_officer"],
        ["--role", "province_officer", "--unit", "Vĩnh Phúc"],
        ["--role", "province_officer", "--unit", "vinh-phuc", "--minutes", "1441"],
        ["--role", "province_officer", "--unit", "vinh-phuc", "--minutes", "0"],
        ["--unit", "vinh-phuc"],
    ],
)
def test_the_command_was_asked_wrongly_when_there_can_be_no_such_token(data: Path, told: list[str]) -> None:
    code, out, error = congdoan("token", "issue", *told, "--data", data)
    assert (code, out) == (2, "")
    assert error


def test_where_no_suite_has_run_nobody_is_there_to_issue(tmp_path: Path) -> None:
    told = ("token", "issue", "--role", "auditor")
    assert congdoan(*told)[0] == 3
    assert congdoan(*told, "--data", tmp_path)[0] == 3
    assert congdoan("token", "rotate", "--data", tmp_path)[0] == 3


async def test_the_running_suite_is_found_by_its_note(data: Path) -> None:
    note = whereabouts.note_of_this_process(data, data / "run", services={}, metrics={}, authority=data / "authority.pem")
    with whereabouts.told(note):
        code, out, _ = congdoan("token", "issue", "--role", "auditor")
    assert code == 0
    assert await as_now(data).caller(out.strip(), "vi")


async def test_the_command_rotates(data: Path) -> None:
    old = issued(Issuer.of(data))
    code, out, _ = congdoan("token", "rotate", "--data", data, "--json")
    assert code == 0
    new = issued(Issuer.of(data))
    assert orjson.loads(out) == {"key": kid_of(new)}
    assert kid_of(new) != kid_of(old)
    for token in (old, new):
        assert await as_now(data).caller(token, "vi") == AN


# -- as whom the command line asks -----------------------------------------------------------------------------------


TARGETS = {f"CONGDOAN_{name.upper()}_TARGET": f"{name}.example:443" for name in SERVICES}


def test_elsewhere_the_environment_says_where_and_as_whom(tmp_path: Path) -> None:
    environment = {**TARGETS, "CONGDOAN_TOKEN": "a.b.c", "CONGDOAN_TLS_AUTHORITY_FILE": str(tmp_path / "ca.crt")}
    found = access.find(None, environment, "en")
    assert found.targets["welfare"] == "welfare.example:443"
    assert found.credentials.token is not None
    assert found.credentials.token() == "a.b.c"
    assert found.credentials.authority == tmp_path / "ca.crt"
    assert found.vouch is None


@pytest.mark.parametrize("missing", ["CONGDOAN_TOKEN", "CONGDOAN_TLS_AUTHORITY_FILE"])
def test_a_token_is_shown_only_where_everything_is_said(tmp_path: Path, missing: str) -> None:
    environment = {**TARGETS, "CONGDOAN_TOKEN": "a.b.c", "CONGDOAN_TLS_AUTHORITY_FILE": str(tmp_path / "ca.crt")}
    del environment[missing]
    with pytest.raises(access.NotAllSaid, match=missing):
        access.find(None, environment, "vi")


async def test_beside_a_suite_its_issuer_vouches_for_the_user_and_for_whomever_the_user_acts(data: Path) -> None:
    targets = dict.fromkeys(SERVICES, "127.0.0.1:1")
    note = whereabouts.note_of_this_process(data, data / "run", services=targets, metrics={}, authority=data / "authority.pem")
    with whereabouts.told(note):
        found = access.find(data, {}, "en")
    assert found.targets == targets
    assert found.credentials.authority == data / "authority.pem"
    assert found.credentials.token is not None
    assert await as_now(data).caller(found.credentials.token(), "en") == Caller(*OPERATOR, "en")
    assert found.vouch is not None
    assert await as_now(data).caller(found.vouch(AN.id, AN.role, AN.unit)(), "vi") == AN


async def test_whoever_acts_for_others_calls_as_each_of_them_over_the_same_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "contracts_of", lambda service: (PROBE_SERVICE,))
    vouched: list[str] = []

    def vouch(subject: str, role: Role, unit: str) -> Token:
        vouched.append(subject)
        words = probe.token_of(Caller(subject, role, unit))
        return lambda: words

    async with probe.served() as served:
        federation = Federation({"probe": served.target}, probe.credentials_of(probe.officer()), vouch=vouch)
        for _ in range(2):
            await federation.call("probe", "PlaceThing", sound())
            await federation.acting_as(AN.id, AN.role, AN.unit).call("probe", "PlaceThing", sound())
        asked = [call.caller.id for call, _ in served.application.asked]
        await federation.close()
    assert asked == [probe.officer().id, AN.id, probe.officer().id, AN.id]
    assert vouched == [AN.id], "one source of tokens for each of them"


async def test_nobody_acts_for_others_where_there_is_no_issuer() -> None:
    federation = Federation({}, probe.credentials_of(probe.officer()))
    with pytest.raises(TypeError):
        federation.acting_as(AN.id, AN.role, AN.unit)


def sound() -> dict[str, object]:
    """The fields of a command in order."""
    return {**{descriptor.name: value for descriptor, value in probe.place().ListFields()}, "colour": "red"}
