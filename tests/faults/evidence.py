"""What speaks for the invariants besides the clients? The recorded events, what each follower made of them, totals, the ledger.

Followers are proven by their tallies, rows by rows that are built anew from the first event, totals by the service, by the
auditor and by a count of the events, the history by what the ledger signed: see :data:`tests.faults.checker.Breach`.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random

import psycopg

from chassis.ledger_keys import ledger_key
from chassis.messages import fields_of
from congdoan.auditing.verifying import STORE, Places, Verification
from congdoan.rebuilding import Place, compared_anew, followers, prove, standings
from congdoan.services import SERVICES
from congdoan.suite import auditor_key_of, ledger_key_of
from congdoan.summary import summarise
from tests.faults.arena import DEADLINE_S, Arena
from tests.faults.federation import YEAR
from tests.faults.history import Line, Lines

TOTALS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "grassroots_units": ((), ()),
    "members": (("membership.member_joined",), ("membership.member_left",)),
    "gift_shares": (("welfare.gift_distributed",), ("welfare.gift_returned",)),
    "initiatives": (("awards.initiative_accepted",), ()),
}
"""Figures of the whole federation, each with the events that add to it and those that take away."""

_EVENTS = """select position, aggregate_id::text, version, topic, branch, branch_position,
                    convert_from(metadata, 'utf8')::json ->> 'command_id'
               from events where position > %s and position <= %s order by position"""
_BEFORE = """select e.aggregate_id::text, max(e.version) from events e
              where e.position <= %s and e.aggregate_id = any (select aggregate_id from events
                    where position > %s and position <= %s group by aggregate_id having min(version) > 1)
              group by e.aggregate_id"""


def events_of(arena: Arena, since: Mapping[str, int], until: Mapping[str, int]) -> Iterator[Line]:
    """The events of every service in a range, in order; before them, the versions of aggregates that were there already."""
    for service in SERVICES:
        first, last = since.get(service, 0), until[service]
        with psycopg.connect(arena.suite.postgres.conninfo(service)) as connection:
            for aggregate, version in connection.execute(_BEFORE, (first, first, last)):
                yield {"service": service, "aggregate": aggregate, "version": version, "before": True, "command": None}
            with connection.cursor(name="events") as cursor:
                cursor.itersize = 10_000
                for position, aggregate, version, topic, branch, branch_position, command in cursor.execute(
                    _EVENTS, (first, last)
                ):
                    yield {
                        "service": service, "position": position, "aggregate": aggregate, "version": version, "topic": topic,
                        "branch": branch, "branch_position": branch_position, "command": command,
                    }  # fmt: skip


def put_events(arena: Arena, since: Mapping[str, int], until: Mapping[str, int], path: Path) -> int:
    """Write the events of a range to a file; answers how many they are."""
    with Lines(path) as written:
        count = 0
        for count, event in enumerate(events_of(arena, since, until), 1):  # noqa: B007
            written.write(**event)
    return count


async def totals(arena: Arena) -> dict[str, tuple[int, int]]:
    """Each figure as its service tells it and as the auditor derives it, of the whole federation."""
    found = await summarise(arena.federation, "tld", YEAR, date(YEAR, 12, 31))
    return {name: (int(found.figures[name].value or 0), int(found.figures[name].audited or 0)) for name in TOTALS}


async def put_totals(arena: Arena, before: Mapping[str, tuple[int, int]], evidence: Lines) -> None:
    """The totals now, beside those before the events that are checked."""
    for name, (told, audited) in (await totals(arena)).items():
        plus, minus = TOTALS[name]
        # The counting starts where both agreed; that they did was checked then.
        evidence.write(
            kind="total", what=name, told=told, audited=audited, before=before[name][0], plus=list(plus), minus=list(minus)
        )


async def put_followers(arena: Arena, heads: Mapping[str, int], evidence: Lines) -> None:
    """What each follower's tally proves."""
    by_service: dict[str, list[Place]] = {}
    for place in await followers(arena.federation, None, None):
        by_service.setdefault(place.service, []).append(place)
    await asyncio.gather(*(_put_proofs(arena, places, heads, evidence) for places in by_service.values()))


async def _put_proofs(arena: Arena, places: Sequence[Place], heads: Mapping[str, int], evidence: Lines) -> None:
    for place in places:
        proof = await prove(arena.federation, place)
        missing, twice = list(proof.missing_positions), list(proof.twice_positions)
        evidence.write(
            kind="follower", what=f"{place.service}/{place.name}", verdict=fields_of(proof)["verdict"], head=heads[proof.source],
            position=proof.position, parked=proof.parked, missing=missing, twice=twice,
        )  # fmt: skip


async def put_standing(arena: Arena, heads: Mapping[str, int], evidence: Lines) -> None:
    """How far each follower is, and whether anything lies aside; what it did on the way is proven at the end."""
    for service, status in (await arena.statuses(wait=True)).items():
        for one in status.followers:
            evidence.write(
                kind="follower", what=f"{service}/{one.name}", verdict="not proven", head=heads[one.source],
                position=one.position, parked=one.parked, missing=[], twice=[],
            )  # fmt: skip


async def put_rows(arena: Arena, evidence: Lines, random: Random, models: int | None) -> None:
    """The rows of some read models of each service, drawn, or of all, against rows that are built anew from the first event."""
    by_service: dict[str, list[Place]] = {}
    for place, _ in await standings(arena.federation):
        by_service.setdefault(place.service, []).append(place)
    for places in by_service.values():
        for place in places if models is None else random.sample(places, min(models, len(places))):
            found = (await compared_anew(arena.federation, place, 0, lambda done, of: None)).found
            evidence.write(
                kind="rows", what=f"{place.service}/{place.name}", rows=found.rows_live, differing=found.differing,
                only_live=found.only_live, only_beside=found.only_beside,
            )  # fmt: skip


async def put_ledger(arena: Arena, evidence: Lines) -> None:
    """Whether the history is what the ledger signed, from store and stream; a checkpoint is waited for."""
    signer = ledger_key(ledger_key_of(arena.suite.data))
    server = (f"nats://{arena.suite.nats.hub.address}", auditor_key_of(arena.suite.data))
    deadline = time.monotonic() + DEADLINE_S
    while True:
        outcome = await Verification(Places(server, arena.suite.postgres.conninfo), signer.verifier).run(STORE, SERVICES)
        if time.monotonic() > deadline or all(found.covered or not found.walk.size for found in outcome.services):
            break
        await asyncio.sleep(1.0)
    for found in outcome.services:
        flaws = sorted(found.walk.flaws)
        evidence.write(
            kind="ledger", what=found.name, whole=found.whole, covered=found.covered, size=found.walk.size, flaws=flaws
        )
