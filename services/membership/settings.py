"""Which variables does membership read? None besides those of every service."""

from chassis.settings import Settings as Settings
