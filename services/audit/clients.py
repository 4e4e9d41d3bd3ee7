"""Whom does audit ask? Membership: how far the tree of units has come. Protobuf stops here."""

from chassis.clients import RpcClient
from federation.membership.v1 import membership_pb2 as pb


class UnitsOverGrpc:
    """Membership, asked how far its units have come."""

    def __init__(self, membership: RpcClient) -> None:
        self._membership = membership

    async def start(self) -> None:
        """Nothing yet: the connection is made at the first call."""

    async def stop(self) -> None:
        """Close the connection."""
        await self._membership.close()

    async def tree_position(self) -> int:
        """The position of the last event that changed the tree of units.

        :raises Unavailable: membership does not answer.
        """
        found = await self._membership.ask("GetTreePosition", pb.GetTreePositionRequest())
        return int(found.position)
