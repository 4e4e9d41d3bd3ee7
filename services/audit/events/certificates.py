"""What is said of every figure that was certified: which, of what, at which cut, and over which events?"""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from audit.events.access import CutPosition, OfReader
from chassis.events import Event
from chassis.wording import Words, means


class CertifiedStanding(BaseModel):
    """The events of one service on which a figure stands, and the checkpoint under which they lie. Roots are base64."""

    model_config = ConfigDict(frozen=True)
    meanings: ClassVar[Mapping[str, Words]] = means(
        size=("số sự kiện mà mốc chốt sổ bao trùm", "how many events the checkpoint covers"),
        root=("gốc cây băm của mốc chốt sổ, base64", "root of the checkpoint's tree, base64"),
        events=("số sự kiện đã giao", "how many events were given"),
        events_root=("gốc cây băm của riêng các sự kiện đã giao, base64", "root of a tree over the given events alone, base64"),
    )

    service: str
    size: int
    root: str
    events: int
    events_root: str


class FigureCertified(OfReader, Event, topic="audit.figure_certified"):
    """A figure was certified to somebody, who may be given the events on which it stands; or, where it is complete, every event
    of the figure's services up to the cut."""

    vi = "Xác nhận số liệu: {reader} ({reader_role}) nhận số liệu {figure} của {of_unit} năm {year}: {value}; lý do: {reason}."
    en = "Figure certified: {reader} ({reader_role}) was given {figure} of {of_unit} for {year}: {value}; reason: {reason}."
    meanings: ClassVar[Mapping[str, Words]] = means(
        certificate_id=("mã lần xác nhận", "id of the certificate"),
        figure=("tên chỉ tiêu", "name of the figure"),
        of_unit=("đơn vị của số liệu, cùng các đơn vị trực thuộc", "the unit of the figure, with its subtree"),
        year=("năm của số liệu", "the year of the figure"),
        as_of=("ngày tính đến", "the day as of which it counts"),
        complete=("có giao mọi sự kiện của các dịch vụ hay không", "whether every event of its services was given"),
        value=("giá trị; trống khi không có chỉ tiêu để so", "the value; empty where there is no target"),
        contributions=("số lần cộng trừ làm nên giá trị", "how many changes by events the value is the sum of"),
        standing=("các sự kiện làm nên số liệu, theo dịch vụ", "the events on which it stands, by service"),
    )

    certificate_id: UUID
    reason: str
    figure: str
    of_unit: str
    year: int
    as_of: date
    cut: tuple[CutPosition, ...]
    complete: bool
    value: str | None
    contributions: int
    standing: tuple[CertifiedStanding, ...]
