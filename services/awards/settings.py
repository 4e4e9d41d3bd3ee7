"""Which variables does awards read, besides those of every service?"""

from chassis.settings import Settings as OfEveryService


class Settings(OfEveryService):
    """Where membership answers who is a member."""

    membership_target: str
    """``dns:///membership:50051``, or ``127.0.0.1:50051``."""
