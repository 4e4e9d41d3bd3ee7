"""``python -m welfare [serve|migrate [--to STEP]|streams]``: the process of welfare; see :mod:`chassis.run`."""

from chassis.run import main
from welfare.settings import Settings
from welfare.wiring import real

if __name__ == "__main__":
    main("welfare", Settings, real)
