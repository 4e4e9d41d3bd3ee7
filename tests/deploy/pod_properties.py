"""What must hold of every pod, ours and those of the servers? Pod Security "restricted", and what keeps a pod available."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.deploy.rendered import Pod, Rendered

LOWEST_UID = 10_000
FREE = ("latest", "main", "stable", "edge")
"""Tags that are another image tomorrow."""

POD_PROPERTIES: dict[str, Callable[[Rendered], Iterator[str]]] = {}


def holds(check: Callable[[Pod], Iterator[str]]) -> Callable[[Pod], Iterator[str]]:
    """Have a property of every pod checked, under its name."""

    def of_all(rendered: Rendered) -> Iterator[str]:
        for pod in rendered.pods:
            yield from check(pod)

    POD_PROPERTIES[check.__name__] = of_all
    return check


def of_every_container(pod: Pod, wanted: Callable[[dict[str, Any]], bool], complaint: str) -> Iterator[str]:
    for container in pod.containers:
        if not wanted(container.get("securityContext", {})):
            yield f"{pod.told}, {container['name']}: {complaint}"


@holds
def pods_are_restricted(pod: Pod) -> Iterator[str]:
    if any(pod.spec.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")):
        yield f"{pod.told} shares what is the machine's"
    kinds = {kind for volume in pod.spec.get("volumes", ()) for kind in volume if kind != "name"}
    if not kinds <= {"secret", "configMap", "projected", "emptyDir", "downwardAPI", "persistentVolumeClaim"}:
        yield f"{pod.told} mounts {sorted(kinds)}"
    if any("hostPort" in port for container in pod.containers for port in container.get("ports", ())):
        yield f"{pod.told} listens at the machine's address"
    yield from of_every_container(pod, lambda said: said.get("allowPrivilegeEscalation") is False, "may gain rights")
    yield from of_every_container(pod, lambda said: not said.get("privileged"), "is privileged")


@holds
def pods_run_as_nobody(pod: Pod) -> Iterator[str]:
    said = pod.spec.get("securityContext", {})
    if said.get("runAsNonRoot") is not True or said.get("runAsUser", 0) < LOWEST_UID or said.get("runAsGroup", 0) < LOWEST_UID:
        yield f"{pod.told} runs as somebody"
    yield from of_every_container(pod, lambda own: own.get("runAsUser", LOWEST_UID) >= LOWEST_UID, "runs as somebody")
    yield from of_every_container(pod, lambda own: own.get("runAsNonRoot", True), "may run as root")


@holds
def pods_have_a_service_account_of_their_own_without_a_token(pod: Pod) -> Iterator[str]:
    if pod.spec.get("serviceAccountName") != pod.labels["app.kubernetes.io/name"]:
        yield f"{pod.told} acts as {pod.spec.get('serviceAccountName', 'default')}"
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield f"{pod.told} is given a token"


@holds
def the_root_is_read_only(pod: Pod) -> Iterator[str]:
    yield from of_every_container(pod, lambda said: said.get("readOnlyRootFilesystem") is True, "may change its programs")


@holds
def no_capability_is_left(pod: Pod) -> Iterator[str]:
    yield from of_every_container(pod, lambda said: said.get("capabilities") == {"drop": ["ALL"]}, "has capabilities")


@holds
def system_calls_are_filtered(pod: Pod) -> Iterator[str]:
    if pod.spec.get("securityContext", {}).get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{pod.told} may make any system call"
    yield from of_every_container(pod, lambda own: "seccompProfile" not in own, "has a filter of its own")


@holds
def images_stay_the_same(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        yield from (f"{pod.told}: {complaint}" for complaint in changing(container["image"]))


def changing(image: str) -> Iterator[str]:
    """What is wrong with how an image is named."""
    name, _, tag = image.rpartition("/")[2].partition(":")
    if "@sha256:" not in image and (not tag or tag in FREE or not any(sign.isdigit() for sign in tag)):
        yield f"{name} is another image tomorrow"


@holds
def probes_ask_by_themselves(pod: Pod) -> Iterator[str]:
    if not pod.stays:
        return
    (container,) = pod.spec["containers"]
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        if name not in container:
            yield f"{pod.told} has no {name}"
        elif pod.kind == "Deployment":
            asked = container[name].get("grpc", {})
            if asked.get("port") != _port(container, "health"):
                yield f"{pod.told}: {name} does not ask the health service"
            if (asked.get("service") == "ready") != (name == "readinessProbe"):
                yield f"{pod.told}: {name} asks for {asked.get('service', 'nothing')}"
        elif container[name].get("httpGet", {}).get("port") != "monitor":
            yield f"{pod.told}: {name} does not ask the server how it is"
    if pod.kind == "StatefulSet" and container.get("readinessProbe", {}).get("httpGet", {}).get("path") != "/healthz":
        yield f"{pod.told}: a full disk is not seen"


@holds
def pods_are_spread(pod: Pod) -> Iterator[str]:
    over = {each["topologyKey"] for each in pod.spec.get("topologySpreadConstraints", ()) if each["maxSkew"] == 1}
    if pod.stays and over != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
        yield f"{pod.told} is spread over {sorted(over)}"
    for each in pod.spec.get("topologySpreadConstraints", ()):
        if any(pod.labels.get(key) != value for key, value in each["labelSelector"]["matchLabels"].items()):
            yield f"{pod.told} is spread among others"


@holds
def resources_are_asked_for_and_limited(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        said = container.get("resources", {})
        for which in ("requests", "limits"):
            if not {"cpu", "memory"} <= said.get(which, {}).keys():
                yield f"{pod.told}, {container['name']}: no {which}"


@holds
def nothing_is_told_that_nobody_asked_for(pod: Pod) -> Iterator[str]:
    if pod.spec.get("enableServiceLinks") is not False:
        yield f"{pod.told} has a variable for each service of the namespace"


def _port(container: dict[str, Any], name: str) -> int | None:
    return next((port["containerPort"] for port in container.get("ports", ()) if port["name"] == name), None)
