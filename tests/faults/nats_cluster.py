"""How do three NATS servers run on one machine as the manifests configure them, with ways between them that can be cut?

The configuration is the one of `deploy/k8s/components/nats`; what is changed in it is addresses and the folder, and TLS
is left out, whose bytes would only pass through the same ways. Each server is told of the others by the ways to them alone,
and advertises an address where nobody listens: so nobody reaches anybody past a way.
"""

import http.client
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from congdoan.embedded import ChildProcess, ServerProcess, reserve_port
from congdoan.embedded.nats import server_binary
from congdoan.embedded.process import plain_environment
from tests.faults.relay import Address, Way, Ways, ways

MANIFESTS = Path(__file__).parents[2] / "deploy/k8s/components/nats"
PASSWORD = "secret-of-the-services"
URL = "nats://services:" + PASSWORD + "@127.0.0.1:{port}"


class Node(ServerProcess):
    """One of the servers.

    :param routes: the ports by which it finds the others.
    """

    start_timeout_s = 60.0

    def __init__(self, number: int, folder: Path) -> None:
        super().__init__(f"nats-{number}")
        self.folder = folder / self.name
        self._ports = [reserve_port() for _ in range(5)]
        self.port, self.monitoring_port, self.route_port, self._leaf_port, self._nobodys = (port.number for port in self._ports)
        self.routes: list[int] = []

    @property
    def address(self) -> Address:
        """Where clients connect."""
        return "127.0.0.1", self.port

    def configuration(self) -> str:
        """What the manifests say, with the addresses of this machine.

        :raises AssertionError: they say something that is not known here.
        """
        told = (MANIFESTS / "nats.conf").read_text().splitlines()
        text = "\n".join(line for line in told if not line.strip().startswith("tls {"))
        routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in self.routes)
        line = {words[0]: line for line in text.splitlines() if (words := line.split())}
        changed = {
            'listen: "0.0.0.0:4222"': f'listen: "127.0.0.1:{self.port}"',
            'http: "0.0.0.0:8222"': f'http: "127.0.0.1:{self.monitoring_port}"',
            'listen: "0.0.0.0:6222"': f'listen: "127.0.0.1:{self.route_port}"\n  advertise: "127.0.0.1:{self._nobodys}"',
            'listen: "0.0.0.0:7422"': f'listen: "127.0.0.1:{self._leaf_port}"',
            'store_dir: "/data"': f'store_dir: "{self.folder / "data"}"',
            line["routes:"].strip(): f"routes: [{routes}]",
        }
        for before, after in changed.items():
            assert text.count(before) == 1, f"the manifests say {before!r} no more"
            text = text.replace(before, after)
        return text

    def launch(self) -> None:
        if self.running:
            return
        (self.folder / "accounts").mkdir(parents=True, exist_ok=True)
        (self.folder / "nats").mkdir(exist_ok=True)
        accounts = (MANIFESTS / "accounts.example.conf").read_text().replace("CHANGE-ME-services", PASSWORD)
        (self.folder / "accounts/accounts.conf").write_text(accounts)
        (self.folder / "nats/nats.conf").write_text(self.configuration())
        command: list[str | Path] = [server_binary(), "--config", self.folder / "nats/nats.conf"]
        environment = plain_environment(SERVER_NAME=self.name)
        self._process = ChildProcess(command, log=self.folder / "nats.log", env=environment)

    def ready(self) -> bool:
        """What the readiness probe of the manifests asks."""
        return self.running and self._asked("/healthz") is not None

    def pause(self) -> None:
        """Let it stand still with everything it holds, as a machine that swaps, or is being moved."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def told(self, path: str) -> dict[str, Any]:
        """What it tells of itself at its monitoring address; nothing when it does not answer."""
        return json.loads(self._asked(path) or b"{}")  # type: ignore[no-any-return]

    def _asked(self, path: str) -> bytes | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.monitoring_port, timeout=2)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read() if answer.status == http.HTTPStatus.OK else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _signal(self, which: signal.Signals) -> None:
        assert self.pid, "it was started"
        os.kill(self.pid, which)


class NatsCluster:
    """Three servers, a way from each to each other, and one way for clients, which leads to a server that is ready."""

    def __init__(self, folder: Path, kept: Ways, size: int = 3) -> None:
        self.nodes = [Node(number, folder) for number in range(size)]
        self._kept = kept
        self._turn = count()
        self.between: dict[tuple[int, int], Way] = {}
        """The way by which one server, by its number, finds another."""
        for one in range(size):
            for other in range(size):
                if one != other:
                    self.between[one, other] = kept.open(lambda node=self.nodes[other]: ("127.0.0.1", node.route_port))  # type: ignore[misc]
        for one, node in enumerate(self.nodes):
            node.routes = [way.port for (begin, _), way in self.between.items() if begin == one]
        self.front = kept.open(self._somebody_ready)
        """Where clients connect: as the name `nats` on Kubernetes, it leads to whoever is ready."""

    @property
    def url(self) -> str:
        """By which services connect."""
        return URL.format(port=self.front.port)

    def start(self) -> None:
        """Start all, and return when each is ready."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.start()

    def stop(self) -> None:
        """End all."""
        for node in self.nodes:
            node.kill()

    def isolate(self, number: int, there: bool = True, back: bool = True) -> None:
        """Cut a server off from the others; its clients still reach it."""

        def cut() -> None:
            for (one, other), way in self.between.items():
                if number == one:
                    way.cut(there, back)
                elif number == other:
                    way.cut(back, there)

        self._kept.do(cut)

    def cut(self, one: int, other: int) -> None:
        """Cut two servers off from each other; both still reach the third."""
        for way in (self.between[one, other], self.between[other, one]):
            self._kept.do(way.cut)

    def heal(self) -> None:
        """Let every server reach every other."""
        for way in self.between.values():
            self._kept.do(way.heal)

    def sever_clients(self) -> None:
        """End every connection of a client, which then finds another server, or the same."""
        self._kept.do(self.front.sever)

    @property
    def held(self) -> int:
        """What the ways between the servers had to hold back so far."""
        return sum(way.held for way in self.between.values())

    def leader_of(self, stream: str) -> int | None:
        """The number of the server that leads a stream, as most say; None when nobody does."""
        said = [name for node in self.nodes if (name := _leader(node, stream))]
        names = [node.name for node in self.nodes]
        return names.index(max(set(said), key=said.count)) if said else None

    def held_of(self, node: Node, stream: str) -> tuple[int, int] | None:
        """How many messages of a stream a server holds, and the sequence of the last; None when it does not say."""
        told = _told_of(node, stream).get("state")
        return (told["messages"], told["last_seq"]) if told else None

    def past_the_ways(self) -> list[str]:
        """Connections between servers that go through no way of ours: there must be none."""
        begins = {way.port for way in self.between.values()}
        ends = {end for way in self.between.values() for end in way.ends}
        routes = [(node.name, route) for node in self.nodes for route in node.told("/routez").get("routes") or ()]
        return [f"{name}: {route['remote_name']}" for name, route in routes if route["port"] not in begins | ends]

    def _somebody_ready(self) -> Address | None:
        start = next(self._turn)
        ordered = [self.nodes[(start + step) % len(self.nodes)] for step in range(len(self.nodes))]
        return next((node.address for node in ordered if node.ready()), None)


def _leader(node: Node, stream: str) -> str:
    """Who leads a stream, in the eyes of a server."""
    return str(_told_of(node, stream).get("cluster", {}).get("leader", ""))


def _told_of(node: Node, stream: str) -> dict[str, Any]:
    """What a server tells of a stream; nothing when it does not answer."""
    told = node.told("/jsz?streams=true&accounts=true") if node.running else {}
    streams = [found for account in told.get("account_details") or () for found in account.get("stream_detail") or ()]
    return next((found for found in streams if found["name"] == stream), {})


@contextmanager
def a_cluster(folder: Path) -> Iterator[NatsCluster]:
    """Three servers, ready."""
    with ways() as kept:
        cluster = NatsCluster(folder, kept)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
