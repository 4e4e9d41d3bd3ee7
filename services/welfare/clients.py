"""Whom does welfare ask? Membership: who is an active member, and where. Protobuf stops here."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.clients import Refused, RpcClient
from chassis.messages import enum_names
from chassis.refusals import Unavailable
from federation.membership.v1 import membership_pb2 as pb
from welfare.application import Membership

MAX_IDS = 1_000
TIMEOUT_S = 2.0
"""Whoever waits for the answer repeats the command itself, under the same id; a longer wait here would only add to theirs."""
_STATUS: dict[int, str] = {number: name for name, number in enum_names(pb.MemberStatus.DESCRIPTOR).items()}


class MembersOverGrpc:
    """Membership, asked in batches of up to 1,000: :class:`welfare.application.Members`."""

    def __init__(self, membership: RpcClient) -> None:
        self._membership = membership

    async def check(self, member_ids: Sequence[UUID], unit: str) -> Mapping[UUID, Membership]:
        """:raises Unavailable: membership does not answer, or not about all of them."""
        found: dict[UUID, Membership] = {}
        for start in range(0, len(member_ids), MAX_IDS):
            found |= await self._check(member_ids[start : start + MAX_IDS], unit)
        if found.keys() != set(member_ids):
            raise Unavailable(reason="membership")
        return found

    async def _check(self, member_ids: Sequence[UUID], unit: str) -> dict[UUID, Membership]:
        request = pb.CheckMembersRequest(member_ids=map(str, member_ids), unit=unit)
        try:
            response: pb.CheckMembersResponse = await self._membership.ask("CheckMembers", request, timeout_s=TIMEOUT_S)
            return {UUID(member.member_id): _membership(member) for member in response.members}
        except (Refused, KeyError, ValueError) as error:
            # Whatever it says, it does not say who is a member; nobody is taken for one, or for none, on that.
            raise Unavailable(reason="membership") from error


def _membership(member: pb.MemberCheck) -> Membership:
    """:raises KeyError: a status of a later contract."""
    return Membership(_STATUS[member.status], member.unit, member.in_subtree)  # type: ignore[arg-type]
