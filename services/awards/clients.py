"""Whom does awards ask? Membership: is this person an active member, and of which unit. Protobuf stops here."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from awards.domain.child_honour import Word
from awards.domain.nomination import Nominee
from chassis.clients import Refused, RpcClient
from chassis.refusals import Unavailable
from federation.membership.v1 import consents_pb2
from federation.membership.v1 import membership_pb2 as pb

MAX_IDS = 1_000
TIMEOUT_S = 5.0
_KNOWN = (pb.MEMBER_STATUS_ACTIVE, pb.MEMBER_STATUS_LEFT)


class MembersOverGrpc:
    """Membership, asked in batches of up to 1,000: :class:`awards.application.Members`."""

    def __init__(self, membership: RpcClient) -> None:
        self._membership = membership

    async def nominees(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Nominee]:
        """:raises Unavailable: membership does not answer, or not about all of them."""
        found: dict[UUID, Nominee] = {}
        for start in range(0, len(member_ids), MAX_IDS):
            found |= await self._ask(member_ids[start : start + MAX_IDS], unit)
        return found

    async def _ask(self, member_ids: Sequence[UUID], unit: str) -> dict[UUID, Nominee]:
        request = pb.CheckMembersRequest(member_ids=map(str, member_ids), unit=unit)
        try:
            response: pb.CheckMembersResponse = await self._membership.ask("CheckMembers", request, timeout_s=TIMEOUT_S)
            answers = {UUID(member.member_id): member for member in response.members}
        except (Refused, ValueError) as error:
            # Whatever it says, it does not say who is a member; nobody is taken for one, or for none, on that.
            raise Unavailable(reason="membership") from error
        statuses = {member.status for member in answers.values()}
        if answers.keys() != set(member_ids) or not statuses <= {*_KNOWN, pb.MEMBER_STATUS_UNKNOWN}:
            raise Unavailable(reason="membership")
        return {
            member_id: Nominee(member.unit, active=member.status == pb.MEMBER_STATUS_ACTIVE)
            for member_id, member in answers.items()
            if member.status in _KNOWN
        }


class ChildrenOverGrpc:
    """Membership, asked about members' children in batches of up to 1,000: :class:`awards.application.Children`."""

    def __init__(self, consents: RpcClient) -> None:
        self._consents = consents

    async def words(self, child_ids: Sequence[UUID], on: date) -> Mapping[UUID, Word]:
        """:raises Unavailable: membership does not answer, or not about all of them."""
        found: dict[UUID, Word] = {}
        for start in range(0, len(child_ids), MAX_IDS):
            found |= await self._ask(child_ids[start : start + MAX_IDS], on)
        return found

    async def _ask(self, child_ids: Sequence[UUID], on: date) -> dict[UUID, Word]:
        request = consents_pb2.CheckChildPublicationRequest(child_ids=map(str, child_ids), on=on.isoformat())
        try:
            response = await self._consents.ask("CheckChildPublication", request, timeout_s=TIMEOUT_S)
            answers = {UUID(child.child_id): child for child in response.children}
        except (Refused, ValueError) as error:
            # Whatever it says, it does not say who agrees; nobody is taken to agree, or to refuse, on that.
            raise Unavailable(reason="membership") from error
        if answers.keys() != set(child_ids):
            raise Unavailable(reason="membership")
        return {
            child_id: Word(
                child.unit, child.parent_active, child.guardian_consent, child.child_consent_needed, child.child_consent
            )
            for child_id, child in answers.items()
            if child.known
        }
