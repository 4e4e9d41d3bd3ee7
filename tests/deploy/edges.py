"""Who has to talk to whom, as the services' settings say, and who may, as the network policies say?

An edge is who calls, who is called, and at which port. Both ends of an edge have a policy that allows it: of what the callers
may and what the called may, each must be the whole table. Whoever is not in the namespace is named by its namespace or address.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.deploy.rendered import Pod, Rendered, reaches, selects

GATEWAY, PROMETHEUS, OPERATOR = "namespace gateway", "namespace monitoring", "namespace cnpg-system"
DNS, CONTROL_PLANE, MAIL = "namespace kube-system", "10.0.0.0/28", "namespace mail"
OBJECT_STORES, HUB, SUBSCRIBERS = "10.0.0.16/28", "203.0.113.10/32", "namespace subscribers"
POSTGRES, STATUS, INSTANCE_METRICS = 5432, 8000, 9187


class Edge(NamedTuple):
    """A caller, whom it calls, at which port."""

    caller: str
    called: str
    port: int


def needed(rendered: Rendered) -> set[Edge]:
    """The edges that follow from what each pod is told, and from what the servers are."""
    edges = {edge for pod in rendered.pods for edge in _of_pod(rendered, pod)}
    for cluster in rendered.of("Cluster"):
        name = cluster["metadata"]["name"]
        edges |= {
            Edge(name, name, POSTGRES),
            Edge(name, name, STATUS),
            Edge(OPERATOR, name, STATUS),
            Edge(name, CONTROL_PLANE, 6443),
        }
        if rendered.of("PodMonitor"):
            edges.add(Edge(PROMETHEUS, name, INSTANCE_METRICS))
        if cluster["spec"].get("plugins"):
            edges.add(Edge(name, OBJECT_STORES, 443))
    return edges | {Edge(name, DNS, 53) for name in members(rendered)}


def _of_pod(rendered: Rendered, pod: Pod) -> Iterator[Edge]:
    me = _name(pod)
    for container in pod.containers:
        told = rendered.environment(container)
        serves = container["command"][3:] == ["serve"]
        for variable, value in told.items():
            if variable.endswith("DATABASE_URL"):
                yield Edge(me, database_of(value["secretKeyRef"]["name"]), POSTGRES)
            elif variable in ("CONGDOAN_NATS_URL", "CONGDOAN_NATS_SYSTEM_URL"):
                yield Edge(me, "nats", 4222)
            elif serves:
                yield from _served(me, variable, value, rendered)
        if serves:
            yield Edge(GATEWAY, me, _port(container, "grpc"))
            if rendered.of("PodMonitor"):
                yield Edge(PROMETHEUS, me, _port(container, "metrics"))
    if pod.kind == "StatefulSet":
        yield from _of_nats(pod)
    if me == "leaf-prepare":
        yield Edge(me, "leaf", 4222)


def database_of(secret: str) -> str:
    """The cluster whose address a secret holds: of its primary, or of the others, which are only read."""
    return secret.removesuffix("-app").removesuffix("-reads")


def _served(me: str, variable: str, value: Any, rendered: Rendered) -> Iterator[Edge]:
    """Whom a service calls while it serves."""
    if variable.endswith("_TARGET"):
        host, _, port = value.removeprefix("dns:///").rpartition(":")
        service = rendered.one("Service", host)
        (called,) = [pod for pod in rendered.services if reaches(service, pod)]
        (told,) = [each for each in service["spec"]["ports"] if each["port"] == int(port)]
        yield Edge(me, _name(called), _port(called.spec["containers"][0], told["targetPort"]))
    elif variable == "CONGDOAN_OTLP_ENDPOINT":
        address = urlsplit(value)
        yield Edge(me, f"namespace {str(address.hostname).partition('.')[2]}", address.port or 0)
    elif variable == "CONGDOAN_SMTP_URL":
        yield Edge(me, MAIL, 587)
    elif variable == "CONGDOAN_TOKEN_KEYS" and value.startswith("http"):
        yield Edge(me, f"{urlsplit(value).hostname}", 443)


def _of_nats(pod: Pod) -> Iterator[Edge]:
    if pod.name == "nats":
        yield from (Edge("nats", "nats", 6222), Edge(GATEWAY, "nats", 7422))
    else:
        yield from (Edge(SUBSCRIBERS, pod.name, 4222), Edge(pod.name, HUB, 7422))


def allowed(rendered: Rendered, way: str) -> set[Edge]:
    """The edges that policies allow, at the caller's end (``Egress``) or at the called one's (``Ingress``)."""
    everybody, edges = members(rendered), set[Edge]()
    for policy in rendered.of("NetworkPolicy"):
        spec = policy["spec"]
        here = [name for name, labels in everybody.items() if selects(spec["podSelector"], labels)]
        for rule in spec.get(way.lower(), ()) if way in spec["policyTypes"] else ():
            there = [name for peer in rule["to" if way == "Egress" else "from"] for name in _peers(peer, everybody)]
            ports = [port["port"] for port in rule["ports"]]
            pairs = [(one, other) if way == "Egress" else (other, one) for one in here for other in there]
            edges |= {Edge(caller, called, port) for caller, called in pairs for port in ports}
    return edges


def _peers(peer: Mapping[str, Any], members: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if "ipBlock" in peer:
        yield peer["ipBlock"]["cidr"]
    elif "namespaceSelector" in peer:
        yield f"namespace {peer['namespaceSelector']['matchLabels']['kubernetes.io/metadata.name']}"
    else:
        yield from (name for name, labels in members.items() if selects(peer["podSelector"], labels))


def members(rendered: Rendered) -> dict[str, Mapping[str, str]]:
    """Everybody in the namespace, with the labels by which policies find them."""
    databases = {each["metadata"]["name"]: {"cnpg.io/cluster": each["metadata"]["name"]} for each in rendered.of("Cluster")}
    return {**{_name(pod): pod.labels for pod in rendered.pods}, **databases}


def _name(pod: Pod) -> str:
    return f"{pod.labels['app.kubernetes.io/name']}-prepare" if pod.kind == "Job" else pod.name


def _port(container: Mapping[str, Any], name: str) -> int:
    return int(next(port["containerPort"] for port in container["ports"] if port["name"] == name))


def outside(edge: Edge) -> bool:
    """Whether one end is not in the namespace, and so has no policy of ours."""
    return any(end.startswith("namespace ") or "/" in end or "." in end for end in (edge.caller, edge.called))
