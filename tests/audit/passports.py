"""A passport of a figure of any recording, written as audit would: for the tests of its format and of its checker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from io import BytesIO
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest

from audit.domain import CONTRIBUTIONS
from audit.domain.membership_figures import unit_facts
from audit.domain.passport.checking import Checked, check
from audit.domain.passport.lines import LineWriter
from audit.domain.passport.recount import SOURCES, Query, Recount
from audit.domain.passport.refusals import PassportRefused
from audit.domain.passport.statement import Standing, Statement
from audit.domain.passport.writing import PassportWriter
from audit.domain.unit_tree import PLACING, UnitTree
from chassis.ledger.descent import halves, opened
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Nodes, Place, Tree, node_hash, root
from chassis.ledger.note import Checkpoint, Signer
from chassis.recorded import RecordedEvent
from tests.audit.notary import SIGNER
from tests.audit.recording import Recording
from tests.audit.test_tables import drawn

AT = datetime(2026, 11, 22, 7, 52, 12, tzinfo=UTC)


def nodes_over(leaves: Sequence[bytes]) -> Nodes:
    """The hash of each complete subtree over some leaves."""
    known: dict[Place, bytes] = {(0, index): leaf for index, leaf in enumerate(leaves)}

    def node(place: Place) -> bytes:
        level, index = place
        if place not in known:
            known[place] = node_hash(node((level - 1, 2 * index)), node((level - 1, 2 * index + 1)))
        return known[place]

    return node


@dataclass
class Passport:
    """What a passport is made of; every part can be forged before it is written."""

    statement: Statement
    checkpoints: list[Checkpoint]
    events: list[tuple[RecordedEvent, list[bytes]]]
    signer: Signer = SIGNER

    def written(self) -> bytes:
        """The file."""
        file = BytesIO()
        notes = [self.signer.sign(checkpoint.text) for checkpoint in self.checkpoints]
        writer = PassportWriter(file, self.signer.sign(self.statement.text), notes)
        for event, way in self.events:
            writer.add(event, way)
        writer.end()
        return file.getvalue()


def evidence(recording: Recording, query: Query, cut: dict[str, int]) -> list[RecordedEvent]:
    """The events that a figure stands on, picked by hand."""
    within = [event for event in recording.events if event.position <= cut[event.service]]
    tree, late = UnitTree(), set[UUID]()
    tree.learn(enumerate((fact for event in within for fact in unit_facts(event)), 1))
    units, lineage = set(tree.under(query.unit, query.day)), tree.lineage(query.unit, query.day)
    shown = units | lineage if query.asks_who_decided else units
    found = []
    for event in within:
        parts = [part for part in CONTRIBUTIONS.derived(event, late) if query.counts(part)]
        counted = any(part.unit in units and (not part.decider or part.decider in lineage) for part in parts)
        if counted or any(fact.unit in shown and fact.kind in PLACING for fact in unit_facts(event)):
            found.append(event)
    return found


def passport(
    recording: Recording, query: Query, cut: dict[str, int] | None = None, *, complete: bool = False, beyond: int = 0
) -> Passport:
    """The passport of a figure.

    :param cut: of each service; everything recorded when None.
    :param beyond: the checkpoints cover so many events more than the cut, as far as there are.
    """
    cut = {service: (cut or recording.positions)[service] for service in ("membership", "welfare", "awards", "notifications")}
    shown = evidence(recording, query, cut)
    checkpoints, standing, events, recount = [], [], [], Recount(query)
    for service in query.services:
        if not cut[service]:
            continue
        history = recording.of(service)
        size = min(cut[service] + beyond, len(history))
        nodes = nodes_over([leaf_hash(event) for event in history])
        checkpoints.append(Checkpoint(service, size, root(nodes, size), AT))
        chosen = history[: cut[service]] if complete else [event for event in shown if event.service == service]
        tree, before = Tree(), None
        for event in chosen:
            tree.add(leaf_hash(event))
            events.append((event, [*ways(nodes, before, event.position - 1, size)]))
            before = event.position - 1
            recount.take(event)
        standing.append(Standing(service, size, checkpoints[-1].root, tree.size, tree.root))
    figure = recount.figure()
    statement = Statement(
        "00000000-0000-4000-8000-000000000001", query.figure, query.unit, query.year, query.as_of, cut, complete,
        figure.value, figure.events, tuple(standing),
    )  # fmt: skip
    return Passport(statement, checkpoints, events)


def ways(nodes: Nodes, before: int | None, index: int, size: int) -> list[bytes]:
    """The halves told on the way to a leaf."""
    return halves(nodes, opened(before, index, size))


def told_anew(made: Passport, nodes: dict[str, Nodes]) -> Passport:
    """The same with the right ways to whatever events it has now: a forger who knows the whole tree."""
    sizes, before, events = {one.service: one.size for one in made.checkpoints}, dict[str, int](), []
    for event, _ in made.events:
        index = event.position - 1
        events.append((event, ways(nodes[event.service], before.get(event.service), index, sizes[event.service])))
        before[event.service] = index
    return replace(made, events=events)


FIGURES = tuple(SOURCES)
DAY = date(2026, 1, 1)
HISTORY = drawn(Random(5), 400)
NODES = {service: nodes_over([leaf_hash(event) for event in HISTORY.of(service)]) for service in HISTORY.positions}
CUT = {service: last - 5 for service, last in HISTORY.positions.items()}


def made(figure: str = "members", **more: Any) -> Passport:
    """The passport of a figure of the history."""
    return passport(HISTORY, Query(figure, "unit-000", 2024, DAY), **more)


def checked(data: bytes) -> Checked:
    """What a passport holds."""
    return check(BytesIO(data), Passport.signer.verifier)


def refused(data: bytes) -> PassportRefused:
    """Why a passport is refused, which can be said in both languages."""
    with pytest.raises(PassportRefused) as caught:
        checked(data)
    for language in ("vi", "en"):
        assert "{" not in caught.value.sentence(language)
    return caught.value


def rewritten(data: bytes, change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    """A passport whose lines were changed, with the right digest on each."""
    lines = [{name: value for name, value in orjson.loads(line).items() if name != "sha256"} for line in data.splitlines()]
    change(lines)
    file = BytesIO()
    writer = LineWriter(file)
    for line in lines:
        writer.write(line)
    return file.getvalue()


FEW = passport(HISTORY, Query("gift_shares", "unit-000", 2024, DAY), {**CUT, "membership": 4, "welfare": 9}).written()
