"""How does an operator rebuild a read model in the open, and have it proven that nothing was missed and nothing taken twice?"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.messages import fields_of
from congdoan.clients import Federation
from congdoan.texts import Language, say
from federation.operations.v1 import operations_pb2 as pb

LONG_S = 900.0
"""How long one comparison or proof may take."""
LOOK_EVERY_S = 0.2
NEAR = 10_000
"""How many events may be missing when both generations are compared: they meet then."""

Progress = Callable[[int, int], None]
"""Told the position of the generation beside, and of the one that answers."""


class NoSuchReadModel(Exception):
    """No service has a read model, or follower, of that name."""


class InSeveralServices(Exception):
    """More than one service has a read model of that name; these."""


@dataclass(frozen=True, slots=True)
class Place:
    """A read model, or another follower, of a service."""

    service: str
    name: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Two generations of a read model, compared; what differs is told by :func:`lines_of`."""

    place: Place
    generations: pb.Generations
    found: pb.CompareGenerationsResponse
    switched: bool = False

    @property
    def equal(self) -> bool:
        """Whether no row differs."""
        return not (self.found.differing or self.found.only_live or self.found.only_beside)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**standing_document(self.place, self.generations), **fields_of(self.found), "switched": self.switched}


async def located(federation: Federation, name: str, service: str | None = None) -> Place:
    """The one read model that a name means, with or without its version, with its service or only in one.

    :raises NoSuchReadModel: there is none. :raises InSeveralServices: there are more. :raises Refused: a service does not answer.
    """
    found = [place for place, _ in await standings(federation, service) if name in _names(place)]
    if not found:
        raise NoSuchReadModel(name)
    if len(found) > 1:
        raise InSeveralServices(", ".join(place.service for place in found))
    return found[0]


async def standings(federation: Federation, service: str | None = None) -> list[tuple[Place, pb.Generations]]:
    """Every read model with its generations, of a service or of all.

    :raises Refused: a service does not answer.
    """
    services = [one for one in federation.services if service in (None, one)]
    answers = await asyncio.gather(*(federation.operate(one, "ListGenerations") for one in services))
    return [
        (Place(one, standing.read_model), standing)
        for one, answer in zip(services, answers, strict=True)
        for standing in answer.generations
    ]


async def rebuild(federation: Federation, place: Place, on_progress: Progress) -> pb.Generations:
    """Build a second generation, or go on with one, until both are near each other.

    :raises Refused: a service does not answer, or the older generation still stands beside.
    """
    standing = await change(federation, place, "RebuildReadModel")
    while standing.beside_position + NEAR < standing.live_position:
        on_progress(standing.beside_position, standing.live_position)
        await asyncio.sleep(LOOK_EVERY_S)
        standing = await standing_of(federation, place)
    on_progress(standing.live_position, standing.live_position)
    return standing


async def standing_of(federation: Federation, place: Place) -> pb.Generations:
    """The generations of a read model.

    :raises Refused: the service does not answer.
    """
    return next(standing for other, standing in await standings(federation, place.service) if other == place)


async def compare(federation: Federation, place: Place, rows: int) -> Compared:
    """Both generations at one position, with some of the rows that differ.

    :raises Refused: there is no second generation, or they cannot be compared just now.
    """
    found = await federation.operate(place.service, "CompareGenerations", timeout_s=LONG_S, read_model=place.name, rows=rows)
    return Compared(place, await standing_of(federation, place), found)


async def change(federation: Federation, place: Place, rpc: str) -> pb.Generations:
    """Order something of a read model, by the name of the RPC.

    :raises Refused: it cannot be.
    """
    answer: pb.Generations = await federation.operate(place.service, rpc, read_model=place.name)
    return answer


async def followers(federation: Federation, name: str | None, service: str | None) -> list[Place]:
    """Everybody of that name who follows a history, or everybody.

    :raises NoSuchReadModel: there is none. :raises Refused: a service does not answer.
    """
    services = [one for one in federation.services if service in (None, one)]
    statuses = await asyncio.gather(*(federation.operate(one, "GetStatus") for one in services))
    places = [Place(one, each.name) for one, status in zip(services, statuses, strict=True) for each in status.followers]
    found = [place for place in places if name is None or name in _names(place)]
    if not found:
        raise NoSuchReadModel(name or "")
    return found


async def prove(federation: Federation, place: Place) -> pb.ProveFollowerResponse:
    """Compare what a follower did with the history.

    :raises Refused: the history cannot be read just now.
    """
    proof: pb.ProveFollowerResponse = await federation.operate(
        place.service, "ProveFollower", timeout_s=LONG_S, follower=place.name
    )
    return proof


async def compared_anew(federation: Federation, place: Place, rows: int, on_progress: Progress) -> Compared:
    """The rows that stand against rows built from the first event; what is built for this is dropped again.

    :raises Refused: a service does not answer.
    """
    had_one = (await standing_of(federation, place)).HasField("beside")
    if not had_one:
        await rebuild(federation, place, on_progress)
    try:
        return await compare(federation, place, rows)
    finally:
        if not had_one:
            await change(federation, place, "DropGeneration")


def standing_document(place: Place, standing: pb.Generations) -> dict[str, Any]:
    """The generations of a read model as JSON knows them."""
    beside = standing.beside if standing.HasField("beside") else None
    return {"service": place.service, "read_model": place.name, "live_generation": standing.live, "beside_generation": beside}


def proof_document(place: Place, proof: pb.ProveFollowerResponse) -> dict[str, Any]:
    """A proof as JSON knows it."""
    return {"service": place.service, **fields_of(proof)}


def proof_sentence(place: Place, proof: pb.ProveFollowerResponse, lang: Language) -> str:
    """What was proven, or not."""
    facts = {
        "follower": f"{place.service}/{proof.follower}",
        "source": proof.source,
        "since": proof.since,
        "position": proof.position,
        "followed": proof.followed,
        "applied": proof.applied,
        "parked": proof.parked,
        "missing": _positions(proof.missing_positions),
        "twice": _positions(proof.twice_positions),
        "aside": _positions(proof.parked_positions),
    }
    sentences = [say(f"proof_{fields_of(proof)['verdict']}", lang, **facts)]
    if proof.parked:
        sentences.append(say("proof_aside", lang, **facts))
    if proof.since:
        sentences.append(say("proof_since", lang, **facts))
    return " ".join(sentences)


def holds(proof: pb.ProveFollowerResponse) -> bool:
    """Whether each was applied exactly once, but for what lies aside."""
    return bool(proof.verdict == pb.PROOF_VERDICT_EXACTLY_ONCE)


def rows_of(found: pb.CompareGenerationsResponse, lang: Language) -> list[tuple[str, str, str, str]]:
    """The differing rows as a table shows them: key, what differs, why, and by which events."""
    return [(" · ".join(row.key), _differing(row, lang), _cause(row, lang), _events(row)) for row in found.differences]


def _differing(row: pb.Difference, lang: Language) -> str:
    if row.stands != pb.ROW_STANDS_BOTH:
        return say("stands_live" if row.stands == pb.ROW_STANDS_LIVE else "stands_beside", lang)
    return "\n".join(f"{column.name}: {_change(column, lang)}" for column in row.columns)


def _change(column: pb.DifferingColumn, lang: Language) -> str:
    if column.personal:
        return say("personal_differs", lang)
    return " → ".join(getattr(column, side) if column.HasField(side) else "–" for side in ("live", "beside"))


def _cause(row: pb.Difference, lang: Language) -> str:
    cause = fields_of(row)["cause"]
    one_of = "_one_of" if row.alternatives else "_from_first" if cause == "stops_after" and not row.because_of else ""
    told = say(f"cause_{cause}{one_of}", lang, events=row.events, later=row.later)
    return f"{told}; {say('others_aside', lang, aside=row.aside)}" if row.aside else told


def _events(row: pb.Difference) -> str:
    """The events of the cause; where no event explains it, those by which the columns got the values they should have."""
    set_by = {column.set_by.id: column.set_by for column in row.columns if column.HasField("set_by")}
    both = row.stands == pb.ROW_STANDS_BOTH
    of_columns = {f"{_told(event)} → {_columns_of(row, event.id)}" if both else _told(event) for event in set_by.values()}
    told = [_told(event) for event in row.because_of] or sorted(of_columns)
    more = row.cause_events - len(row.because_of)
    return "\n".join([*told, *([f"… +{more}"] if more else [])])


def _told(event: pb.EventReference) -> str:
    return f"{event.id} {event.topic} {event.recorded_at[:19]}Z"


def _columns_of(row: pb.Difference, event: str) -> str:
    return ", ".join(column.name for column in row.columns if column.set_by.id == event)


def _positions(positions: Sequence[int]) -> str:
    """Positions for people; those that follow each other in one."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][1] + 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)


def _names(place: Place) -> set[str]:
    base, dot, version = place.name.rpartition(".v")
    names = {place.name, base} if dot and version.isdigit() else {place.name}
    return names | {f"{place.service}/{name}" for name in names}
