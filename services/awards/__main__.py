"""``python -m awards``: the process of awards; its commands stand in :mod:`chassis.run`."""

from awards.settings import Settings
from awards.wiring import real
from chassis.run import main

if __name__ == "__main__":
    main("awards", Settings, real)
