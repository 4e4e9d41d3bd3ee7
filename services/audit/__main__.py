"""``python -m audit``: the process of audit; its commands stand in :mod:`chassis.run`."""

from audit.settings import Settings
from audit.wiring import real
from chassis.run import main

# Audit says nothing, so it has no stream of its own.
main("audit", Settings, real)
