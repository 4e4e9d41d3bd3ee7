"""What does awards ask of others? Of membership: is this person an active member, and of which unit. Protobuf stops here."""

from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

from awards.domain.nomination import Nominee
from chassis.clients import RpcClient
from federation.membership.v1 import membership_pb2 as pb


class Members(Protocol):
    """Who knows the members."""

    async def nominees(self, member_ids: Iterable[UUID], unit: str) -> Mapping[UUID, Nominee]:
        """Those of some persons that were ever admitted, asked for at a unit.

        :raises Unavailable: it cannot be known just now.
        """


class MembershipClient:
    """Membership's own answer, over gRPC."""

    def __init__(self, client: RpcClient) -> None:
        self._client = client

    async def nominees(self, member_ids: Iterable[UUID], unit: str) -> Mapping[UUID, Nominee]:
        """See :class:`Members`."""
        request = pb.CheckMembersRequest(member_ids=[str(member_id) for member_id in member_ids], unit=unit)
        response: pb.CheckMembersResponse = await self._client.ask("CheckMembers", request)
        return {
            UUID(member.member_id): Nominee(member.unit, active=member.status == pb.MEMBER_STATUS_ACTIVE)
            for member in response.members
            if member.status != pb.MEMBER_STATUS_UNKNOWN
        }
