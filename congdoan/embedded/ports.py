"""How does a service keep its port number across restarts, while many suites run on one machine?"""

from __future__ import annotations

import socket
import weakref


class ReservedPort:
    """A TCP port of 127.0.0.1 that nobody else is given, and on which our child may listen and listen again.

    The number is held by a socket that is bound and never listens, so a connection reaches the child, or is refused.
    The kernel lets the child bind beside it because both set SO_REUSEPORT (gRPC does; the same user is required) or
    both set SO_REUSEADDR (nats-server does, as every Go program; asyncio's servers too), and gives the number to no
    one who asks for just any port, nor to an outgoing connection. Who asks for exactly this number may still get it.
    """

    def __init__(self, wanted: int = 0) -> None:
        """:param wanted: the number, if nobody has it; 0 for just any."""
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.release = weakref.finalize(self, holder.close)
        """Give the number back. Happens by itself when nobody refers to this object any more."""
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", wanted if wanted and _nobody_listens(wanted) else 0))
        self.number: int = holder.getsockname()[1]

    @property
    def address(self) -> str:
        """`127.0.0.1:NUMBER`"""
        return f"127.0.0.1:{self.number}"


def _nobody_listens(number: int) -> bool:
    """A socket that does not share its number is refused it as long as somebody listens; those that only ended do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
        return True


def reserve_port(wanted: int = 0) -> ReservedPort:
    """A free port, the wanted one if it is, held until its `release` or the end of the process."""
    return ReservedPort(wanted)
