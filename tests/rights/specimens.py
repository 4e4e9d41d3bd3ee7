"""Of every RPC a specimen; one without fails the test, so a new one cannot be forgotten."""

from collections.abc import Mapping
from uuid import uuid4

from tests.rights.specimen import (
    ASKED,
    END_OF_YEAR,
    Rows,
    Specimen,
    about,
    asked_to_accept,
    decider,
    everybody,
    having,
    in_unit,
    line_parent,
    nationwide,
    new,
    of,
    subtree,
    unit_and_decider,
    unit_of_member,
)
from tests.rights.world import CLOSES, TOP, YEAR, Fields, achievement, id_of, message, national_id_of, nomination, share

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
            "member_id": id_of("new", code),
            "unit": code,
            "full_name": "Lê Bình",
            "birth_date": "1990-01-01",
            "national_id": national_id_of("new", code),
        }
    ),
    "CorrectMemberDetails": Specimen(having(MEMBER, full_name="Lê Bình")),
    "RecordHardship": Specimen(having(MEMBER, grade=2)),
    "EndHardship": Specimen(MEMBER),
    "LeaveUnion": Specimen(having(MEMBER, reason="Nghỉ hưu")),
    "RequestTransfer": Specimen(having(about(member_id="member", transfer_id="other"), to_unit=TOP)),
    "ReleaseMember": Specimen(TRANSFER, living=True),
    "AcceptTransfer": Specimen(TRANSFER, at=asked_to_accept, living=True),
    "RefuseTransfer": Specimen(having(TRANSFER, reason="Đủ người"), at=asked_to_accept, living=True),
    "SetReportObligation": Specimen(new("obligation_id", title="Báo cáo", year=YEAR, due_on=CLOSES)),
    "SubmitReport": Specimen(about(obligation_id="report")),
    "ReturnReport": Specimen(having(about(obligation_id="report"), reason="Thiếu", due_on=CLOSES)),
    "AcceptReport": Specimen(about(obligation_id="report")),
    "AddPlanItem": Specimen(new("item_id", year=YEAR, kind=1, title="Họp")),
    "CompletePlanItem": Specimen(having(about(item_id="item"), in_unit(year=YEAR))),
    "GetUnit": Specimen(in_unit()),
    "ListUnits": subtree("units"),
    "GetMember": Specimen(MEMBER),
    "FindMember": Specimen(
        lambda world, code: {"national_id": national_id_of("member", code)}, hidden="MemberUnknown", living=True
    ),
    "ListMembers": subtree("members"),
    "GetTreePosition": nationwide(),
    "CheckMembers": Specimen(everybody("member"), rows=Rows("members", shown=lambda row: bool(row.unit)), always=True),
    "GetMemberContacts": nationwide(),
    "ListReportObligations": subtree("obligations", year=YEAR),
    "ListPlanItems": Specimen(in_unit(year=YEAR, **ASKED)),
    "GetFigures": FIGURES,
    "GetMemberNames": Specimen(
        everybody("member"), rows=Rows("members", unit_of_member, lambda row: bool(row.full_name)), always=True
    ),
    "ListReadings": Specimen(
        # Those for a reason: whoever asks here about persons leaves more, without one.
        in_unit(**ASKED),
        rows=Rows("readings", shown=lambda row: bool(row.reason)),
        below=(None, True),
    ),
    "AppointOfficer": Specimen(new("position_id", officer="x", office=3, until="2028-12-31"), at=line_parent, top=False),
    "ReleaseOfficer": Specimen(having(about(position_id="position"), in_unit(reason=1)), at=line_parent, top=False),
    "DelegateAuthority": Specimen(
        having(about(delegation_id="delegation", position_id="position"), in_unit(to_officer="x", matters=[1], until=CLOSES))
    ),
    "RevokeDelegation": Specimen(having(about(delegation_id="delegation"), in_unit())),
    "ListOfficers": subtree("officers"),
    "ListSignatories": Specimen(in_unit(matter=1)),
    "GetAuthoritiesPosition": nationwide(),
    "GiveConsent": Specimen(having(about(person_id="member"), purpose=3, given_by=1, text_version="1", evidence="CV 2")),
    "WithdrawConsent": Specimen(having(about(person_id="member"), purpose=1, given_by=1)),
    "RegisterChild": Specimen(having(about(child_id="new-child", member_id="member"), **WORDS)),
    "CorrectChildDetails": Specimen(having(about(child_id="child"), **WORDS)),
    "ListConsents": Specimen(about(person_id="child")),
    "ListChildren": Specimen(MEMBER),
    "CheckConsents": nationwide(purpose=1),
    "CheckChildPublication": nationwide(),
    "ReceiveDataRequest": Specimen(having(about(request_id="new-request", person_id="member"), kind=1)),
    "AnswerDataRequest": Specimen(having(about(request_id="request"), accepted=True)),
    "ExtendDataRequest": Specimen(having(about(request_id="request"), carry_out_due_on=CLOSES, reason="Điều 5")),
    "CarryOutDataRequest": Specimen(about(request_id="request")),
    "ListDataRequests": subtree("requests", dissolved=True),
    "PlaceLegalHold": Specimen(
        having(about(person_id="member", hold_id="new-hold"), field_class=2, basis="Điều 6", reason="Hồ sơ 2")
    ),
    "LiftLegalHold": Specimen(having(about(person_id="member", hold_id="hold"), reason="Xong")),
    "ListLegalHolds": subtree("holds", dissolved=True),
    "EraseSubject": Specimen(about(person_id="member", request_id="request")),
    "EraseSubject/of a child": Specimen(about(person_id="child", request_id="request")),
    "AcknowledgeErasure": Specimen(having(about(request_id="erasure"), in_unit("by"), up_to=1), living=True),
    "GetErasure": Specimen(about(person_id="erased"), living=True),
    "GetErasureCertificate": Specimen(about(person_id="erased"), living=True),
}

CAMPAIGN = about(campaign_id="campaign")
GIVEN = of(lambda code: share(TOP, code))
HELD = having(CAMPAIGN, in_unit("collective"))
WELFARE: Mapping[str, Specimen] = {
    "OpenGiftCampaign": Specimen(new("campaign_id", year=YEAR + 1, name="Tết")),
    "ApproveBudget": Specimen(having(CAMPAIGN, amount_vnd=1)),
    "AdjustBudget": Specimen(having(CAMPAIGN, amount_vnd=1, reason="Giảm nguồn")),
    "ProposeBeneficiary": Specimen(having(GIVEN, amount_vnd=1), living=True),
    "ApproveBeneficiary": Specimen(HELD),
    "RejectBeneficiary": Specimen(having(HELD, reason=1)),
    "DistributeGift": Specimen(having(GIVEN, amount_vnd=1, form=1)),
    "ConfirmGiftReceipt": Specimen(GIVEN),
    "ReturnGift": Specimen(having(GIVEN, reason=1)),
    "CloseGiftCampaign": Specimen(CAMPAIGN),
    "GetCampaign": Specimen(CAMPAIGN),
    "ListCampaigns": subtree("campaigns", END_OF_YEAR, year=YEAR),
    "ListShares": Specimen(in_unit(campaign_id=id_of("campaign", TOP), **ASKED), rows=HOLDERS, below=(None, True)),
    "ListShares/of a campaign": Specimen(having(CAMPAIGN, **ASKED), rows=Rows("shares"), below=(None, True)),
    "GetCareHistory": Specimen(having(MEMBER, **ASKED), rows=Rows("items"), always=True),
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
    "EndorseAward": Specimen(having(NOMINATION, in_unit("reviewer")), living=True),
    "ReturnAward": Specimen(having(NOMINATION, in_unit("reviewer"), reason="Thiếu"), living=True),
    "ResubmitAward": Specimen(NOMINATION),
    "DecideAward": Specimen(having(BEFORE_PARENT, decision_number="1"), at=decider),
    "PresentAward": Specimen(having(NOMINATION, presenter=TOP)),
    "RevokeAward": Specimen(having(BEFORE_PARENT, reason="Sai quy trình"), at=decider),
    "RecoverArtefact": Specimen(NOMINATION),
    "SetQuota": Specimen(in_unit("decider", form=4, year=YEAR, at_most=8), living=True),
    "OpenInitiativeProgramme": Specimen(
        new("programme_id", year=YEAR, name="Sáng kiến", target=1, opens_on="2024-01-01", closes_on=CLOSES), living=True
    ),
    "RegisterInitiative": Specimen(new("initiative_id", title="Số hóa", programme_id=id_of("programme", TOP)), living=True),
    "AcceptInitiative": Specimen(INITIATIVE),
    "RejectInitiative": Specimen(having(INITIATIVE, reason="Trùng")),
    "GetNomination": Specimen(BEFORE_PARENT, at=unit_and_decider),
    "ListAwards": Specimen(in_unit(**ASKED)),
    "ListAwards/of a member": Specimen(having(MEMBER, **ASKED), rows=Rows("awards"), always=True),
    "ListNominations": Specimen(
        in_unit("decider", **ASKED),
        rows=Rows("nominations", lambda world, code, row: (row.unit, row.decider)),
        below=(None, True),
    ),
    "ListFlags": subtree("flags", END_OF_YEAR, year=YEAR),
    "ListQuotas": Specimen(in_unit("decider", year=YEAR, **ASKED)),
    "GetInitiativeProgramme": Specimen(about(programme_id="programme")),
    "ListInitiativeProgrammes": subtree("programmes", END_OF_YEAR, year=YEAR),
    "ListInitiatives": subtree("initiatives", END_OF_YEAR, year=YEAR),
    "ListInitiatives/of a programme": Specimen(
        lambda world, code: {"programme_id": id_of("programme", code), **ASKED},
        rows=Rows("initiatives", lambda world, code, row: (row.unit, code)),
        below=(None, True),
    ),
    "GetFigures": FIGURES,
    "OpenChildHonourRound": Specimen(new("round_id", year=YEAR, name="Học giỏi", closes_on=CLOSES), living=True),
    "RegisterChildAchievement": Specimen(of(lambda code: {**achievement(code), "achievement_id": id_of("new", code)})),
    "VerifyChildAchievement": Specimen(OWN_ACHIEVEMENT),
    "HonourChild": Specimen(having(OWN_ACHIEVEMENT, decision_number="1")),
    "PublishChildHonour": Specimen(about(child_id="child", achievement_id="achievement")),
    "ListChildHonours": subtree("honours", END_OF_YEAR, year=YEAR),
    "ListChildHonourRounds": subtree("rounds", END_OF_YEAR, year=YEAR),
    "GetChildHonourBreakdown": FIGURES,
}

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
    "ListInbox/of a member": Specimen(having(MEMBER, **ASKED), rows=Rows("items"), always=True),
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
    "ListCheckpoints": nationwide(page={"size": 1}),
    "NameCut": nationwide(command_id=id_of("cut", TOP), name="cuoi-nam"),
    "GetCut": nationwide(),
    "ListCuts": nationwide(),
    "GetFiguresAsOf": FIGURES,
    "GetUnitTreeAsOf": Specimen(in_unit(dissolved=True, **ASKED), rows=Rows("units")),
    "GetMemberAsOf": Specimen(MEMBER),
    "GetCampaignAsOf": Specimen(CAMPAIGN),
    "ListAwardsAsOf": Specimen(in_unit(year=YEAR, **ASKED), rows=Rows("awards")),
    "BeginReplay": nationwide(command_id=id_of("replay", TOP), reason="Kiểm toán"),
    "ListReplay": nationwide(replay_id=id_of("replay", TOP)),
    "CertifyFigure": Specimen(in_unit(figure="nobody", year=YEAR, command_id=id_of("certificate", TOP))),
    "ListCertifiedEvents": Specimen(lambda world, code: {"certificate_id": id_of("certificate", code)}, always=True),
    "ReportVerification": Specimen(
        lambda world, code: {
            "command_id": str(uuid4()),
            "source": "stream",
            "whole": True,
            "key": f"congdoan-ledger+1a2b3c4d+{'A' * 44}",
            "parts": [{"service": "welfare"}],
        },
        at=None,
    ),
}

OPERATIONS: Mapping[str, Specimen] = {
    "GetStatus": nationwide(),
    "SweepStream": nationwide(),
    "ListDeadLetters": nationwide(),
    "ReplayDeadLetters": nationwide(follower="nobody"),
    "ListGenerations": nationwide(),
    "RebuildReadModel": nationwide(read_model="nobody"),
    "CompareGenerations": nationwide(read_model="nobody"),
    "SwitchReadModel": nationwide(read_model="nobody"),
    "RollBackReadModel": nationwide(read_model="nobody"),
    "DropGeneration": nationwide(read_model="nobody"),
    "ProveFollower": nationwide(follower="nobody"),
    "AwaitPosition": nationwide(position=1),
}

SPECIMENS: Mapping[str, Mapping[str, Specimen]] = {
    "membership": MEMBERSHIP,
    "welfare": WELFARE,
    "awards": AWARDS,
    "notifications": NOTIFICATIONS,
    "audit": AUDIT,
}
"""By service; an RPC may have several, told apart by what stands behind a stroke."""
