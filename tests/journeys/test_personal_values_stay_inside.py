"""One journey of two members and their children through the whole suite, with values that occur nowhere else: before the
erasure they stand in the columns made for them and nowhere else, afterwards nowhere at all.

Sealed values, keyed hashes and ids of persons may stand anywhere. The mail to a member is a delivery, and is not searched.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import orjson
import pytest
from nats.aio.client import Client

from chassis.events import SEALED
from chassis.security import Caller, Role
from chassis.streams import stream_name
from congdoan.issuer import AUDIENCE, ISSUER
from congdoan.services import RECORDING, SERVICES
from membership.read_models.members import MEMBERS
from tests.folders import fast_folder
from tests.journeys.marked_suite import (
    PATIENCE_S,
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
from tests.serving import request_of

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
    with fast_folder() as data, fast_folder() as run:
        yield data, run


class Journey:
    """Two members, whose children are honoured; a value is entered once, and never a second time elsewhere."""

    def __init__(self, suite: World) -> None:
        self.world, self.marks = suite, Marks()
        self.lan, self.minh, self.an, self.binh = (str(uuid4()) for _ in range(4))
        self.requests = {person: str(uuid4()) for person in (self.lan, self.minh, self.an, self.binh)}

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
        shown = {"text_version": "2026-01", "evidence": self.marks.text(f"{label}: evidence"), "on": "2026-02-02"}
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
        self.until(lambda: self.readers() >= {AUDITOR.id, NEIGHBOUR.id, GRASSROOTS.id})
        named = self.world.congdoan("members", "names", self.lan, "--json")
        assert orjson.loads(named.stdout)["members"][0]["full_name"] == self.value("Lan corrected: name")
        self.world.typed.append(named.stderr.encode())

    def readers(self) -> set[str]:
        """Who read of anybody."""
        return {one.reader for one in self.world.ask("membership", "ListReadings", AUDITOR, unit="tld").readings}

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
        wrong = {
            "full_name": marks.name("refused: control character") + "\x07",
            "national_id": marks.national_id("refused: letter in national id") + "x",
            "birth_date": marks.birth_date("refused: not a day") + "T00:00",
            "phone": marks.phone("refused: words in phone") + " (chồng)",
            "email": marks.email("refused: two at signs") + "@",
        }
        for name, value in wrong.items():
            fields = {"member_id": str(uuid4()), **whole, **self.person(f"refused for its {name}"), name: value}
            self.refused("Invalid", "AdmitMember", **fields)
            items = [{"command_id": str(uuid4()), **fields}]
            answer = self.world.ask("membership", "BatchAdmitMember", GRASSROOTS, items=items)
            assert answer.items[0].refusal.rule == "Invalid"
        person = self.person("refused: not as a whole")
        admitting = {"member_id": str(uuid4()), **whole, **person}
        taken = {**admitting, "national_id": self.value("Lan admitted: national_id")}
        self.refused("NationalIdTaken", "AdmitMember", **taken)
        self.refused("Forbidden", "AdmitMember", NEIGHBOUR, **admitting)
        self.refused("Forbidden", "AdmitMember", MEMBER, **admitting)
        self.refused("UnitUnknown", "AdmitMember", TOP, **{**admitting, "unit": "khong-co"})
        self.refused("MemberExists", "AdmitMember", **{**admitting, "member_id": self.lan})
        self.refused("Conflict", "CorrectMemberDetails", member_id=self.lan, expected_version=1, phone=person["phone"])
        self.refused("Invalid", "RecordHardship", member_id=self.lan, grade=1, details=marks.text("refused: too long") * 300)
        self.born_too_late()
        self.ids_that_are_none()
        self.questions_refused()
        self.bytes_refused(admitting)
        self.callers_refused(admitting)

    def born_too_late(self) -> None:
        """The day of a birth is a value; that it comes after the day of the command is told without it."""
        born, name = self.marks.birth_date("refused: born too late", since=date(2031, 2, 3)), self.marks.name("refused: unborn")
        unborn: dict[str, Any] = {"full_name": name, "birth_date": born}
        national_id = self.marks.national_id("refused: national id of the unborn")
        admitting = {"member_id": str(uuid4()), "unit": "so-y-te", "national_id": national_id, **unborn}
        self.refused("BornLater", "AdmitMember", **admitting)
        self.refused("BornLater", "RegisterChild", child_id=str(uuid4()), member_id=self.lan, **unborn)
        self.refused("BornLater", "CorrectChildDetails", child_id=self.binh, **unborn)

    def ids_that_are_none(self) -> None:
        """Values where ids, references and days are asked for. The code of a unit that is not there is told back, as it came."""
        national_id, name = self.marks.national_id("refused: as an id"), self.marks.name("refused: as an id, name")
        for value in (national_id, name):
            self.refused("Invalid", "RecordHardship", member_id=value, grade=1, details="x")
            self.refused("Invalid", "RecordHardship", member_id=self.lan, grade=1, details="x", command_id=value)
            self.refused("Invalid", "RecordHardship", member_id=self.lan, grade=1, details="x", on=value)
        self.refused("Invalid", "ReceiveDataRequest", request_id=str(uuid4()), person_id=name, kind=1)
        request = {"request_id": str(uuid4()), "person_id": self.lan}
        self.do("ReceiveDataRequest", **request, kind=1)
        reason = f"Gọi {self.marks.phone('refused: as a reason')}"
        self.refused("Invalid", "AnswerDataRequest", request_id=request["request_id"], accepted=False, reason=reason)
        self.do("AnswerDataRequest", request_id=request["request_id"], accepted=True)

    def questions_refused(self) -> None:
        """Questions that name somebody who is not there, or ask for names with a reason that is a value."""
        unknown, name = self.marks.national_id("refused: unknown"), self.marks.name("refused: cursor")
        ask = self.world.ask
        questions: list[tuple[str, Caller, dict[str, Any]]] = [
            ("FindMember", GRASSROOTS, {"national_id": unknown}),
            ("FindMember", GRASSROOTS, {"national_id": f"{unknown}0"}),
            ("FindMember", NEIGHBOUR, {"national_id": self.value("Lan admitted: national_id")}),
            ("ListMembers", NEIGHBOUR, {"unit": "so-y-te", "name": name}),
            ("ListMembers", GRASSROOTS, {"unit": "so-y-te", "page": {"after": name}}),
            ("ListMembers", AUDITOR, {"unit": "so-y-te", "name": name}),
            ("ListMembers", GRASSROOTS, {"unit": "so-y-te", "name": name * 300}),
            ("GetMemberNames", AUDITOR, {"member_ids": [self.lan], "reason": f"Gọi {self.marks.phone('refused: reason')}"}),
            ("GetMemberNames", AUDITOR, {"member_ids": [name], "reason": "Kiểm toán"}),
        ]
        for rpc, caller, fields in questions:
            with pytest.raises(Refusal):
                ask("membership", rpc, caller, **fields)

    def bytes_refused(self, admitting: dict[str, Any]) -> None:
        """What is no message, too much of one, or has a field that nobody knows."""
        send, marks = self.world.send, self.marks
        words = marks.text("refused: bytes").encode()
        unknown_field = bytes([0xC2, 0x3E, len(words)]) + words
        whole = request_of("membership", "AdmitMember", **{**admitting, "command_id": str(uuid4()), "national_id": "x"})
        late: dict[str, Any] = {"command_id": str(uuid4()), "member_id": self.lan, "grade": 1}
        details = marks.text("refused: too large") * 60_000
        for rpc, data in (
            ("AdmitMember", whole.SerializeToString() + unknown_field),
            ("AdmitMember", words),
            ("AdmitMember", whole.SerializeToString() + words),
            ("AdmitMember", bytes([0x2A, len(words) + 1]) + words + b"\xff"),
            ("RecordHardship", request_of("membership", "RecordHardship", **late, details=details).SerializeToString()),
        ):
            with pytest.raises(Refusal):
                send("membership", rpc, GRASSROOTS, data)
        in_the_path = f"/federation.membership.v1.MembershipService/{marks.national_id('refused: in a path')}"
        with pytest.raises(Refusal):
            self.world.send_to("membership", in_the_path, GRASSROOTS, words)
        for name in SERVICES:
            with pytest.raises(Refusal):
                send(name, "GetStatus", MEMBER, unknown_field)

    def callers_refused(self, admitting: dict[str, Any]) -> None:
        """With tokens that are none, or another's, and headers that are no such things; each holds a value."""
        send, data = self.world.send, request_of("membership", "AdmitMember", **admitting).SerializeToString()
        national_id, email = self.marks.national_id("refused: in a token"), self.marks.email("refused: in a header")
        phone, name = self.marks.phone("refused: subject"), self.marks.name("refused: subject, name")
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": name, "role": "grassroots_officer", "unit": national_id, "email": email}
        header = base64.urlsafe_b64encode(orjson.dumps({"alg": "EdDSA", "typ": "JWT", "kid": national_id})).decode().rstrip("=")
        foreign = jwt.encode({**claims, "phone": phone}, "k" * 32, headers={"kid": national_id})
        for token in (national_id, f"{phone}.{email}.{national_id}", f"{header}.{header}.{header}", foreign):
            for service in SERVICES:
                with pytest.raises(Refusal):
                    send(service, "GetStatus", token, b"")
            with pytest.raises(Refusal):
                send("membership", "AdmitMember", token, data)
        for key in ("at-least-position", "correlation-id", "causation-id", "traceparent", "accept-language"):
            with pytest.raises(Refusal):
                send("membership", "AdmitMember", NEIGHBOUR, data, (key, f"{email} {national_id}"))

    # -- the end -----------------------------------------------------------------------------------------------------

    def figures(self) -> dict[str, list[str]]:
        """What services and auditor derive, by service."""
        asked = [(name, {"unit": unit, "year": year}) for name in SERVICES for unit, *_ in UNITS for year in YEARS]
        found: dict[str, list[str]] = {}
        for name, question in asked:
            # What the auditor tells beside is on how many events a figure stands.
            answer = self.world.ask(name, "GetFigures", TOP, **question)
            found.setdefault(name, []).extend(f"{question} {one.name} {one.count} {one.decimal}" for one in answer.figures)
        return found

    def be_erased(self) -> None:
        """Each on its own request, the children first; a legal hold stands in the way of each."""
        for person, (officer, province, _) in self.erasing.items():
            request = {"request_id": self.requests[person]}
            self.do("ReceiveDataRequest", officer, **request, person_id=person, kind=ERASURE, on="2026-03-02")
            self.do("AnswerDataRequest", officer, **request, accepted=True, on="2026-03-03")
            hold: dict[str, Any] = {"person_id": person, "hold_id": str(uuid4()), "on": "2026-03-03"}
            self.do("PlaceLegalHold", province, **hold, field_class=1, basis="Điều 14 Luật 91/2025/QH15", reason="Hồ sơ 12/2026")
            self.refused("LegallyHeld", "EraseSubject", province, **request, person_id=person, on="2026-03-04")
            self.do("LiftLegalHold", province, **hold, reason="Bản án 3/2026")
            self.do("EraseSubject", province, **request, person_id=person, on="2026-03-04")
        self.world.type("datarequests", "list", "--unit", "tld")

    def be_certified(self) -> None:
        """Everybody who must has acknowledged: the services by themselves, each branch by its officer."""
        for person, (_, _, branches) in self.erasing.items():
            self.until(partial(self.has_no_key, person))
            for officer in branches:
                said = {"request_id": self.requests[person], "by": officer.unit, "up_to": self.world.seen["membership"]}
                self.do("AcknowledgeErasure", officer, **said, on="2026-03-05")
            self.until(partial(self.is_certified, person))
        certificate = orjson.loads(self.world.type("erasure", "certificate", "--person", self.minh, "--json"))
        assert certificate["positions"]
        assert all(map(self.has_no_key, self.erasing))

    @property
    def erasing(self) -> dict[str, tuple[Caller, Caller, list[Caller]]]:
        """Who answers the request of each person, who erases it, and who acknowledges for a branch."""
        here = (GRASSROOTS, PROVINCE, [PROVINCE])
        return {self.an: here, self.binh: here, self.lan: here, self.minh: (NEIGHBOUR, ELSEWHERE, [PROVINCE, ELSEWHERE])}

    def has_no_key(self, person: str) -> bool:
        return not self.world.rows("keys", "select 1 from person_keys where person = %s", person)

    def is_certified(self, person: str) -> bool:
        return bool(self.world.ask("membership", "GetErasure", TOP, person_id=person).certified_on)

    @staticmethod
    def until(so: Callable[[], object]) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not so():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def go_on(self) -> None:
        """The history goes on: nothing personal is added any more, everything else can be."""
        self.refused("SubjectIsErased", "CorrectMemberDetails", member_id=self.lan, phone="+84900000000", on="2026-03-06")
        self.refused("SubjectIsErased", "CorrectChildDetails", PROVINCE, child_id=self.an, full_name="Lê Ân", on="2026-03-06")
        self.do("LeaveUnion", member_id=self.lan, reason="Nghỉ hưu", on="2026-03-06")
        known = self.world.ask("membership", "GetMember", GRASSROOTS, member_id=self.lan)
        assert (known.full_name, known.erased, known.left_on) == ("", True, "2026-03-06")
        told = self.world.ask("membership", "GetMemberNames", AUDITOR, member_ids=[self.minh], reason="Kiểm toán 2026")
        assert [(one.full_name, one.erased) for one in told.members] == [("", True)]

    def read_models_from_the_first_event(self) -> None:
        """All of membership's, while it is down."""
        self.world.kill_membership()
        for (follower,) in self.world.rows("membership", "select follower from followers where follower like '%%.v_'"):
            name, _, version = follower.rpartition(".")
            self.world.rows("membership", f"truncate {name}_{version}")
        self.world.rows("membership", "delete from parked")
        self.world.rows("membership", "update followers set position = 0")
        self.world.start_membership()

    def found(self, places: dict[str, bytes]) -> list[Found]:
        """Where values stand."""
        return search(places, self.marks.made.values())

    def left(self, places: dict[str, bytes]) -> list[str]:
        """Where values stand, in words."""
        return [str(one) for one in self.found(places)]


def outside(found: list[Found]) -> list[str]:
    """What stands where no value may, in words."""
    allowed = columns_in_clear()
    return [str(one) for one in found if one.place not in allowed]


def test_personal_values_stay_where_they_belong_and_are_nowhere_after_the_erasure(places_of_the_suite: tuple[Path, Path]) -> None:
    """One long story, for each chapter of it would cost another start of everything."""
    data, run = places_of_the_suite
    with world(data, run) as suite:
        journey = Journey(suite)
        journey.go()
        assert suite.entered == personal_fields_of_requests(), "the journey enters every personal field of every request"
        suite.settle()
        check_that_the_search_finds_what_is_planted(suite)
        places = suite.places()
        check_that_there_was_something_to_search(places)
        found = journey.found(places)
        assert outside(found) == []
        check_that_values_stand_in_every_column_made_for_them(found)
        backup = run / "backup.sql"
        assert journey.left({"backup": suite.dump(backup)}) == []

        before = journey.figures()
        journey.be_erased()
        journey.be_certified()
        suite.settle()
        assert journey.figures() == before
        assert journey.left(suite.places()) == []
        journey.go_on()
        shown = suite.rows("membership", f"select * from {MEMBERS.table} order by 1")
        journey.read_models_from_the_first_event()
        suite.settle()
        assert suite.rows("membership", f"select * from {MEMBERS.table} order by 1") == shown
        assert journey.left(suite.places()) == []
        check_that_a_restored_backup_yields_nobody(journey, backup)


def check_that_the_search_finds_what_is_planted(suite: World) -> None:
    """In each kind of place, a value of its own that no journey has."""
    planted = Marks(numbers=count(5_000))
    name, national_id = planted.name("planted name"), planted.national_id("planted id")
    mark = [planted.made["planted name"]]
    suite.rows("audit", "create table planted (words text, bytes bytea)")
    suite.rows("audit", "insert into planted values (%s, %s)", name, name.encode())
    asyncio.run(plant(suite.suite.nats.url, name))
    with (suite.suite.data / "logs" / "welfare.log").open("a") as log:
        log.write(json.dumps({"event": name}) + "\n")
    (suite.suite.run / "planted").write_text(name)
    places = {
        **tables(suite.suite.postgres, "audit"),
        **asyncio.run(streams(suite.suite.nats.url)),
        **files(suite.suite.data, suite.suite.run),
    }
    found = {one.place for one in search(places, mark)}
    raw = {place for place in found if place.startswith("file data/nats/")}
    expected = {
        "table audit.planted.words",
        "table audit.planted.bytes",
        "stream PLANTED",
        "file data/logs/welfare.log",
        "file run/planted",
    }
    assert found - raw == expected
    assert raw, "what a stream keeps on disk is seen"
    lists = {"traces": suite.collector.received, "refusals": suite.refusals, "command line": suite.typed}
    for place, said in lists.items():
        assert [one.place for one in search({place: b"\n".join([*said, name.encode()])}, mark)] == [place]
    assert search({"hash": hashlib.sha256(national_id.encode()).digest()}, planted.made.values())
    suite.rows("audit", "drop table planted")


async def plant(url: str, name: str) -> None:
    """A value in a stream, as a body; it is taken away again only with the suite."""
    client = Client()
    await client.connect(url)
    await client.jetstream().add_stream(name="PLANTED", subjects=["planted.>"])
    await client.jetstream().publish("planted.value", base64.b64encode(name.encode()))
    await client.close()


def check_that_there_was_something_to_search(places: dict[str, bytes]) -> None:
    """An empty place hides nothing."""
    holds = {
        **{f"metrics {name}": b"congdoan_" for name in SERVICES},
        **{f"file data/logs/{name}.log": b'"event"' for name in SERVICES},
        **{f"stream {stream_name(name)}": b"correlation_id" for name in RECORDING},
        "stream DEADLETTERS": SEALED.encode(),
        "table membership.parked.event": b"hardship_recorded",
        "table audit.log.topic": b"membership.member_joined",
        "table keys.person_keys.wrapped": b"",
        "file data/postgres.log": b"listening",
        "traces": b"AdmitMember",
        "refusals": b"NationalIdTaken",
        "command line": b"hardship_recorded",
    }
    assert [place for place, data in holds.items() if data not in places.get(place, b"nothing")] == []
    assert SEALED.encode() in places[f"stream {stream_name('membership')}"]


def check_that_values_stand_in_every_column_made_for_them(found: list[Found]) -> None:
    """So the search would see them elsewhere; the hash of a national id is keyed, and never equal to one without a key."""
    keyed = {column for column in columns_in_clear() if column.endswith("national_id_hash")}
    assert {one.place for one in found} == columns_in_clear() - keyed


def check_that_a_restored_backup_yields_nobody(journey: Journey, backup: Path) -> None:
    """Put back beside the live key store: a membership that never heard of the erasure."""
    suite, name = journey.world, "restored"
    suite.kill_membership()
    suite.restore(backup, name)
    suite.suite.put_back(name)
    suite.start_membership()
    ((head,),) = suite.rows(name, "select position from head")
    assert 0 < head < suite.seen["membership"], "it is the history of before the erasure"
    suite.seen = {"membership": head}
    known = suite.ask("membership", "GetMember", TOP, member_id=journey.lan)
    assert known.erased
    assert (known.full_name, known.birth_date, known.phone, known.email) == ("", "", "", "")
    assert journey.left({**suite.places(), **tables(suite.suite.postgres, name)}) == []


@pytest.mark.parametrize("make", ["name", "text", "national_id", "phone", "email", "birth_date"])
def test_a_value_is_found_in_every_form_inside_of_something_longer(make: str) -> None:
    marks = Marks()
    getattr(marks, make)("one")
    getattr(marks, make)("another")
    one, another = marks.made.values()
    for form, needle in [*one.in_text, *one.in_bytes]:
        for places in ({"a place": b"\x00\xfe" + needle + b"..."}, {"a place": b"...", "another": needle}):
            assert search(places, [one]), form
            assert search(places, [another]) == []
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + one.value.encode() + b"yz")
        assert search({"a place": encoded}, [one])
