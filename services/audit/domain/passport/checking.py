"""May a passport be believed, by nothing but the public key of the ledger?

Line by line, in bounded memory: the statement is what the key signed; so is each checkpoint, and it is the stated one;
each event stands in the tree below, before the cut; together they are the stated ones; and they come to the number.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from audit.domain.passport.lines import FIRST, FORMAT, LineWrong, event_read, lines_of, read
from audit.domain.passport.recount import SOURCES, Query, Recount
from audit.domain.passport.refusals import (
    CheckpointNotSigned,
    CheckpointOther,
    EndMissing,
    EventAfterCut,
    EventDamaged,
    EventForged,
    EventOutOfOrder,
    EventsOther,
    EventUnreadable,
    EventWithoutPart,
    FigureDiffers,
    HistoryNotWhole,
    LineDamaged,
    LineOutOfPlace,
    PassportRefused,
    PassportUnreadable,
    ProofBroken,
    ProofDamaged,
    StatementContradictsItself,
    StatementNotSigned,
)
from audit.domain.passport.statement import Standing, Statement
from chassis.events import NotReadable
from chassis.ledger.descent import Descent, WayBroken
from chassis.ledger.leaf import leaf_hash
from chassis.ledger.merkle import Tree
from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Verifier
from chassis.recorded import RecordedEvent


@dataclass(slots=True)
class Checked:
    """What was stated and found to hold."""

    statement: Statement
    checkpoints: list[Checkpoint] = field(default_factory=list)
    events: int = 0


def check(file: BinaryIO, verifier: Verifier, seen: Callable[[int], None] = lambda events: None) -> Checked:
    """Check a passport.

    :param seen: is told of every event that holds, by how many they are.
    :raises PassportUnreadable: it is none; :raises PassportRefused: it is not believed, by the first rule that it breaks.
    """
    checking: _Checking | None = None
    line = 0
    for line, (content, is_whole) in enumerate(lines_of(file), 1):
        try:
            if checking is None:
                checking = _begun(content, is_whole, verifier)
            else:
                checking.take(line, content)
                seen(checking.checked.events)
        except PassportRefused as refused:
            raise refused if is_whole else _damage(line, refused) from None
        if not is_whole:
            raise LineDamaged(line=line)
    if checking is None:
        raise PassportUnreadable()
    return checking.ended(line)


def _damage(line: int, refused: PassportRefused) -> PassportRefused:
    """What of a line was damaged, by what is refused of it."""
    match refused:
        case EventForged():
            return EventDamaged(line=line, event=refused.facts["event"])
        case ProofBroken():
            return ProofDamaged(line=line, event=refused.facts["event"])
        case _:
            return LineDamaged(line=line)


def _begun(content: bytes, is_whole: bool, verifier: Verifier) -> "_Checking":
    if not is_whole:
        raise LineDamaged(line=1) if content.startswith(FIRST) else PassportUnreadable()
    try:
        told = read(content)
    except LineWrong:
        raise PassportUnreadable() from None
    if told.keys() != {"passport", "note"} or told["passport"] != FORMAT or not isinstance(told["note"], str):
        raise PassportUnreadable()
    try:
        return _Checking(Statement.read(verifier.open(told["note"].encode())), verifier)
    except (NotSigned, NoteUnreadable):
        raise StatementNotSigned(line=1) from None


class _Checking:
    """How far a passport holds."""

    def __init__(self, statement: Statement, verifier: Verifier) -> None:
        _agrees(statement)
        self.checked = Checked(statement)
        self._statement, self._verifier = statement, verifier
        self._recount = Recount(Query(statement.figure, statement.unit, statement.year, statement.as_of))
        self._waiting = list(statement.standing)
        self._shown = _Shown(Standing("", 0, b"", 0, b""), 0)
        self._ended = False

    def take(self, line: int, content: bytes) -> None:
        """The next line.

        :raises PassportRefused: it is not believed.
        """
        if self._ended:
            raise EndMissing(line=line)
        try:
            told = read(content)
            all_signed = len(self.checked.checkpoints) == len(self._statement.standing)
            match [*told]:
                case ["checkpoint"] if not all_signed:
                    self._checkpoint(line, str(told["checkpoint"]))
                case ["event", "way"] if all_signed:
                    self._event(line, *event_read(told))
                case ["end"] if all_signed and told["end"] == line - 1:
                    self._end(line)
                case _:
                    raise LineOutOfPlace(line=line)
        except LineWrong:
            raise LineOutOfPlace(line=line) from None

    def _checkpoint(self, line: int, note: str) -> None:
        stated = self._statement.standing[len(self.checked.checkpoints)]
        try:
            found = Checkpoint.read(self._verifier.open(note.encode()))
        except (NotSigned, NoteUnreadable):
            raise CheckpointNotSigned(line=line, service=stated.service) from None
        if (found.service, found.size, found.root) != (stated.service, stated.size, stated.root):
            raise CheckpointOther(line=line, service=stated.service, size=stated.size)
        self.checked.checkpoints.append(found)

    def _event(self, line: int, event: RecordedEvent, way: list[bytes]) -> None:
        while self._shown.service != event.service and self._waiting:
            self._next(line)
        self._shown.take(line, event, way)
        try:
            has_part = self._recount.take(event)
        except NotReadable as unreadable:
            raise EventUnreadable(line=line, event=event.id, reason=unreadable.reason) from None
        if not has_part and not self._statement.complete:
            raise EventWithoutPart(line=line, event=event.id)
        self.checked.events += 1

    def _next(self, line: int) -> None:
        """Go on to the next service."""
        self._shown.ended(line, self._statement.complete)
        standing = self._waiting.pop(0)
        self._shown = _Shown(standing, self._statement.cut[standing.service], complete=self._statement.complete)

    def _end(self, line: int) -> None:
        while self._waiting:
            self._next(line)
        self._shown.ended(line, self._statement.complete)
        if not self._statement.complete and (event := self._recount.without_part()):
            raise EventWithoutPart(line=line, event=event)
        found = self._recount.figure()
        if (found.value, found.events) != (self._statement.value, self._statement.contributions):
            raise FigureDiffers(line=line, found=found.value, stated=self._statement.value)
        self._ended = True

    def ended(self, line: int) -> Checked:
        """What holds.

        :raises EndMissing: it goes on.
        """
        if not self._ended:
            raise EndMissing(line=line + 1)
        return self.checked


class _Shown:
    """The events of one service that are shown so far."""

    def __init__(self, standing: Standing, cut: int, *, complete: bool = False) -> None:
        self.service, self._standing, self._cut, self._complete = standing.service, standing, cut, complete
        self._descent, self._tree, self._last = Descent(standing.root, standing.size), Tree(), 0

    def take(self, line: int, event: RecordedEvent, way: list[bytes]) -> None:
        """One more.

        :raises PassportRefused: it does not stand there.
        """
        if event.service != self.service or event.position <= self._last:
            raise EventOutOfOrder(line=line, event=event.id)
        if event.position > self._cut:
            raise EventAfterCut(line=line, event=event.id, cut=self._cut)
        if self._complete and event.position != self._last + 1:
            raise HistoryNotWhole(line=line, event=f"{self.service}/{self._last + 1}")
        try:
            stands = self._descent.leaf(event.position - 1, way)
        except WayBroken:
            raise ProofBroken(line=line, event=event.id) from None
        if stands != (leaf := leaf_hash(event)):
            raise EventForged(line=line, event=event.id)
        self._tree.add(leaf)
        self._last = event.position

    def ended(self, line: int, complete: bool) -> None:
        """No more of them.

        :raises PassportRefused: they are not those that are stated.
        """
        stated = self._standing
        if complete and self._last != self._cut:
            raise HistoryNotWhole(line=line, event=f"{self.service}/{self._last + 1}")
        if stated.service and (self._tree.size, self._tree.root) != (stated.events, stated.events_root):
            raise EventsOther(line=line, service=self.service, events=self._tree.size, stated=stated.events)


def _agrees(statement: Statement) -> None:
    """:raises StatementContradictsItself: it was signed, and cannot be of this figure."""
    if statement.figure not in SOURCES:
        raise StatementContradictsItself(line=1, reason="figure")
    services = Query(statement.figure, statement.unit, statement.year, statement.as_of).services
    stated = [one.service for one in statement.standing]
    if stated != [service for service in services if statement.cut.get(service, 0)]:
        raise StatementContradictsItself(line=1, reason="services")
    if any(one.size < statement.cut[one.service] for one in statement.standing):
        raise StatementContradictsItself(line=1, reason="cut")
    if not 1 <= statement.year <= 9999:
        raise StatementContradictsItself(line=1, reason="year")
