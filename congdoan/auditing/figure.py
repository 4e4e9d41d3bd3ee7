"""What does a figure stand on, and how is that written so that anybody can check it? Asked of audit, page by page.

It is asked as an auditor where there is somebody who vouches for one, on the machine of a suite; else as whoever has the token.
"""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from audit.domain.passport.statement import Statement
from audit.domain.passport.writing import PassportWriter
from chassis.ledger.note import Checkpoint, text_of
from chassis.recorded import RecordedEvent
from congdoan.auditing.as_of import Choice, choice_of
from congdoan.clients import Federation

PAGE, POSITIONS = 500, 1_000
"""How many events, and how many positions, are asked for at once."""
ANSWERED_WITHIN_S = 120.0

Progress = Callable[[int, int], None]
"""Is told how many events came, and of how many."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A figure that is to be certified; the cut is that of now when nothing is said of it."""

    figure: str
    unit: str
    year: int
    as_of: date | None
    reason: str
    cut: Choice = field(default_factory=lambda: choice_of("", ""))
    complete: bool = False


@dataclass(slots=True)
class Certified:
    """A certified figure, and where the events stand on which it stands: runs of positions by service."""

    statement: Statement
    notes: tuple[bytes, tuple[bytes, ...]]
    runs: dict[str, list[list[int]]]

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """What was signed of each service."""
        return [Checkpoint.read(text_of(note)) for note in self.notes[1]]

    def stands_on(self, service: str, position: int) -> None:
        """One more event."""
        runs = self.runs[service]
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])

    @property
    def document(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**self.statement.document, "positions": self.runs, "checkpoints": [note.decode() for note in self.notes[1]]}


async def certified(federation: Federation, asked: Asked) -> Certified:
    """Have a figure certified; the positions are yet to be asked for.

    :raises Refused: audit, or gRPC, refuses.
    """
    request: dict[str, object] = {
        "command_id": uuid4(), "reason": asked.reason, "figure": asked.figure, "unit": asked.unit, "year": asked.year,
        "as_of": asked.as_of, "cut": asked.cut, "complete": asked.complete,
    }  # fmt: skip
    answer = await federation.as_auditor.call("audit", "CertifyFigure", request, timeout_s=ANSWERED_WITHIN_S)
    statement = Statement.read(text_of(answer.statement))
    return Certified(statement, (answer.statement, tuple(answer.checkpoints)), {one.service: [] for one in statement.standing})


async def find_positions(federation: Federation, found: Certified, progress: Progress) -> None:
    """Ask where the events stand.

    :raises Refused: audit, or gRPC, refuses.
    """
    async for event in _events(federation, found, progress, positions_only=True):
        found.stands_on(event.service, event.position)


async def write(federation: Federation, found: Certified, file: Path, progress: Progress) -> None:
    """Write the passport of a figure to a file, whole or not at all.

    :raises Refused: audit, or gRPC, refuses; :raises OSError: it cannot be written.
    """
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as stream:
            writer = PassportWriter(stream, *found.notes)
            async for event in _events(federation, found, progress, positions_only=False):
                found.stands_on(event.service, event.position)
                writer.add(_recorded(event), list(event.way))
            writer.end()
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


async def _events(federation: Federation, found: Certified, progress: Progress, *, positions_only: bool) -> AsyncIterator[Any]:
    many, size, after, came = sum(one.events for one in found.statement.standing), POSITIONS if positions_only else PAGE, "", 0
    while came < many:
        page = {"size": size, "after": after}
        request = {"certificate_id": found.statement.certificate, "positions_only": positions_only, "page": page}
        answer = await federation.as_auditor.call("audit", "ListCertifiedEvents", request, timeout_s=ANSWERED_WITHIN_S)
        for event in answer.events:
            yield event
        came, after = came + len(answer.events), answer.next
        progress(came, many)
        if not after:
            return


def _recorded(event: Any) -> RecordedEvent:
    return RecordedEvent(
        event.service,
        event.position,
        UUID(event.aggregate_id),
        event.version,
        event.topic,
        event.body,
        event.metadata,
        event.branch,
        event.branch_position,
        datetime.fromisoformat(event.recorded_at),
    )


def runs_told(runs: list[list[int]], at_most: int = 0) -> str:
    """Runs of positions as a line, ``1-14, 17``; the first ones alone where there are too many."""
    shown = runs[:at_most] if at_most else runs
    told = ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in shown)
    return f"{told}, …" if len(shown) < len(runs) else told
