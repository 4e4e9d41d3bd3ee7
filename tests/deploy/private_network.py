"""What do firewall rules let through, in a network of one's own in which each party has its own namespace and address?

Run as ``python -m tests.deploy.private_network``, with JSON on standard input:

    parties   each with address, ours, leaving and arriving: rules as [network, length of its prefix, protocol, port], or null
    ports     [protocol, port], at each of which each party listens and answers with its number
    callers   numbers of the parties that call every other party at every port, unless neither of the two is ours

It answers with JSON: ``went`` are the calls that were answered by whom they called, ``silent`` those that nobody answered or
refused in time (UDP need not be refused, and stands in neither). Where the machine lets nobody have networks of his own, it ends
with 77 and the reason.

The namespaces are joined by a router in a namespace of its own that forwards everything. Rules stand where a network plugin
applies them: at each party's own end. All of it is gone when the process ends. Whoever is not root makes a user namespace first.
"""

import ctypes
import errno
import json
import os
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from tests.deploy import netlink

NEWUSER, NEWNET = 0x10000000, 0x40000000
IMPOSSIBLE = 77
NOT_HERE = {
    errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOSPC, errno.ENOENT,
    errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT,
}  # fmt: skip
"""The kernel lacks something or allows it to nobody; anything else is a mistake of ours."""

ROUTER = socket.inet_aton("169.254.1.1")
PATIENCE_S, SILENCE_S = 60.0, 0.5
TCP, UDP = "TCP", "UDP"
_RESET = struct.pack("ii", 1, 0)
"""A linger of nothing: a connection that is closed leaves nothing behind."""

_libc = ctypes.CDLL(None, use_errno=True)


class Call(NamedTuple):
    """Who called whom at which port."""

    caller: int
    called: int
    protocol: str
    port: int


class Network:
    """The parties in their namespaces, listening."""

    def __init__(self, parties: list[dict[str, Any]], ports: list[tuple[str, int]]) -> None:
        self._addresses = [party["address"] for party in parties]
        self._ours = [party["ours"] for party in parties]
        self._ports = ports
        self._poll = select.epoll()
        self._listening: dict[int, tuple[int, socket.socket]] = {}
        self._calls: dict[int, tuple[Call, socket.socket]] = {}
        self._waiting = 0
        self.went: list[Call] = []
        self.silent: list[Call] = []
        self._namespaces: list[int] = []
        router = own_network()
        for number, party in enumerate(parties):
            inside = own_network()
            self._namespaces.append(inside)
            enter(router)
            join(number + 10, party["address"], inside)
            enter(inside)
            settle(party)
            for protocol, port in ports:
                self._listen(number, protocol, port)

    def call(self, caller: int) -> None:
        """Have one party call every other at every port, and wait until TCP has answered or refused."""
        enter(self._namespaces[caller])
        numbers = range(len(self._addresses))
        others = [number for number in numbers if number != caller and (self._ours[number] or self._ours[caller])]
        for called in others:
            for protocol, port in self._ports:
                self._call(Call(caller, called, protocol, port))
        self._wait(lambda: self._waiting == 0, PATIENCE_S)
        for descriptor, (call, made) in list(self._calls.items()):
            if call.protocol == TCP:
                self.silent.append(call)
                self._end(descriptor, made)

    def finish(self) -> None:
        """Hear what UDP still has to answer: until nothing has come for a while."""
        before = -1
        while before != len(self.went):
            before = len(self.went)
            self._wait(lambda: False, SILENCE_S)

    def _listen(self, number: int, protocol: str, port: int) -> None:
        kind = socket.SOCK_STREAM if protocol == TCP else socket.SOCK_DGRAM
        listener = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
        listener.bind((self._addresses[number], port))
        if protocol == TCP:
            listener.listen(1024)
        self._poll.register(listener, select.EPOLLIN)
        self._listening[listener.fileno()] = (number, listener)

    def _call(self, call: Call) -> None:
        kind = socket.SOCK_STREAM if call.protocol == TCP else socket.SOCK_DGRAM
        made = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
        made.connect_ex((self._addresses[call.called], call.port))
        if call.protocol == TCP:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._waiting += 1
        else:
            try:
                made.send(b"?")
            except PermissionError:
                made.close()
                return
        self._poll.register(made, select.EPOLLIN)
        self._calls[made.fileno()] = (call, made)

    def _wait(self, condition: Callable[[], bool], patience_s: float) -> None:
        until = time.monotonic() + patience_s
        while not condition() and (left := until - time.monotonic()) > 0:
            for descriptor, _ in self._poll.poll(left):
                if descriptor in self._listening:
                    self._answer(*self._listening[descriptor])
                elif descriptor in self._calls:
                    self._answered(descriptor)

    def _answered(self, descriptor: int) -> None:
        call, made = self._calls[descriptor]
        with suppress(ConnectionRefusedError):
            if made.recv(16) == str(call.called).encode():
                self.went.append(call)
        self._end(descriptor, made)

    def _end(self, descriptor: int, made: socket.socket) -> None:
        call, _ = self._calls.pop(descriptor)
        self._waiting -= call.protocol == TCP
        made.close()

    def _answer(self, number: int, listener: socket.socket) -> None:
        if listener.type & socket.SOCK_DGRAM:
            _, asker = listener.recvfrom(16)
            with suppress(PermissionError):
                listener.sendto(str(number).encode(), asker)
            return
        connection, _ = listener.accept()
        with connection:
            connection.send(str(number).encode())


def own_network() -> int:
    """Enter a new network namespace; its descriptor."""
    checked(_libc.unshare(NEWNET))
    netlink.set_up(1)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def join(index: int, address: str, inside: int) -> None:
    """At the router: a link to a party, and the way to its address."""
    netlink.add_veth(index, inside)
    netlink.add_address(index, ROUTER)
    netlink.add_route(index, socket.inet_aton(address), 32)


def settle(party: dict[str, Any]) -> None:
    """In a party's namespace: its address, the way to everybody else, its rules."""
    netlink.add_address(2, socket.inet_aton(party["address"]))
    netlink.set_up(2)
    netlink.add_route(2, ROUTER, 32)
    netlink.add_route(2, b"", 0, ROUTER)
    for hook, end in ((netlink.LEAVING, "leaving"), (netlink.ARRIVING, "arriving")):
        if party[end] is not None:
            netlink.add_chain(hook, [(socket.inet_aton(rule[0]), *rule[1:]) for rule in party[end]])


def enter(namespace: int) -> None:
    """Be in a network namespace; what is opened stays in it."""
    checked(_libc.setns(namespace, NEWNET))


def be_root() -> None:
    """Be root, on this machine or in a user namespace of one's own."""
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        checked(_libc.unshare(NEWUSER))
        for name, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)


def checked(answer: int) -> None:
    """:raises OSError: the kernel refused."""
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main() -> None:
    """Make the network, have everybody call, tell what went."""
    told = json.load(sys.stdin)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        be_root()
        network = Network(told["parties"], [tuple(port) for port in told["ports"]])
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
        print(error)
        raise SystemExit(IMPOSSIBLE) from error
    for caller in told["callers"]:
        network.call(caller)
    network.finish()
    json.dump({"went": network.went, "silent": network.silent}, sys.stdout)


if __name__ == "__main__":
    main()
