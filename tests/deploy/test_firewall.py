"""Does every connection that the settings need work under the network policies, and is every other one refused?

The rules come from the rendered NetworkPolicy objects alone; who needs whom comes from the services' settings
(:func:`tests.deploy.edges.needed`). Every party calls every other at every port: in Python over the rules, on every machine; and
with real connections through the kernel's firewall, in a network of their own, where the machine lets somebody have one.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.deploy.edges import (
    CONTROL_PLANE,
    DNS,
    GATEWAY,
    HUB,
    MAIL,
    OBJECT_STORES,
    OPERATOR,
    PROMETHEUS,
    SUBSCRIBERS,
    members,
    needed,
)
from tests.deploy.firewall import Firewall, Party, evaluated, translated
from tests.deploy.private_network import IMPOSSIBLE, UDP
from tests.deploy.rendered import OVERLAYS, Document, Rendered, rendered

TRACES = "namespace observability"
OUTSIDE = {
    GATEWAY: {}, MAIL: {}, SUBSCRIBERS: {}, PROMETHEUS: {"app.kubernetes.io/name": "prometheus"},
    TRACES: {"app.kubernetes.io/name": "otel-collector"},
    OPERATOR: {"app.kubernetes.io/name": "cloudnative-pg"}, DNS: {"k8s-app": "kube-dns"},
}  # fmt: skip
"""Who is in other namespaces and has to do with ours, with the labels by which policies find him."""

STRANGERS = (
    Party("another in kube-system", IPv4Address("10.1.1.1"), "kube-system", {"k8s-app": "other"}),
    Party("another in cnpg-system", IPv4Address("10.1.1.2"), "cnpg-system", {}),
    Party("one who is called membership", IPv4Address("10.1.1.3"), "elsewhere",
          {"app.kubernetes.io/name": "membership", "app.kubernetes.io/component": "service"}),
    Party("a machine beside the control plane", IPv4Address("10.0.0.32")),
    Party("the internet", IPv4Address("198.51.100.7")),
)  # fmt: skip
"""Who has nothing to do with ours, and resembles those who have."""

STRAY = 2222
"""A port at which nobody has anything to do."""


class Call(NamedTuple):
    """Who calls whom at which port."""

    caller: Party
    called: Party
    protocol: str
    port: int

    def __repr__(self) -> str:
        return f"{self.caller.name} → {self.called.name}:{self.port}/{self.protocol}"


class Place:
    """Everybody who has to do with an overlay, and strangers; workloads of several pods are there twice."""

    def __init__(self, manifests: Rendered) -> None:
        self.manifests = manifests
        self.edges = needed(manifests)
        (self.namespace,) = {policy["metadata"]["namespace"] for policy in manifests.of("NetworkPolicy")}
        addresses = iter(IPv4Network("10.244.0.0/16").hosts())
        pods = [
            Party(name, next(addresses), self.namespace, labels)
            for name, labels in members(manifests).items()
            for _ in range(1 if name.endswith("-prepare") else 2)
        ]
        others = [Party(name, next(addresses), name.removeprefix("namespace "), labels) for name, labels in OUTSIDE.items()]
        networks = [Party(cidr, next(iter(IPv4Network(cidr).hosts()))) for cidr in (CONTROL_PLANE, OBJECT_STORES, HUB)]
        self.parties = [*pods, *others, *networks, *STRANGERS]
        ports = {edge.port for edge in self.edges} | {port for pod in manifests.pods for port in _ports(pod.containers)} | {STRAY}
        self.ports = [*(("TCP", port) for port in sorted(ports)), (UDP, 53), (UDP, STRAY)]

    def calls(self, callers: Iterable[Party]) -> list[Call]:
        """Every call that can be made, if one of its ends is ours."""
        return [
            Call(caller, called, *port)
            for caller in callers
            for called in self.parties
            if called is not caller and self.namespace in (caller.namespace, called.namespace)
            for port in self.ports
        ]

    def wanted(self, call: Call) -> bool:
        """Whether the settings need it."""
        edge = (call.caller.name, call.called.name, call.port)
        return edge in self.edges and (call.protocol == "TCP" or call.called.name == DNS)

    def firewalls(self) -> dict[Party, Firewall]:
        """What the policies come to, as they are now."""
        return translated(self.manifests.of("NetworkPolicy"), self.parties)


def _ports(containers: Iterable[Mapping[str, Any]]) -> Iterable[int]:
    return (port["containerPort"] for container in containers for port in container.get("ports", ()))


def allowed(place: Place, callers: Iterable[Party]) -> set[Call]:
    """The calls that the rules let through, without a kernel."""
    firewalls = place.firewalls()
    return {call for call in place.calls(callers) if not evaluated(firewalls, *call)}


def went(place: Place, callers: Iterable[Party]) -> set[Call]:
    """The calls that the kernel lets through."""
    firewalls = place.firewalls()
    told = {
        "parties": [_told(party, firewalls.get(party)) for party in place.parties],
        "ports": place.ports,
        "callers": [place.parties.index(caller) for caller in callers],
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.deploy.private_network"], input=json.dumps(told), capture_output=True, text=True,
        cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    if done.returncode == IMPOSSIBLE:
        pytest.skip(f"this machine lets nobody have networks of his own ({done.stdout.strip()}); the rules are evaluated")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["silent"] == []
    return {Call(place.parties[caller], place.parties[called], *port) for caller, called, *port in answer["went"]}


def _told(party: Party, firewall: Firewall | None) -> dict[str, Any]:
    def rules(end: str) -> list[Any] | None:
        found = getattr(firewall, end, None)
        told = [[str(rule.network.network_address), rule.network.prefixlen, rule.protocol, rule.port] for rule in found or ()]
        return None if found is None else told

    return {
        "address": str(party.address),
        "ours": firewall is not None,
        "leaving": rules("leaving"),
        "arriving": rules("arriving"),
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_by_the_rules_what_is_needed_works_and_nothing_else(overlay: str) -> None:
    place = Place(rendered(overlay))
    assert allowed(place, place.parties) == {call for call in place.calls(place.parties) if place.wanted(call)}


@pytest.mark.parametrize("overlay", ["national", "province"])
def test_in_the_kernel_what_is_needed_works_and_everything_else_is_refused(overlay: str) -> None:
    place = Place(rendered(overlay))
    wanted = {call for call in place.calls(place.parties) if place.wanted(call)}
    found = went(place, place.parties)
    assert found - wanted == set(), "goes through"
    assert wanted - found == set(), "is refused"


def broken() -> Place:
    """The national overlay with three policies too wide, at one end or at both."""
    manifests = rendered("national")
    spec = {each["metadata"]["name"]: each["spec"] for each in manifests.of("NetworkPolicy")}
    anywhere: Document = {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": [{"port": 443}]}
    spec["audit"]["egress"].append(anywhere)
    spec["nats"]["ingress"][2]["from"][0]["namespaceSelector"] = {}
    spec["audit"]["egress"][1]["to"].append({"podSelector": {"matchLabels": {"cnpg.io/cluster": "membership-db"}}})
    spec["membership-db"]["ingress"][0]["from"].append({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "audit"}}})
    # One end alone lets nothing through.
    spec["welfare-db"]["ingress"][0]["from"].append({"podSelector": {}})
    return Place(manifests)


@pytest.mark.parametrize("seen_by", [allowed, went])
def test_a_policy_too_wide_lets_through_what_it_should_not_and_the_call_is_named(seen_by: Any) -> None:
    place = broken()
    callers = [party for party in place.parties if party.name in ("audit", "the internet", *(each.name for each in STRANGERS))]
    told = {str(call) for call in seen_by(place, callers) if not place.wanted(call)}
    assert told == {
        "audit → the internet:443/TCP",
        "audit → membership-db:5432/TCP",
        "another in kube-system → nats:7422/TCP",
        "another in cnpg-system → nats:7422/TCP",
        "one who is called membership → nats:7422/TCP",
    }


@pytest.mark.parametrize("seen_by", [allowed, went])
def test_a_policy_too_narrow_refuses_what_is_needed(seen_by: Any) -> None:
    manifests = rendered("province")
    manifests.one("NetworkPolicy", "dns")["spec"]["egress"][0]["ports"].pop(0)
    place = Place(manifests)
    missing = {call for call in place.calls(place.parties) if place.wanted(call)} - seen_by(place, place.parties)
    assert {(call.called.name, call.protocol, call.port) for call in missing} == {(DNS, UDP, 53)}
