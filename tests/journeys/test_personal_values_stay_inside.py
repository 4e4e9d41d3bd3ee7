"""One journey of two members and their children through the whole suite, with values that occur nowhere else: before the
erasure they stand in the columns made for them and nowhere else, afterwards nowhere at all.

Sealed values, keyed hashes and ids of persons may stand anywhere. The mail to a member is a delivery, and is not searched.
"""

import base64
import shutil
import tempfile
import urllib.error
from collections.abc import Iterator
from concurrent import futures
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import jwt
import orjson
import pytest

from chassis.events import SEALED
from chassis.security import Caller, Role
from congdoan.issuer import AUDIENCE, ISSUER
from congdoan.services import RECORDING, SERVICES
from tests.journeys.marked_suite import (
    MailingSuite,
    Refusal,
    World,
    columns_in_clear,
    files,
    personal_fields_of_requests,
    streams,
    tables,
    world,
)
from tests.journeys.marked_values import Found, Marks, search

pytestmark = pytest.mark.timeout(600)

TOP = Caller("officer-tld", Role.FEDERATION_OFFICER, "tld", "en")
PROVINCE = Caller("officer-vinh-phuc", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
ELSEWHERE = Caller("officer-hai-duong", Role.PROVINCE_OFFICER, "hai-duong", "en")
GRASSROOTS = Caller("officer-so-y-te", Role.GRASSROOTS_OFFICER, "so-y-te", "en")
NEIGHBOUR = Caller("officer-so-tu-phap", Role.GRASSROOTS_OFFICER, "so-tu-phap", "en")
MEMBER = Caller("a-member", Role.MEMBER, "so-y-te", "en")
AUDITOR = Caller("auditor-1", Role.AUDITOR, "", "en")
WELFARE = Caller("welfare", Role.SERVICE, "")
UNITS = (
    ("tld", "", 1),
    ("cdvcvn", "tld", 2),
    ("vinh-phuc", "cdvcvn", 3),
    ("hai-duong", "cdvcvn", 3),
    ("so-y-te", "vinh-phuc", 5),
    ("so-tu-phap", "hai-duong", 5),
)
EMAIL, HONOUR, PHOTO = 1, 2, 3
SELF, GUARDIAN = 1, 2
ERASURE = 5
YEARS = (2020, 2026)
FUTURE_SCHEMA = 9


@pytest.fixture(scope="module")
def places_of_the_suite() -> Iterator[tuple[Path, Path]]:
    """A folder for the history and one with a short path for what ends with the suite."""
    data, run = Path(tempfile.mkdtemp(prefix="cdj-")), Path(tempfile.mkdtemp(prefix="cdj-"))
    yield data, run
    for folder in (data, run):
        shutil.rmtree(folder, ignore_errors=True)


class Journey:
    """Two members, whose children are honoured; a value is entered once, and never a second time elsewhere."""

    def __init__(self, suite: World) -> None:
        self.world, self.marks = suite, Marks()
        self.lan, self.minh, self.an, self.binh = (str(uuid4()) for _ in range(4))
        self.requests = {self.lan: str(uuid4()), self.minh: str(uuid4())}

    def do(self, rpc: str, caller: Caller = GRASSROOTS, /, **fields: Any) -> Any:
        return self.world.do("membership", rpc, caller, **fields)

    def person(self, label: str) -> dict[str, str]:
        """The values with which somebody is admitted."""
        makes = ("name", "national_id", "birth_date", "phone", "email")
        values = {make: getattr(self.marks, make)(f"{label}: {make}") for make in makes}
        return {"full_name": values.pop("name"), **values}

    def details(self, label: str) -> dict[str, str]:
        """What of it may be corrected."""
        return {name: value for name, value in self.person(label).items() if name != "national_id"}

    def child(self, label: str) -> dict[str, str]:
        """The values of a child."""
        name, born = self.marks.name(f"{label}: name"), self.marks.birth_date(f"{label}: birth date")
        return {"full_name": name, "birth_date": born}

    def consent(self, person_id: str, purpose: int, label: str, giver: int = SELF) -> dict[str, Any]:
        """A consent with its evidence."""
        shown = {"text_version": "2026-01", "evidence": self.marks.text(f"{label}: evidence"), "on": "2026-01-05"}
        who: dict[str, Any] = {"guardian_id": self.lan} if giver == GUARDIAN else {}
        return {"command_id": str(uuid4()), "person_id": person_id, "purpose": purpose, "given_by": giver, **shown, **who}

    # -- the chapters ------------------------------------------------------------------------------------------------

    def go(self) -> None:
        """Everything until the two ask to be erased."""
        self.found_units()
        self.enter_persons()
        self.agree()
        self.be_refused()
        self.move()
        self.be_given_and_honoured()
        self.be_written_to()
        self.be_read()
        self.lie_aside()

    def found_units(self) -> None:
        for code, parent, level in UNITS:
            self.do("EstablishUnit", TOP, unit=code, name=code, level=level, line_parent=parent, on="2000-01-01")
        for unit, officer in (("tld", TOP), ("vinh-phuc", PROVINCE)):
            fields: dict[str, Any] = {"position_id": str(uuid4()), "unit": unit, "officer": officer.id, "office": 1}
            self.do("AppointOfficer", TOP, **fields, on="2026-01-01")

    def enter_persons(self) -> None:
        lan, minh = {"member_id": self.lan}, {"member_id": self.minh}
        admitted = {"unit": "so-y-te", "on": "2020-01-01"}
        self.do("AdmitMember", **lan, **admitted, **self.person("Lan admitted"))
        self.batch("AdmitMember", **minh, **admitted, **self.person("Minh admitted"))
        self.do("CorrectMemberDetails", **lan, **self.details("Lan corrected"))
        self.batch("CorrectMemberDetails", **minh, **self.details("Minh corrected"))
        self.do("RecordHardship", **lan, grade=2, details=self.marks.text("Lan: hardship"))
        self.batch("RecordHardship", **minh, grade=1, details=self.marks.text("Minh: hardship"))
        for child, do, label in ((self.an, self.do, "An"), (self.binh, self.batch, "Bình")):
            do("RegisterChild", child_id=child, member_id=self.lan, **self.child(f"{label} registered"))
            do("CorrectChildDetails", child_id=child, **self.child(f"{label} corrected"))
        found = self.world.ask("membership", "FindMember", GRASSROOTS, national_id=self.value("Lan admitted: national_id"))
        listed = self.world.ask("membership", "ListMembers", GRASSROOTS, unit="so-y-te", name=self.value("Minh corrected: name"))
        assert (found.member_id, [one.member_id for one in listed.members]) == (self.lan, [self.minh])

    def value(self, label: str) -> str:
        """A value as it was entered."""
        return self.marks.made[label].value

    def batch(self, rpc: str, **fields: Any) -> None:
        """The same in a batch of one."""
        item = {"command_id": str(uuid4()), "on": "2026-02-02", **fields}
        answer = self.world.ask("membership", f"Batch{rpc}", GRASSROOTS, items=[item])
        assert not answer.items[0].HasField("refusal"), answer

    def agree(self) -> None:
        self.do("GiveConsent", **self.consent(self.lan, EMAIL, "Lan mails"))
        self.batch("GiveConsent", **self.consent(self.minh, PHOTO, "Minh photo"))
        for giver in (SELF, GUARDIAN):
            self.do("GiveConsent", **self.consent(self.an, HONOUR, f"An honour {giver}", giver))
        self.do("WithdrawConsent", person_id=self.minh, purpose=PHOTO, given_by=SELF)
        given = self.world.ask("membership", "ListConsents", GRASSROOTS, person_id=self.lan).consents
        assert [one.evidence for one in given] == [self.value("Lan mails: evidence")]

    def move(self) -> None:
        """Minh moves to another province, so two of them acknowledge later."""
        moving = {"member_id": self.minh, "transfer_id": str(uuid4())}
        self.do("RequestTransfer", to_unit="so-tu-phap", **moving)
        read = self.world.ask("membership", "GetMemberNames", NEIGHBOUR, member_ids=[self.minh], reason="Tiếp nhận")
        assert read.members[0].full_name == self.value("Minh corrected: name")
        self.do("ReleaseMember", **moving)
        self.do("AcceptTransfer", NEIGHBOUR, **moving)

    def be_given_and_honoured(self) -> None:
        do = self.world.do
        share: dict[str, Any] = {"campaign_id": str(uuid4()), "member_id": self.lan}
        about = {"campaign_id": share["campaign_id"]}
        do("welfare", "OpenGiftCampaign", PROVINCE, **about, unit="vinh-phuc", year=2026, name="Tết Sum vầy", occasion="Tết")
        do("welfare", "ApproveBudget", PROVINCE, **about, amount_vnd=10_000_000)
        do("welfare", "ProposeBeneficiary", GRASSROOTS, **share, amount_vnd=1_000_000)
        do("welfare", "ApproveBeneficiary", PROVINCE, **share)
        do("welfare", "DistributeGift", GRASSROOTS, **share, form=1, amount_vnd=1_000_000)
        do("welfare", "ConfirmGiftReceipt", GRASSROOTS, **share)
        award = {"nomination_id": str(uuid4())}
        theme: dict[str, Any] = {"form": 4, "scope": 2, "theme": "Tham mưu giỏi", "year": 2026, "decider": "tld"}
        do("awards", "ProposeAward", GRASSROOTS, **award, member_id=self.lan, **theme)
        do("awards", "EndorseAward", PROVINCE, **award, reviewer="vinh-phuc")
        do("awards", "DecideAward", TOP, **award, decision_number="12/QĐ-TLĐ")
        which, of = {"achievement_id": str(uuid4())}, {"round_id": str(uuid4())}
        round_: dict[str, Any] = {"unit": "tld", "year": 2026, "name": "Học sinh giỏi", "closes_on": "2026-06-30"}
        do("awards", "OpenChildHonourRound", TOP, **of, **round_)
        what: dict[str, Any] = {"child_id": self.an, "level": 2, "prize": 1, "contest": "Olympic Toán"}
        do("awards", "RegisterChildAchievement", GRASSROOTS, **which, **of, **what)
        do("awards", "VerifyChildAchievement", TOP, **which)
        do("awards", "HonourChild", TOP, **which, decision_number="13/QĐ-TLĐ")
        do("awards", "PublishChildHonour", TOP, **which, child_id=self.an)

    def be_written_to(self) -> None:
        """An announcement, a mail that is delivered, and one that the mail server refuses with all it knows."""
        announced = {"announcement_id": str(uuid4())}
        words = {"title": "Đại hội", "body": "Kính mời"}
        self.world.do("notifications", "PublishAnnouncement", PROVINCE, **announced, unit="vinh-phuc", **words)
        self.world.do("notifications", "MarkAnnouncementRead", GRASSROOTS, **announced, reader="so-y-te")
        self.world.do("notifications", "SetChannelPreference", GRASSROOTS, member_id=self.lan, channel=2, open=True)
        name, address = self.value("Lan corrected: name"), self.value("Lan corrected: email")
        for refuse_with, status in (("", 3), (f"550 no such user {address} ({name})", 5)):
            self.world.mailbox.refuse_with = refuse_with
            self.mail(status)
        assert self.world.mailbox.recipients == [address]
        assert name in str(self.world.mailbox.mails[0]["To"])

    def mail(self, status: int) -> None:
        """A mail to Lan, until it has this status."""
        values = {"unit": "so-y-te", "title": "Báo cáo", "year": "2026", "due_on": "2026-12-15"}
        parameters = [{"name": name, "value": value} for name, value in values.items()]
        which: dict[str, Any] = {"delivery_id": str(uuid4()), "member_id": self.lan, "channel": 2, "template": 1}
        self.world.do("notifications", "RequestNotification", WELFARE, **which, parameters=parameters)
        found: list[str] = []
        while which["delivery_id"] not in found:
            listed = self.world.ask("notifications", "ListDeliveries", GRASSROOTS, unit="so-y-te", status=status)
            found = [one.delivery_id for one in listed.deliveries]

    def be_read(self) -> None:
        """By an auditor with a reason, by the command line, in lists and figures."""
        told = self.world.ask("membership", "GetMemberNames", AUDITOR, member_ids=[self.lan, self.minh], reason="Kiểm toán 2026")
        assert {one.full_name for one in told.members} == {self.value(f"{who} corrected: name") for who in ("Lan", "Minh")}
        readings = self.world.ask("membership", "ListReadings", AUDITOR, unit="tld").readings
        assert {one.reader for one in readings} == {AUDITOR.id, NEIGHBOUR.id}
        named = self.world.congdoan("members", "names", self.lan, "--json")
        assert orjson.loads(named.stdout)["members"][0]["full_name"] == self.value("Lan corrected: name")
        self.world.typed.append(named.stderr.encode())

    def lie_aside(self) -> None:
        """A later release recorded something of Lan, and was taken back: its event is parked, sealed as it is."""
        self.world.settle()
        self.world.kill_membership()
        query = "select body from events where aggregate_id = %s and topic = 'membership.hardship_recorded'"
        ((body,),) = self.world.rows("membership", query, self.lan)
        assert SEALED.encode() in body
        later = orjson.dumps({**orjson.loads(body), "schema_version": FUTURE_SCHEMA})
        self.world.rows(
            "membership",
            """with head as (update head set position = position + 1 returning position),
                    branch as (update branches set position = position + 1 where branch = 'vinh-phuc' returning position),
                    last as (select * from events where aggregate_id = %s and topic = 'membership.hardship_recorded')
               insert into events select head.position, %s, 1, last.topic, %s, last.metadata, last.branch, branch.position, now()
                 from head, branch, last""",
            self.lan, str(uuid4()), later,
        )  # fmt: skip
        self.world.start_membership()
        self.world.settle()
        aside = orjson.loads(self.world.type("deadletters", "list", "--json"))["dead_letters"]
        assert {(one["topic"], one["service"]) for one in aside} >= {("membership.hardship_recorded", "membership")}

    # -- refusals ----------------------------------------------------------------------------------------------------

    def refused(self, rule: str, rpc: str, caller: Caller = GRASSROOTS, /, **fields: Any) -> None:
        """A command that breaks a rule."""
        with pytest.raises(Refusal) as caught:
            self.do(rpc, caller, **fields)
        assert caught.value.rule == rule

    def be_refused(self) -> None:
        """With values that must not come back, whatever is wrong with them or with whoever sends them."""
        marks = self.marks
        whole = {"unit": "so-y-te", "on": "2021-01-01"}
        for number, (name, wrong) in enumerate(
            {
                "full_name": marks.name("refused: control character") + "\x07",
                "national_id": marks.national_id("refused: letter in national id") + "x",
                "birth_date": marks.birth_date("refused: not a day") + "T00:00",
                "phone": marks.phone("refused: words in phone") + " (chồng)",
                "email": marks.email("refused: two at signs") + "@",
            }.items()
        ):
            fields = {**self.person(f"refused {number}"), name: wrong, "member_id": str(uuid4())}
            self.refused("Invalid", "AdmitMember", **whole, **fields)
            refusal = self.world.ask("membership", "BatchAdmitMember", GRASSROOTS, items=[{"command_id": str(uuid4()), **whole, **fields}])
            assert refusal.items[0].refusal.rule == "Invalid"
        person = self.person("refused: not as a whole")
        admitting = {"member_id": str(uuid4()), **whole, **person}
        taken = {**admitting, "national_id": self.value("Lan admitted: national_id")}
        self.refused("NationalIdTaken", "AdmitMember", **taken)
        self.refused("Forbidden", "AdmitMember", NEIGHBOUR, **admitting)
        self.refused("Forbidden", "AdmitMember", MEMBER, **admitting)
        self.refused("UnitUnknown", "AdmitMember", TOP, **{**admitting, "unit": "khong-co"})
        self.refused("MemberExists", "AdmitMember", **{**admitting, "member_id": self.lan})
        self.refused("StaleVersion", "CorrectMemberDetails", member_id=self.lan, expected_version=1, phone=person["phone"])
        self.refused("Invalid", "RecordHardship", member_id=self.lan, grade=1, details=marks.text("refused: too long") * 300)
        self.refused("NotBefore", "AdmitMember", **{**admitting, "birth_date": "2025-02-03"})
        self.born_too_late()
        self.ids_that_are_none()
        self.questions_refused()
        self.bytes_refused(admitting)
        self.callers_refused(admitting)

    def born_too_late(self) -> None:
        """The day of a birth is a value; that it comes after the day of the command is told without it."""
        born = self.marks.birth_date("refused: born too late")
        early: dict[str, Any] = {"full_name": "Lê Ân", "birth_date": born, "on": "1930-01-01"}
        admitting = {"member_id": str(uuid4()), "unit": "so-y-te", "national_id": self.marks.national_id("refused: born too late, id")}
        with pytest.raises(Refusal):
            self.do("AdmitMember", **admitting, **early)
