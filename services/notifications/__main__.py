"""``python -m notifications [serve|migrate [--to STEP]|streams]``"""

from chassis.run import main
from notifications.settings import Settings
from notifications.wiring import real

main("notifications", Settings, real)
