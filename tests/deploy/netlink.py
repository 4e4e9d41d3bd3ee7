"""How is the kernel told of links, addresses, routes and firewall rules without any program? By netlink messages (netlink(7)).

Only what :mod:`tests.deploy.private_network` needs: rtnetlink(7) for veth pairs, nf_tables for rules. Everything applies to the
network namespace in which the thread is. Numbers are those of linux/rtnetlink.h, linux/if_link.h and linux/netfilter/nf_tables.h.
"""

import os
import socket
import struct
from collections.abc import Iterable, Sequence

ROUTE, NETFILTER = 0, 12
REQUEST, ACK, CREATE = 0x1, 0x4, 0x400
LEAVING, ARRIVING = 3, 1
"""The hooks of nf_tables for what a namespace's own programs send, and for what is meant for them."""

_NFT, _BATCH_BEGIN, _BATCH_END = 10 << 8, 0x10, 0x11
_NESTED = 0x8000
_ACCEPT, _DROP = 1, 0
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_PROTOCOLS = {"TCP": 6, "UDP": 17}
_LINK, _PROTOCOL = {LEAVING: 5, ARRIVING: 4}, 16
"""What is asked of a packet: the link by which it leaves or came (the first one is the loopback), and its protocol."""


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, filled up to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute of attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def told(protocol: int, messages: Sequence[bytes], answers: int) -> None:
    """Send messages at once, and wait for as many answers.

    :raises OSError: the kernel refused one.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as kernel:
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        kernel.bind((0, 0))
        kernel.send(b"".join(messages))
        while answers > 0:
            data = kernel.recv(1 << 16)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind == 2 and (code := -struct.unpack_from("=i", data, 16)[0]):
                    raise OSError(code, f"netlink: {os.strerror(code)}")
                answers -= 1
                data = data[-(-length // 4) * 4 :]


def message(kind: int, flags: int, body: bytes, number: int = 0) -> bytes:
    """One message."""
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, number, 0) + body + b"\0" * (-len(body) % 4)


def _route(kind: int, flags: int, body: bytes) -> None:
    told(ROUTE, [message(kind, flags | ACK, body)], 1)


def _link(index: int = 0, up: bool = False) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, int(up), int(up))


def add_veth(index: int, peer_namespace: int) -> None:
    """A pair of links, up: one here with an index of one's choice, which forwards; ``eth0`` as index 2 in the other namespace."""
    peer = _link(2) + attribute(3, b"eth0\0") + attribute(28, struct.pack("=I", peer_namespace))
    made = nested(18, attribute(1, b"veth"), nested(2, attribute(1, peer)))
    _route(16, CREATE | 0x200, _link(index, up=True) + attribute(3, f"veth{index}".encode() + b"\0") + made)
    forwarding = nested(26, nested(socket.AF_INET, nested(1, attribute(1, struct.pack("=I", 1)))))
    _route(16, 0, _link(index) + forwarding)


def set_up(index: int) -> None:
    """Bring a link up."""
    _route(16, 0, _link(index, up=True))


def add_address(index: int, address: bytes) -> None:
    """An address of a link, alone in its network."""
    _route(20, CREATE, struct.pack("=BBBBI", 2, 32, 0, 0, index) + attribute(2, address) + attribute(1, address))


def add_route(index: int, network: bytes, prefix: int, gateway: bytes = b"") -> None:
    """Where a network is: on the link, or behind somebody on it."""
    head = struct.pack("=BBBBBBBBI", 2, prefix, 0, 0, 254, 4, 0 if gateway else 253, 1, 4 if gateway else 0)
    to = attribute(1, network) if prefix else b""
    _route(24, CREATE, head + to + attribute(4, struct.pack("=I", index)) + (attribute(5, gateway) if gateway else b""))


def add_chain(hook: int, rules: Iterable[tuple[bytes, int, str, int]]) -> None:
    """What passes a hook from now on: what belongs to a connection, what is the namespace's own, and what a rule lets through.

    Everything else is refused, TCP by a reset, so that nobody has to wait for an answer that does not come.

    :param rules: network, length of its prefix, protocol, port of the called end. The network is that of the other end.
    """
    name = f"hook{hook}"
    where = nested(4, attribute(1, _number(hook)), attribute(2, _number(0)))
    chain = _table(1) + attribute(3, name.encode() + b"\0") + where + attribute(5, _number(_DROP)) + attribute(7, b"filter\0")
    expressions = [
        [*_of_a_connection(), _verdict(_ACCEPT)],
        [*_meta(_LINK[hook], struct.pack("=I", 1)), _verdict(_ACCEPT)],
        *([*_matches(hook, *rule), _verdict(_ACCEPT)] for rule in rules),
        [*_meta(_PROTOCOL, bytes([_PROTOCOLS["TCP"]])), _expression("reject", attribute(1, _number(1)), attribute(2, b"\0"))],
    ]
    bodies = [(0, _table(1)), (3, chain)]
    bodies += [(6, _table(1) + attribute(2, name.encode() + b"\0") + nested(4, *each)) for each in expressions]
    head = struct.pack("=BBH", socket.AF_INET, 0, 0)
    edge = struct.pack("=BBH", 0, 0, socket.htons(10))
    messages = [message(_NFT | kind, ACK | CREATE | 0x800, head + body, number) for number, (kind, body) in enumerate(bodies, 1)]
    told(NETFILTER, [message(_BATCH_BEGIN, 0, edge), *messages, message(_BATCH_END, 0, edge)], len(messages))


def _table(kind: int) -> bytes:
    return attribute(kind, b"policies\0")


def _number(value: int) -> bytes:
    return struct.pack(">I", value)


def _expression(name: str, *attributes: bytes) -> bytes:
    return nested(1, attribute(1, name.encode() + b"\0"), nested(2, *attributes))


def _data(kind: int, value: bytes) -> bytes:
    return nested(kind, attribute(1, value))


def _compare(value: bytes, unequal: bool = False) -> bytes:
    return _expression("cmp", attribute(1, _number(1)), attribute(2, _number(int(unequal))), _data(3, value))


def _mask(mask: bytes) -> bytes:
    size = attribute(3, _number(len(mask)))
    return _expression(
        "bitwise", attribute(1, _number(1)), attribute(2, _number(1)), size, _data(4, mask), _data(5, bytes(len(mask)))
    )


def _meta(key: int, value: bytes) -> list[bytes]:
    return [_expression("meta", attribute(1, _number(1)), attribute(2, _number(key))), _compare(value)]


def _payload(base: int, offset: int, length: int) -> bytes:
    return _expression("payload", *(attribute(kind, _number(value)) for kind, value in enumerate((1, base, offset, length), 1)))


def _of_a_connection() -> list[bytes]:
    """Established or related: connection tracking's bits 2 and 4."""
    state = _expression("ct", attribute(1, _number(1)), attribute(2, _number(0)))
    return [state, _mask(struct.pack("=I", 6)), _compare(bytes(4), unequal=True)]


def _matches(hook: int, network: bytes, prefix: int, protocol: str, port: int) -> list[bytes]:
    mask = struct.pack(">I", (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF)
    return [
        _payload(_NETWORK_HEADER, 16 if hook == LEAVING else 12, 4),
        _mask(mask),
        _compare(network),
        *_meta(_PROTOCOL, bytes([_PROTOCOLS[protocol]])),
        _payload(_TRANSPORT_HEADER, 2, 2),
        _compare(struct.pack(">H", port)),
    ]


def _verdict(code: int) -> bytes:
    return _expression("immediate", attribute(1, _number(0)), nested(2, nested(2, attribute(1, _number(code)))))
