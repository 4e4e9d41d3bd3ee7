"""Which faults are struck in the long run? Those that these modules offer as `FAULTS`; each works in the one shared arena."""

import importlib

from tests.faults.arena import Fault

MODULES = (
    "tests.faults.processes",
    "tests.faults.bus",
    "tests.faults.reading",
    "tests.faults.credentials",
    "tests.faults.persons",
)


def plugged() -> list[Fault]:
    """All of them."""
    return [fault for name in MODULES for fault in importlib.import_module(name).FAULTS]
