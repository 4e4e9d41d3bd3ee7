"""What would membership do without guards? ``python -m benchmarks.unguarded`` takes everybody for the same officer, who may
do everything, and keeps personal values in clear: so much do token, rights and sealing cost. For comparison alone.
"""

from typing import Any
from unittest.mock import patch

from benchmarks.admissions import OFFICER, Unsealed
from chassis.callers import Callers
from chassis.run import main
from chassis.security import Caller
from membership.settings import Settings
from membership.wiring import real


async def the_officer(self: Callers, metadata: Any, context: Any) -> Caller:
    """Whoever calls."""
    return OFFICER


def anybody(*_: Any, **__: Any) -> None:
    """May do anything."""


if __name__ == "__main__":
    with (
        patch.object(Callers, "identify", the_officer),
        patch("chassis.application.authorise", anybody),
        patch("chassis.service.Sealer", lambda keys: Unsealed()),
    ):
        main("membership", Settings, real)
