"""``python -m membership``: the process of membership; its commands stand in :mod:`chassis.run`."""

from chassis.run import main
from membership.settings import Settings
from membership.wiring import real

main("membership", Settings, real)
