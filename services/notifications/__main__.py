"""``python -m notifications``: the process of notifications; its commands stand in :mod:`chassis.run`."""

from chassis.run import main
from notifications.settings import Settings
from notifications.wiring import real

main("notifications", Settings, real)
