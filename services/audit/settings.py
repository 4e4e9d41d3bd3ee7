"""Which variables does audit read?"""

from chassis.settings import Settings as OfEveryService


class Settings(OfEveryService):
    """Those of every service, and where membership answers."""

    membership_target: str
    """The address of membership, as gRPC names it: ``dns:///membership:50051``."""
