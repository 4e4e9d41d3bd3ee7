"""What is said of cuts through all histories that were given a name."""

from datetime import datetime

from audit.events.access import CutPosition, OfReader
from chassis.events import Event


class CutNamed(OfReader, Event, topic="audit.cut_named"):
    """A cut through all histories has a name, for ever: whoever asks by it is told the same.

    `recorded_by` is the time by which it was found; None when its positions were given, or it was that of the moment.
    """

    vi = "Đặt tên lát cắt: {reader} ({reader_role}) đặt tên “{name}” cho một lát cắt qua mọi lịch sử."
    en = "Cut named: {reader} ({reader_role}) named a cut through all histories “{name}”."

    name: str
    recorded_by: datetime | None
    cut: tuple[CutPosition, ...]
