"""Does a service of the suite rebuild what it keeps when its operator orders it: its own history's, and another's?"""

from typing import Any

import pytest
from grpc import StatusCode

from chassis.clients import Refused
from chassis.database import fetch
from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedPostgres
from federation.operations.v1 import operations_pb2 as pb
from tests.connected.example import until
from tests.serving import Suite, a_nats_of_its_own, suite_of

AUDITOR = Caller("auditor", Role.AUDITOR, "", "en")


async def ask(suite: Suite, name: str, rpc: str, caller: Caller | None = None, **fields: Any) -> Any:
    return await suite.call(name, rpc, *([caller] if caller else []), **fields)


async def test_a_tree_that_is_not_what_its_events_say_is_found_by_anybody_and_put_right_by_the_operator(
    postgres: EmbeddedPostgres,
) -> None:
    with a_nats_of_its_own() as nats:
        async with suite_of(postgres, nats.url, "membership", "welfare") as suite:
            await suite.establish("tld", 1)
            await suite.establish("vp", 2, "tld")
            for name in ("membership", "welfare"):
                service = suite.services[name]
                await ask(suite, name, "GetStatus")  # it has seen both
                await fetch(service.pool, "update units_v1 set name = 'ghost' where code = 'vp' returning 1")
                await service._reread["units.v1"]()
                assert service.tree.require("vp").name == "ghost"
                for order in ("RebuildReadModel", "SwitchReadModel", "RollBackReadModel", "DropGeneration"):
                    with pytest.raises(Refused) as refused:
                        await ask(suite, name, order, AUDITOR, read_model="units")
                    assert refused.value.status is StatusCode.PERMISSION_DENIED

                assert (await ask(suite, name, "RebuildReadModel", read_model="units")).beside == 2
                found = await ask(suite, name, "CompareGenerations", AUDITOR, read_model="units")
                (row,) = found.differences
                assert (found.position, found.rows_live, found.differing, list(row.key)) == (2, 2, 1, ["vp"])
                assert (row.cause, [(c.name, c.live, c.beside, c.set_by.id) for c in row.columns]) == (
                    pb.DIFFERENCE_CAUSE_ALTERED,
                    [("name", "ghost", "vp", "membership/2")],
                )
                assert (await ask(suite, name, "SwitchReadModel", read_model="units.v1")).live == 2
                await until(lambda service=service: service.tree.require("vp").name == "vp")  # type: ignore[misc]
            await suite.establish("cs", 3, "vp")
            for name in ("membership", "welfare"):
                assert (await ask(suite, name, "RollBackReadModel", read_model="units")).live == 1
                service = suite.services[name]
                await until(lambda service=service: service.tree.require("vp").name == "ghost")  # type: ignore[misc]
                await ask(suite, name, "GetStatus")
                assert service.tree.require("cs").parents() == ["vp"], "the older one was followed on"
                assert not (await ask(suite, name, "DropGeneration", read_model="units")).HasField("beside")
                proof = await ask(suite, name, "ProveFollower", AUDITOR, follower="units")
                assert (proof.applied, proof.followed, proof.verdict) == (3, 3, pb.PROOF_VERDICT_EXACTLY_ONCE)
                (units,) = (g for g in (await ask(suite, name, "ListGenerations")).generations if g.read_model == "units.v1")
                assert (units.live, units.HasField("beside")) == (1, False)
