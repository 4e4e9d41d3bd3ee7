"""What is said of awards: quotas, nominations, and what became of them. `unit` is the recipient's, in a quota's the decider."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.authorities import Signed
from chassis.events import Event
from chassis.wording import Words, means
from membership.events import Level


class AwardForm(StrEnum):
    """Cờ thi đua, bằng khen, giấy khen, tuyên dương."""

    FLAG = "flag"
    CERTIFICATE_OF_MERIT = "certificate_of_merit"
    COMMENDATION = "commendation"
    PUBLIC_HONOUR = "public_honour"


class AwardScope(StrEnum):
    """Toàn diện, chuyên đề, đột xuất: the whole work of a year, one theme of it, or a single deed or review."""

    COMPREHENSIVE = "comprehensive"
    THEMATIC = "thematic"
    ADHOC = "adhoc"


class Award(BaseModel):
    """What every event of a nomination tells: which award, to whom, for which year, and who decides.

    The recipient is the member `member_id` of `unit`, or `unit` itself when that is None. `theme` is empty unless the
    scope is thematic.
    """

    meanings: ClassVar[Mapping[str, Words]] = means(
        unit=(
            "mã đơn vị của người được khen, hoặc chính tập thể được khen",
            "code of the recipient's unit, or of the recipient itself",
        ),
        member_id=("mã đoàn viên được khen; trống khi khen tập thể", "id of the recipient; empty when it is the unit"),
    )

    nomination_id: UUID
    member_id: UUID | None
    form: AwardForm
    scope: AwardScope
    theme: str
    year: int
    decider: str


class Decision(Award):
    """What every event from the decision on tells besides: by which decision, under which regulation.

    `decider_level` is the level the decider had then; `rule_set` the award regulation in force on the decision's day.
    """

    decider_level: Level
    decision_number: str
    decided_on: date
    rule_set: str


class QuotaUse(BaseModel):
    """A quota that a decision counts against: of its form as a whole, or of its theme when that is not empty.

    `at_most` is None when nothing limits it; `revision` counts how often the quota had been set.
    """

    meanings: ClassVar[Mapping[str, Words]] = means(
        theme=("chuyên đề; trống khi là chỉ tiêu chung của hình thức", "the theme; empty for the quota of the form as a whole")
    )

    model_config = ConfigDict(frozen=True)

    theme: str
    at_most: int | None
    revision: int


class AwardProposed(Award, Event, topic="awards.award_proposed"):
    """A unit or a member was proposed for an award."""

    vi = (
        "Đề nghị khen thưởng: {member_id|unit} được đề nghị khen thưởng năm {year} ({form}, {scope}); đơn vị quyết định: "
        "{decider}."
    )
    en = "Award proposed: {member_id|unit} was proposed for an award of {year} ({form}, {scope}); decider: {decider}."

    citation: str


class AwardEndorsed(Award, Event, topic="awards.award_endorsed"):
    """A unit between the recipient and the decider, or the decider itself, supports a nomination."""

    vi = "Xác nhận đề nghị khen thưởng: {reviewer} đồng tình với đề nghị khen thưởng ({form}) năm {year} cho {member_id|unit}."
    en = "Award endorsed: {reviewer} supports the nomination ({form}) of {member_id|unit} for {year}."

    reviewer: str


class AwardReturned(Award, Event, topic="awards.award_returned"):
    """A nomination was returned for mending; it may be proposed again."""

    vi = (
        "Trả lại đề nghị khen thưởng: {reviewer} trả lại đề nghị ({form}) năm {year} cho {member_id|unit} để bổ sung; lý "
        "do: {reason}."
    )
    en = (
        "Award returned: {reviewer} returned the nomination ({form}) of {member_id|unit} for {year} for mending; reason: "
        "{reason}."
    )

    reviewer: str
    reason: str


class AwardResubmitted(Award, Event, topic="awards.award_resubmitted"):
    """A returned nomination was proposed again, its citation mended; it must be endorsed anew."""

    vi = (
        "Trình lại đề nghị khen thưởng: đề nghị ({form}) năm {year} cho {member_id|unit} được bổ sung, trình lại và phải "
        "xác nhận lại."
    )
    en = "Award resubmitted: the nomination ({form}) of {member_id|unit} for {year} was mended and must be endorsed anew."

    citation: str


class AwardDecided(Decision, Signed, Event, topic="awards.award_decided"):
    """An award was decided; what was given is told by the event that follows."""

    vi = (
        "Quyết định khen thưởng: {decider} quyết định khen thưởng năm {year} ({form}) cho {member_id|unit}, quyết định "
        "số {decision_number}."
    )
    en = "Award decided: {decider} decided an award of {year} ({form}) for {member_id|unit}, decision {decision_number}."

    quotas: tuple[QuotaUse, ...]


class FlagAwarded(Decision, Event, topic="awards.flag_awarded"):
    """A unit was given a flag (cờ thi đua)."""

    vi = "Tặng cờ thi đua: {decider} tặng cờ thi đua năm {year} cho {unit}, quyết định số {decision_number}."
    en = "Flag awarded: {decider} gave {unit} a flag of {year}, decision {decision_number}."


class CertificateOfMeritAwarded(Decision, Event, topic="awards.certificate_of_merit_awarded"):
    """A unit or a member was given a certificate of merit (bằng khen)."""

    vi = "Tặng bằng khen: {decider} tặng bằng khen năm {year} cho {member_id|unit}, quyết định số {decision_number}."
    en = (
        "Certificate of merit awarded: {decider} gave {member_id|unit} a certificate of merit of {year}, decision "
        "{decision_number}."
    )


class CommendationAwarded(Decision, Event, topic="awards.commendation_awarded"):
    """A unit or a member was given a commendation (giấy khen)."""

    vi = "Tặng giấy khen: {decider} tặng giấy khen năm {year} cho {member_id|unit}, quyết định số {decision_number}."
    en = "Commendation awarded: {decider} gave {member_id|unit} a commendation of {year}, decision {decision_number}."


class PublicHonourAwarded(Decision, Event, topic="awards.public_honour_awarded"):
    """A unit or a member was publicly honoured (tuyên dương)."""

    vi = "Tuyên dương: {decider} tuyên dương {member_id|unit} năm {year}, quyết định số {decision_number}."
    en = "Public honour awarded: {decider} publicly honoured {member_id|unit} for {year}, decision {decision_number}."


class AwardPresented(Decision, Event, topic="awards.award_presented"):
    """An award was handed over, by the decider or another unit."""

    vi = "Trao khen thưởng: {presenter} trao khen thưởng ({form}) năm {year} cho {member_id|unit}."
    en = "Award presented: {presenter} handed the award ({form}) of {year} to {member_id|unit}."

    presenter: str


class AwardRevoked(Decision, Signed, Event, topic="awards.award_revoked"):
    """An award was revoked; until this day it stood."""

    vi = "Thu hồi khen thưởng: {decider} thu hồi khen thưởng ({form}) năm {year} của {member_id|unit}; lý do: {reason}."
    en = "Award revoked: {decider} revoked the award ({form}) of {year} of {member_id|unit}; reason: {reason}."

    reason: str


class ArtefactRecovered(Decision, Event, topic="awards.artefact_recovered"):
    """The artefact of a revoked award was handed back."""

    vi = "Thu hồi hiện vật khen thưởng: hiện vật ({form}) năm {year} của {member_id|unit} đã được nộp lại."
    en = "Artefact recovered: the artefact ({form}) of {year} was handed back by {member_id|unit}."


class QuotaSet(Event, topic="awards.quota_set"):
    """A unit may decide at most so many awards of a form for a year, or of one theme of it when that is not empty.

    `former_at_most` is None when this is the first quota; `revision` counts from 1.
    """

    vi = "Đặt chỉ tiêu khen thưởng: năm {year}, {unit} được quyết định tối đa {at_most} khen thưởng ({form}); chuyên đề: {theme}."
    en = "Quota set: for {year}, {unit} may decide at most {at_most} awards ({form}); theme: {theme}."
    meanings = means(unit=("mã đơn vị quyết định", "code of the unit that decides"))

    form: AwardForm
    year: int
    theme: str
    at_most: int
    former_at_most: int | None
    revision: int
