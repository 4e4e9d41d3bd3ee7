"""What does notifications ask of membership: where is a member active, and at which address is one reached just now?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from chassis.clients import RpcClient
from federation.membership.v1 import membership_pb2 as pb


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person is reached, asked at the moment of sending and kept nowhere; no repr tells it."""

    full_name: str = field(repr=False)
    email: str = field(repr=False)


class Members(Protocol):
    """Whoever knows who is a member."""

    async def units_of(self, member_ids: Sequence[UUID], seen_from: str) -> Mapping[UUID, str]:
        """The unit of each of some members that is active.

        :param seen_from: a unit that exists, from which they are asked about.
        :raises Unavailable: nobody can say just now.
        """

    async def contacts(self, member_ids: Sequence[UUID]) -> Mapping[UUID, Contact]:
        """Name and address of those of some members that are known.

        :raises Unavailable: nobody can say just now.
        """


class MembersOverGrpc:
    """Membership, asked in batches. Protobuf stops here."""

    def __init__(self, membership: RpcClient) -> None:
        self._membership = membership

    async def units_of(self, member_ids: Sequence[UUID], seen_from: str) -> Mapping[UUID, str]:
        """See :class:`Members`."""
        request = pb.CheckMembersRequest(member_ids=map(str, member_ids), unit=seen_from)
        found = await self._membership.ask("CheckMembers", request)
        return {UUID(member.member_id): member.unit for member in found.members if member.status == pb.MEMBER_STATUS_ACTIVE}

    async def contacts(self, member_ids: Sequence[UUID]) -> Mapping[UUID, Contact]:
        """See :class:`Members`."""
        request = pb.GetMemberContactsRequest(member_ids=map(str, member_ids))
        found = await self._membership.ask("GetMemberContacts", request)
        return {UUID(contact.member_id): Contact(contact.full_name, contact.email) for contact in found.contacts}
