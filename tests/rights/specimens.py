"""Of every RPC a specimen: how it is asked about each unit of the world, and whose right must decide.

An RPC without a specimen fails the test, so a new one cannot be forgotten.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.rights.trees import LINE
from tests.rights.world import (
    CLOSES,
    PEOPLED,
    TOP,
    YEAR,
    Fields,
    World,
    achievement,
    id_of,
    message,
    national_id_of,
    nomination,
    share,
)

END_OF_YEAR = date(YEAR, 12, 31)
ASKED: Fields = {"page": {"size": 1_000}}
InWorld = Callable[[World, str], Fields]
Units = Callable[[World, str], Iterable[str]]


def own(world: World, code: str) -> Iterable[str]:
    """What is asked about lies in just this unit."""
    return (code,)


@dataclass(frozen=True)
class Rows:
    """The rows of a list, and in which units each lies.

    :param field: of the answer. :param units: of a row, given the world and the unit asked about.
    :param shown: which rows tell something; of the others only that they were asked for.
    """

    field: str
    units: Callable[[World, str, Any], Iterable[str]] = lambda world, code, row: (row.unit,)
    shown: Callable[[Any], bool] = lambda row: True


@dataclass(frozen=True)
class Specimen:
    """One way to ask an RPC about a unit.

    :param at: the units in one of which a right must be held; None where it must be held at the top.
    :param rows: what the caller sees of the top's answer: whatever lies in its own units.
    :param below: also allowed to whoever sees a unit that lay under the one asked about: on that day, dissolved or not.
    :param always: refused to nobody whose role suffices; what may not be seen is left out.
    :param hidden: the rule by which it is refused instead, so that nobody learns that it is there.
    :param living: only asked about units that are not dissolved. :param top: whether it can be asked about the top.
    """

    fields: InWorld
    at: Units | None = own
    rows: Rows | None = None
    below: tuple[date | None, bool] | None = None
    always: bool = False
    hidden: str = ""
    living: bool = False
    top: bool = True

    def units(self, world: World) -> list[str]:
        """The units it can be asked about."""
        codes, absent = world.staying if self.living else world.tree.units, world.absent
        return [code for code in codes if (self.top or code != TOP) and not absent & _texts(self.fields(world, code))]


def _texts(fields: Fields) -> set[str]:
    return {value for value in fields.values() if isinstance(value, str)}


def about(**named: str) -> InWorld:
    """Fields that hold the id of something of the unit, each named by what it is."""
    return lambda world, code: {field: id_of(what, code) for field, what in named.items()}


def of(fields: Callable[[str], Fields], **more: Any) -> InWorld:
    """Fields that follow from the unit alone."""
    return lambda world, code: {**fields(code), **more}


def in_unit(field: str = "unit", **more: Any) -> InWorld:
    """Fields that name the unit."""
    return lambda world, code: {field: code, **more}


def new(field: str, **more: Any) -> InWorld:
    """Something that is about to come into being in the unit."""
    return lambda world, code: {field: id_of(f"new-{field}", code), "unit": code, **more}


def line_parent(world: World, code: str) -> Iterable[str]:
    """Officers of a unit are appointed by the unit above it."""
    return (world.tree.places(code)[LINE],)


def decider(world: World, code: str) -> Iterable[str]:
    """A nomination is decided by the unit before which it was put, wherever its recipient is now."""
    return (world.first_parent(code),)


def unit_and_decider(world: World, code: str) -> Iterable[str]:
    """It is seen by the recipient's unit and by the decider's."""
    return (code, world.first_parent(code))


def asked_to_accept(world: World, code: str) -> Iterable[str]:
    """A transfer is accepted where it leads."""
    return (world.to_unit[code],)


def subtree(field: str, on: date | None = None, dissolved: bool = False, named: str = "unit", **more: Any) -> Specimen:
    """A list of what lies under the unit."""
    return Specimen(in_unit(named, **ASKED, **more), rows=Rows(field), below=(on, dissolved))


def nationwide(**fields: Any) -> Specimen:
    """What belongs to no unit."""
    return Specimen(lambda world, code: fields, at=None)


def everybody(what: str) -> InWorld:
    """A member of each unit is asked about at once."""
    return lambda world, code: {"member_ids": [id_of(what, unit) for unit in PEOPLED]}


def unit_of_member(world: World, code: str, row: Any) -> Iterable[str]:
    """The unit whose member it is."""
    return (next(unit for unit in world.tree.units if id_of("member", unit) == row.member_id),)


MEMBER, TRANSFER = about(member_id="member"), about(member_id="moving", transfer_id="transfer")
FIGURES = Specimen(in_unit(year=YEAR))
WORDS: Fields = {"full_name": "Lê Bình", "birth_date": "2012-02-02"}
HOLDERS = Rows("shares", lambda world, code, row: (row.unit, TOP))

MEMBERSHIP: Mapping[str, Specimen] = {
    "EstablishUnit": Specimen(lambda world, code: {"unit": f"{code}-moi", "name": "Mới", "level": 7, "line_parent": code}),
    "RenameUnit": Specimen(in_unit(name="Tên mới")),
    "AttachUnit": Specimen(in_unit(attachment=1, parent=TOP)),
    "DissolveUnit": Specimen(in_unit(reason="Sáp nhập")),
    "AdmitMember": Specimen(
        lambda world, code: {
            "member_id": id_of("new", code), "unit": code, "full_name": "Lê Bình",
            "birth_date": "1990-01-01", "national_id": national_id_of("new", code),
        }
    ),
    "CorrectMemberDetails": Specimen(lambda world, code: {**MEMBER(world, code), "full_name": "Lê Bình"}),
    "RecordHardship": Specimen(lambda world, code: {**MEMBER(world, code), "grade": 2}),
    "EndHardship": Specimen(MEMBER),
    "LeaveUnion": Specimen(lambda world, code: {**MEMBER(world, code), "reason": "Nghỉ hưu"}),
    "RequestTransfer": Specimen(lambda world, code: {**about(member_id="member", transfer_id="other")(world, code), "to_unit": TOP}),
    "ReleaseMember": Specimen(TRANSFER, living=True),
    "AcceptTransfer": Specimen(TRANSFER, at=asked_to_accept, living=True),
    "RefuseTransfer": Specimen(lambda world, code: {**TRANSFER(world, code), "reason": "Đủ người"}, at=asked_to_accept, living=True),
    "SetReportObligation": Specimen(new("obligation_id", title="Báo cáo", year=YEAR, due_on=CLOSES)),
    "SubmitReport": Specimen(about(obligation_id="report")),
    "ReturnReport": Specimen(lambda world, code: {"obligation_id": id_of("report", code), "reason": "Thiếu", "due_on": CLOSES}),
    "AcceptReport": Specimen(about(obligation_id="report")),
    "AddPlanItem": Specimen(new("item_id", year=YEAR, kind=1, title="Họp")),
    "CompletePlanItem": Specimen(lambda world, code: {"unit": code, "year": YEAR, "item_id": id_of("item", code)}),
    "GetUnit": Specimen(in_unit()),
    "ListUnits": subtree("units"),
    "GetMember": Specimen(MEMBER),
    "FindMember": Specimen(lambda world, code: {"national_id": national_id_of("member", code)}, hidden="MemberUnknown", living=True),
    "ListMembers": subtree("members"),
    "GetTreePosition": nationwide(),
    "CheckMembers": Specimen(everybody("member"), rows=Rows("members", shown=lambda row: bool(row.unit)), always=True),
    "GetMemberContacts": nationwide(),
    "ListReportObligations": subtree("obligations", year=YEAR),
    "ListPlanItems": Specimen(in_unit(year=YEAR, **ASKED)),
    "GetFigures": FIGURES,
    "GetMemberNames": Specimen(everybody("member"), rows=Rows("members", unit_of_member, lambda row: bool(row.full_name)), always=True),
    "ListReadings": subtree("readings", dissolved=True),
    "AppointOfficer": Specimen(new("position_id", officer="x", office=3, until="2028-12-31"), at=line_parent, top=False),
    "ReleaseOfficer": Specimen(lambda world, code: {"position_id": id_of("position", code), "unit": code, "reason": 1}, at=line_parent, top=False),
    "DelegateAuthority": Specimen(
        lambda world, code: {
            "delegation_id": id_of("delegation", code), "position_id": id_of("position", code), "unit": code,
            "to_officer": "x", "matters": [1], "until": CLOSES,
        }
    ),
    "RevokeDelegation": Specimen(lambda world, code: {"delegation_id": id_of("delegation", code), "unit": code}),
    "ListOfficers": subtree("officers"),
    "ListSignatories": Specimen(in_unit(matter=1)),
    "GetAuthoritiesPosition": nationwide(),
    "GiveConsent": Specimen(lambda world, code: {"person_id": id_of("member", code), "purpose": 3, "given_by": 1, "text_version": "1", "evidence": "CV 2"}),
    "WithdrawConsent": Specimen(lambda world, code: {"person_id": id_of("member", code), "purpose": 1, "given_by": 1}),
    "RegisterChild": Specimen(lambda world, code: {"child_id": id_of("new-child", code), "member_id": id_of("member", code), **WORDS}),
    "CorrectChildDetails": Specimen(lambda world, code: {"child_id": id_of("child", code), **WORDS}),
    "EraseChild": Specimen(lambda world, code: {"child_id": id_of("child", code), "request_id": id_of("request", code)}),
    "ListConsents": Specimen(about(person_id="child")),
    "ListChildren": Specimen(MEMBER),
    "CheckConsents": nationwide(purpose=1),
    "CheckChildPublication": nationwide(),
    "ReceiveDataRequest": Specimen(lambda world, code: {"request_id": id_of("new-request", code), "person_id": id_of("member", code), "kind": 1}),
    "AnswerDataRequest": Specimen(lambda world, code: {"request_id": id_of("request", code), "accepted": True}),
    "ExtendDataRequest": Specimen(lambda world, code: {"request_id": id_of("request", code), "carry_out_due_on": CLOSES, "reason": "Điều 5"}),
    "CarryOutDataRequest": Specimen(about(request_id="request")),
    "ListDataRequests": subtree("requests", dissolved=True),
    "PlaceLegalHold": Specimen(
        lambda world, code: {
            "person_id": id_of("member", code), "hold_id": id_of("new-hold", code), "field_class": 2,
            "basis": "Điều 6", "reason": "Hồ sơ 2",
        }
    ),
    "LiftLegalHold": Specimen(lambda world, code: {"person_id": id_of("member", code), "hold_id": id_of("hold", code), "reason": "Xong"}),
    "ListLegalHolds": subtree("holds", dissolved=True),
    "EraseSubject": Specimen(about(person_id="member", request_id="request")),
    "AcknowledgeErasure": Specimen(lambda world, code: {"request_id": id_of("erasure", code), "by": code, "up_to": 1}, living=True),
    "GetErasure": Specimen(about(person_id="erased"), living=True),
    "GetErasureCertificate": Specimen(about(person_id="erased"), living=True),
}  # fmt: skip

CAMPAIGN = about(campaign_id="campaign")
GIVEN = of(lambda code: share(TOP, code))
HELD = of(lambda code: {"campaign_id": id_of("campaign", code), "collective": code})
WELFARE: Mapping[str, Specimen] = {
    "OpenGiftCampaign": Specimen(new("campaign_id", year=YEAR + 1, name="Tết")),
    "ApproveBudget": Specimen(lambda world, code: {**CAMPAIGN(world, code), "amount_vnd": 1}),
    "AdjustBudget": Specimen(lambda world, code: {**CAMPAIGN(world, code), "amount_vnd": 1, "reason": "Giảm nguồn"}),
    "ProposeBeneficiary": Specimen(of(lambda code: share(TOP, code), amount_vnd=1), living=True),
    "ApproveBeneficiary": Specimen(HELD),
    "RejectBeneficiary": Specimen(lambda world, code: {**HELD(world, code), "reason": 1}),
    "DistributeGift": Specimen(of(lambda code: share(TOP, code), amount_vnd=1, form=1)),
    "ConfirmGiftReceipt": Specimen(GIVEN),
    "ReturnGift": Specimen(of(lambda code: share(TOP, code), reason=1)),
    "CloseGiftCampaign": Specimen(CAMPAIGN),
    "GetCampaign": Specimen(CAMPAIGN),
    "ListCampaigns": subtree("campaigns", END_OF_YEAR, year=YEAR),
    "ListShares": Specimen(
        lambda world, code: {"campaign_id": id_of("campaign", TOP), "unit": code, **ASKED}, rows=HOLDERS, below=(None, True)
    ),
    "ListShares/of a campaign": Specimen(
        lambda world, code: {**CAMPAIGN(world, code), **ASKED}, rows=Rows("shares"), below=(None, True)
    ),
    "GetCareHistory": Specimen(lambda world, code: {**MEMBER(world, code), **ASKED}, rows=Rows("items"), always=True),
    "GetFigures": FIGURES,
}

NOMINATION, INITIATIVE, OWN_ACHIEVEMENT = (
    about(nomination_id="nomination"),
    about(initiative_id="initiative"),
    about(achievement_id="achievement"),
)
BEFORE_PARENT = about(nomination_id="before-parent")
AWARDS: Mapping[str, Specimen] = {
    "ProposeAward": Specimen(of(lambda code: nomination("new", code, TOP)), living=True),
    "EndorseAward": Specimen(lambda world, code: {**NOMINATION(world, code), "reviewer": code}, living=True),
    "ReturnAward": Specimen(lambda world, code: {**NOMINATION(world, code), "reviewer": code, "reason": "Thiếu"}, living=True),
    "ResubmitAward": Specimen(NOMINATION),
    "DecideAward": Specimen(lambda world, code: {**BEFORE_PARENT(world, code), "decision_number": "1"}, at=decider),
    "PresentAward": Specimen(lambda world, code: {**NOMINATION(world, code), "presenter": TOP}),
    "RevokeAward": Specimen(lambda world, code: {**BEFORE_PARENT(world, code), "reason": "Sai quy trình"}, at=decider),
    "RecoverArtefact": Specimen(NOMINATION),
    "SetQuota": Specimen(in_unit("decider", form=4, year=YEAR, at_most=8), living=True),
    "OpenInitiativeProgramme": Specimen(
        new("programme_id", year=YEAR, name="Sáng kiến", target=1, opens_on="2024-01-01", closes_on=CLOSES), living=True
    ),
    "RegisterInitiative": Specimen(
        lambda world, code: {**new("initiative_id", title="Số hóa")(world, code), "programme_id": id_of("programme", TOP)}, living=True
    ),
    "AcceptInitiative": Specimen(INITIATIVE),
    "RejectInitiative": Specimen(lambda world, code: {**INITIATIVE(world, code), "reason": "Trùng"}),
    "GetNomination": Specimen(BEFORE_PARENT, at=unit_and_decider),
    "ListAwards": Specimen(in_unit(**ASKED)),
    "ListAwards/of a member": Specimen(lambda world, code: {**MEMBER(world, code), **ASKED}, rows=Rows("awards"), always=True),
    "ListNominations": Specimen(
        in_unit("decider", **ASKED), rows=Rows("nominations", lambda world, code, row: (row.unit, row.decider)), below=(None, True)
    ),
    "ListFlags": subtree("flags", END_OF_YEAR, year=YEAR),
    "ListQuotas": Specimen(in_unit("decider", year=YEAR, **ASKED)),
    "GetInitiativeProgramme": Specimen(about(programme_id="programme")),
    "ListInitiativeProgrammes": subtree("programmes", END_OF_YEAR, year=YEAR),
    "ListInitiatives": subtree("initiatives", END_OF_YEAR, year=YEAR),
    "ListInitiatives/of a programme": Specimen(
        lambda world, code: {"programme_id": id_of("programme", code), **ASKED},
        rows=Rows("initiatives", lambda world, code, row: (row.unit, code)), below=(None, True),
    ),
    "GetFigures": FIGURES,
    "OpenChildHonourRound": Specimen(new("round_id", year=YEAR, name="Học giỏi", closes_on=CLOSES), living=True),
    "RegisterChildAchievement": Specimen(of(lambda code: {**achievement(code), "achievement_id": id_of("new", code)})),
    "VerifyChildAchievement": Specimen(OWN_ACHIEVEMENT),
    "HonourChild": Specimen(lambda world, code: {**OWN_ACHIEVEMENT(world, code), "decision_number": "1"}),
    "PublishChildHonour": Specimen(about(child_id="child", achievement_id="achievement")),
    "ListChildHonours": subtree("honours", END_OF_YEAR, year=YEAR),
    "GetChildHonourBreakdown": FIGURES,
}  # fmt: skip

DELIVERY = about(delivery_id="delivery")
NOTIFICATIONS: Mapping[str, Specimen] = {
    "PublishAnnouncement": Specimen(new("announcement_id", title="Thông báo", body="Họp")),
    "MarkAnnouncementRead": Specimen(lambda world, code: {"announcement_id": id_of("announcement", TOP), "reader": code}),
    "RequestNotification": Specimen(of(lambda code: {**message(code), "delivery_id": id_of("new", code)})),
    "RetryNotification": Specimen(DELIVERY),
    "MarkInboxRead": Specimen(DELIVERY),
    "SetChannelPreference": Specimen(in_unit(channel=2, open=True, office_address="vp@example.vn")),
    "GetReach": Specimen(about(announcement_id="announcement")),
    "ListAnnouncements": Specimen(in_unit(**ASKED)),
    "ListInbox": Specimen(in_unit(**ASKED)),
    "ListInbox/of a member": Specimen(lambda world, code: {**MEMBER(world, code), **ASKED}, rows=Rows("items"), always=True),
    "ListDeliveries": Specimen(
        in_unit(status=4, **ASKED), rows=Rows("deliveries", lambda world, code, row: (row.unit,)), below=(None, False)
    ),
    "ListReminders": subtree("reminders", year=YEAR),
    "GetFigures": FIGURES,
}

AUDIT: Mapping[str, Specimen] = {
    "GetFigures": FIGURES,
    "GetLog": nationwide(),
    "ListLog": nationwide(service="welfare", page={"size": 1}),
}

OPERATIONS: Mapping[str, Specimen] = {
    "GetStatus": nationwide(),
    "ListDeadLetters": nationwide(),
    "ReplayDeadLetters": nationwide(follower="nobody"),
    "AwaitPosition": nationwide(position=1),
}

SPECIMENS: Mapping[str, Mapping[str, Specimen]] = {
    "membership": MEMBERSHIP, "welfare": WELFARE, "awards": AWARDS, "notifications": NOTIFICATIONS, "audit": AUDIT,
}  # fmt: skip
"""By service; an RPC may have several, told apart by what stands behind a stroke."""
