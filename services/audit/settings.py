"""Which variables does audit read?"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from chassis.ledger_keys import ledger_key
from chassis.settings import Settings as OfEveryService


def _usable(file: Path) -> Path:
    ledger_key(file)
    return file


class Settings(OfEveryService):
    """Those of every service, where membership answers, and how the ledger is signed."""

    membership_target: str
    """The address of membership, as gRPC names it: ``dns:///membership:50051``."""
    ledger_key_file: Annotated[Path, AfterValidator(_usable)]
    """The key by which checkpoints are signed, one line ``PRIVATE+KEY+name+id+key``; not open to everyone."""
    checkpoint_interval_s: float = Field(default=60.0, gt=0)
    """After so long at the latest the events of a service that were heard since are under a signed checkpoint."""
    checkpoint_events: int = Field(default=1_000, ge=1)
    """After so many events it is signed earlier."""
