"""A province's system reads what its officers may read, with its own key; it records nothing, and ends when its grant does."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor
from grpc import StatusCode

from chassis.clients import Refused
from chassis.files import write_whole
from congdoan.embedded import EmbeddedPostgres
from congdoan.provinces.identity import token_source
from congdoan.provinces.keys import jwk_of, public_key_of, seed_of
from federation.contract.v1 import contract_pb2
from tests.serving import Suite, a_nats_of_its_own, contracts_of, request_of, suite_of

SEEDS = {code: seed_of(bytes([number]) * 32) for number, code in enumerate(("ha-noi", "vinh-phuc"), 1)}
CHANGING = (contract_pb2.CommandAnswer.DESCRIPTOR, contract_pb2.BatchAnswer.DESCRIPTOR)
RPCS = [method for contract in contracts_of("membership") for method in contract.methods]
COMMANDS = [method for method in RPCS if method.output_type in CHANGING]

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Provinces:
    """Membership with a member in each of two provinces, and who is granted just now."""

    def __init__(self, suite: Suite, file: Path) -> None:
        self.suite, self.file = suite, file
        self.members: dict[str, str] = {}
        self.grant("ha-noi", "vinh-phuc")

    def grant(self, *codes: str) -> None:
        keys = [jwk_of(public_key_of(SEEDS[code]), code) for code in codes]
        write_whole(self.file, orjson.dumps({"keys": keys}), mode=0o644)

    async def ask(self, code: str, rpc: str, speaking_for: str = "", **fields: Any) -> Any:
        """Ask as a province's system."""
        token = token_source(SEEDS[code], speaking_for or code)
        client = self.suite.client("membership", rpc)
        return await client.call(rpc, request_of("membership", rpc, **fields), token=token, at_least=self.suite.seen)

    async def refused(self, code: str, rpc: str, speaking_for: str = "", **fields: Any) -> str:
        with pytest.raises(Refused) as caught:
            await self.ask(code, rpc, speaking_for, **fields)
        return caught.value.rule


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provinces(postgres: EmbeddedPostgres, run_folder: Path) -> AsyncIterator[Provinces]:
    file = run_folder / "provinces.json"
    with a_nats_of_its_own() as nats:
        async with suite_of(postgres, nats.url, "membership", membership={"province_keys": file}) as suite:
            found = Provinces(suite, file)
            await suite.establish("tld", 1)
            for number, code in enumerate(SEEDS):
                await suite.establish(code, 3, "tld")
                await suite.establish(f"{code}-a", 5, code)
                found.members[code] = str(uuid4())
                named = {"full_name": f"Lê Bình {code}", "birth_date": "1990-01-01", "national_id": f"{number:012d}"}
                admitted = {"member_id": found.members[code], "unit": f"{code}-a", "on": "2020-01-01", **named}
                await suite.do("membership", "AdmitMember", **admitted)
            yield found


async def test_it_reads_the_names_of_its_own_members_and_of_nobody_else(provinces: Provinces) -> None:
    own, other = provinces.members["ha-noi"], provinces.members["vinh-phuc"]
    for reason in ("", "Đối chiếu danh sách"):
        found = (await provinces.ask("ha-noi", "GetMemberNames", member_ids=[own, other], reason=reason)).members
        assert [(one.full_name, one.refusal.rule) for one in found] == [("Lê Bình ha-noi", ""), ("", "NameWithheld")]


async def test_who_is_about_to_come_to_it_is_named_for_a_reason_which_is_kept(provinces: Provinces) -> None:
    moving, move = provinces.members["vinh-phuc"], str(uuid4())
    asking = {"member_id": moving, "transfer_id": move, "to_unit": "ha-noi-a", "on": "2024-01-01"}
    await provinces.suite.do("membership", "RequestTransfer", **asking)
    (found,) = (await provinces.ask("ha-noi", "GetMemberNames", member_ids=[moving], reason="Tiếp nhận 1")).members
    assert found.full_name == "Lê Bình vinh-phuc"
    provinces.suite.seen["membership"] = await provinces.suite.services["membership"].store.head()
    readings = (await provinces.ask("vinh-phuc", "ListReadings", unit="vinh-phuc")).readings
    assert [(one.reader, one.reader_unit, one.reason) for one in readings] == [("province:ha-noi", "ha-noi", "Tiếp nhận 1")]


async def test_what_its_officers_may_ask_it_may_ask_of_its_own_branch(provinces: Provinces) -> None:
    assert [one.unit for one in (await provinces.ask("ha-noi", "ListUnits", unit="ha-noi")).units] == ["ha-noi", "ha-noi-a"]
    assert await provinces.refused("ha-noi", "ListMembers", unit="vinh-phuc") == "Forbidden"
    assert await provinces.refused("ha-noi", "GetMemberContacts", member_ids=[]) == "Forbidden"


@pytest.mark.parametrize("method", COMMANDS, ids=lambda method: str(method.name))
async def test_it_gives_no_command(provinces: Provinces, method: MethodDescriptor) -> None:
    head = await provinces.suite.services["membership"].store.head()
    assert await provinces.refused("ha-noi", method.name) == "ForPeopleAlone"
    assert await provinces.suite.services["membership"].store.head() == head


async def test_it_speaks_for_no_other_unit_and_ends_when_its_grant_does(provinces: Provinces) -> None:
    asking: dict[str, Any] = {"member_ids": [provinces.members["ha-noi"]]}
    assert await provinces.refused("ha-noi", "GetMemberNames", "tld", **asking) == "KeyOfAnotherUnit"
    assert await provinces.refused("ha-noi", "GetMemberNames", "vinh-phuc", **asking) == "KeyOfAnotherUnit"
    assert await provinces.ask("ha-noi", "GetMemberNames", **asking)
    provinces.grant("vinh-phuc")
    with pytest.raises(Refused) as caught:
        await provinces.ask("ha-noi", "GetMemberNames", **asking)
    assert (caught.value.status, caught.value.rule) == (StatusCode.UNAUTHENTICATED, "KeyNotGranted")
    assert await provinces.ask("vinh-phuc", "GetFigures", unit="vinh-phuc", year=2024)
    provinces.grant("ha-noi", "vinh-phuc")
