"""Who shows a token that is not to be accepted changes nothing; who shows a good one stands in what it changed."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc import StatusCode

from chassis.clients import Refused, RpcClient
from chassis.commands import Call
from chassis.credentials import Credentials
from chassis.recorded import Actor, Metadata
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedPostgres
from congdoan.issuer import AUDIENCE, ISSUER, jwk_of
from federation.membership.v1 import membership_pb2 as pb
from tests import identities
from tests.issuing import SIGNING_KEY, token_of
from tests.serving import Suite, a_nats_of_its_own, method_of, request_of, services_target_of, suite_of

OFFICER = Caller("officer-cs-a", Role.GRASSROOTS_OFFICER, "cs-a", "en")
AUDITOR = Caller("auditor-1", Role.AUDITOR, "", "en")
HOUR_S = 3_600


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite(postgres: EmbeddedPostgres) -> AsyncIterator[Suite]:
    """Membership with one grassroots union, for all tests of this module."""
    with a_nats_of_its_own() as nats:
        async with suite_of(postgres, nats.url, "membership") as suite:
            await suite.establish("tld", 1)
            await suite.establish("cs-a", 5, "tld")
            yield suite


def admission() -> dict[str, Any]:
    """The command to admit somebody to the union, with an id of its own."""
    who = {"full_name": "Lê Bình", "birth_date": "1990-01-01", "national_id": f"{uuid4().int % 10**12:012d}"}
    return {"command_id": str(uuid4()), "member_id": str(uuid4()), "unit": "cs-a", "on": "2020-01-01", **who}


def signed(key: Ed25519PrivateKey = SIGNING_KEY, **changed: Any) -> str:
    """A token of the officer as the issuer would sign it, but for what is changed."""
    now = int(time.time())
    who = {"iss": ISSUER, "aud": AUDIENCE, "sub": OFFICER.id, "role": "grassroots_officer", "unit": OFFICER.unit}
    times = {"iat": now, "nbf": now, "exp": now + HOUR_S}
    return jwt.encode({**who, **times, **changed}, key, algorithm="EdDSA", headers={"kid": jwk_of(SIGNING_KEY)["kid"]})


def expired() -> str:
    """A token whose hour is over."""
    now = int(time.time())
    return signed(iat=now - 2 * HOUR_S, nbf=now - 2 * HOUR_S, exp=now - HOUR_S)


def admitting(suite: Suite, token: str) -> Any:
    """Somebody is admitted, by whoever shows the token."""
    client = suite.client("membership", "AdmitMember")
    return client.call("AdmitMember", request_of("membership", "AdmitMember", **admission()), token=lambda: token)


async def test_the_token_of_these_tests_is_one_that_is_accepted(suite: Suite) -> None:
    assert (await admitting(suite, signed())).version == 1


@pytest.mark.parametrize(
    ("token", "rule"),
    [
        (expired, "TokenExpired"),
        (lambda: signed(iss="https://elsewhere.example"), "TokenOfAnotherIssuer"),
        (lambda: signed(aud="another-system"), "TokenForAnother"),
        (lambda: signed(key=Ed25519PrivateKey.generate()), "TokenForged"),
        (lambda: signed(role="service"), "TokenRoleUnknown"),
        (lambda: signed(nbf=int(time.time()) + HOUR_S), "TokenNotYetValid"),
        (lambda: "officer-cs-a", "TokenMalformed"),
    ],
    ids=["expired", "foreign issuer", "wrong audience", "signed by another", "a service", "too early", "no token"],
)
async def test_a_token_that_is_not_to_be_accepted_changes_nothing(suite: Suite, token: Any, rule: str) -> None:
    head = await suite.services["membership"].store.head()

    with pytest.raises(Refused) as refused:
        await admitting(suite, token())

    assert (refused.value.status, refused.value.rule) == (StatusCode.UNAUTHENTICATED, rule)
    assert await suite.services["membership"].store.head() == head


async def test_an_event_names_whoever_the_token_names(suite: Suite) -> None:
    answer = await suite.do("membership", "AdmitMember", OFFICER, **admission())

    assert (await metadata_at(suite, answer.position)).actor == Actor("officer-cs-a", "grassroots_officer", "cs-a")


async def metadata_at(suite: Suite, position: int) -> Metadata:
    (recorded,) = await suite.services["membership"].store.read(position - 1, 1)
    return recorded.metadata


async def test_what_a_service_records_in_the_course_of_a_call_names_the_caller(suite: Suite) -> None:
    fields = admission()
    await suite.do("membership", "AdmitMember", OFFICER, **fields)
    before = await suite.services["membership"].store.head()

    await suite.call("membership", "GetMemberNames", AUDITOR, member_ids=[fields["member_id"]], reason="Kiểm tra 1")

    assert await suite.services["membership"].store.head() == before + 1, "the reading is recorded"
    assert (await metadata_at(suite, before + 1)).actor == Actor("auditor-1", "auditor", "")


def acting(suite: Suite, service: str, rpc: str) -> RpcClient:
    """What a service of the suite calls membership with."""
    target = services_target_of(suite.services["membership"])
    return RpcClient(target, method_of("membership", rpc).containing_service, identities.service(service))


async def test_a_service_borrows_no_right_of_the_officer_whose_token_it_carries(suite: Suite) -> None:
    head = await suite.services["membership"].store.head()
    cause, client = Call(replace(OFFICER, token=token_of(OFFICER))), acting(suite, "welfare", "AdmitMember")

    with pytest.raises(Refused) as refused:
        await client.call("AdmitMember", request_of("membership", "AdmitMember", **admission()), cause=cause)

    assert refused.value.status is StatusCode.PERMISSION_DENIED, "the call is not open to welfare, whoever it acts for"
    assert await suite.services["membership"].store.head() == head
    await client.close()


async def test_a_service_may_ask_what_is_open_to_it_for_an_officer_and_for_itself(suite: Suite) -> None:
    client = acting(suite, "welfare", "GetTreePosition")
    for cause in (None, Call(replace(OFFICER, token=token_of(OFFICER)))):
        found = await client.call("GetTreePosition", pb.GetTreePositionRequest(), cause=cause)
        assert found.position == suite.services["membership"].tree.position > 0
    late = Call(replace(OFFICER, token=expired()))
    with pytest.raises(Refused) as refused:
        await client.call("GetTreePosition", pb.GetTreePositionRequest(), cause=late)
    assert refused.value.rule == "TokenExpired", "what is carried on must be good too"
    await client.close()


async def test_a_token_opens_nothing_where_services_call(suite: Suite) -> None:
    target = services_target_of(suite.services["membership"])
    contract = method_of("membership", "GetTreePosition").containing_service
    user = RpcClient(target, contract, Credentials(token=lambda: token_of(OFFICER), authority=identities.authority_file()))

    with pytest.raises(Refused) as refused:
        await user.call("GetTreePosition", pb.GetTreePositionRequest(), timeout_s=2.0)

    assert refused.value.status in (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED), "the handshake fails"
    await user.close()
