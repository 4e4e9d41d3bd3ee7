"""What can go wrong with the servers and services that the suite starts on one machine?"""

from __future__ import annotations


class EmbeddedServerError(Exception):
    """Something the suite started on this machine is not as it must be. The message is meant for the operator."""


class ServerDidNotStart(EmbeddedServerError):
    """It ended, or was not ready in time. The message carries the end of its log."""


class ServerNotInstalled(EmbeddedServerError):
    """The program is not here, or is too old."""


class DataFolderInUse(EmbeddedServerError):
    """Another server is running on the same data folder; two on one folder would destroy it."""


class DataFolderUnusable(EmbeddedServerError):
    """The data folder cannot be written by this user."""


class RunFolderTooLong(EmbeddedServerError, ValueError):
    """The path of a Unix socket would be longer than the kernel allows (107 bytes)."""
