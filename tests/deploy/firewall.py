"""Which firewall rules does a pod have, going by the NetworkPolicy objects of its namespace alone?

The translator of the tests: what a network plugin makes of the policies, as Kubernetes says it (the reference of NetworkPolicy):
whoever no policy selects for a way is not isolated that way; whoever is may reach, or be reached by, what any policy that selects
him names, and answers belong to the connection. :func:`evaluated` says without a kernel what such rules come to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

from tests.deploy.rendered import Document, selects

NAMED = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Party:
    """Somebody with an address: a pod, here or in another namespace, or a machine that is no pod.

    :param namespace: empty for what is no pod.
    """

    name: str
    address: IPv4Address
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


class Rule(NamedTuple):
    """Lets through what goes to, or comes from, a network at a port of its called end."""

    network: IPv4Network
    protocol: str
    port: int


class Firewall(NamedTuple):
    """The rules of one pod for what leaves it and what arrives; None where it is not isolated."""

    leaving: frozenset[Rule] | None
    arriving: frozenset[Rule] | None


def translated(policies: Iterable[Document], parties: Iterable[Party]) -> dict[Party, Firewall]:
    """The firewall of each party that is in the namespace of the policies.

    :raises ValueError: a policy says something that is not translated yet.
    """
    told, everybody = list(policies), list(parties)
    here = {policy["metadata"]["namespace"] for policy in told}
    return {
        party: Firewall(_rules(told, party, "Egress", "to", everybody), _rules(told, party, "Ingress", "from", everybody))
        for party in everybody
        if party.namespace in here
    }


def _rules(policies: list[Document], party: Party, way: str, peers: str, everybody: list[Party]) -> frozenset[Rule] | None:
    isolating = [policy for policy in policies if _isolates(policy, party, way)]
    if not isolating:
        return None
    return frozenset(
        Rule(network, protocol, port)
        for policy in isolating
        for allowed in policy["spec"].get(way.lower(), ())
        for peer in allowed[peers]
        for network in _networks(peer, policy["metadata"]["namespace"], everybody)
        for protocol, port in _ports(allowed)
    )


def _isolates(policy: Document, party: Party, way: str) -> bool:
    return (
        policy["metadata"]["namespace"] == party.namespace
        and way in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], party.labels)
    )


def _networks(peer: Mapping[str, Any], namespace: str, everybody: list[Party]) -> Iterator[IPv4Network]:
    """Of a peer: a network as it is written, or the address of each pod that is meant now."""
    if unknown := peer.keys() - {"ipBlock", "namespaceSelector", "podSelector"}:
        raise ValueError(f"{unknown} of a peer")
    if block := peer.get("ipBlock"):
        if block.keys() != {"cidr"}:
            raise ValueError("except of an ipBlock")
        yield IPv4Network(block["cidr"])
        return
    for party in everybody:
        if "namespaceSelector" in peer:
            meant = bool(party.namespace) and selects(peer["namespaceSelector"], {NAMED: party.namespace})
        else:
            meant = party.namespace == namespace
        if meant and selects(peer.get("podSelector", {}), party.labels):
            yield IPv4Network(party.address)


def _ports(allowed: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for port in allowed["ports"]:
        if "endPort" in port or not isinstance(port["port"], int):
            raise ValueError(f"a range or a name of ports: {port}")
        yield port.get("protocol", "TCP"), port["port"]


def evaluated(firewalls: Mapping[Party, Firewall], caller: Party, called: Party, protocol: str, port: int) -> str:
    """What becomes of a call by these rules: nothing, or the end that refuses it (``leaving``, ``arriving``)."""
    for party, other, end in ((caller, called, "leaving"), (called, caller, "arriving")):
        rules: frozenset[Rule] | None = getattr(firewalls.get(party), end, None)
        if rules is not None and not any(
            other.address in rule.network and (rule.protocol, rule.port) == (protocol, port) for rule in rules
        ):
            return end
    return ""
