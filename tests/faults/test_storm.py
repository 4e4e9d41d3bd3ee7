"""More clients than can be served, all of whom repeat at once: is what is answered kept, once, and the rest sent away?"""

import psycopg

from chassis.security import Caller, Role
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.faults.storm import Admissions, Served, crowd
from tests.identities import authority_file
from tests.issuing import issuer
from tests.serving import suite_of, target_of

COMMANDS = 400
CALLERS, LET_IN = 12, 4
"""Callers, and how many calls of each are let in at once, where client and server share a process."""
SENT_AWAY = {"RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "CANCELLED", "UNAVAILABLE"}
"""The first by the service; the others by gRPC, on a machine that is too slow for the storm itself."""


def kept_once(conninfo: str, served: Served) -> None:
    """Every answered command has one event, at the position of its answer; and nobody's command has two."""
    query = "select convert_from(metadata, 'utf8')::json ->> 'command_id', position, version from events where topic = %s"
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(query, ("membership.member_joined",)).fetchall()
    effects = {command: (position, version) for command, position, version in rows}
    assert len(effects) == len(rows)
    assert {command: (answer.position, answer.version) for command, answer in served.answers.items()} == {
        command: effects.get(command) for command in served.answers
    }


async def test_a_storm_of_clients_is_shed_and_whoever_is_answered_is_kept_once(
    postgres: EmbeddedPostgres, own_nats: EmbeddedNats
) -> None:
    let_in = {"calls_at_once_per_caller": LET_IN}
    async with suite_of(postgres, own_nats.url, "membership", membership=let_in) as suite:
        for code, level, parent in (("tld", 1, ""), ("cdvcvn", 2, "tld"), ("p-1", 3, "cdvcvn"), ("cs-1", 5, "p-1")):
            await suite.establish(code, level, parent)
        callers = [Caller(f"officer-{number}", Role.FEDERATION_OFFICER, "tld") for number in range(CALLERS)]
        tokens = [issuer().token_source(caller.id, caller.role, caller.unit) for caller in callers]
        membership = suite.services["membership"]
        where = ("membership", "AdmitMember", target_of(membership), authority_file(), tokens)
        async with crowd(*where, Admissions("cs-1")) as clients:
            served = await clients.give(commands=COMMANDS, at_once=COMMANDS // 2)
        assert len(served.answers) == COMMANDS
        assert served.shed > 0
        assert set(served.statuses) <= SENT_AWAY
        kept_once(membership.settings.database_url, served)
