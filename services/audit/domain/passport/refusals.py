"""Why is a passport not believed?

PassportUnreadable              it is no passport
PassportRefused                 it is one, and is not believed
├── LineDamaged                 bytes of a line were changed, or a line before it is gone
├── EventDamaged                … so that its event is another
├── ProofDamaged                … so that the way down to its event is another
├── LineOutOfPlace              no such line stands there in a passport
├── EndMissing                  it ends before its end, or goes on after it
├── StatementNotSigned          the ledger's key did not sign what is stated
├── StatementContradictsItself  what is stated cannot be of this figure
├── CheckpointNotSigned         the ledger's key did not sign a checkpoint
├── CheckpointOther             a checkpoint is not the one that is stated
├── EventOutOfOrder             an event comes twice, or not in its order
├── EventAfterCut               an event was recorded after the cut
├── ProofBroken                 what is told on the way down does not lie below the root
├── EventForged                 an event is not the one that stands in the tree
├── EventUnreadable             an event lacks what its topic promises
├── EventWithoutPart            an event has no part in the figure
├── HistoryNotWhole             an event is not shown, though all are promised
├── EventsOther                 not just those events are shown that are stated
└── FigureDiffers               the events come to another number
"""

from typing import ClassVar

from chassis.refusals import Refusal


class PassportUnreadable(Refusal):
    """It is no passport."""

    vi: ClassVar[str] = "Tệp không phải là hộ chiếu số liệu."
    en: ClassVar[str] = "The file is no figure passport."


class PassportRefused(Refusal):
    """It is one, and is not believed."""

    vi: ClassVar[str] = "Dòng {line}: hộ chiếu bị từ chối."
    en: ClassVar[str] = "Line {line}: the passport is refused."


class LineDamaged(PassportRefused):
    """Bytes of a line were changed, or a line before it is gone."""

    vi = "Dòng {line}: nội dung đã bị sửa, hoặc thiếu dòng ngay trước nó."
    en = "Line {line}: bytes were changed, or the line before it is missing."


class EventDamaged(PassportRefused):
    """The event of the line is another."""

    vi = "Dòng {line}: sự kiện {event} đã bị sửa."
    en = "Line {line}: the event {event} was changed."


class ProofDamaged(PassportRefused):
    """The way down to the event is another."""

    vi = "Dòng {line}: bằng chứng của sự kiện {event} đã bị sửa, hoặc thiếu dòng ngay trước nó."
    en = "Line {line}: the proof of the event {event} was changed, or the line before it is missing."


class LineOutOfPlace(PassportRefused):
    """No such line stands there in a passport."""

    vi = "Dòng {line}: hộ chiếu không có dòng như vậy ở chỗ này."
    en = "Line {line}: there is no such line in this place of a passport."


class EndMissing(PassportRefused):
    """It ends before its end, or goes on after it."""

    vi = "Dòng {line}: hộ chiếu phải kết thúc bằng đúng một dòng cuối."
    en = "Line {line}: a passport ends with its end line, and there alone."


class StatementNotSigned(PassportRefused):
    """The ledger's key did not sign what is stated."""

    vi = "Dòng {line}: lời xác nhận không có chữ ký đúng của khoá sổ cái."
    en = "Line {line}: the statement bears no right signature of the ledger's key."


class StatementContradictsItself(PassportRefused):
    """It was signed, and cannot be of this figure."""

    vi = "Dòng {line}: lời xác nhận tự mâu thuẫn ({reason})."
    en = "Line {line}: the statement contradicts itself ({reason})."


class CheckpointNotSigned(PassportRefused):
    """The ledger's key did not sign it."""

    vi = "Dòng {line}: mốc chốt sổ của {service} không có chữ ký đúng của khoá sổ cái."
    en = "Line {line}: the checkpoint of {service} bears no right signature of the ledger's key."


class CheckpointOther(PassportRefused):
    """It was signed, and is not the one that is stated."""

    vi = "Dòng {line}: không phải mốc chốt sổ {size} sự kiện của {service} nêu trong lời xác nhận."
    en = "Line {line}: it is not the stated checkpoint of {service} over {size} events."


class EventOutOfOrder(PassportRefused):
    """It comes twice, or not in its order."""

    vi = "Dòng {line}: sự kiện {event} bị lặp hoặc không đúng thứ tự."
    en = "Line {line}: the event {event} comes twice, or not in its order."


class EventAfterCut(PassportRefused):
    """It was recorded after the cut."""

    vi = "Dòng {line}: sự kiện {event} được ghi sau lát cắt {cut}."
    en = "Line {line}: the event {event} was recorded after the cut at {cut}."


class ProofBroken(PassportRefused):
    """What is told on the way down does not lie below the root."""

    vi = "Dòng {line}: bằng chứng của sự kiện {event} không dẫn từ gốc đã ký."
    en = "Line {line}: the proof of the event {event} does not lead down from the signed root."


class EventForged(PassportRefused):
    """It is not the event that stands in the tree."""

    vi = "Dòng {line}: sự kiện {event} không phải là sự kiện nằm trong sổ cái."
    en = "Line {line}: the event {event} is not the one that stands in the ledger."


class EventUnreadable(PassportRefused):
    """It lacks what its topic promises; the reason holds no value."""

    vi = "Dòng {line}: không đọc được sự kiện {event} ({reason})."
    en = "Line {line}: the event {event} cannot be read ({reason})."


class EventWithoutPart(PassportRefused):
    """It has no part in the figure."""

    vi = "Dòng {line}: sự kiện {event} không thuộc số liệu này."
    en = "Line {line}: the event {event} has no part in this figure."


class HistoryNotWhole(PassportRefused):
    """An event is not shown, though all are promised."""

    vi = "Dòng {line}: thiếu sự kiện {event}, dù hộ chiếu phải có mọi sự kiện."
    en = "Line {line}: the event {event} is missing, though every event is promised."


class EventsOther(PassportRefused):
    """Not just those events are shown that are stated."""

    vi = "Dòng {line}: {events} sự kiện của {service} không phải là {stated} sự kiện nêu trong lời xác nhận."
    en = "Line {line}: the {events} events of {service} are not the {stated} that are stated."


class FigureDiffers(PassportRefused):
    """The events come to another number."""

    vi = "Các sự kiện cho ra {found}, lời xác nhận nêu {stated}."
    en = "The events come to {found}, stated is {stated}."
