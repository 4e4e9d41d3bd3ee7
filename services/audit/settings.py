"""Which variables does audit read? None besides those of every service."""

from chassis.settings import Settings as Settings
