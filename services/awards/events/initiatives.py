"""What is said of initiatives, and of the programmes in which they count against a target."""

from datetime import date
from uuid import UUID

from chassis.events import Event
from chassis.wording import means


class InitiativeProgrammeOpened(Event, topic="awards.initiative_programme_opened"):
    """A programme of initiatives was opened with a target for a year; initiatives are registered from `on` to `closes_on`."""

    vi = "Mở chương trình sáng kiến: {unit} mở “{name}” năm {year}, chỉ tiêu {target} sáng kiến, nhận từ {on} đến {closes_on}."
    en = (
        "Initiative programme opened: {unit} opened “{name}” for {year}, target {target} initiatives, registered from "
        "{on} to {closes_on}."
    )
    meanings = means(unit=("mã đơn vị mở chương trình", "code of the unit that opens the programme"))

    programme_id: UUID
    year: int
    name: str
    target: int
    closes_on: date


_OF_AN_INITIATIVE = means(unit=("mã đơn vị đăng ký sáng kiến", "code of the unit that registered it"))


class InitiativeRegistered(Event, topic="awards.initiative_registered"):
    """A unit registered an initiative in a programme; `author_id` is a member, or None."""

    vi = "Đăng ký sáng kiến: {unit} đăng ký sáng kiến “{title}” năm {year} trong chương trình của {programme_unit}."
    en = "Initiative registered: {unit} registered the initiative “{title}” for {year} in the programme of {programme_unit}."
    meanings = _OF_AN_INITIATIVE

    initiative_id: UUID
    programme_id: UUID
    programme_unit: str
    year: int
    author_id: UUID | None
    title: str


class InitiativeAccepted(Event, topic="awards.initiative_accepted"):
    """An initiative was accepted: it counts for the programme's year."""

    vi = "Công nhận sáng kiến: sáng kiến {initiative_id} của {unit} được công nhận, tính cho năm {year}."
    en = "Initiative accepted: the initiative {initiative_id} of {unit} was accepted and counts for {year}."
    meanings = _OF_AN_INITIATIVE

    initiative_id: UUID
    programme_id: UUID
    programme_unit: str
    year: int


class InitiativeRejected(Event, topic="awards.initiative_rejected"):
    """An initiative was rejected: it does not count."""

    vi = "Không công nhận sáng kiến: sáng kiến {initiative_id} của {unit} không được công nhận cho năm {year}; lý do: {reason}."
    en = "Initiative rejected: the initiative {initiative_id} of {unit} does not count for {year}; reason: {reason}."
    meanings = _OF_AN_INITIATIVE

    initiative_id: UUID
    programme_id: UUID
    programme_unit: str
    year: int
    reason: str
