"""``python -m welfare``: the process of welfare; its commands stand in :mod:`chassis.run`."""

from chassis.run import main
from welfare.settings import Settings
from welfare.wiring import real

if __name__ == "__main__":
    main("welfare", Settings, real)
