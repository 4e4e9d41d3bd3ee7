"""``python -m membership [serve|migrate [--to STEP]|streams]``"""

from chassis.run import main
from membership.settings import Settings
from membership.wiring import real

main("membership", Settings, real)
