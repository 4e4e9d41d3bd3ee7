"""The commands by which an award comes about, each with what the tests do not care about filled in."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from awards.domain.decision import DecideAward
from awards.domain.initiative import AcceptInitiative, RegisterInitiative, RejectInitiative
from awards.domain.presentation import PresentAward, RecoverArtefact, RevokeAward
from awards.domain.programme import OpenInitiativeProgramme
from awards.domain.proposal import EndorseAward, ProposeAward, ResubmitAward, ReturnAward
from awards.domain.quota import SetQuota
from chassis.commands import Command, parse

ON = date(2024, 12, 20)


def command(cls: type[Any], **fields: Any) -> Any:
    return parse(cls, {"command_id": uuid4(), "on": ON, **fields})


def propose(nomination_id: UUID, *, unit: str | None = "so-y-te", **fields: Any) -> ProposeAward:
    """A flag of the federation for the whole work of 2024, unless said otherwise."""
    plain = {"form": "flag", "scope": "comprehensive", "year": 2024, "decider": "cdvcvn"}
    recipient = {} if "member_id" in fields else {"unit": unit}
    proposal: ProposeAward = command(ProposeAward, nomination_id=nomination_id, **{**plain, **recipient, **fields})
    return proposal


def endorse(nomination_id: UUID, reviewer: str, **fields: Any) -> EndorseAward:
    endorsement: EndorseAward = command(EndorseAward, nomination_id=nomination_id, reviewer=reviewer, **fields)
    return endorsement


def send_back(nomination_id: UUID, reviewer: str) -> ReturnAward:
    returned: ReturnAward = command(ReturnAward, nomination_id=nomination_id, reviewer=reviewer, reason="Thiếu minh chứng")
    return returned


def resubmit(nomination_id: UUID) -> ResubmitAward:
    again: ResubmitAward = command(ResubmitAward, nomination_id=nomination_id, citation="Đã bổ sung")
    return again


def decide(nomination_id: UUID, **fields: Any) -> DecideAward:
    decision: DecideAward = command(DecideAward, nomination_id=nomination_id, **{"decision_number": "345/QĐ-CĐVC", **fields})
    return decision


def present(nomination_id: UUID, **fields: Any) -> PresentAward:
    presented: PresentAward = command(PresentAward, nomination_id=nomination_id, **{"presenter": "ldld-vinh-phuc", **fields})
    return presented


def revoke(nomination_id: UUID, **fields: Any) -> RevokeAward:
    revoked: RevokeAward = command(RevokeAward, nomination_id=nomination_id, reason="Khai man thành tích", **fields)
    return revoked


def recover(nomination_id: UUID, **fields: Any) -> RecoverArtefact:
    recovered: RecoverArtefact = command(RecoverArtefact, nomination_id=nomination_id, **fields)
    return recovered


def ready(nomination_id: UUID, **fields: Any) -> list[Command]:
    """Proposed and endorsed by the decider itself: only the decision is missing."""
    proposal = propose(nomination_id, **fields)
    return [proposal, endorse(nomination_id, proposal.decider, on=proposal.on)]


def given(nomination_id: UUID, **fields: Any) -> list[Command]:
    """Proposed, endorsed and decided."""
    steps = ready(nomination_id, **fields)
    return [*steps, decide(nomination_id, on=fields.get("on", ON))]


def quota(at_most: int, **fields: Any) -> SetQuota:
    plain = {"decider": "cdvcvn", "form": "flag", "year": 2024}
    limit: SetQuota = command(SetQuota, **{**plain, **fields}, at_most=at_most)
    return limit


def programme(programme_id: UUID, **fields: Any) -> OpenInitiativeProgramme:
    plain = {
        "command_id": uuid4(),
        "programme_id": programme_id,
        "unit": "vinh-phuc",
        "year": 2024,
        "name": "01 triệu sáng kiến",
        "target": 3,
        "opens_on": date(2024, 1, 1),
        "closes_on": date(2024, 12, 31),
    }
    return parse(OpenInitiativeProgramme, {**plain, **fields})


def register(initiative_id: UUID, programme_id: UUID, **fields: Any) -> RegisterInitiative:
    plain = {"unit": "so-y-te", "title": "Số hóa hồ sơ"}
    registered: RegisterInitiative = command(
        RegisterInitiative, initiative_id=initiative_id, programme_id=programme_id, **{**plain, **fields}
    )
    return registered


def accept(initiative_id: UUID, **fields: Any) -> AcceptInitiative:
    accepted: AcceptInitiative = command(AcceptInitiative, initiative_id=initiative_id, **fields)
    return accepted


def reject(initiative_id: UUID, **fields: Any) -> RejectInitiative:
    rejected: RejectInitiative = command(RejectInitiative, initiative_id=initiative_id, reason="Không mới", **fields)
    return rejected
