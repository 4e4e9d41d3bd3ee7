"""How is a passport written? Line by line, as its parts come; nothing but the last digest is kept."""

from collections.abc import Iterable
from typing import BinaryIO

from audit.domain.passport.lines import FORMAT, LineWriter, event_line
from chassis.recorded import RecordedEvent


class PassportWriter:
    """Writes a passport.

    :param statement: the signed note of the statement.
    :param checkpoints: the signed note of each checkpoint, in the order of the statement.
    """

    def __init__(self, file: BinaryIO, statement: bytes, checkpoints: Iterable[bytes]) -> None:
        self._lines = LineWriter(file)
        self._lines.write({"passport": FORMAT, "note": statement.decode()})
        for note in checkpoints:
            self._lines.write({"checkpoint": note.decode()})

    def add(self, event: RecordedEvent, way: list[bytes]) -> None:
        """The next event, by service as stated and then by position, with the halves told on the way down to it."""
        self._lines.write(event_line(event, way))

    def end(self) -> None:
        """The last line; without it a passport is none."""
        self._lines.write({"end": self._lines.lines})
