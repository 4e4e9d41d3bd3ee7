"""What is said of consents, and of members' children."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from chassis.events import Event, Personal
from chassis.wording import means


class ConsentPurpose(StrEnum):
    """What a person may agree to, each by itself (Law 91/2025/QH15, art. 9): notices by e-mail, publication of a child's
    honour, publication of photos, offers of partners."""

    EMAIL_NOTICES = "email_notices"
    CHILD_HONOUR_PUBLICATION = "child_honour_publication"
    PHOTO_PUBLICATION = "photo_publication"
    PARTNER_OFFERS = "partner_offers"


class ConsentGiver(StrEnum):
    """Who speaks: the person, or for a child one of its legal representatives."""

    SELF = "self"
    GUARDIAN = "guardian"


class ConsentGiven(Event, topic="membership.consent_given", subject="person_id"):
    """A person, or a child's guardian, agrees to a purpose, having been shown a text; it replaces what was agreed before.

    `guardian_id` is the member who spoke for a child, None where that is no member. `evidence` says where the signed
    form or the file is kept.
    """

    vi = "Ghi nhận sự đồng ý: có sự đồng ý ({given_by}) về dữ liệu của {person_id} cho mục đích: {purpose}."
    en = "Consent given: there is consent ({given_by}) about the data of {person_id} for a purpose: {purpose}."

    person_id: UUID
    purpose: ConsentPurpose
    given_by: ConsentGiver
    guardian_id: UUID | None
    text_version: str
    evidence: Personal[str | None]


class ConsentWithdrawn(Event, topic="membership.consent_withdrawn"):
    """A consent was taken back; from this day on it does not hold. What was done before stands."""

    vi = "Rút lại sự đồng ý: sự đồng ý ({given_by}) về dữ liệu của {person_id} cho mục đích {purpose} hết hiệu lực từ ngày {on}."
    en = "Consent withdrawn: the consent ({given_by}) about the data of {person_id} for {purpose} does not hold from {on} on."

    person_id: UUID
    purpose: ConsentPurpose
    given_by: ConsentGiver


class ChildRegistered(Event, topic="membership.child_registered", subject="child_id"):
    """A member's child is known, so that it can be honoured; `unit` is the parent's."""

    vi = "Ghi nhận con đoàn viên: {child_id} được ghi nhận là con của đoàn viên {member_id} thuộc {unit}."
    en = "Child registered: {child_id} is known as a child of the member {member_id} of {unit}."
    meanings = means(
        member_id=("mã đoàn viên là cha hoặc mẹ", "id of the parent, a member"),
        unit=("mã đơn vị của cha hoặc mẹ", "code of the parent's unit"),
    )

    child_id: UUID
    member_id: UUID
    full_name: Personal[str | None]
    birth_date: Personal[date | None]


class ChildDetailsCorrected(Event, topic="membership.child_details_corrected", subject="child_id"):
    """What was recorded about a child was wrong or changed; None leaves a field as it was."""

    vi = "Sửa thông tin con đoàn viên: thông tin của {child_id} được sửa; mục nào trống thì giữ nguyên."
    en = "Child details corrected: what was recorded about {child_id} changed; an empty field stays as it was."

    child_id: UUID
    full_name: Personal[str | None]
    birth_date: Personal[date | None]
